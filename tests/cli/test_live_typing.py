"""Typing live in line mode, and what is told of live text: conversations on a terminal that only moves forward."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from p2pchat.cli import chat_plain
from p2pchat.cli.keyboard import Keyboard
from p2pchat.errors import PeerUnreachable
from p2pchat.node.answers import LiveTextStats
from p2pchat.node.events import (
    Alerted,
    GuestAsks,
    LineState,
    LiveTextAsked,
    LiveTextChanged,
    MessageReceived,
    PeerChanged,
    PeerState,
)
from p2pchat.protocol.rtt.announce import Size
from p2pchat.protocol.rtt.graphemes import unicode_version
from p2pchat.protocol.rtt.statistics import Spread, Statistics
from tests.cli.talk import BEN, LAB, PATIENCE, Talk
from tests.fake_node import FakeNode

SEEING = replace(BEN, sees_keys=True)


class Keys(Keyboard):
    """A terminal that a test types on. It echoes whole lines by itself, which is not written down here."""

    def __init__(self, write_text: Callable[[str], None]) -> None:
        super().__init__(-1, write_text)
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self.single = False
        self.can = True

    def type(self, *keys: str) -> None:
        for key in keys:
            self._chunks.put_nowait(key.encode())

    async def chunks(self) -> AsyncIterator[bytes]:
        while data := await self._chunks.get():
            yield data
            self._chunks.task_done()

    async def carried_out(self) -> None:
        """Waits until nothing that was typed is still to be worked on."""
        await self._chunks.join()

    def key_by_key(self) -> bool:
        self.single = self.can
        return self.can

    def by_line(self) -> None:
        self.single = False


class TerminalTalk(Talk):
    """A conversation on a terminal."""

    def __init__(self, node: FakeNode) -> None:
        super().__init__(node)
        self.shown = ""
        self.keys = Keys(self.write_text)

    def write_text(self, text: str) -> None:
        self.shown += text

    def write_line(self, line: str) -> None:
        self.shown += line + "\n"
        super().write_line(line)

    async def typed(self, *keys: str) -> Self:
        """Types, and waits until everything of it is carried out."""
        self.keys.type(*keys)
        await asyncio.wait_for(self.keys.carried_out(), PATIENCE)
        return self

    def asked_for(self, *names: str) -> list[tuple[object, ...]]:
        return [call for call in self.node.calls if call[0] in names]


@contextlib.asynccontextmanager
async def on_a_terminal(
    node: FakeNode | None = None, size: Size = "sentence", on_alert: tuple[str, ...] = ()
) -> AsyncIterator[TerminalTalk]:
    node = node or FakeNode()
    node.known_peers = node.known_peers or [SEEING]
    talk = TerminalTalk(node)
    chat = asyncio.create_task(
        chat_plain.chat(
            node,
            LAB,
            lines=talk.lines(),
            write_line=talk.write_line,
            linger=3.0,
            echo=False,
            show_link=talk.write_line,
            size=size,
            keyboard=talk.keys,
            on_alert=on_alert,
        )
    )
    async with asyncio.timeout(PATIENCE):
        await talk.until(lambda: bool(talk.written))
        await talk.told(PeerChanged("lab", BEN, 5.0))
        yield talk
        talk.keys.type("\n/quit\n")
        await chat
    assert not talk.keys.single, "the terminal is left as it was found"


async def test_nothing_leaves_before_enter_until_live_text_is_on() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("hello\n")
        assert talk.asked_for("set_live_text", "say") == [("say", "lab", "hello")]


async def test_live_text_says_who_sees_it_and_what_it_is_not() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("/live\n")
        await talk.until(lambda: any(line.startswith("Live text is on.") for line in talk.written))
        assert talk.keys.single
        assert any("not an emergency-calling service" in line for line in talk.written)
        assert (
            "Live text is on. ben sees each key that you type. /live stops it, /hold writes in private." in talk.written
        )
        await talk.typed("/live\n")
        await talk.until(lambda: "Live text is off. Nothing is sent before you press Enter." in talk.written)
        assert not talk.keys.single
    assert talk.asked_for("share_live_text") == [("share_live_text", "lab", True), ("share_live_text", "lab", False)]


async def test_each_key_leaves_and_enter_finishes_the_line() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("/live\n")
        await talk.typed("h", "i", "\n")
        assert talk.asked_for("set_live_text", "commit_live_text", "say") == [
            ("set_live_text", "lab", "h"),
            ("set_live_text", "lab", "hi"),
            ("set_live_text", "lab", "hi"),
            ("commit_live_text", "lab"),
        ]
        assert talk.shown.endswith("hi\n"), "no line repeats what the echo has shown"


async def test_a_line_that_was_corrected_is_said_once_and_the_cursor_never_moves_back() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("/live\n")
        await talk.typed("helo", "\x7f", "lo", "\n")
        assert talk.shown.endswith("helolo\nyou: hello\n")
        assert not set(talk.shown) & {"\b", "\r", "\x1b", "\x7f"}
    assert ("commit_live_text", "lab") in talk.node.calls


async def test_commands_and_long_pastes_are_seen_by_nobody_before_enter() -> None:
    paste = "x" * 300
    async with on_a_terminal() as talk:
        await talk.typed("/live\n")
        await talk.typed("see", paste, "\n")
        await talk.typed("/who", "\n/status\n/live off\n")
        await talk.until(lambda: any("Live text is off" in line for line in talk.written))
    assert talk.asked_for("set_live_text", "commit_live_text", "say") == [
        ("set_live_text", "lab", "see"),
        ("set_live_text", "lab", ""),
        ("say", "lab", "see" + paste),
    ]


async def test_escape_twice_takes_the_line_back() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("/live\n")
        await talk.typed("oh no", "\x1b\x1b")
        await talk.until(lambda: "Your line is taken back." in talk.written)
    assert talk.asked_for("set_live_text") == [("set_live_text", "lab", "oh no"), ("set_live_text", "lab", "")]


async def test_writing_in_private_is_said_and_ends() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("/live\n")
        await talk.typed("/hold\n")
        await talk.until(lambda: "Private. Nobody sees what you type before you press Enter." in talk.written)
        await talk.typed("/hold\n")
        await talk.until(lambda: talk.written[-1] == "ben sees each key that you type.")
        assert await talk.told(PeerChanged("lab", SEEING, 5.0)) == [], "it was said already"
        talk.keys.type("/status\n")
        await talk.until(lambda: talk.written[-1].endswith("Live text is on. ben sees each key that you type."))
    assert talk.asked_for("live_text_mode")[1:] == [
        ("live_text_mode", "lab", "hold"),
        ("live_text_mode", "lab", "live"),
    ]


async def test_nobody_is_interrupted_while_typing_but_for_an_alert() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("/live\n")
        await talk.typed("I am ty")
        talk.node.tell(
            MessageReceived("lab", "0a", BEN.peer, "ben", "hello", 4.0, 5.0), Alerted("lab", BEN.peer, "ben", 5.0)
        )
        await talk.until(lambda: "Alert: ben asks for your attention." in talk.written)
        assert "ben: hello" not in talk.written
        await talk.typed("ping", "\n")
        await talk.until(lambda: talk.written[-1] == "ben: hello")
        assert talk.shown.endswith("I am ty\nAlert: ben asks for your attention.\nping\nben: hello\n")


async def test_what_waits_is_said_after_a_pause() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("/live\n")
        await talk.typed("I am ty")
        talk.node.tell(MessageReceived("lab", "0a", BEN.peer, "ben", "hello", 4.0, 5.0))
        await talk.until(lambda: talk.written[-1] == "ben: hello")


async def test_without_a_terminal_live_typing_is_refused_in_words() -> None:
    async with on_a_terminal() as talk:
        talk.keys.can = False
        talk.keys.type("/live\n", "/hold\n")
        await talk.until(lambda: any(line.startswith("Live typing needs a terminal.") for line in talk.written))
        await talk.until(lambda: any(line.startswith("Live text is off, and nobody sees") for line in talk.written))
    assert talk.asked_for("share_live_text") == []


async def test_a_key_that_cannot_be_sent_is_told_and_typing_goes_on() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("/live\n")
        talk.node.fail_next = PeerUnreachable("nobody is there")
        await talk.typed("a", "\n")
        await talk.until(lambda: "Nobody is there." in talk.written)
    assert ("commit_live_text", "lab") in talk.node.calls


async def test_who_sees_keys_is_said_as_it_changes() -> None:
    async with on_a_terminal() as talk:
        assert await talk.told(PeerChanged("lab", SEEING, 5.0)) == [], "nobody sees anything while live text is off"
        await talk.typed("/live\n")
        assert await talk.told(
            PeerChanged("lab", SEEING, 5.0),
            PeerChanged("lab", BEN, 5.0),
            LiveTextAsked("lab", BEN.peer, "ben", 5.0),
            PeerChanged("lab", SEEING, 5.0),
        ) == [
            "ben does not see your keys.",
            "ben does not see your keys. Type /share m2xd to let ben see them.",
            "ben sees each key that you type.",
        ]


async def test_sharing_is_decided_by_name() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("/share ben\n")
        await talk.typed("/unshare m2xd\n")
        await talk.typed("/share ben always\n")
        talk.keys.type("/share\n", "/share ben perhaps\n")
        await talk.until(lambda: any(line.startswith("Perhaps is not always") for line in talk.written))
    assert talk.asked_for("share_live_text", "live_text_policy") == [
        ("share_live_text", "lab", True, BEN.peer),
        ("share_live_text", "lab", False, BEN.peer),
        ("live_text_policy", "ben", "on"),
    ]


async def test_what_others_do_with_live_text_is_said_in_words() -> None:
    async with on_a_terminal() as talk:
        assert await talk.told(
            PeerChanged("lab", replace(BEN, live_mode="hold"), 5.0),
            PeerChanged("lab", replace(BEN, live_mode="off"), 5.0),
            PeerChanged("lab", BEN, 5.0),
            PeerChanged("lab", replace(BEN, live_mode="hold"), 5.0),
            PeerChanged("lab", BEN, 5.0),
        ) == [
            "ben composes in private.",
            "ben has live text off.",
            "ben has live text on again.",
            "ben composes in private.",
            "ben no longer composes in private.",
        ]


async def test_what_was_lost_and_came_back_is_said() -> None:
    def line(text: str, state: LineState = LineState.LIVE, **more: bool) -> LiveTextChanged:
        return LiveTextChanged("lab", BEN.peer, "ben", 0, text, state, 5.0, **more)

    async with on_a_terminal() as talk:
        assert await talk.told(line("I have the sour", LineState.INTERRUPTED)) == [
            "ben: I have the sour",
            "The last line of ben was interrupted. Some of its end may be missing.",
        ]
        assert "Nothing of the line of ben is missing any more." in await talk.told(
            line("I have the source.", restored=True)
        )
        assert "Some text of ben is missing." in await talk.told(line("I have the source.\ufffd"))


async def test_how_much_is_told_at_once_can_be_changed() -> None:
    def line(text: str, number: int) -> LiveTextChanged:
        return LiveTextChanged("lab", BEN.peer, "ben", number, text, LineState.LIVE, 5.0)

    async with on_a_terminal(size="char") as talk:
        assert await talk.told(line("h", 0), line("hi", 0)) == ["ben is typing: h", "i"]
        talk.keys.type("/announce word\n")
        await talk.until(lambda: "Live text is told by the word." in talk.written)
        assert await talk.told(line("one", 1), line("one two", 1)) == ["ben is typing: one"]
        talk.keys.type("/announce letter\n")
        await talk.until(lambda: any("sentence, word, line, char" in line.lower() for line in talk.written))


async def test_an_alert_is_sent_and_said() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("/alert\n")
        await talk.until(lambda: "The others are alerted." in talk.written)
    assert ("alert", "lab") in talk.node.calls


async def test_somebody_without_a_key_is_let_in_or_sent_away() -> None:
    async with on_a_terminal() as talk:
        (asks,) = await talk.told(GuestAsks("lab", "b7kq2mfa", "guest b7kq", 5.0))
        assert asks == (
            "Somebody asks to talk, and would be called guest b7kq. It has live text only and cannot prove who it is. "
            "Type /admit or /refuse."
        )
        await talk.typed("/admit\n")
        (asks,) = await talk.told(GuestAsks("lab", "x7kq2mfa", "guest x7kq", 5.0))
        await talk.told(GuestAsks("lab", "y7kq2mfa", "guest y7kq", 5.0))
        talk.keys.type("/refuse\n")
        await talk.until(lambda: any(line.startswith("Several ask: x7kq2mfa, y7kq2mfa.") for line in talk.written))
        await talk.typed('/refuse "guest x7kq"\n')
        gone = replace(BEN, peer="y7kq2mfa", name="guest y7kq", state=PeerState.LEFT)
        await talk.told(PeerChanged("lab", gone, 5.0))
        talk.keys.type("/admit\n")
        await talk.until(lambda: "Nobody asks." in talk.written)
    assert talk.asked_for("admit_guest") == [
        ("admit_guest", "lab", "b7kq2mfa", True),
        ("admit_guest", "lab", "x7kq2mfa", False),
    ]


async def test_how_well_live_text_works_is_told_in_words() -> None:
    node = FakeNode()
    node.known_live_text_stats = [
        LiveTextStats(
            BEN.peer,
            "ben",
            Statistics(
                Spread(9, 0.0, 0.098, 0.1, 0.1),
                Spread(4, 0.02, 1.03, 1.03, 1.03),
                clock_known=True,
                clock_error=0.006,
                messages_sent=8,
                messages_received=2,
                characters_sent=58,
                characters_received=1,
                gaps=2,
                healed=1,
                backlog=40,
                cps=30,
                unit="c",
            ),
        )
    ]
    async with on_a_terminal(node) as talk:
        talk.keys.type("/rtt stats\n")
        await talk.until(lambda: talk.written[-1].startswith("Clock of ben"))
        assert talk.written[-12:] == [
            "Live text with ben.",
            "From key to sending: half within 0 milliseconds, 95 percent within 98 milliseconds, 99 percent within 100"
            " milliseconds, at most 100 milliseconds. That is good; up to 300 milliseconds is good.",
            "From key to the screen of ben: half within 20 milliseconds, 95 percent within 1,030 milliseconds, 99"
            " percent within 1,030 milliseconds, at most 1,030 milliseconds. That is usable; up to 1 second is good.",
            "Sent: 58 characters in 8 messages.",
            "Received: 1 character in 2 messages.",
            "Still to be sent: 40 characters, because ben takes no more at once: catching up.",
            "Text may be missing: in 2 places, of which 1 healed.",
            "Shown wrongly, corrected at the end: 0 lines.",
            "Alerts received: 0.",
            "ben takes: 30 characters a second.",
            "One erasure takes: one code point, which may be a part of a character.",
            "Clock of ben: known, give or take 6 milliseconds.",
        ]


@pytest.mark.parametrize(("theirs", "differs"), [("15.0", True), (unicode_version(), False), ("", False)])
async def test_another_version_of_unicode_at_the_other_side_is_told(theirs: str, differs: bool) -> None:
    node = FakeNode()
    node.known_live_text_stats = [LiveTextStats(BEN.peer, "ben", Statistics(messages_sent=1), theirs)]
    async with on_a_terminal(node) as talk:
        talk.keys.type("/rtt stats\n")
        await talk.until(lambda: any("Clock of ben" in line for line in talk.written))
        told = [line for line in talk.written if "by Unicode" in line]
        ours = unicode_version()
        assert (
            told
            == [
                f"ben segments text by Unicode 15.0, this program by {ours}: "
                "new emoji and scripts may be erased in other steps there."
            ]
            * differs
        )


@pytest.mark.parametrize(("form", "holds"), [("txt", "ben (m2xd): hello"), ("md", "hello"), ("jsonl", '"hello"')])
async def test_what_was_said_is_saved_and_nothing_is_overwritten(tmp_path: Path, form: str, holds: str) -> None:
    async with on_a_terminal() as talk:
        await talk.told(MessageReceived("lab", "0a", BEN.peer, "ben", "hello", 4.0, 5.0))
        path = tmp_path / "my talk"
        talk.keys.type(f'/export {form} "{path}"\n')
        await talk.until(lambda: f"Saved as {path}." in talk.written)
        assert holds in path.read_text("utf-8")
        talk.keys.type(f'/export {form} "{path}"\n', "/export doc x\n", "/export my talk now\n")
        await talk.until(lambda: any("is not overwritten" in line for line in talk.written))
        await talk.until(lambda: any("There is no format doc" in line for line in talk.written))
        await talk.until(lambda: any("needs a format and a path" in line for line in talk.written))
