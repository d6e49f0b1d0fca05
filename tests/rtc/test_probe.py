"""What is tested of STUN and TURN servers, one by one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aioice.stun import Class, Message

from p2pchat.rtc import probe
from p2pchat.rtc.probe import Allocated, Mapped, Nat
from p2pchat.rtc.servers import Failure
from tests.node.player import on_guarded_loop
from tests.rtc import stun_server
from tests.rtc.stun_server import mapped_to, serving, uri
from tests.rtc.turn_server import PASSWORD, USER, Log, needs_turnserver, turn_server
from tests.unknown_host import UNKNOWN_HOST

OUTSIDE = "198.51.100.7"


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "STUN_SECONDS", 0.3)


@on_guarded_loop
async def test_a_stun_server_says_how_we_look() -> None:
    async with serving(mapped_to(OUTSIDE, 4001)) as (address, _):
        answer = await probe.stun_server(uri(address))
        assert isinstance(answer, Mapped)
        assert answer.address == (OUTSIDE, 4001)
        assert 0 < answer.seconds < 0.3


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (stun_server.silence, Failure.SILENT),
        (stun_server.another_transaction, Failure.SILENT),
        (stun_server.malformed, Failure.SILENT),
        (stun_server.no_address, Failure.NONSENSE),
        (mapped_to("255.255.255.255"), Failure.NONSENSE),
        (stun_server.error, Failure.REJECTED),
    ],
)
async def test_what_is_wrong_with_a_stun_server_is_told(answer: stun_server.Answer, failure: Failure) -> None:
    async with serving(answer) as (address, _):
        assert await probe.stun_server(uri(address)) is failure


async def test_a_name_that_nobody_has_is_told() -> None:
    assert await probe.stun_server(f"stun:{UNKNOWN_HOST}") is Failure.UNKNOWN_NAME


@pytest.mark.parametrize("wrong", ["turn:host", "http://host", ""])
async def test_only_stun_servers_are_asked_for_stun(wrong: str) -> None:
    with pytest.raises(ValueError, match="server"):
        await probe.stun_server(wrong)


@needs_turnserver
@on_guarded_loop
async def test_a_relay_is_given_and_given_back(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        answer = await probe.turn_server(f"turn:127.0.0.1:{turn.port}", USER, PASSWORD)
        assert isinstance(answer, Allocated)
        assert answer.address[0] == "127.0.0.1"
        log = Log(tmp_path)
        await log.until(lambda: log.given_back() == 1)


@needs_turnserver
@on_guarded_loop
async def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    async with turn_server(tmp_path) as turn:
        assert await probe.turn_server(f"turn:127.0.0.1:{turn.port}", USER, "wrong") is Failure.CREDENTIALS


@pytest.mark.parametrize(
    ("code", "failure"), [(403, Failure.FORBIDDEN), (440, Failure.FAMILY), (508, Failure.FULL), (599, Failure.REJECTED)]
)
@on_guarded_loop
async def test_why_a_relay_is_refused_is_told(code: int, failure: Failure) -> None:
    def refuse(asked: Message, source: stun_server.Address) -> bytes:
        return bytes(Message(asked.message_method, Class.ERROR, asked.transaction_id, {"ERROR-CODE": (code, "")}))

    async with serving(refuse) as ((host, port), _):
        assert await probe.turn_server(f"turn:{host}:{port}", USER, PASSWORD) is failure


@on_guarded_loop
async def test_asking_for_a_relay_may_be_cancelled() -> None:
    async with serving(stun_server.silence) as ((host, port), asked):
        asking = asyncio.create_task(probe.turn_server(f"turn:{host}:{port}", USER, PASSWORD))
        async with asyncio.timeout(20):
            while not asked:  # noqa: ASYNC110 - the server only keeps a list
                await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_without_a_nat_we_are_seen_as_we_are() -> None:
    async with serving(stun_server.truth) as (one, _), serving(stun_server.truth, "127.0.0.2") as (other, _):
        assert await probe.nat_kind([uri(one), uri(other)]) is Nat.NONE


async def test_a_nat_that_shows_everybody_the_same_port() -> None:
    async with serving(mapped_to(OUTSIDE)) as (one, _), serving(mapped_to(OUTSIDE), "127.0.0.2") as (other, _):
        assert await probe.nat_kind([uri(one), uri(other)]) is Nat.INDEPENDENT


async def test_a_nat_that_shows_each_another_port() -> None:
    async with serving(mapped_to(OUTSIDE, 1)) as (one, _), serving(mapped_to(OUTSIDE, 2)) as (other, _):
        assert await probe.nat_kind([uri(one), uri(other)]) is Nat.SYMMETRIC


async def test_one_server_with_two_addresses_is_enough() -> None:
    async with serving(mapped_to(OUTSIDE), "127.0.0.2") as (other, asked):
        async with serving(mapped_to(OUTSIDE, OTHER_ADDRESS=other)) as (one, _):
            assert await probe.nat_kind([uri(one)]) is Nat.INDEPENDENT
        assert asked


async def test_one_answer_tells_nothing() -> None:
    async with serving(mapped_to(OUTSIDE)) as (one, _), serving(stun_server.silence) as (silent, _):
        assert await probe.nat_kind([uri(one), uri(silent)]) is Nat.UNKNOWN
        assert await probe.nat_kind([uri(silent), f"stun:{UNKNOWN_HOST}"]) is Nat.UNKNOWN
        assert await probe.nat_kind([]) is Nat.UNKNOWN
