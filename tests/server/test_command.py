"""`p2pchat-server` as its operator sees it: one line out, clear faults, a clean end."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socket
import subprocess
import sys

import pytest

from p2pchat.protocol.signaling import CLOSE_CODES, ErrorCode
from tests.server.raw_client import PATIENCE, clients
from tests.server_process import ServerProcess
from tests.unknown_host import UNKNOWN_HOST

ANA, BEN = "anaanaaa", "benbenbb"


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    command = [sys.executable, "-m", "signaling_server", *options]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_a_busy_port_is_one_clear_line_with_something_to_do() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = run("--port", str(port))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert f"port {port} of 127.0.0.1 is in use" in result.stderr
    assert "--port" in result.stderr


@pytest.mark.parametrize(("host", "words"), [("192.0.2.1", "no address of this machine"), (UNKNOWN_HOST, "not known")])
def test_a_host_that_is_not_ours_is_one_clear_line(host: str, words: str) -> None:
    result = run("--host", host, "--port", "0")
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert words in result.stderr


@pytest.mark.parametrize(
    "options", [["--port", "70000"], ["--max-peers", "1"], ["--nonsense"], ["--redis", "nonsense"], ["extra"]]
)
def test_wrong_usage_exits_with_2(options: list[str]) -> None:
    assert run(*options).returncode == 2


def test_options_come_from_the_environment_too() -> None:
    assert run(P2PCHAT_SERVER_PORT="70000").returncode == 2
    assert "P2PCHAT_SERVER_MAX_ROOMS" in run("--help").stdout


def test_a_token_for_its_user_and_a_line_for_the_file() -> None:
    result = run("token", "ana")
    token, line = result.stdout.split()
    assert result.returncode == 0
    assert line == f"ana:{hashlib.sha256(token.encode()).hexdigest()}"
    assert run("token", "a:b").returncode == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tls-cert", "/nowhere/cert.pem"], "--tls-cert and --tls-key go together"),
        (["--tls-cert", "/nowhere/cert.pem", "--tls-key", "/nowhere/key.pem"], "the TLS certificate cannot be read"),
        (["--tokens-file", "/nowhere/tokens"], "the file of tokens cannot be read"),
        (["--turn-uri", "turn:192.0.2.1"], "--turn-secret-file"),
        (["--stun-uri", "192.0.2.1"], "begins with stun:"),
        (["--trusted-proxy", "nonsense"], "no address and no network"),
    ],
)
def test_options_that_do_not_fit_say_what_to_do(options: list[str], words: str) -> None:
    result = run(*options)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in " ".join(result.stderr.split())


def test_the_help_is_in_groups() -> None:
    lines = run("--help").stdout.splitlines()
    groups = ["Listening:", "Who may come in:", "Behind a reverse proxy:", "Limits:", "STUN and TURN:", "Operation:"]
    assert [line for line in lines if line in groups] == groups


def test_version() -> None:
    assert run("--version").stdout.startswith("p2pchat-server, version ")


async def test_max_peers_is_obeyed() -> None:
    with ServerProcess(0, "--max-peers", "2") as server:
        async with clients(server.url, 3) as (ana, ben, eva):
            await ana.sit_down(ANA)
            await ben.sit_down(BEN)
            await eva.say('{"type":"hello","version":1,"peer":"evaevaee","key":"0123456789abcdef"}')
            await eva.next()
            await eva.say('{"type":"join","room":"lobby"}')
            await eva.refused(ErrorCode.ROOM_FULL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_tells_everybody_and_ends_with_0(number: int) -> None:
    with ServerProcess() as server:
        async with clients(server.url, 2) as (ana, ben):
            await ana.sit_down(ANA)
            await ben.sit_down(BEN)
            stopped = asyncio.create_task(asyncio.to_thread(server.stop, number))
            await ana.next()
            for client in (ana, ben):
                error = await client.refused(ErrorCode.SHUTTING_DOWN)
                assert error.retry_after is not None
                assert 1.0 <= error.retry_after < 5.0
                assert await client.closed() == CLOSE_CODES[ErrorCode.SHUTTING_DOWN]
            assert await stopped == 0


def test_clients_that_never_answer_do_not_keep_the_server() -> None:
    with ServerProcess() as server, socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as mute:
        mute.sendall(
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert mute.recv(1000).startswith(b"HTTP/1.1 101")
        assert server.stop() == 0


async def test_what_is_narrated_holds_no_address_and_no_content() -> None:
    with ServerProcess(0, "-v") as server:
        async with clients(server.url, 1) as (ana,):
            await ana.sit_down(ANA, "secret-room")
            await ana.say('{"type":"secret-type"}', b"secret-bytes")
            await ana.refused(ErrorCode.UNKNOWN_TYPE)
            await ana.refused(ErrorCode.MALFORMED)
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as broken:
            broken.sendall(b"secret nonsense\r\n\r\n")
            assert b"400" in broken.recv(1000)
        assert server.stop() == 0
        narrated = server.stderr()
        assert "socket 1" in narrated
        assert not [word for word in ("127.0.0.1", "secret", ANA) if word in narrated]
