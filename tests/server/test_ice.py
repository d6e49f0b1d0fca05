"""Credentials for a TURN server: made by ours, accepted by coturn, and by nobody after their time."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import shutil
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aioice import stun, turn

from p2pchat.protocol.signaling import IceServer, IceServers, Welcome, decode_from_server, encode
from signaling_server.ice import CREDENTIAL_SECONDS, IceConfiguration, IceError

ANA, BEN = "anaanaaa", "benbenbb"
SECRET = "a secret of the turn server"
TURN = "turn:192.0.2.1:3478?transport=udp"
START_SECONDS = 20.0


def configuration(secret: str = SECRET, now: float = 1_000_000.0) -> IceConfiguration:
    return IceConfiguration(["stun:192.0.2.1:3478"], [TURN], secret, None, lambda: now)


def test_credentials_are_those_of_coturn_and_hold_for_an_hour() -> None:
    answer = configuration().servers(ANA)
    plain, relay = answer.servers
    assert plain == IceServer(["stun:192.0.2.1:3478"])
    assert (relay.urls, answer.seconds) == ([TURN], CREDENTIAL_SECONDS)
    expiry, _, name = relay.username.partition(":")
    assert int(expiry) == 1_000_000 + 3600
    expected = hmac.new(SECRET.encode(), relay.username.encode(), hashlib.sha1).digest()
    assert relay.credential == base64.b64encode(expected).decode()
    assert ANA not in name


def test_each_peer_has_a_name_of_its_own_which_stays_the_same() -> None:
    def name(peer: str, secret: str = SECRET, now: float = 0.0) -> str:
        return configuration(secret, now).servers(peer).servers[1].username.partition(":")[2]

    assert name(ANA) == name(ANA, now=7200.0)
    assert len({name(ANA), name(BEN), name(ANA, "another secret of it")}) == 3


def test_clients_accept_the_longest_list() -> None:
    uris = [f"turn:{'x' * 280}:{port}" for port in range(8)]
    ice = IceConfiguration(["stun:192.0.2.1"] * 8, uris, SECRET, None, time.time).servers(ANA)
    message = IceServers(ice.servers, ice.seconds)
    assert decode_from_server(encode(message)) == message
    assert Welcome.__struct_fields__.count("ice_servers") == 1


def test_without_turn_there_is_nothing_to_renew() -> None:
    only = IceConfiguration(["stun:192.0.2.1"], [], "", None, time.time)
    assert only.servers(ANA) == IceServers([IceServer(["stun:192.0.2.1"])], 0.0)
    assert IceConfiguration([], [], "", None, time.time).servers(ANA) == IceServers([], 0.0)


@pytest.mark.parametrize(
    ("stuns", "turns", "secret", "words"),
    [
        ([], [TURN], "", "needs a secret"),
        ([], [], SECRET, "needs a TURN server"),
        ([], [TURN], "short", "16 characters"),
        (["turn:192.0.2.1"], [], "", "begins with stun:"),
        ([], ["http://192.0.2.1"], SECRET, "begins with turn:"),
        (["stun:192.0.2.1"] * 9, [], "", "8 STUN"),
    ],
)
def test_faults_say_what_to_do(stuns: list[str], turns: list[str], secret: str, words: str) -> None:
    with pytest.raises(IceError, match=words) as told:
        IceConfiguration(stuns, turns, secret, None, time.time)
    assert not secret or secret not in str(told.value)


def test_the_secret_is_read_again_and_a_faulty_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    ice = IceConfiguration([], [TURN], "", path, lambda: 0.0)
    before = ice.servers(ANA)
    for fault in (b"", b"\n", b"short", b"\xff\xff"):
        path.write_bytes(fault)
        with pytest.raises(IceError):
            ice.reload()
    assert ice.servers(ANA) == before
    path.write_text("another secret of it")
    ice.reload()
    assert ice.servers(ANA) != before


# With the real thing


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@asynccontextmanager
async def coturn(folder: Path) -> AsyncIterator[int]:
    """A real TURN server on loopback that knows the secret; yields its port."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("turnserver (coturn) is not installed")
    port = free_port()
    settings = folder / "turnserver.conf"
    settings.write_text(
        f"listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nlistening-port={port}\nuse-auth-secret\n"
        f"static-auth-secret={SECRET}\nrealm=example.org\nallow-loopback-peers\nno-tls\nno-dtls\nno-cli\n"
        f"log-file={folder}/turnserver.log\npidfile={folder}/turnserver.pid\nuserdb={folder}/turndb\n"
    )
    process = await asyncio.create_subprocess_exec(
        program, "-c", str(settings), cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await listens(port):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def allocate(port: int, username: str, password: str) -> None:
    """Makes an allocation, as any client does, and gives it back."""
    transport, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol, ("127.0.0.1", port), username=username, password=password
    )
    transport.close()


async def test_coturn_accepts_them_and_nothing_else(tmp_path: Path) -> None:
    async with coturn(tmp_path) as port:
        async with asyncio.timeout(START_SECONDS):
            relay = configuration(now=time.time()).servers(ANA).servers[1]
            await allocate(port, relay.username, relay.credential)
        over = configuration(now=time.time() - CREDENTIAL_SECONDS - 60).servers(ANA).servers[1]
        foreign = configuration("another secret of it", time.time()).servers(ANA).servers[1]
        later = relay.username.replace(relay.username.partition(":")[0], str(int(time.time()) + 86_400))
        for username, password in (
            (over.username, over.credential),
            (foreign.username, foreign.credential),
            (later, relay.credential),
        ):
            with pytest.raises(stun.TransactionFailed, match="401"):
                async with asyncio.timeout(START_SECONDS):
                    await allocate(port, username, password)
