"""Plain mode, told as conversations between somebody who listens, the front end and the node."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.cli import chat_plain, wording
from p2pchat.cli.plain_events import PlainEvents
from p2pchat.cli.room_access import Access
from p2pchat.errors import NotSendable
from p2pchat.node.answers import ContactInfo, Leftover, PeerStats
from p2pchat.node.events import (
    Alerted,
    Direction,
    Item,
    LineState,
    LiveTextChanged,
    MessageDelivered,
    MessageReceived,
    MessageSent,
    PeerChanged,
    PeerInfo,
    PeerMeasured,
    PeerState,
    Problem,
    Ready,
    ServerChanged,
    TransferChanged,
    TransferOffered,
    TransferProgressed,
    TransferState,
    Trust,
)
from tests.cli.talk import BEN, HOSTILE, LAB, PATIENCE, Talk, transfer
from tests.fake_node import FakeNode


@contextlib.asynccontextmanager
async def joined(
    node: FakeNode | None = None, echo: bool = False, access: Access = LAB, languages: tuple[str, ...] = ()
) -> AsyncIterator[Talk]:
    """A conversation that is joined; it ends when its user says /quit, at the latest here."""
    talk = Talk(node or FakeNode())
    chat = asyncio.create_task(
        chat_plain.chat(
            talk.node,
            access,
            lines=talk.lines(),
            write_line=talk.write_line,
            linger=3.0,
            echo=echo,
            show_link=lambda link: talk.write_line(f"The link is {link}"),
            languages=languages,
        )
    )
    async with asyncio.timeout(PATIENCE):
        await talk.until(lambda: bool(talk.written))
        yield talk
        talk.enter(b"/quit")
        await chat


def said(text: str, name: str = "ben", peer: str = BEN.peer) -> MessageReceived:
    return MessageReceived("lab", "0a", peer, name, text, 4.0, 5.0)


def typed(text: str, state: LineState = LineState.LIVE, line: int = 0) -> LiveTextChanged:
    return LiveTextChanged("lab", BEN.peer, "ben", line, text, state, 5.0)


def changed(state: TransferState, direction: Direction = Direction.SEND, **more: object) -> TransferChanged:
    return TransferChanged(transfer(state, direction, **more), 5.0)  # type: ignore[arg-type]


async def test_a_conversation_reads_like_one() -> None:
    async with joined() as talk:
        await talk.told(PeerChanged("lab", BEN, 5.0), said("Got the draft?"))
        await talk.told(
            MessageSent("lab", "0b", "Yes, sending it now.", 5.0), MessageDelivered("lab", "0b", BEN.peer, 5.0)
        )
        await talk.told(TransferOffered(transfer(), 5.0))
        await talk.told(PeerChanged("lab", replace(BEN, state=PeerState.LEFT), 5.0))
    assert [line for line in talk.written if "Nothing more" not in line] == [
        "p2pchat: you are ana, key k7qf. Room lab. Type /help for the commands.",
        "ben joined. New key m2xd. Direct connection, 12 milliseconds. ben takes live text.",
        "ben: Got the draft?",
        "ben has your message.",
        "File from ben: draft.pdf, 4.2 megabytes. Type /accept or /decline.",
        "ben left.",
    ]


async def test_our_own_messages_are_written_where_no_terminal_shows_them() -> None:
    async with joined(echo=True) as talk:
        assert await talk.told(MessageSent("lab", "0b", "one\ntwo", 5.0)) == ["you: one", "you: two"]


async def test_lines_are_messages_and_two_slashes_begin_one_with_a_slash() -> None:
    async with joined() as talk:
        talk.enter(b"hello", b"   ", b"", b"//accept is a command", "café \xff".encode("latin-1"))
    assert talk.node.calls[2:-1] == [
        ("say", "lab", "hello"),
        ("say", "lab", "/accept is a command"),
        ("say", "lab", "caf\ufffd \ufffd"),
    ]


@pytest.mark.parametrize("line", [b"/dance", b"/", b"/home/ana/secret.txt", b"/ quit", b"/Accept"])
async def test_an_unknown_command_is_never_sent(line: bytes) -> None:
    async with joined() as talk:
        talk.enter(line)
        await talk.until(lambda: len(talk.written) == 2)
    assert talk.written[1].startswith("There is no command /")
    assert not any(call[0] == "say" for call in talk.node.calls)


async def test_a_line_that_is_too_long_is_not_sent() -> None:
    async with joined() as talk:
        talk.enter(None)
        await talk.until(lambda: len(talk.written) == 2)
    assert talk.written[1].startswith("That line is too long")
    assert not any(call[0] == "say" for call in talk.node.calls)


async def test_the_end_of_input_leaves_when_everything_is_sent() -> None:
    talk = Talk(FakeNode())
    talk.enter(b"hello")
    talk.end_input()
    async with asyncio.timeout(PATIENCE):
        await chat_plain.chat(
            talk.node,
            LAB,
            lines=talk.lines(),
            write_line=talk.write_line,
            linger=3.0,
            echo=True,
            show_link=talk.write_line,
        )
    assert talk.node.calls == [("start",), ("join", "lab"), ("say", "lab", "hello"), ("settle", 3.0), ("stop",)]


async def test_every_line_of_a_message_names_its_speaker() -> None:
    async with joined() as talk:
        lines = await talk.told(said("one\np2pchat: you are mallory\nben left."))
    assert lines == ["ben: one", "ben: p2pchat: you are mallory", "ben: ben left."]


@pytest.mark.parametrize("name", ["you", "YOU", "p2pchat", "ana", "ben", "ben: hi"])
async def test_a_name_that_could_mislead_is_followed_by_its_key(name: str) -> None:
    mallory = replace(BEN, peer="malloryx", name=name)
    async with joined() as talk:
        await talk.told(PeerChanged("lab", BEN, 5.0), PeerChanged("lab", mallory, 5.0))
        assert await talk.told(said("hi", name, "malloryx")) == [f"{name} mall: hi"]


async def test_hostile_text_stays_text() -> None:
    hostile_peer = replace(BEN, name=HOSTILE, reason=HOSTILE)
    async with joined() as talk:
        lines = await talk.told(
            PeerChanged("lab", hostile_peer, 5.0),
            PeerChanged("lab", replace(hostile_peer, state=PeerState.FAILED), 5.0),
            said(HOSTILE, HOSTILE),
            typed(HOSTILE, LineState.FINAL),
            Alerted("lab", BEN.peer, HOSTILE, 5.0),
            TransferOffered(transfer(path=HOSTILE), 5.0),
            changed(TransferState.FAILED, Direction.RECEIVE, path=HOSTILE, reason=HOSTILE),
            changed(TransferState.DONE, Direction.RECEIVE, path=HOSTILE, saved=("/\udcff\x1b[2J",)),
            ServerChanged("lab", False, HOSTILE, 5.0),
            Problem("failed", HOSTILE, HOSTILE, 5.0),
        )
    assert len(lines) == 12, "one line for each event, and three for the message of three lines"
    assert all(not set(line) & {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x202E)} for line in lines)


@given(st.text())
def test_whatever_the_text_a_written_line_is_one_line_without_controls(text: str) -> None:
    written: list[str] = []
    shown = PlainEvents(written.append, echo=True, now=0.0)
    shown.tell(said(text, text), 0.0)
    shown.tell(MessageSent("lab", "0b", text, 5.0), 0.0)
    assert written
    assert all(line.encode("utf-8") and not any(ord(letter) < 0x20 for letter in line) for line in written)


async def test_live_text_is_told_by_sentence_and_not_by_letter() -> None:
    async with joined() as talk:
        await talk.told(PeerChanged("lab", BEN, 5.0))
        whole = "I will add it tonight. Then"
        lines = await talk.told(*(typed(whole[:end]) for end in range(1, len(whole) + 1)))
        assert lines == ["ben is typing: I will add it tonight."]
        assert await talk.told(typed("I will add it on Friday. Then we talk", LineState.FINAL)) == [
            "ben corrected: I will add it on Friday. Then we talk"
        ]
        assert await talk.told(typed("Bye", LineState.FINAL, line=1)) == ["ben: Bye"]


async def test_an_interrupted_line_is_said_to_be_incomplete() -> None:
    async with joined() as talk:
        await talk.told(PeerChanged("lab", BEN, 5.0))
        assert await talk.told(typed("I have the sour", LineState.INTERRUPTED)) == [
            "ben: I have the sour",
            "The last line of ben was interrupted. Some of its end may be missing.",
        ]


def test_live_text_that_rests_is_told_after_its_deadline() -> None:
    written: list[str] = []
    shown = PlainEvents(written.append, echo=False, now=0.0)
    shown.tell(PeerChanged("lab", BEN, 5.0), 0.0)
    shown.tell(typed("wait"), 1.0)
    due = shown.deadline()
    assert due is not None
    assert len(written) == 1
    shown.tick(due)
    assert written[1:] == ["ben is typing: wait"]
    assert shown.deadline() is None


async def test_a_lost_connection_and_its_return_are_told_once() -> None:
    lost = replace(BEN, state=PeerState.LOST)
    async with joined() as talk:
        await talk.told(PeerChanged("lab", BEN, 5.0))
        assert await talk.told(
            PeerMeasured("lab", BEN.peer, 3.0, 5.0),
            PeerChanged("lab", BEN, 5.0),
            PeerChanged("lab", lost, 5.0),
            PeerChanged("lab", lost, 5.0),
            PeerChanged("lab", replace(BEN, path="relay", rtt_ms=None, live_text=False), 5.0),
            PeerChanged("lab", BEN, 5.0),
            PeerChanged("lab", replace(BEN, state=PeerState.FAILED, reason="no path was found"), 5.0),
        ) == [
            "The connection to ben is lost. Trying again.",
            "ben is back. New key m2xd. Connection through a relay.",
            "ben: direct connection, 12 milliseconds now.",
            "No connection to ben. No path was found.",
        ]


async def test_somebody_who_was_lost_is_tried_again_and_is_back_or_does_not_come_back() -> None:
    lost, trying = replace(BEN, state=PeerState.LOST), replace(BEN, state=PeerState.CONNECTING, reason="trying again")
    away = replace(BEN, state=PeerState.LEFT, reason="it did not come back")
    async with joined() as talk:
        await talk.told(PeerChanged("lab", BEN, 5.0))
        told = [PeerChanged("lab", info, 5.0) for info in (lost, trying, trying, BEN, lost, trying, away, trying, BEN)]
        lines = await talk.told(*told)
    assert [line.split(".")[0] for line in lines] == [
        "The connection to ben is lost",
        "ben is back",
        "The connection to ben is lost",
        "ben did not come back",
        "ben joined",
    ]


async def test_the_server_is_missed_once_and_welcomed_once() -> None:
    async with joined() as talk:
        gone = ServerChanged("lab", False, "connection refused", 5.0)
        back = ServerChanged("lab", True, "", 5.0)
        assert await talk.told(back, gone, gone, back) == [
            "The signaling server is gone. Connections that exist go on. Connection refused.",
            "The signaling server is back.",
        ]


async def test_the_only_offer_needs_no_number() -> None:
    async with joined() as talk:
        await talk.told(TransferOffered(transfer(), 5.0))
        talk.enter(b"/accept")
    assert ("accept", "000000aa", None) in talk.node.calls


async def test_several_offers_are_numbered() -> None:
    async with joined() as talk:
        await talk.told(TransferOffered(transfer(id="first"), 5.0))
        items = tuple(Item(f"photos/{index}.jpg", 10) for index in range(7))
        several = replace(transfer(id="second"), files=7, items=items, total=70)
        assert await talk.told(TransferOffered(several, 5.0)) == [
            "Offer 2. 7 files from ben: photos/0.jpg, photos/1.jpg, photos/2.jpg, photos/3.jpg, photos/4.jpg"
            " and 2 more files, 70 bytes. Type /accept 2 or /decline 2."
        ]
        talk.enter(b"/accept")
        await talk.until(lambda: "2 offers are open: 1, 2. Give the number of one." in talk.written)
        talk.enter(b"/accept 7")
        await talk.until(lambda: "No open offer has that number. Open: 1, 2." in talk.written)
        talk.enter(b"/decline 2", b"/accept 1")
    assert talk.node.calls[4:-1] == [("decline", "second", ""), ("accept", "first", None)]


async def test_without_an_offer_there_is_nothing_to_accept() -> None:
    async with joined() as talk:
        await talk.told(changed(TransferState.WAITING), changed(TransferState.DONE, Direction.RECEIVE, id="other"))
        talk.enter(b"/accept", b"/decline 1")
        await talk.until(lambda: talk.written.count("No offer is open.") == 2)


async def test_our_own_transfers_can_be_cancelled() -> None:
    async with joined() as talk:
        await talk.told(TransferOffered(transfer(id="theirs"), 5.0), changed(TransferState.WAITING, id="ours"))
        talk.enter(b"/cancel")
    assert ("cancel", "ours") in talk.node.calls


async def test_send_reads_paths_as_a_shell_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    async with joined() as talk:
        talk.enter(b'/send a.txt "with space.txt" ~/b.txt')
        talk.enter("/send caf\xe9".encode("latin-1"))
        talk.enter(b"/send", b'/send "open', b"/send a\x00b")
        await talk.until(lambda: sum("names no file" in line for line in talk.written) == 2)
        assert any(line.startswith("A quote is not closed") for line in talk.written)
        talk.node.fail_next = NotSendable("there is no file missing.txt")
        talk.enter(b"/send missing.txt")
        await talk.until(lambda: "There is no file missing.txt." in talk.written)
    offers = [call[2] for call in talk.node.calls if call[0] == "offer"]
    assert offers[:2] == [
        (Path("a.txt"), Path("with space.txt"), Path("/home/ana/b.txt")),
        (Path("caf\udce9"),),
    ]


async def test_a_transfer_is_told_from_offer_to_end_with_its_quarters() -> None:
    def progressed(confirmed: int) -> TransferProgressed:
        return TransferProgressed("000000aa", Direction.SEND, confirmed, 100, 1.0, 5.0)

    async with joined() as talk:
        assert await talk.told(
            changed(TransferState.WAITING),
            changed(TransferState.ACTIVE),
            *(progressed(confirmed) for confirmed in (1, 24, 25, 26, 80, 90, 100)),
            changed(TransferState.PAUSED, reason="their disk is full"),
            changed(TransferState.ACTIVE),
            changed(TransferState.ACTIVE),
            changed(TransferState.DONE),
        ) == [
            "Offered draft.pdf, 4.2 megabytes, to ben. It is number 1.",
            "Sending draft.pdf to ben.",
            "draft.pdf to ben: 25 percent.",
            "draft.pdf to ben: 75 percent.",
            "draft.pdf to ben is paused. Their disk is full.",
            "Sending draft.pdf to ben.",
            "ben has draft.pdf, 4.2 megabytes, verified.",
        ]


async def test_each_end_of_a_transfer_has_its_words() -> None:
    receive = Direction.RECEIVE
    async with joined() as talk:
        lines = await talk.told(
            changed(TransferState.DONE, receive, id="1", saved=("/home/ana/draft.pdf",)),
            changed(TransferState.FAILED, receive, id="2", reason="the disk is full"),
            changed(TransferState.CANCELLED, id="3"),
            changed(TransferState.DECLINED, id="4", reason="too large"),
            changed(TransferState.DECLINED, receive, id="5"),
        )
    assert lines == [
        "Received draft.pdf from ben, 4.2 megabytes, verified. Saved as /home/ana/draft.pdf.",
        "draft.pdf from ben failed. The disk is full.",
        "draft.pdf to ben was cancelled.",
        "ben declined draft.pdf. Too large.",
        "you declined draft.pdf.",
    ]


async def test_how_the_link_to_each_works_is_told_in_a_line_of_words() -> None:
    node = FakeNode()
    cyd = replace(BEN, peer="p0awxxxx", name="cyd", path="relay")
    dan = PeerInfo("d4n00000", "dan", PeerState.LOST, reason="no route; trying again in 3 s")
    eve = PeerInfo("9tq3mmno", "eve", PeerState.LEFT)
    node.known_peers = [BEN, cyd, dan, eve]
    node.known_stats = [
        PeerStats(BEN.peer, "direct", 12.2, 263, 4_200_000, 2_500.0, 0.004, "IPv4, same network", "host", "prflx"),
        PeerStats(cyd.peer, "relay", None, 0, 0, 0.0, None, "through relay turn.example over TLS", "relay", "host"),
    ]
    async with joined(node) as talk:
        await talk.told(*(PeerChanged("lab", peer, 5.0) for peer in node.known_peers))
        del talk.written[:]
        talk.enter(b"/stats", b"/who")
        await talk.until(lambda: len(talk.written) == 7)
    assert talk.written[:3] == [
        "ben: direct, IPv4, same network. Round trip 12 milliseconds, loss 1 percent, 2.5 kilobytes a second, sent 263"
        " bytes, received 4.2 megabytes. Address here of the machine itself, address there of a NAT, as the other side"
        " sees it.",
        "cyd: through relay turn.example over TLS. Round trip not measured yet, loss not known yet, 0 bytes a second,"
        " sent 0 bytes, received 0 bytes. Address here of a relay, address there of the machine itself.",
        "dan: lost. No route; trying again in 3 s.",
    ]
    assert "direct, IPv4, same network, 12 milliseconds" in talk.written[3]
    assert "through relay turn.example over TLS" in talk.written[4]


async def test_without_anybody_there_is_no_link_to_tell_of() -> None:
    async with joined() as talk:
        talk.enter(b"/stats")
        await talk.until(lambda: talk.written[1:] == ["Nobody else is here."])


async def test_without_a_server_none_is_said_to_be_reachable() -> None:
    async with joined() as talk:
        await talk.told(Ready("lobby", "ana", "k7qf2mzp", "", 5.0))
        talk.enter(b"/status")
        await talk.until(lambda: talk.written[-1].startswith("You are"))
    status = next(line for line in talk.written if line.startswith("You are"))
    assert "No signaling server is used." in status


async def test_questions_are_answered() -> None:
    node = FakeNode()
    async with joined(node) as talk:
        talk.enter(b"/who", b"/transfers")
        await talk.until(lambda: talk.written[1:] == ["Nobody else is here.", "There are no transfers."])
        node.known_peers = [BEN, replace(BEN, peer="p0awxxxx", name="cyd", state=PeerState.FAILED, reason="no path")]
        await talk.told(*(PeerChanged("lab", peer, 5.0) for peer in node.known_peers), changed(TransferState.ACTIVE))
        del talk.written[:]
        talk.enter(b"/who", b"/status", b"/transfers", b"/help")
        await talk.until(lambda: len(talk.written) == 4 + len(chat_plain.HELP))
    assert talk.written[:4] == [
        "ben, key m2xd, connected, new key, direct, 12 milliseconds, takes live text.",
        "cyd, key p0aw, failed. No path.",
        "You are ana, key k7qf. Room lab. The signaling server is reachable. 1 peer connected. Live text is off.",
        "1: Sending draft.pdf to ben.",
    ]


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 kilobyte"),
        (999_949, "999.9 kilobytes"),
        (999_950, "1 megabyte"),
        (4_200_000, "4.2 megabytes"),
        (1_400_000_000, "1.4 gigabytes"),
        (1 << 50, "1.1 petabytes"),
        (10**19, "10000 petabytes"),
    ],
)
def test_sizes_in_words(count: int, words: str) -> None:
    assert wording.size(count) == words


# --- whom one talks to


async def test_what_is_known_of_a_key_is_told_with_who_joins_and_when_it_changes() -> None:
    async with joined() as talk:
        assert await talk.told(
            PeerChanged("lab", replace(BEN, live_text=False, trust=Trust.KNOWN), 5.0),
            PeerChanged("lab", replace(BEN, live_text=False, trust=Trust.VERIFIED), 5.0),
            PeerChanged("lab", replace(BEN, peer="cydx", name="cyd", live_text=False, trust=Trust.VERIFIED), 5.0),
        ) == [
            "ben joined. Known key m2xd. Direct connection, 12 milliseconds.",
            "The key of ben is verified now.",
            "cyd joined. Verified, key cydx. Direct connection, 12 milliseconds.",
        ]


async def test_a_peer_that_has_proved_its_key_is_not_somebody_else_with_its_name() -> None:
    seated = replace(BEN, peer="seat2345", state=PeerState.CONNECTING)
    async with joined() as talk:
        await talk.told(
            PeerChanged("lab", seated, 5.0),
            PeerChanged("lab", replace(seated, peer=BEN.peer), 5.0, was="seat2345"),
            PeerChanged("lab", BEN, 5.0),
        )
        assert await talk.told(said("hi")) == ["ben: hi"]


async def test_a_connection_that_was_lost_is_back_though_its_handle_changed() -> None:
    lost = replace(BEN, peer="seat2345", state=PeerState.LOST)
    async with joined() as talk:
        await talk.told(PeerChanged("lab", replace(BEN, peer="seat2345"), 5.0), PeerChanged("lab", lost, 5.0))
        lines = await talk.told(PeerChanged("lab", BEN, 5.0, was="seat2345"))
    assert lines[0].startswith("ben is back.")


async def test_a_changed_key_is_a_warning_and_its_reason_is_told_once() -> None:
    reason = "this is not the ben you know: the key is aaaa, and was bbbb"
    async with joined() as talk:
        assert await talk.told(
            Problem("changed-key", reason, "ask over another channel", 5.0),
            PeerChanged("lab", replace(BEN, state=PeerState.FAILED, reason=reason), 5.0),
        ) == [
            "Warning. Somebody with the name of a contact was not let in.",
            "This is not the ben you know: the key is aaaa, and was bbbb. Ask over another channel.",
            "No connection to ben.",
        ]


async def test_safety_tells_the_words_and_verify_the_handle() -> None:
    node = FakeNode()
    node.known_peers = [replace(BEN, words=("south", "horror"))]
    async with joined(node) as talk:
        talk.enter(b"/safety", b'/safety "Ben"', b"/verify ben", b"/verify", b"/safety dan")
        await talk.until(lambda: len(talk.written) == 5)
    assert talk.written[1] == talk.written[2]
    assert talk.written[1].startswith("The words with ben: south, horror. Compare them")
    assert talk.written[1].endswith("type /verify m2xd.")
    assert talk.written[3:] == ["/verify needs a name. Write /verify NAME.", "No dan is connected. See who is there."]
    assert ("verify", "lab", "m2xdabcd") in node.calls


async def test_safety_of_nobody() -> None:
    async with joined() as talk:
        talk.enter(b"/safety")
        await talk.until(lambda: talk.written[1:] == ["Nobody is connected."])


async def test_contacts_are_listed_and_changed() -> None:
    node = FakeNode()
    async with joined(node) as talk:
        talk.enter(b"/contacts")
        await talk.until(lambda: talk.written[1:] == ["There are no contacts."])
        node.known_contacts = [ContactInfo("m2xdabcd", "00", HOSTILE, "ben", "verified", 0.0, 0.0)]
        talk.enter(b"/contacts", b'/rename ben "Ben Nevis"', b"/rename ben", b'/rename "ben')
        talk.enter(b"/forget ben", b'/block "Ben Nevis"', b"/unblock Ben Nevis", b"/invite")
        await talk.until(lambda: len(talk.written) == 10)
    assert ", key m2xd, verified, last seen" in talk.written[2]
    assert talk.written[3:] == [
        "ben is called Ben Nevis now.",
        'That is not one name and another one. Write /rename NAME "NEW NAME".',
        'That is not one name and another one. Write /rename NAME "NEW NAME".',
        "ben is forgotten.",
        "Ben Nevis is blocked.",
        "Ben Nevis is not blocked any more.",
        "p2pchat:server?room=lab#secret",
    ]
    assert node.calls[2:-1] == [
        ("rename_contact", "ben", "Ben Nevis"),
        ("forget_contact", "ben"),
        ("block_contact", "Ben Nevis", True),
        ("block_contact", "Ben Nevis", False),
        ("invite", "lab"),
    ]


async def test_the_invite_of_a_new_secret_is_shown_apart() -> None:
    async with joined(access=Access("lab", b"s" * 16, show_invite=True)) as talk:
        await talk.until(lambda: "The link is p2pchat:server?room=lab#secret" in talk.written)
    assert talk.node.calls[1] == ("join", "lab", b"s" * 16)


async def test_an_offer_is_accepted_in_the_way_that_is_said() -> None:
    async with joined() as talk:
        for number, words in enumerate((b"skip", b"1 overwrite", b"into /srv/in only *.jpg 'a b'"), 1):
            await talk.told(TransferOffered(transfer(id="offer"), 5.0))
            talk.enter(b"/accept " + words)
            calls = talk.node.calls
            talk.enter(b"/who")
            await talk.until(lambda wanted=number: talk.written.count("Nobody else is here.") == wanted)  # type: ignore[misc]
    assert [call[1:] for call in calls if call[0] == "accept"] == [
        ("offer", None, "skip"),
        ("offer", None, "overwrite"),
        ("offer", Path("/srv/in"), ("*.jpg", "a b")),
    ]


async def test_a_command_that_is_no_way_to_accept_is_told_how() -> None:
    async with joined() as talk:
        await talk.told(TransferOffered(transfer(), 5.0))
        talk.enter(b"/accept please")
        await talk.until(lambda: any("That is no way to accept an offer." in line for line in talk.written))
        assert not any(call[0] == "accept" for call in talk.node.calls)


async def test_what_an_offer_would_meet_is_said_with_it() -> None:
    async with joined() as talk:
        taken = (("draft.pdf", "draft (1).pdf"),)
        talk.node.landing = replace(talk.node.landing, existing=1, examples=taken, needed=10**10)
        lines = await talk.told(TransferOffered(transfer(resumable=2_000_000), 5.0))
    assert lines == [
        "File from ben: draft.pdf, 4.2 megabytes. 2 megabytes of it are here already: it goes on from there. "
        "Type /accept or /decline.",
        "It does not fit: 10 gigabytes are needed, and 1 gigabyte are free.",
        "1 name is taken: draft.pdf. /accept keeps both, /accept skip leaves out what is the same, "
        "/accept overwrite replaces.",
    ]


async def test_what_was_interrupted_is_listed_and_discarded() -> None:
    async with joined() as talk:
        talk.node.known_leftovers = [
            Leftover("8f14e45fceea167a", BEN.peer, "ben", "film.mov", Path("/srv"), 1_400_000_000, 412_000_000, 0.0)
        ]
        talk.enter(b"/transfers")
        line = "L1: film.mov from ben·m2xd was interrupted. 412 megabytes of 1.4 gigabytes are in /srv."
        await talk.until(lambda: line in talk.written)
        talk.enter(b"/discard L1")
        await talk.until(lambda: "What was left of film.mov is removed." in talk.written)
    assert ("discard", "8f14e45fceea167a") in talk.node.calls


async def test_a_transfer_is_paused_and_gone_on_with() -> None:
    async with joined() as talk:
        await talk.told(changed(TransferState.ACTIVE))
        talk.enter(b"/resume", b"/pause")
        await talk.until(lambda: "No paused transfer is open." in talk.written)
        await talk.told(changed(TransferState.PAUSED, reason="paused by you"))
        talk.enter(b"/resume", b"/who")
        await talk.until(lambda: "Nobody else is here." in talk.written)
    assert [call[0] for call in talk.node.calls if call[0] in ("pause", "resume")] == ["pause", "resume"]


async def test_a_stall_is_told_with_its_reason_and_its_end() -> None:
    async with joined() as talk:
        lines = await talk.told(
            changed(TransferState.ACTIVE),
            changed(TransferState.ACTIVE, reason="ben is reading slowly"),
            changed(TransferState.ACTIVE),
        )
    assert lines == [
        "Sending draft.pdf to ben.",
        "draft.pdf to ben has stalled. Ben is reading slowly.",
        "draft.pdf goes on.",
    ]


async def test_two_who_share_no_language_are_told_so_once() -> None:
    async with joined(languages=("en", "sv")) as talk:
        japanese = replace(BEN, languages=("ja", "ko"))
        line = "You and ben share no language: ben writes ja, ko, you write en, sv."
        assert (await talk.told(PeerChanged("lab", japanese, 5.0)))[-1] == line
        await talk.told(PeerChanged("lab", replace(japanese, state=PeerState.LOST), 6.0))
        assert line not in await talk.told(PeerChanged("lab", japanese, 7.0))


@pytest.mark.parametrize(
    ("theirs", "ours"), [(("sv-FI",), ("en", "SV")), ((), ("en",)), (("en",), ()), (("ja", "en-GB"), ("en",))]
)
async def test_who_shares_a_language_or_has_not_said_one_hears_nothing_of_it(
    theirs: tuple[str, ...], ours: tuple[str, ...]
) -> None:
    async with joined(languages=ours) as talk:
        told = await talk.told(PeerChanged("lab", replace(BEN, languages=theirs), 5.0))
        assert not [line for line in told if "language" in line]


async def test_the_languages_of_a_peer_are_listed_with_it() -> None:
    node = FakeNode()
    node.known_peers = [replace(BEN, languages=("en", "sv-FI"))]
    async with joined(node) as talk:
        talk.enter(b"/who")
        await talk.until(lambda: talk.written[-1].endswith("takes live text, writes en, sv-FI."))
