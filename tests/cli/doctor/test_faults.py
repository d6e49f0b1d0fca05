"""What does not work is named, with real sockets: no network, no server, a wrong TURN secret, and more."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.doctor.stage import examine, examined
from tests.laboratory.places import missing
from tests.rtc.stun_server import serving, truth, uri
from tests.rtc.turn_server import PASSWORD, USER, needs_turnserver, turn_server
from tests.server_process import ServerProcess
from tests.unknown_host import UNKNOWN_HOST

NOBODY = "http://127.0.0.1:1"


async def test_chatting_works_where_everything_is_there(signaling_server: str, tmp_path: Path) -> None:
    async with serving(truth) as (stun, _):
        report = await examined(tmp_path, "--server", signaling_server, "--ice", uri(stun))
    assert [report.state(check) for check in ("tcp", "server", "clock", "stun", "udp")] == ["ok"] * 5
    assert (report.code, report.works) == (0, True)


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_no_network(tmp_path: Path) -> None:
    report = examine(tmp_path, "--lan", before=["unshare", "--net"])
    assert report.state("network") == "fault"
    assert "No network" in report.said("network")
    assert (report.code, report.works) == (3, False)


def test_no_server(tmp_path: Path) -> None:
    report = examine(tmp_path, "--server", NOBODY)
    assert report.state("server") == "fault"
    assert "127.0.0.1:1 refused the connection" in report.said("server")
    assert "p2pchat-server" in report.said("server")
    assert report.code == 3


def test_no_server_is_named_and_the_local_network_is_not_used(tmp_path: Path) -> None:
    report = examine(tmp_path, "--no-lan")
    assert report.state("server") == "fault"
    assert "--server URL" in report.said("server")


def test_a_server_whose_name_is_unknown(tmp_path: Path) -> None:
    report = examine(tmp_path, "--server", f"http://{UNKNOWN_HOST}")
    assert report.state("server") == "fault"
    assert "no-such-host" in report.said("server")


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web_server() -> Iterator[http.server.HTTPServer]:
    """A server for something else."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        yield pages
        pages.shutdown()


def test_a_server_for_something_else(web_server: http.server.HTTPServer, tmp_path: Path) -> None:
    report = examine(tmp_path, "--server", f"http://127.0.0.1:{web_server.server_port}")
    assert "is not a p2pchat server" in report.said("server")
    assert report.code == 3


def test_a_server_that_wants_a_token(tmp_path: Path) -> None:
    with ServerProcess(P2PCHAT_SERVER_TOKENS="a-token-of-many-characters") as server:
        report = examine(tmp_path, "--server", server.url)
    assert report.state("server") == "fault"
    assert "token" in report.said("server")


@needs_turnserver
async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        server = f"https://127.0.0.1:{turn.tls_port}"
        strange = await examined(tmp_path, "--server", server)
        known = await examined(tmp_path, "--server", server, SSL_CERT_FILE=str(turn.certificate))
    assert "certificate of 127.0.0.1" in strange.said("server")
    assert "SSL_CERT_FILE" in strange.said("server")
    # Good for another day, it should be renewed; and behind it is no signaling server.
    assert (known.state("tls"), known.state("server")) == ("warning", "fault")


@needs_turnserver
async def test_a_wrong_turn_password(signaling_server: str, tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        right = ("--ice", turn.uri("udp"), "--ice", turn.uri("tcp"))
        works = await examined(tmp_path, "--server", signaling_server, *right)
        wrong = await examined(tmp_path, "--server", signaling_server, "--ice", turn.uri("udp", USER, "wrong"))
    assert (works.state("turn"), works.code) == ("ok", 0)
    assert wrong.state("turn") == "fault"
    assert "refuses the user name or the password" in wrong.said("turn")
    assert wrong.code == 3
    told = str(works.findings) + str(wrong.findings)
    assert PASSWORD not in told
    assert "wrong" not in wrong.said("turn")


@needs_turnserver
async def test_a_signaling_server_whose_turn_secret_is_wrong(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        relay = f"turn:127.0.0.1:{turn.port}?transport=udp"
        with ServerProcess(0, "--turn-uri", relay, P2PCHAT_SERVER_TURN_SECRET="not-the-secret-of-the-relay") as server:
            report = await examined(tmp_path, "--server", server.url)
    assert report.state("turn") == "fault"
    assert "its TURN secret is not the one of the TURN server" in report.said("turn")
    assert report.code == 3
