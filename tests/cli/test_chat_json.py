"""Machine mode, told as conversations between a program, the front end and the node."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.cli import chat_json, json_commands
from p2pchat.cli.json_commands import UnusableLine
from p2pchat.cli.room_access import Access
from p2pchat.errors import PeerUnreachable, ServerUnreachable, TimedOut
from p2pchat.node.answers import ContactInfo, Leftover, LiveTextStats, PeerStats
from p2pchat.node.events import (
    Alerted,
    CodeChanged,
    Direction,
    Event,
    Item,
    LineState,
    LiveTextAsked,
    LiveTextChanged,
    LiveTextShown,
    MessageDelivered,
    MessageReceived,
    MessageSent,
    PeerChanged,
    PeerMeasured,
    PeerState,
    Problem,
    ServerChanged,
    TransferChanged,
    TransferOffered,
    TransferProgressed,
    TransferState,
)
from p2pchat.protocol.rtt.statistics import Spread, Statistics
from tests.cli.talk import BEN, HOSTILE, LAB, PATIENCE, Talk, transfer
from tests.fake_node import FakeNode


class JsonTalk(Talk):
    """A conversation in JSON."""

    def do(self, **command: object) -> None:
        self.enter(json.dumps(command).encode())

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written]

    async def answer(self, event: str) -> dict[str, Any]:
        """Waits for an event of this kind, and returns the last one."""
        await self.until(lambda: any(told["event"] == event for told in self.objects))
        return [told for told in self.objects if told["event"] == event][-1]

    async def tells(self, event: Event) -> dict[str, Any]:
        """Tells one event, which has to bring about one object; returns it without its time."""
        (line,) = await self.told(event)
        told: dict[str, Any] = json.loads(line)
        assert told.pop("t") == 5.0
        return told


@contextlib.asynccontextmanager
async def joined(node: FakeNode | None = None, linger: float = 10.0, access: Access = LAB) -> AsyncIterator[JsonTalk]:
    """A conversation that is joined; it ends when its program says quit, at the latest here."""
    talk = JsonTalk(node or FakeNode())
    chat = asyncio.create_task(
        chat_json.chat(talk.node, access, lines=talk.lines(), write_line=talk.write_line, linger=linger)
    )
    async with asyncio.timeout(PATIENCE):
        await talk.answer("ready")
        yield talk
        talk.do(do="quit")
        await chat


async def test_ready_comes_first_and_says_who_and_where_we_are() -> None:
    async with joined() as talk:
        first = talk.objects[0]
    del first["t"]
    assert first == {
        "event": "ready",
        "name": "ana",
        "peer": "k7qfm2xd",
        "room": "lab",
        "server": "ws://127.0.0.1:8080",
    }


async def test_quit_leaves_at_once_and_stops_the_node() -> None:
    async with joined() as talk:
        pass
    assert talk.node.calls == [("start",), ("join", "lab"), ("stop",)]


async def test_the_end_of_input_leaves_when_everything_is_sent() -> None:
    talk = JsonTalk(FakeNode())
    talk.do(do="say", text="hello")
    talk.end_input()
    async with asyncio.timeout(PATIENCE):
        await chat_json.chat(talk.node, LAB, lines=talk.lines(), write_line=talk.write_line, linger=7.0)
    assert talk.node.calls == [("start",), ("join", "lab"), ("say", "lab", "hello"), ("settle", 7.0), ("stop",)]


async def test_the_end_of_input_says_so_when_not_everything_was_sent() -> None:
    class Stuck(FakeNode):
        async def settle(self, seconds: float) -> bool:
            return False

    talk = JsonTalk(Stuck())
    talk.end_input()
    with pytest.raises(TimedOut):
        await chat_json.chat(talk.node, LAB, lines=talk.lines(), write_line=talk.write_line, linger=0.0)
    assert talk.objects[-1]["event"] == "error"
    assert talk.objects[-1]["code"] == "timed-out"
    assert talk.node.calls[-1] == ("stop",)


async def test_a_room_that_cannot_be_joined_is_an_error_event_and_an_error() -> None:
    class Alone(FakeNode):
        async def join(self, conversation: str, secret: bytes = b"") -> None:
            raise ServerUnreachable("nobody answers", "start p2pchat-server")

    talk = JsonTalk(Alone())
    with pytest.raises(ServerUnreachable):
        await chat_json.chat(talk.node, LAB, lines=talk.lines(), write_line=talk.write_line, linger=0.0)
    (told,) = talk.objects
    assert (told["event"], told["code"], told["message"], told["hint"]) == (
        "error",
        "server-unreachable",
        "nobody answers",
        "start p2pchat-server",
    )
    assert talk.node.calls[-1] == ("stop",)


async def test_each_command_becomes_one_call() -> None:
    async with joined() as talk:
        talk.do(do="say", text="hi")
        talk.do(do="rtt", text="I am ty")
        talk.do(do="rtt", commit=True)
        talk.do(do="send", paths=["a", "b"])
        talk.do(do="send", paths=["a"], peer="m2xd")
        talk.do(do="accept", transfer="t1")
        talk.do(do="accept", transfer="t1", output="here")
        for word in ("decline", "pause", "resume", "cancel"):
            talk.do(do=word, transfer="t2", later="keys are ignored")
    declined = [call[:2] for call in talk.node.calls if call[0] in ("decline", "pause", "resume", "cancel")]
    assert talk.node.calls[2:9] == [
        ("say", "lab", "hi"),
        ("set_live_text", "lab", "I am ty"),
        ("commit_live_text", "lab"),
        ("offer", "lab", (Path("a"), Path("b")), None),
        ("offer", "lab", (Path("a"),), "m2xd"),
        ("accept", "t1", None),
        ("accept", "t1", Path("here")),
    ]
    assert declined == [("decline", "t2"), ("pause", "t2"), ("resume", "t2"), ("cancel", "t2")]


async def test_who_and_stats_answer_for_each_peer() -> None:
    class Busy(FakeNode):
        async def stats(self) -> list[PeerStats]:
            return [PeerStats("m2xdabcd", "direct", 12.2, 100, 200, 30.5)]

    node = Busy()
    node.known_peers = [BEN]
    async with joined(node) as talk:
        talk.do(do="who")
        peer = await talk.answer("peer")
        talk.do(do="stats")
        stats = await talk.answer("stats")
    assert peer["peer"] == "m2xdabcd"
    assert peer["state"] == "connected"
    del stats["t"]
    assert stats == {
        "event": "stats",
        "peer": "m2xdabcd",
        "path": "direct",
        "rtt_ms": 12.2,
        "sent": 100,
        "received": 200,
        "rate": 30.5,
        "loss": None,
        "addresses": "",
        "local": "",
        "remote": "",
        "live_text": None,
    }


async def test_what_the_node_refuses_is_answered_and_the_conversation_goes_on() -> None:
    async with joined() as talk:
        talk.node.fail_next = PeerUnreachable("nobody is here", "wait")
        talk.do(do="send", paths=["a"])
        answer = await talk.answer("error")
        talk.do(do="say", text="still here")
    assert (answer["code"], answer["message"], answer["hint"]) == ("peer-unreachable", "nobody is here", "wait")
    assert ("say", "lab", "still here") in talk.node.calls


async def test_safety_tells_the_words_of_each_peer_or_of_one() -> None:
    node = FakeNode()
    cyd = replace(BEN, peer="p0awxxxx", name="cyd", words=("one", "two"))
    node.known_peers = [replace(BEN, words=("three", "four")), cyd, replace(BEN, peer="gone", state=PeerState.LEFT)]
    async with joined(node) as talk:
        talk.do(do="safety")
        await talk.until(lambda: len(talk.objects) == 3)
        talk.do(do="safety", peer="P0aw")
        await talk.until(lambda: len(talk.objects) == 4)
        talk.do(do="safety", peer="dan")
        assert (await talk.answer("error"))["code"] == "peer-unreachable"
    told = [(answer["event"], answer["peer"], answer["words"]) for answer in talk.objects[1:4]]
    assert told == [
        ("safety", "m2xdabcd", ["three", "four"]),
        ("safety", "p0awxxxx", ["one", "two"]),
        ("safety", "p0awxxxx", ["one", "two"]),
    ]


async def test_what_is_decided_about_peers_and_contacts_becomes_calls() -> None:
    async with joined() as talk:
        talk.do(do="verify", peer="m2xd")
        talk.do(do="block", contact="cyd")
        talk.do(do="unblock", contact="cyd")
    assert talk.node.calls[2:-1] == [
        ("verify", "lab", "m2xd"),
        ("block_contact", "cyd", True),
        ("block_contact", "cyd", False),
    ]


async def test_contacts_are_told_with_their_keys() -> None:
    node = FakeNode()
    node.known_contacts = [ContactInfo("m2xdabcd", "00ff", "Benjamin", "ben", "verified", 1.0, 2.0)]
    async with joined(node) as talk:
        talk.do(do="contacts")
        told = await talk.answer("contact")
    del told["t"]
    assert told == {
        "event": "contact",
        "peer": "m2xdabcd",
        "key": "00ff",
        "name": "ben",
        "petname": "Benjamin",
        "state": "verified",
        "first_seen": 1.0,
        "last_seen": 2.0,
        "auto_accept": 0,
        "live_text": "ask",
    }


async def test_a_room_with_a_new_secret_is_joined_with_it_and_its_invite_follows_ready() -> None:
    async with joined(access=Access("lab", b"s" * 16, show_invite=True)) as talk:
        await talk.answer("invite")
        talk.do(do="invite")
        await talk.until(lambda: len(talk.objects) == 3)
    assert talk.node.calls[1] == ("join", "lab", b"s" * 16)
    assert [told["event"] for told in talk.objects] == ["ready", "invite", "invite"]
    assert talk.objects[1]["link"] == "p2pchat:server?room=lab#secret"


async def test_a_peer_that_has_proved_its_key_is_told_with_what_it_was_before() -> None:
    async with joined() as talk:
        told = await talk.tells(PeerChanged("lab", BEN, 5.0, was="seat2345"))
        assert (told["peer"], told["was"]) == ("m2xdabcd", "seat2345")


async def test_a_code_is_told_with_its_link() -> None:
    async with joined() as talk:
        assert await talk.tells(CodeChanged("lab", "7-a-b-c", "p2pchat:s#7-a-b-c", "guessed", 5.0)) == {
            "event": "code",
            "code": "7-a-b-c",
            "link": "p2pchat:s#7-a-b-c",
            "reason": "guessed",
        }


UNUSABLE = [
    b"",
    b"hello",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"do": "say"}',
    b'{"do": "say", "text": 3}',
    b'{"do": "say", "text": "\\ud800"}',
    b'{"do": "say", "text": "a"} trailing',
    b'{"do": "dance"}',
    b'{"do": 7}',
    b'{"text": "a"}',
    b'{"do": "send", "paths": []}',
    b'{"do": "send", "paths": "a"}',
    b'{"do": "send", "paths": ["a\\u0000b"]}',
    b'{"do": "accept"}',
    b'{"do": "verify"}',
    b'{"do": "block"}',
    b'{"do": "rtt"}',
    b'{"do": "rtt", "text": "a", "commit": true}',
    b'{"do": "quit", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    None,
]


@pytest.mark.parametrize("line", UNUSABLE, ids=lambda line: repr(line)[:40])
async def test_an_unusable_line_is_answered_and_nothing_else_happens(line: bytes | None) -> None:
    async with joined() as talk:
        talk.enter(line)
        answer = await talk.answer("error")
        assert talk.node.calls == [("start",), ("join", "lab")]
    assert answer["code"] == "unusable-line"
    assert answer["message"]


@given(st.binary(max_size=200))
def test_whatever_the_line_it_is_a_command_or_unusable(line: bytes) -> None:
    with contextlib.suppress(UnusableLine):
        assert isinstance(json_commands.decode(line), json_commands.Command)


async def test_peers_and_messages_are_told() -> None:
    async with joined() as talk:
        assert await talk.tells(PeerChanged("lab", BEN, 5.0)) == {
            "event": "peer",
            "peer": "m2xdabcd",
            "name": "ben",
            "state": "connected",
            "trust": "new",
            "path": "direct",
            "rtt_ms": 12.2,
            "reason": "",
            "live_text": True,
            "sees_keys": False,
            "live_mode": "",
            "languages": [],
        }
        assert await talk.tells(MessageReceived("lab", "0a", BEN.peer, "ben", "hi", 4.0, 5.0)) == {
            "event": "message",
            "id": "0a",
            "peer": "m2xdabcd",
            "name": "ben",
            "text": "hi",
            "sent_at": 4.0,
        }
        assert await talk.tells(MessageSent("lab", "0b", "hello", 5.0)) == {
            "event": "sent",
            "id": "0b",
            "peer": "k7qfm2xd",
            "text": "hello",
        }
        assert await talk.tells(MessageDelivered("lab", "0b", BEN.peer, 5.0)) == {
            "event": "delivered",
            "id": "0b",
            "peer": "m2xdabcd",
        }


async def test_live_text_alerts_and_problems_are_told() -> None:
    async with joined() as talk:
        for state in LineState:
            assert await talk.tells(LiveTextChanged("lab", BEN.peer, "ben", 3, "I am ty", state, 5.0)) == {
                "event": "rtt",
                "peer": "m2xdabcd",
                "name": "ben",
                "line": 3,
                "text": "I am ty",
                "state": state.value,
                "corrected": False,
                "restored": False,
            }
        assert await talk.tells(Alerted("lab", BEN.peer, "ben", 5.0)) == {
            "event": "alert",
            "peer": "m2xdabcd",
            "name": "ben",
        }
        assert await talk.tells(Problem("storage", "the disk is full", "free some", 5.0)) == {
            "event": "error",
            "code": "storage",
            "message": "the disk is full",
            "hint": "free some",
        }
        gone = await talk.tells(ServerChanged("lab", False, "connection lost", 5.0))
        assert (gone["event"], gone["code"]) == ("error", "server-unreachable")
        assert await talk.told(ServerChanged("lab", True, "", 5.0), PeerMeasured("lab", BEN.peer, 1.0, 5.0)) == []


async def test_transfers_are_told() -> None:
    items = (Item("a", 0, folder=True), Item("a/b.txt", 12))
    async with joined() as talk:
        assert await talk.tells(TransferOffered(transfer(items=items), 5.0)) == {
            "event": "offer",
            "transfer": "000000aa",
            "peer": "m2xdabcd",
            "name": "ben",
            "files": 1,
            "bytes": 4_200_000,
            "resumable": 0,
            "automatic": False,
            "items": [{"path": "a", "size": 0, "folder": True}, {"path": "a/b.txt", "size": 12}],
        }
        assert await talk.tells(TransferProgressed("000000aa", Direction.RECEIVE, 10, 100, 2.5, 5.0)) == {
            "event": "progress",
            "transfer": "000000aa",
            "direction": "receive",
            "bytes": 10,
            "total": 100,
            "rate": 2.5,
            "eta": 36.0,
        }
        done = transfer(TransferState.DONE, confirmed=4_200_000, seconds=0.5, saved=("/d/\udcffdraft.pdf",))
        assert await talk.tells(TransferChanged(done, 5.0)) == {
            "event": "transfer",
            "transfer": "000000aa",
            "peer": "m2xdabcd",
            "direction": "receive",
            "state": "done",
            "reason": "",
            "bytes": 4_200_000,
            "total": 4_200_000,
            "wanted": 4_200_000,
            "seconds": 0.5,
            "saved": ["/d/\udcffdraft.pdf"],
            "resumable": 0,
            "automatic": False,
        }
        assert "saved" not in await talk.tells(TransferChanged(transfer(direction=Direction.SEND), 5.0))


async def test_progress_is_told_at_most_five_times_at_once_for_each_transfer() -> None:
    async with joined() as talk:
        flood = [
            TransferProgressed(id, Direction.SEND, confirmed, 100, 1.0, 5.0)
            for confirmed in range(50)
            for id in ("t1", "t2")
        ]
        told = [json.loads(line)["transfer"] for line in await talk.told(*flood)]
    assert (told.count("t1"), told.count("t2")) == (5, 5)


async def test_no_text_of_others_reaches_the_output_raw() -> None:
    async with joined() as talk:
        (line,) = await talk.told(MessageReceived("lab", "0a", BEN.peer, HOSTILE, HOSTILE, 4.0, 5.0))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["text"] == HOSTILE


async def test_an_offer_is_looked_at_accepted_in_part_and_what_is_left_discarded() -> None:
    node = FakeNode()
    node.known_leftovers = [Leftover("8f14e45fceea167a", BEN.peer, "ben", "film.mov", Path("/srv"), 9, 4, 0.0)]
    async with joined(node) as talk:
        talk.do(do="inspect", transfer="000000aa", output="/srv/in")
        told = await talk.answer("landing")
        assert (told["folder"], told["needed"], told["fault"]) == ("/srv/in", 1000, "")
        talk.do(do="leftovers")
        assert (await talk.answer("leftover"))["transfer"] == "8f14e45fceea167a"
        talk.do(do="accept", transfer="000000aa", if_exists="skip", only=["*.jpg"], preserve=True)
        talk.do(do="discard", transfer="8f14e45fceea167a")
        talk.do(do="accept", transfer="000000aa", if_exists="ask")
        await talk.answer("error")
    assert ("accept", "000000aa", None, "skip", ("*.jpg",), "preserve") in talk.node.calls
    assert ("discard", "8f14e45fceea167a") in talk.node.calls
    assert [call[0] for call in talk.node.calls].count("accept") == 1


async def test_who_sees_our_keys_is_decided_by_commands() -> None:
    node = FakeNode()
    node.known_peers = [BEN]
    async with joined(node) as talk:
        talk.do(do="live")
        talk.do(do="hold")
        talk.do(do="live", on=False)
        talk.do(do="share")
        talk.do(do="share", peer="BEN", shared=False)
        talk.do(do="policy", contact="ben", live_text="on")
        talk.do(do="alert")
        assert (await talk.answer("alert-sent"))["sent"] is True
    assert [call for call in node.calls if call[0] in ("live_text_mode", "share_live_text", "live_text_policy")] == [
        ("live_text_mode", "lab", "live"),
        ("live_text_mode", "lab", "hold"),
        ("live_text_mode", "lab", "off"),
        ("share_live_text", "lab", True),
        ("share_live_text", "lab", False, BEN.peer),
        ("live_text_policy", "ben", "on"),
    ]


async def test_what_was_shown_and_who_asks_to_see_is_told() -> None:
    async with joined() as talk:
        assert await talk.tells(LiveTextShown("lab", BEN.peer, 5.0)) == {"event": "shown", "peer": BEN.peer}
        assert await talk.tells(LiveTextAsked("lab", BEN.peer, "ben", 5.0)) == {
            "event": "asks-to-see",
            "peer": BEN.peer,
            "name": "ben",
        }


async def test_statistics_hold_those_of_live_text() -> None:
    class Busy(FakeNode):
        async def stats(self) -> list[PeerStats]:
            return [PeerStats(BEN.peer, "direct", 12.2, 100, 200, 30.5)]

    node = Busy()
    node.known_live_text_stats = [
        LiveTextStats(BEN.peer, "ben", Statistics(key_to_send=Spread(3, 0.1, 0.2, 0.2, 0.2), gaps=1))
    ]
    async with joined(node) as talk:
        talk.do(do="stats")
        told = await talk.answer("stats")
    assert told["live_text"]["key_to_send"] == {"count": 3, "p50": 0.1, "p95": 0.2, "p99": 0.2, "max": 0.2}
    assert told["live_text"]["gaps"] == 1


async def test_the_transcript_is_saved_and_overwrites_nothing(tmp_path: Path) -> None:
    saved = tmp_path / "talk.jsonl"
    async with joined() as talk:
        talk.do(do="rtt", text="hel")
        await talk.told(MessageReceived("lab", "0a", BEN.peer, "ben", "hello", 4.0, 5.0))
        talk.do(do="export", format="jsonl", path=str(saved))
        assert (await talk.answer("exported"))["path"] == str(saved)
        talk.do(do="export", format="jsonl", path=str(saved))
        await talk.until(lambda: any("not overwritten" in line for line in talk.written))
    lines = [json.loads(line) for line in saved.read_text().splitlines()]
    assert [(line["kind"], line.get("text")) for line in lines] == [
        ("conversation", None),
        ("live", "hel"),
        ("message", "hello"),
    ]
