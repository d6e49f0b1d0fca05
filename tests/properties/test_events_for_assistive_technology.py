"""Who knows nothing but the stream for assistive technology ends with the lines that everybody else sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from p2pchat.cli.assistive import AssistiveEvents
from p2pchat.node.events import LineState, LiveTextChanged, MessageSent
from p2pchat.node.said import encodable, what_was_said
from p2pchat.protocol.limits import LIVE_LINE_CHARACTERS
from p2pchat.protocol.rtt.direction import Mode
from p2pchat.protocol.untrusted import safe_text
from tests.cli.talk import BEN
from tests.protocol.rtt.test_healing import Outage, play
from tests.protocol.rtt.test_healing import steps as sessions


class Appending:
    """A program that knows nothing but the stream: it appends what is live, and takes off what is erased."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, int], str] = {}
        self.messages: list[str] = []
        """Those that finished no live line."""

    def read(self, told: Iterator[dict[str, Any]]) -> None:
        for each in told:
            if "number" not in each:
                self.messages += [each["text"]] if each["kind"] == "final" else []
                continue
            key, text = (each["dir"], each["number"]), each["text"]
            standing = self.lines.get(key, "")
            match each["kind"]:
                case "live":
                    standing += text
                case "erase":
                    assert standing.endswith(text)
                    standing = standing[: len(standing) - len(text)]
                case "final":
                    assert standing in ("", text)
                    standing = text
                case _:
                    continue
            assert each["line"] == standing
            self.lines[key] = standing


class Conversation:
    """What a node makes of our own lines and messages."""

    def __init__(self) -> None:
        self.lines = [""]
        self.messages: list[str] = []

    def set_live_text(self, text: str) -> None:
        self.lines[-1] = safe_text(encodable(text)[:LIVE_LINE_CHARACTERS])

    def commit_live_text(self) -> MessageSent | None:
        text = self.lines[-1]
        if not text.strip():
            self.lines[-1] = ""
            return None
        self.lines.append("")
        return MessageSent("lab", "0a", text, 3.0)

    def say(self, text: str) -> MessageSent:
        self.messages.append(text)
        return MessageSent("lab", "0b", text, 3.0)


PIECES = st.lists(
    st.sampled_from(["a", "é", "e", "\u0301", "👩", "\u200d", "👧", "🇸", "🇪", "한", "\ufffd", " "]), max_size=6
)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), PIECES.map("".join), st.sampled_from(LineState), st.booleans(), st.booleans()),
        max_size=20,
    )
)
def test_who_reads_the_stream_alone_ends_with_the_lines_of_the_others(
    changes: list[tuple[int, str, LineState, bool, bool]],
) -> None:
    stream, reader, lines = AssistiveEvents(), Appending(), {}
    for number, text, state, corrected, restored in changes:
        event = LiveTextChanged("lab", BEN.peer, "ben", number, text, state, 5.0, corrected, restored)
        reader.read(stream.event(event))
        lines[("recv", number)] = text
        assert {key: reader.lines.get(key, "") for key in lines} == lines


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("type"), PIECES.map("".join) | st.sampled_from(["\ud800", "a\x1b[1m", "x" * 5000])),
            st.tuples(st.sampled_from(["finish", "finish and begin the next at once"]), st.just("")),
            st.tuples(st.just("say"), st.sampled_from(["a", "b"])),
        ),
        max_size=20,
    )
)
def test_who_reads_the_stream_alone_ends_with_our_own_lines(steps: list[tuple[str, str]]) -> None:
    stream, reader, node = AssistiveEvents(), Appending(), Conversation()
    for step, text in steps:
        match step:
            case "type":
                node.set_live_text(text)
                reader.read(stream.typed(text, 1.0))
            case "say":
                reader.read(stream.event(node.say(text)))
            case _:
                number, sent = stream.finishing(), node.commit_live_text()
                if sent is None:
                    reader.read(stream.taken_back(number, 2.0))
                if step != "finish":
                    node.set_live_text("next")
                    reader.read(stream.typed("next", 2.0))
                if sent is not None:
                    reader.read(stream.event(sent))
    assert [text for text in reader.lines.values() if text] == [text for text in node.lines if text]
    assert reader.messages == node.messages


@given(sessions)
@example([("read", "abc", False), ("arrive", 99, 99), ("want", Mode.HOLD), ("read", "abd", False), ("send",)])
@example([("read", "hello", False), ("arrive", 99, 99), ("lose", 0, 0, True), ("read", "help", False), ("send",)])
def test_who_reads_the_stream_alone_ends_with_what_was_written_whatever_was_lost(
    script: list[tuple[object, ...]],
) -> None:
    outage = Outage()
    play(outage, script)
    outage.ben_wants(Mode.LIVE).wants(Mode.LIVE).reads("").settles()
    stream, reader = AssistiveEvents(), Appending()
    for output in outage.pair.ben.told:
        if (event := what_was_said(output, "lab", BEN)) is not None:
            reader.read(stream.event(event))
    lines = [text for text in [*reader.lines.values(), *reader.messages] if text]
    assert Counter(lines) == Counter(text for text in map(safe_text, outage.written) if text)
