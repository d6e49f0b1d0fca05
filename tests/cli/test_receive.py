"""`p2pchat receive`, told as conversations between somebody with a code, the node and somebody with files."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from p2pchat.cli.one_shot import offer_text
from p2pchat.cli.one_shot import receive as receiving_module
from p2pchat.cli.one_shot.exchange import FAREWELL_SECONDS
from p2pchat.cli.one_shot.failures import Declined
from p2pchat.cli.one_shot.receive import Wanted, check_code, receive
from p2pchat.errors import (
    DiskFull,
    IdentityError,
    NoConnection,
    PeerUnreachable,
    ServerRefused,
    StorageFailed,
    TimedOut,
    TransferFailed,
    TurnedDown,
    UsageError,
)
from p2pchat.node.events import (
    CODE_SPENT,
    Direction,
    Event,
    Item,
    Problem,
    TransferChanged,
    TransferInfo,
    TransferOffered,
    TransferState,
)
from tests.cli.exchange import CHANGED_KEY, CONNECTED, KNOWN_BEN, LEFT, LOST, WRONG, Exchange, changed, comeback
from tests.cli.talk import HOSTILE, transfer
from tests.fake_node import FakeNode

CODE = "7-marble-tunnel-oyster"
RECEIVE = Direction.RECEIVE
OFFER = replace(transfer(TransferState.WAITING, RECEIVE), conversation="code")
INSPECTED = ("inspect", "000000aa", None)


def receiving(
    *, asking: bool = True, seconds: float = 60.0, node: FakeNode | None = None, code: str = CODE, **more: Any
) -> Exchange:
    exchange = Exchange(node)
    known = more.pop("comeback", None) or comeback()

    async def command() -> None:
        await receive(
            exchange.node,
            Wanted(code, **more),
            exchange.listener,
            comeback=known,
            answers=exchange.answers() if asking else None,
            seconds=seconds,
        )

    exchange.begin(command())
    return exchange


def offered(info: TransferInfo = OFFER) -> TransferOffered:
    return TransferOffered(info, 0.0)


def finished(*saved: str) -> TransferChanged:
    done = replace(OFFER, state=TransferState.DONE, seconds=0.5, confirmed=OFFER.total, saved=saved)
    return TransferChanged(done, 0.0)


async def test_it_shows_the_offer_asks_and_ends_when_everything_is_verified() -> None:
    exchange = receiving()
    await exchange.told(CONNECTED, offered())
    await exchange.listener.until(lambda: bool(exchange.listener.questions))
    exchange.answer(b"y")
    await exchange.told(changed(TransferState.ACTIVE, RECEIVE), finished("/home/ana/Downloads/draft.pdf"))
    exchange.node.tell(LEFT)
    await exchange.ended()
    assert exchange.calls == [("use_code", CODE, ""), INSPECTED, ("accept", "000000aa", None)]
    assert exchange.listener.said == [
        "ben·m2xd connected directly. Words match. New key m2xd.",
        "ben·m2xd sends 1 file, 4.2 MB:\n    draft.pdf  4.2 MB\nInto /home/ana/Downloads, 1.0 GB free there.",
        "Done: 4.2 MB in 0.5 s, verified.",
    ]
    assert exchange.listener.questions == ["Receive into /home/ana/Downloads? (y/n)"]
    assert exchange.listener.paths == ["/home/ana/Downloads/draft.pdf"]


async def test_yes_accepts_without_asking_into_the_folder_that_was_named(tmp_path: Path) -> None:
    exchange = receiving(yes=True, asking=False, output=tmp_path)
    exchange.node.tell(CONNECTED, offered(), finished("a"), LEFT)
    await exchange.ended()
    assert ("accept", "000000aa", tmp_path) in exchange.calls
    assert exchange.listener.questions == []


async def test_declining_tells_the_other_side_and_is_no_success() -> None:
    exchange = receiving()
    exchange.node.tell(CONNECTED, offered())
    await exchange.listener.until(lambda: bool(exchange.listener.questions))
    exchange.answer(b" No ")
    with pytest.raises(Declined):
        await exchange.ended()
    assert exchange.calls[-1] == ("decline", "000000aa", "")


async def test_the_end_of_input_declines() -> None:
    exchange = receiving()
    exchange.node.tell(CONNECTED, offered())
    await exchange.listener.until(lambda: bool(exchange.listener.questions))
    exchange.answer(None)
    with pytest.raises(Declined):
        await exchange.ended()


async def test_an_answer_that_is_neither_is_asked_for_again_and_one_before_the_question_does_not_count() -> None:
    exchange = receiving()
    exchange.answer(b"y")
    await exchange.told(CONNECTED)
    exchange.node.tell(offered())
    await exchange.listener.until(lambda: len(exchange.listener.questions) == 1)
    exchange.answer(b"maybe")
    await exchange.listener.until(lambda: len(exchange.listener.questions) == 2)
    assert not any(call[0] == "accept" for call in exchange.node.calls)
    exchange.answer(b"YES")
    exchange.node.tell(finished(), LEFT)
    await exchange.ended()
    assert ("accept", "000000aa", None) in exchange.calls


async def test_where_nobody_can_be_asked_the_offer_is_declined_and_the_way_out_named() -> None:
    exchange = receiving(asking=False)
    exchange.node.tell(CONNECTED, offered())
    with pytest.raises(UsageError, match="no terminal") as raised:
        await exchange.ended()
    assert "--yes" in raised.value.hint
    assert exchange.calls[-1] == ("decline", "000000aa", "nobody is there to accept it")


async def test_a_wrong_code_is_an_identity_error_with_what_to_do() -> None:
    exchange = receiving()
    exchange.node.tell(WRONG)
    with pytest.raises(IdentityError) as raised:
        await exchange.ended()
    assert (raised.value.exit_code, raised.value.code) == (5, "wrong-code")
    assert raised.value.hint
    assert exchange.listener.errors == [raised.value]
    assert exchange.listener.events == [], "told once, as the error that ends the command"


@pytest.mark.parametrize("code", sorted(CODE_SPENT - {"wrong-code"}))
async def test_a_code_that_is_spent_in_another_way_is_no_connection(code: str) -> None:
    exchange = receiving()
    exchange.node.tell(Problem(code, "the other side said nothing", "ask for a new code", 0.0))
    with pytest.raises(NoConnection) as raised:
        await exchange.ended()
    assert raised.value.exit_code == 3


async def test_a_changed_key_is_an_identity_error() -> None:
    exchange = receiving()
    exchange.node.tell(CHANGED_KEY)
    with pytest.raises(IdentityError):
        await exchange.ended()


async def test_nobody_waiting_with_this_code_is_no_connection() -> None:
    class Empty(FakeNode):
        async def use_code(self, code: str, server: str = "") -> str:
            raise ServerRefused("no-such-mailbox", "nobody waits for this code", "compare the number")

    exchange = receiving(node=Empty())
    with pytest.raises(ServerRefused) as raised:
        await exchange.ended()
    assert raised.value.exit_code == 3
    assert exchange.listener.errors == [raised.value]
    assert exchange.calls == []


@pytest.mark.parametrize("gone", [LEFT, LOST], ids=["left", "lost"])
@pytest.mark.parametrize("before", [[], [offered()]], ids=["before the offer", "while asking"])
async def test_a_sender_that_goes_away_is_no_connection(gone: Event, before: list[Event]) -> None:
    exchange = receiving()
    failed = changed(TransferState.FAILED, RECEIVE, reason="the connection was lost")
    exchange.node.tell(CONNECTED, *before, gone, failed)
    with pytest.raises(PeerUnreachable, match="ben·m2xd is gone"):
        await exchange.ended()


async def test_a_sender_that_cancels_turns_us_down_though_it_leaves_next() -> None:
    exchange = receiving(yes=True)
    cancelled = changed(TransferState.CANCELLED, RECEIVE, reason="cancelled by ben")
    exchange.node.tell(CONNECTED, offered(), cancelled, LEFT)
    with pytest.raises(TurnedDown, match="cancelled by ben"):
        await exchange.ended()


async def test_a_transfer_that_fails_has_failed() -> None:
    exchange = receiving(yes=True)
    exchange.node.tell(CONNECTED, offered(), changed(TransferState.FAILED, RECEIVE, reason="the disk is full"))
    with pytest.raises(TransferFailed, match="the disk is full"):
        await exchange.ended()


async def test_files_that_do_not_fit_are_declined() -> None:
    exchange = receiving()
    exchange.node.tell(CONNECTED, offered())
    await exchange.listener.until(lambda: bool(exchange.listener.questions))
    exchange.node.fail_next = StorageFailed("there is no room in /home/ana")
    exchange.answer(b"y")
    with pytest.raises(StorageFailed):
        await exchange.ended()
    assert exchange.calls[-1] == ("decline", "000000aa", receiving_module.NOT_STORED)


async def test_no_offer_in_time_is_a_timeout() -> None:
    exchange = receiving(seconds=0.05, comeback=comeback(patience=0.1))
    exchange.node.tell(CONNECTED)
    with pytest.raises(TimedOut, match="nothing was offered"):
        await exchange.ended()


async def test_nobody_in_time_is_a_timeout() -> None:
    exchange = receiving(seconds=0.05)
    with pytest.raises(TimedOut, match="nobody came"):
        await exchange.ended()


async def test_a_sender_that_never_leaves_does_not_keep_us(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FAREWELL_SECONDS <= 2.0
    monkeypatch.setattr("p2pchat.cli.one_shot.exchange.FAREWELL_SECONDS", 0.01)
    exchange = receiving(yes=True)
    exchange.node.tell(CONNECTED, offered(), finished("a"))
    await exchange.ended()


async def test_an_interruption_cancels_what_is_under_way_and_leaves() -> None:
    exchange = receiving(yes=True)
    await exchange.told(CONNECTED, offered(), changed(TransferState.ACTIVE, RECEIVE))
    exchange.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await exchange.ended()
    assert exchange.node.calls[-2:] == [("cancel", "000000aa"), ("stop",)]


async def test_a_long_offer_is_cut_and_hostile_names_stay_on_their_line() -> None:
    items = (Item("album", 0, folder=True), *(Item(f"album/{HOSTILE}{index}", 10) for index in range(20)))
    exchange = receiving()
    exchange.node.tell(CONNECTED, offered(replace(OFFER, name=HOSTILE, files=20, items=items, total=200)))
    await exchange.listener.until(lambda: bool(exchange.listener.questions))
    lines = exchange.listener.said[1].split("\n")
    assert len(lines) == 1 + offer_text.NAMED + 2
    assert lines[-2] == "    and 8 more files"
    assert all(line.isprintable() for line in lines)
    exchange.task.cancel()


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (" 7 Marble TUNNEL oyster ", CODE),
        ("7-marb-tunn-oyst", CODE),
        (f"p2pchat:http://a#{CODE}", f"p2pchat:http://a#{CODE}"),
    ],
)
def test_a_code_is_understood_as_people_give_it(typed: str, code: str) -> None:
    assert check_code(typed) == code


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("7-marbel-tunnel-oyster", "marble"),
        ("marble-tunnel-oyster", "number"),
        ("7-marble-tunnel", "fewer"),
        ("p2pchat:http://a?room=lab#secret", "invitation"),
        ("", "number"),
    ],
)
def test_what_is_no_code_is_told_with_the_reason(typed: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_code(typed)


# --- what is decided before anything is written


def landing_at(exchange: Exchange, **more: Any) -> None:
    """What the offer would meet."""
    exchange.node.landing = replace(exchange.node.landing, **more)


TAKEN = (("draft.pdf", "draft (1).pdf"),)


@pytest.mark.parametrize(("answer", "policy"), [(b"r", ()), (b"s", ("skip",)), (b"OVERWRITE", ("overwrite",))])
async def test_names_that_are_taken_are_asked_about_before_bytes_move(answer: bytes, policy: tuple[str, ...]) -> None:
    exchange = receiving()
    landing_at(exchange, existing=1, examples=TAKEN)
    exchange.node.tell(CONNECTED, offered())
    await exchange.asked(1)
    exchange.answer(b"y")
    assert "r  rename: keep both; the new ones get a number, such as draft (1).pdf" in await exchange.asked(2)
    exchange.answer(b"what?")
    await exchange.asked(3)
    exchange.answer(answer)
    exchange.node.tell(finished(), LEFT)
    await exchange.ended()
    assert exchange.calls[-1] == ("accept", "000000aa", None, *policy)
    assert "1 name is taken there: draft.pdf." in exchange.listener.said[1]


@pytest.mark.parametrize(
    ("chosen", "call"),
    [
        ({"if_exists": "skip"}, ("skip",)),
        ({"only": ("*.pdf",)}, (("*.pdf",),)),
        ({"preserve": True}, ("preserve",)),
    ],
)
async def test_what_was_chosen_on_the_command_line_is_not_asked(chosen: dict[str, Any], call: tuple[object]) -> None:
    exchange = receiving(yes=True, asking=False, **chosen)
    landing_at(exchange, existing=1, examples=TAKEN)
    exchange.node.tell(CONNECTED, offered(), finished(), LEFT)
    await exchange.ended()
    assert exchange.calls[-1] == ("accept", "000000aa", None, *call)


async def test_what_does_not_fit_is_declined_with_the_numbers_before_it_is_accepted() -> None:
    exchange = receiving(yes=True)
    landing_at(exchange, needed=4_200_000, free=1_000_000)
    exchange.node.tell(CONNECTED, offered())
    with pytest.raises(DiskFull, match=r"4\.2 MB needed, 1\.0 MB free") as raised:
        await exchange.ended()
    assert raised.value.exit_code == 1
    assert exchange.calls[-1] == ("decline", "000000aa", "the disk is too full: 4.2 MB needed, 1.0 MB free")


async def test_a_folder_that_cannot_be_written_is_declined_with_the_reason() -> None:
    exchange = receiving(yes=True)
    landing_at(exchange, fault="/srv is on a read-only disk")
    exchange.node.tell(CONNECTED, offered())
    with pytest.raises(StorageFailed, match="read-only disk"):
        await exchange.ended()
    assert exchange.calls[-1] == ("decline", "000000aa", "/srv is on a read-only disk")


async def test_what_is_here_already_is_gone_on_with_or_discarded() -> None:
    exchange = receiving()
    landing_at(exchange, resumable=2_000_000)
    exchange.node.tell(CONNECTED, offered(replace(OFFER, resumable=2_000_000)))
    assert await exchange.asked() == "Go on after 2.0 MB of 4.2 MB? (y/n, d discards that and begins anew)"
    landing_at(exchange, resumable=0)
    exchange.answer(b"d")
    exchange.node.tell(finished(), LEFT)
    await exchange.ended()
    assert exchange.calls[-3:] == [("discard", "000000aa"), INSPECTED, ("accept", "000000aa", None)]


async def test_only_one_file_can_go_to_standard_output(tmp_path: Path) -> None:
    exchange = receiving(yes=True, to_stdout=True, output=tmp_path)
    exchange.node.tell(CONNECTED, offered(replace(OFFER, files=2)))
    with pytest.raises(UsageError, match="only one file"):
        await exchange.ended()
    assert exchange.calls[-1] == ("decline", "000000aa", receiving_module.ONE_FILE)


async def test_contacts_are_waited_for_without_a_code_and_one_that_goes_is_waited_for_again() -> None:
    exchange = receiving(code="", contacts=("ben", "cyd"), yes=True)
    there = replace(CONNECTED, conversation="with-ben")
    await exchange.told(there, replace(LEFT, conversation="with-ben"), there)
    exchange.node.tell(offered(replace(OFFER, conversation="with-ben")), finished("a"))
    exchange.node.tell(replace(LEFT, conversation="with-ben"))
    await exchange.ended()
    assert exchange.calls == [
        ("meet", "ben"),
        ("meet", "cyd"),
        ("leave", "with-cyd"),
        INSPECTED,
        ("accept", "000000aa", None),
    ]


async def test_a_small_offer_of_a_contact_for_which_that_is_wanted_is_not_asked_about() -> None:
    exchange = receiving()
    exchange.node.known_contacts = [replace(KNOWN_BEN, auto_accept=5_000_000)]
    exchange.node.tell(CONNECTED, offered(), finished("a"), LEFT)
    await exchange.ended()
    assert exchange.listener.questions == []


async def test_the_largest_file_and_programs_are_named() -> None:
    items = (Item("a/small.txt", 10), Item("a/setup.sh", 20, executable=True), Item("a/film.mov", 4_000_000))
    exchange = receiving()
    exchange.node.tell(CONNECTED, offered(replace(OFFER, files=3, items=items)))
    await exchange.asked()
    said = exchange.listener.said[1]
    assert said.startswith("ben·m2xd sends 3 files, 4.2 MB; the largest is a/film.mov, 4.0 MB:")
    assert "1 file can be run as programs: a/setup.sh." in said
    exchange.task.cancel()
