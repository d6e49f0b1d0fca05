"""`p2pchat send`, told as conversations between somebody with files, the node and somebody with a code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from p2pchat.cli.one_shot.send import Sent, Shown, send
from p2pchat.cli.one_shot.standard_input import InputRead
from p2pchat.errors import (
    IdentityError,
    NotSendable,
    PeerUnreachable,
    ServerUnreachable,
    TimedOut,
    TransferFailed,
    TurnedDown,
)
from p2pchat.node.events import (
    CODE_SPENT,
    CodeChanged,
    Direction,
    PeerChanged,
    PeerState,
    Problem,
    TransferChanged,
    TransferInfo,
    TransferOffered,
    TransferState,
)
from tests.cli.exchange import CHANGED_KEY, CONNECTED, LEFT, LOST, WRONG, Exchange, changed, comeback, done
from tests.cli.talk import BEN, HOSTILE, transfer
from tests.fake_node import FakeNode

SEND = Direction.SEND


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mov"
    path.write_bytes(bytes(1400))
    return path


def beginning(*paths: Path, node: FakeNode | None = None, seconds: float | None = None, **more: Any) -> Exchange:
    """A command that has just been started."""
    exchange = Exchange(node)
    shown = Shown("ana", more.pop("server", ""), more.pop("with_qr", False), more.pop("on_lan", False))
    known = more.pop("comeback", None) or comeback()
    spooling = more.pop("spooling", None)
    command = send(
        exchange.node,
        Sent(paths, **more),
        exchange.listener,
        shown=shown,
        comeback=known,
        seconds=seconds,
        spooling=spooling,
    )
    exchange.begin(command)
    return exchange


async def sending(*paths: Path, **more: Any) -> Exchange:
    """A command that has told its code."""
    exchange = beginning(*paths, **more)
    await exchange.listener.until(lambda: bool(exchange.listener.said))
    return exchange


def offered(state: TransferState = TransferState.WAITING) -> TransferInfo:
    return transfer(state, SEND, path="film.mov")


async def test_it_says_what_to_run_there_offers_when_connected_and_ends_when_verified(film: Path) -> None:
    exchange = await sending(film)
    await exchange.told(CONNECTED, changed(TransferState.WAITING, SEND), changed(TransferState.ACTIVE, SEND))
    await exchange.told(done(offered()))
    await exchange.ended()
    assert exchange.calls == [("host_code",), ("offer", "code", (film,), BEN.peer)]
    assert exchange.listener.said == [
        "Sending film.mov, 1.4 kB. On the other machine:\n\n    p2pchat receive 7-marble-tunnel-oyster\n",
        "ben·m2xd connected directly. Words match. New key m2xd.",
        "Waiting for ben to accept.",
        "Done: 4.2 MB in 0.5 s, verified by ben.",
    ]


async def test_a_server_that_is_not_the_default_is_part_of_what_to_run(film: Path) -> None:
    exchange = await sending(film, server="http://x?a&b")
    assert "p2pchat receive 7-marble-tunnel-oyster --server 'http://x?a&b'\n" in exchange.listener.said[0]
    exchange.task.cancel()


async def test_the_code_is_shown_as_qr_on_request(film: Path) -> None:
    exchange = await sending(film, with_qr=True)
    await exchange.listener.until(lambda: len(exchange.listener.said) == 2)
    assert "█" in exchange.listener.said[1]
    exchange.task.cancel()


async def test_what_is_sent_is_named_by_its_folder_or_its_count(film: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(bytes(10))
    for paths, what in (([folder], "photos, 2 files, 20 B"), ([folder, film], "3 files, 1.4 kB")):
        exchange = await sending(*paths)
        assert exchange.listener.said[0].startswith(f"Sending {what}. On the other machine:")
        exchange.task.cancel()


async def test_a_missing_file_is_told_before_anything_is_contacted(tmp_path: Path) -> None:
    exchange = beginning(tmp_path / "missing")
    with pytest.raises(NotSendable, match="missing"):
        await exchange.ended()
    assert exchange.node.calls == []
    assert len(exchange.listener.errors) == 1


async def test_a_wrong_guess_is_told_and_the_fresh_code_is_shown(film: Path) -> None:
    exchange = await sending(film)
    fresh = CodeChanged("code", "8-abandon-ability-able", "p2pchat:s#8-abandon-ability-able", WRONG.message, 0.0)
    await exchange.told(WRONG, fresh, CONNECTED, done(offered()))
    await exchange.ended()
    assert WRONG in exchange.listener.events
    assert exchange.listener.said[1] == (
        "The old code is of no use any more. On the other machine:\n\n    p2pchat receive 8-abandon-ability-able\n"
    )


@pytest.mark.parametrize("state", [TransferState.DECLINED, TransferState.CANCELLED])
async def test_who_declines_or_cancels_turns_us_down(film: Path, state: TransferState) -> None:
    exchange = await sending(film)
    exchange.node.tell(CONNECTED, changed(TransferState.WAITING, SEND), changed(state, SEND, reason=f"{state} by ben"))
    with pytest.raises(TurnedDown, match=f"{state} by ben"):
        await exchange.ended()
    assert exchange.node.calls[-1] == ("stop",)


@pytest.mark.parametrize("gone", [LEFT, LOST], ids=["left", "lost"])
async def test_a_peer_that_goes_away_in_the_middle_is_no_connection(film: Path, gone: PeerChanged) -> None:
    exchange = await sending(film)
    failed = changed(TransferState.FAILED, SEND, reason="the connection was lost")
    exchange.node.tell(CONNECTED, changed(TransferState.ACTIVE, SEND), gone, failed)
    with pytest.raises(PeerUnreachable, match=gone.info.reason):
        await exchange.ended()


async def test_a_peer_that_leaves_before_it_can_be_offered_anything_is_no_connection(film: Path) -> None:
    exchange = await sending(film)
    exchange.node.tell(replace(LEFT, info=replace(LEFT.info, reason="left the room")))
    with pytest.raises(PeerUnreachable, match="left the room"):
        await exchange.ended()


async def test_a_peer_that_is_gone_before_the_offer_is_told_with_its_reason(film: Path) -> None:
    exchange = await sending(film)
    exchange.node.fail_next = PeerUnreachable("ben is not connected any more")
    exchange.node.tell(CONNECTED, LOST)
    with pytest.raises(PeerUnreachable, match=LOST.info.reason):
        await exchange.ended()


async def test_no_way_to_the_peer_is_no_connection(film: Path) -> None:
    exchange = await sending(film)
    exchange.node.tell(PeerChanged("code", replace(BEN, state=PeerState.FAILED, reason="no route was found"), 0.0))
    with pytest.raises(PeerUnreachable, match="no route was found"):
        await exchange.ended()


async def test_a_transfer_that_fails_though_the_peer_is_there_has_failed(film: Path) -> None:
    exchange = await sending(film)
    exchange.node.tell(CONNECTED, changed(TransferState.FAILED, SEND, reason="their disk is full"))
    with pytest.raises(TransferFailed, match="their disk is full"):
        await exchange.ended()


async def test_a_changed_key_is_an_identity_error(film: Path) -> None:
    exchange = await sending(film)
    exchange.node.tell(CHANGED_KEY)
    with pytest.raises(IdentityError, match="not the ben you know") as raised:
        await exchange.ended()
    assert raised.value.code == "changed-key"
    assert exchange.listener.errors == [raised.value]


async def test_nobody_coming_in_time_is_a_timeout(film: Path) -> None:
    exchange = beginning(film, seconds=0.05)
    with pytest.raises(TimedOut, match=r"within 0\.05 seconds"):
        await exchange.ended()
    assert exchange.node.calls == [("start",), ("host_code",), ("stop",)]


async def test_time_does_not_count_once_somebody_is_there(film: Path) -> None:
    exchange = await sending(film, seconds=1.0)
    await exchange.told(CONNECTED, changed(TransferState.ACTIVE, SEND))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(exchange.task), 1.2)
    await exchange.told(done(offered()))
    await exchange.ended()


@pytest.mark.parametrize("code", sorted(CODE_SPENT))
async def test_a_code_that_is_spent_does_not_end_it_because_a_new_one_follows(film: Path, code: str) -> None:
    exchange = await sending(film)
    await exchange.told(Problem(code, "the code is of no use any more", "", 0.0))
    await exchange.told(CONNECTED, changed(TransferState.ACTIVE, SEND), done(offered()))
    await exchange.ended()


async def test_no_new_code_because_the_server_is_gone_ends_it(film: Path) -> None:
    exchange = await sending(film)
    exchange.node.tell(Problem("server-unreachable", "no new code: connection refused", "", 0.0))
    with pytest.raises(ServerUnreachable, match="no new code"):
        await exchange.ended()


async def test_an_interruption_cancels_what_is_under_way_and_leaves(film: Path) -> None:
    exchange = await sending(film)
    await exchange.told(CONNECTED, changed(TransferState.ACTIVE, SEND))
    exchange.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await exchange.ended()
    assert exchange.node.calls[-2:] == [("cancel", "000000aa"), ("stop",)]


async def test_files_that_the_receiver_offers_are_not_ours_to_end_with(film: Path) -> None:
    exchange = await sending(film)
    theirs = transfer(TransferState.WAITING, Direction.RECEIVE, id="theirs")
    await exchange.told(CONNECTED, TransferOffered(theirs, 0.0), done(theirs), changed(TransferState.WAITING, SEND))
    assert not exchange.task.done()
    await exchange.told(done(offered()))
    await exchange.ended()
    assert not any(call[0] == "accept" for call in exchange.calls)


async def test_hostile_names_and_reasons_come_out_on_one_line(film: Path) -> None:
    hostile = replace(BEN, name=HOSTILE, state=PeerState.FAILED, reason="no route")
    exchange = await sending(film)
    exchange.node.tell(PeerChanged("code", hostile, 0.0))
    with pytest.raises(PeerUnreachable) as raised:
        await exchange.ended()
    assert raised.value.message.isprintable()


async def reading(*items: InputRead) -> AsyncIterator[InputRead]:
    for item in items:
        yield item


async def test_a_contact_is_waited_for_without_a_code_and_told_what_to_type(film: Path) -> None:
    exchange = await sending(film, to="ben")
    there = replace(CONNECTED, conversation="with-ben")
    await exchange.told(there, done(offered()))
    await exchange.ended()
    assert exchange.calls == [("meet", "ben"), ("offer", "with-ben", (film,), BEN.peer)]
    assert exchange.listener.said[0] == (
        "Sending film.mov, 1.4 kB, to ben. Waiting for this on the machine of ben:\n\n    p2pchat receive --from ana\n"
    )


async def test_on_the_local_network_an_open_chat_of_the_contact_is_waited_for_too(film: Path) -> None:
    exchange = await sending(film, to="ben", on_lan=True)
    assert "Waiting for a chat of ben on this network, or for this on the machine of ben:" in exchange.listener.said[0]


async def test_standard_input_is_offered_when_it_has_ended_and_the_code_is_there_before(film: Path) -> None:
    spooling = reading(InputRead(500), InputRead(1400, ended=True))
    exchange = await sending(film, input_name="stdin", spooling=spooling)
    await exchange.listener.until(lambda: len(exchange.listener.said) == 2)
    assert exchange.listener.said[0].startswith("Sending standard input. On the other machine:")
    assert exchange.listener.read == [500]
    assert ("offer", "code", (film,), BEN.peer) not in exchange.node.calls
    await exchange.told(CONNECTED, done(offered()))
    await exchange.ended()
    assert ("offer", "code", (film,), BEN.peer) in exchange.calls


async def test_links_are_followed_on_request(film: Path) -> None:
    exchange = await sending(film, follow_links=True)
    await exchange.told(CONNECTED, done(offered()))
    await exchange.ended()
    assert exchange.calls[-1] == ("offer", "code", (film,), BEN.peer, "follow_links")


async def test_a_receiver_that_takes_a_part_is_told_so(film: Path) -> None:
    exchange = await sending(film)
    part = replace(offered(TransferState.ACTIVE), files=10, wanted=1_000_000, wanted_files=3)
    await exchange.told(CONNECTED, TransferChanged(part, 0.0))
    assert exchange.listener.said[-1] == "ben takes a part of it: 3 files of 10, 1.0 MB."
    exchange.task.cancel()
