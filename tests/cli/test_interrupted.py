"""`send` and `receive` when the other side is lost in the middle, told as conversations."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from p2pchat.cli.one_shot import part
from p2pchat.errors import PeerUnreachable, ServerUnreachable, TurnedDown
from p2pchat.node.events import Direction, PeerState, TransferOffered, TransferProgressed, TransferState
from p2pchat.store.meetings import Meetings
from tests.cli.exchange import BACK, BEN_KEY, CONNECTED, KNOWN_BEN, LOST, OCCASION, Exchange, changed, comeback, done
from tests.cli.talk import BEN, transfer
from tests.cli.test_receive import CODE, OFFER, finished, offered, receiving
from tests.cli.test_send import sending
from tests.fake_node import FakeNode

SEND, RECEIVE = Direction.SEND, Direction.RECEIVE
MEET = ("meet", BEN_KEY.hex())


def knowing_ben() -> FakeNode:
    node = FakeNode()
    node.known_contacts = [KNOWN_BEN]
    return node


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mov"
    path.write_bytes(bytes(1400))
    return path


async def lost_in_the_middle(exchange: Exchange, direction: Direction) -> None:
    await exchange.told(changed(TransferState.ACTIVE, direction), LOST)
    await exchange.listener.until(lambda: any("is lost" in said for said in exchange.listener.said))


async def test_a_sender_waits_where_a_lost_receiver_comes_back_to_and_goes_on(film: Path) -> None:
    exchange = await sending(film, node=knowing_ben())
    await exchange.told(CONNECTED)
    await lost_in_the_middle(exchange, SEND)
    assert exchange.listener.said[-1] == (
        "The connection to ben·m2xd is lost. If it does not come back by itself, run the same command there again. "
        "Waiting for up to 10 minutes."
    )
    await exchange.told(BACK, changed(TransferState.ACTIVE, SEND))
    assert exchange.listener.said[-1] == "ben·m2xd is back."
    assert MEET in exchange.node.calls
    await exchange.told(done(transfer(TransferState.WAITING, SEND)))
    await exchange.ended()


async def test_a_receiver_says_what_is_kept_and_a_sender_that_does_not_return_is_no_connection() -> None:
    exchange = receiving(yes=True, node=knowing_ben())
    await exchange.told(CONNECTED, offered(), TransferProgressed(OFFER.transfer, RECEIVE, 2_000_000, 4_200_000, 1, 0))
    await lost_in_the_middle(exchange, RECEIVE)
    assert "2.0 MB of 4.2 MB are here, and stay." in exchange.listener.said[-1]
    exchange.node.tell(changed(TransferState.FAILED, RECEIVE, reason="did not come back", confirmed=2_000_000))
    with pytest.raises(PeerUnreachable, match="ben·m2xd is gone") as raised:
        await exchange.ended()
    assert raised.value.hint == "2.0 MB of 4.2 MB are here and stay; to go on, run the same command at both sides again"


async def test_the_old_link_failing_for_good_does_not_matter_once_there_is_another(film: Path) -> None:
    exchange = await sending(film, node=knowing_ben())
    await exchange.told(CONNECTED)
    await lost_in_the_middle(exchange, SEND)
    failed = replace(LOST, info=replace(BEN, state=PeerState.FAILED, reason="it was tried five times"))
    await exchange.told(BACK, failed, done(transfer(TransferState.WAITING, SEND)))
    await exchange.ended()


async def test_a_server_that_is_away_is_tried_again(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "MEET_AGAIN_SECONDS", 0.0)
    exchange = await sending(film, node=knowing_ben())
    await exchange.told(CONNECTED, changed(TransferState.WAITING, SEND))
    exchange.node.fail_next = ServerUnreachable("nothing answers")
    await lost_in_the_middle(exchange, SEND)
    async with asyncio.timeout(10):
        while exchange.node.calls.count(MEET) < 2:  # noqa: ASYNC110 - the node tells nothing of it
            await asyncio.sleep(0)
    exchange.task.cancel()


async def test_somebody_without_a_lasting_key_is_told_to_be_lost_for_good_when_started_anew(film: Path) -> None:
    exchange = await sending(film)
    await exchange.told(CONNECTED)
    await lost_in_the_middle(exchange, SEND)
    assert "but not after it was started anew" in exchange.listener.said[-1]
    assert not any(call[0] == "meet" for call in exchange.node.calls)
    exchange.task.cancel()


async def test_a_spent_code_leads_back_to_whoever_made_it_until_all_is_there() -> None:
    meetings = Meetings()
    first = receiving(yes=True, node=knowing_ben(), comeback=comeback(meetings))
    await first.told(CONNECTED, offered())
    first.task.cancel()  # as if it was killed: what it does about it is taken back below
    await asyncio.wait({first.task})
    meetings.remember(OCCASION, BEN_KEY)
    again = receiving(yes=True, node=knowing_ben(), comeback=comeback(meetings))
    resumable = replace(OFFER, resumable=2_000_000, conversation=BACK.conversation)
    await again.told(BACK, offered(resumable), finished("/home/ana/Downloads/draft.pdf"))
    again.node.tell(replace(LOST, conversation=BACK.conversation))
    await again.ended()
    assert again.calls[0] == MEET
    assert ("use_code", CODE, "") not in again.calls
    assert meetings.find(OCCASION) is None


async def test_whom_we_met_is_remembered_as_soon_as_there_is_a_connection(film: Path) -> None:
    meetings = Meetings()
    exchange = await sending(film, node=knowing_ben(), comeback=comeback(meetings))
    await exchange.told(CONNECTED, changed(TransferState.WAITING, SEND))
    assert meetings.find(OCCASION) == BEN_KEY
    exchange.node.tell(changed(TransferState.CANCELLED, SEND, reason="cancelled by ben"))
    with pytest.raises(TurnedDown):
        await exchange.ended()
    assert meetings.find(OCCASION) is None


async def test_a_sender_that_was_killed_shows_a_code_and_goes_to_whom_it_was_sending(film: Path) -> None:
    meetings = Meetings()
    meetings.remember(OCCASION, BEN_KEY)
    exchange = await sending(film, node=knowing_ben(), comeback=comeback(meetings))
    await exchange.told(BACK, changed(TransferState.ACTIVE, SEND), done(transfer(TransferState.WAITING, SEND)))
    await exchange.ended()
    assert exchange.calls == [
        MEET,
        ("host_code",),
        ("leave", "code"),
        ("offer", BACK.conversation, (film,), BACK.info.peer),
    ]


async def test_a_new_offer_of_somebody_who_came_back_takes_the_place_of_the_lost_one() -> None:
    exchange = receiving(yes=True, node=knowing_ben())
    await exchange.told(CONNECTED, offered())
    await lost_in_the_middle(exchange, RECEIVE)
    lost_for_good = replace(OFFER, transfer="000000bb", conversation=BACK.conversation)
    exchange.node.tell(TransferOffered(lost_for_good, 0.0))
    await exchange.told(BACK)
    exchange.node.tell(done(lost_for_good), replace(LOST, conversation=BACK.conversation))
    await exchange.ended()
    assert ("accept", "000000bb", None) in exchange.calls
