"""Turn by turn: two who type at once are read one after the other, and nothing waits."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.node.events import Event, LineState, MessageDelivered, PeerInfo
from p2pchat.tui.layouts.turns import FORCED_SECONDS, PAUSE_SECONDS, UNSENT_SECONDS, Turn, Turns
from p2pchat.tui.model import Conversation
from p2pchat.tui.timeline import Changes
from tests.tui.stage import AT, BEN, CYD, ROOM, here, said, sent, typing


class Field:
    """A conversation and its turns, as somebody reads them."""

    def __init__(self) -> None:
        self.conversation = Conversation(ROOM)
        self.turns = Turns()
        self.keys: list[str] = []
        self.own = ""
        self.now = 0.0
        self.lines: dict[str, int] = {}
        for event in here(BEN, CYD):
            self.conversation.apply(event, self.now)
        self.read()

    def read(self) -> None:
        """Takes in what has changed, as a screen does that adds, repaints and drops entries."""
        conversation = self.conversation
        changes = self.turns.follow(
            conversation.take_changes(), conversation.rows, conversation.live, self.own, self.now
        )
        assert not changes.changed & set(changes.added)
        assert changes.changed | set(changes.removed) <= set(self.keys)
        self.keys = [key for key in self.keys if key not in changes.removed] + changes.added
        assert sorted(self.keys) == sorted(self.turns.items)

    def types(self, peer: PeerInfo, text: str, state: LineState = LineState.LIVE) -> None:
        self.conversation.apply(typing(peer, text, state, self.lines.get(peer.peer, 0)), self.now)
        if state is LineState.FINAL:
            self.lines[peer.peer] = self.lines.get(peer.peer, 0) + 1
        self.read()

    def we_type(self, text: str) -> None:
        self.own = text
        self.read()

    def we_finish(self, text: str) -> None:
        self.own = ""
        self.turns.committed(text, self.now)
        self.read()

    def after(self, seconds: float) -> None:
        self.now += seconds
        self.read()

    @property
    def said(self) -> list[str]:
        items = [self.turns.items[key] for key in self.keys]
        turns = [item for item in items if isinstance(item, Turn)]
        return [f"{turn.label}: {turn.text}" + (f" ({turn.mark})" if turn.mark else "") for turn in turns]

    @property
    def growing(self) -> list[str]:
        return [f"{row.label}: {row.text}" for row in self.turns.growing.values()]


def test_one_who_types_alone_has_one_turn() -> None:
    field = Field()
    field.types(BEN, "Hello, there. How are you")
    assert (field.said, field.growing) == ([], ["ben: Hello, there. How are you"])
    field.types(BEN, "Hello, there. How are you?", LineState.FINAL)
    assert (field.said, field.growing) == (["ben: Hello, there. How are you?"], [])


def test_two_who_type_at_once_take_turns_at_commas_and_sentence_ends() -> None:
    field = Field()
    field.types(BEN, "I will add i")
    field.types(CYD, "wait")
    assert field.growing == ["ben: I will add i", "cyd: wait"]
    field.types(BEN, "I will add it, ")
    field.types(BEN, "I will add it, toni")
    assert (field.said, field.growing) == (["ben: I will add it,"], ["ben: toni", "cyd: wait"])
    field.types(CYD, "wait. I have")
    field.types(BEN, "I will add it, tonight", LineState.FINAL)
    field.types(CYD, "wait. I have the source", LineState.FINAL)
    assert field.said == ["ben: I will add it,", "cyd: wait.", "ben: tonight", "cyd: I have the source"]


def test_a_comma_inside_a_number_ends_nothing() -> None:
    field = Field()
    field.types(CYD, "how much")
    field.types(BEN, "1,000,000 of them")
    assert field.said == []


def test_a_new_line_ends_a_turn_and_scripts_without_spaces_have_their_own_signs() -> None:
    field = Field()
    field.types(CYD, "見")
    field.types(BEN, "one\ntwo")
    field.types(CYD, "見ます。図")
    assert field.said == ["ben: one", "cyd: 見ます。"]
    assert field.growing == ["cyd: 図", "ben: two"]


def test_after_a_pause_of_more_than_ten_seconds_a_new_turn_begins() -> None:
    field = Field()
    field.types(BEN, "I will add it")
    field.after(PAUSE_SECONDS)
    assert field.growing == ["ben: I will add it"]
    field.after(1)
    assert (field.said, field.growing) == (["ben: I will add it"], [])
    field.types(BEN, "I will add it tonight")
    assert (field.said, field.growing) == (["ben: I will add it"], ["ben: tonight"])


def test_after_a_minute_a_turn_ends_with_a_word_when_somebody_else_writes() -> None:
    field = Field()
    for second in range(int(FORCED_SECONDS) - 1):
        field.types(BEN, "word " * second + "wor")
        field.types(CYD, "x" * (second + 1))
        field.after(1)
    assert field.said == []
    field.now += 1
    field.types(BEN, "word " * int(FORCED_SECONDS) + "wor")
    assert field.said == ["ben: " + ("word " * int(FORCED_SECONDS)).strip()]
    assert "ben: wor" in field.growing


def test_what_is_corrected_later_is_corrected_in_its_turn() -> None:
    field = Field()
    field.types(BEN, "Hello, how")
    field.types(CYD, "hi")
    field.after(1)
    field.types(BEN, "Hello, how are")
    assert field.said == ["ben: Hello,"]
    field.types(BEN, "Hallo, how are")
    assert (field.said, field.growing) == (["ben: Hallo,"], ["cyd: hi", "ben: how are"])
    final = typing(BEN, "Hullo, how are you", LineState.FINAL)
    field.conversation.apply(replace(final, corrected=True), 0.0)
    field.read()
    assert field.said == ["ben: Hullo,", "ben: how are you (corrected)"]


def test_a_turn_into_which_somebody_erases_grows_again_in_its_place() -> None:
    field = Field()
    field.types(BEN, "Hello, how")
    field.types(CYD, "hi, ")
    field.types(BEN, "Hello, how are")
    assert field.said == ["cyd: hi,", "ben: Hello,"]
    field.types(BEN, "He")
    assert (field.said, field.growing) == (["cyd: hi,", "ben: He"], [])
    field.types(BEN, "Hey there")
    assert field.said == ["cyd: hi,", "ben: Hey there"]


def test_what_its_author_takes_back_is_gone_with_all_its_turns() -> None:
    field = Field()
    field.types(BEN, "Hello, how")
    field.types(CYD, "hi")
    field.types(BEN, "Hello, how are")
    field.types(BEN, "")
    assert (field.said, field.growing) == ([], ["cyd: hi"])


def test_our_own_text_comes_in_at_suitable_places_and_not_letter_by_letter() -> None:
    field = Field()
    field.types(BEN, "shall I")
    field.we_type("yes")
    assert field.said == []
    field.we_type("yes, please")
    assert (field.said, field.growing) == (["you: yes,"], ["ben: shall I"])
    field.we_type("yes, please do")
    field.we_finish("yes, please do")
    field.conversation.apply(sent("yes, please do"), 0.0)
    field.read()
    assert field.said == ["you: yes,", "you: please do (waiting)"]
    field.conversation.apply(MessageDelivered(ROOM, "1", BEN.peer, AT), 0.0)
    field.read()
    assert field.said == ["you: yes,", "you: please do (1 of 2)"]


def test_a_line_of_ours_that_was_refused_does_not_stay() -> None:
    field = Field()
    field.types(BEN, "shall I")
    field.we_type("yes, please")
    field.we_finish("yes, please")
    assert field.said == ["you: yes,"]
    field.after(UNSENT_SECONDS + 1)
    assert field.said == []


def test_an_interrupted_line_is_marked_at_its_last_turn() -> None:
    field = Field()
    field.types(BEN, "Hello, how")
    field.types(CYD, "hi")
    field.types(BEN, "Hello, how ar", LineState.INTERRUPTED)
    field.lines[BEN.peer] = 1
    field.types(BEN, "back")
    assert field.said == ["ben: Hello,", "ben: how ar (interrupted)"]
    assert field.growing == ["cyd: hi", "ben: back"]


def test_old_lines_go_with_all_their_turns() -> None:
    field = Field()
    field.types(CYD, "hi")
    field.types(BEN, "Hello, how")
    field.types(BEN, "Hello, how", LineState.FINAL)
    field.conversation.apply(said(CYD, "last"), 0.0)
    field.read()
    assert field.said == ["ben: Hello,", "ben: how", "cyd: last"]
    field.conversation.trim(1)
    field.read()
    assert field.said == ["cyd: last"]


def test_a_conversation_that_was_there_before_is_a_turn_for_each_message() -> None:
    conversation = Conversation(ROOM)
    events: list[Event] = [*here(BEN), said(BEN, "one"), sent("two")]
    for event in events:
        conversation.apply(event, 0.0)
    turns = Turns()
    turns.follow(Changes(added=list(conversation.rows)), conversation.rows, {}, "", 0.0)
    assert [item.text for item in turns.items.values() if isinstance(item, Turn)] == ["one", "two"]


def test_a_line_that_began_with_an_empty_one_leaves_nothing_when_it_is_taken_back() -> None:
    field = Field()
    field.types(BEN, "\na")
    field.types(CYD, "a")
    field.after(11.0)
    field.types(BEN, "")
    assert [item for item in field.turns.items.values() if isinstance(item, Turn) and item.peer == BEN.peer] == []


EDITS = st.lists(
    st.tuples(st.sampled_from([BEN, CYD, None]), st.text("ab, .\n👨", max_size=12), st.booleans(), st.floats(0, 30)),
    max_size=30,
)


@given(EDITS)
def test_whatever_is_typed_the_turns_of_a_line_are_the_line(
    edits: list[tuple[PeerInfo | None, str, bool, float]],
) -> None:
    field, finished = Field(), {BEN.peer: "", CYD.peer: ""}
    for peer, text, final, seconds in edits:
        field.after(seconds)
        if peer is None:
            field.we_type(text)
        else:
            field.types(peer, text, LineState.FINAL if final else LineState.LIVE)
            finished[peer.peer] += text if final else ""
    for peer in (BEN, CYD):
        if row := field.conversation.live.get(peer.peer):
            finished[peer.peer] += row.text
        turns = [item for item in field.turns.items.values() if isinstance(item, Turn) and item.peer == peer.peer]
        growing = [row.text for row in field.turns.growing.values() if row.peer == peer.peer]
        shown = sorted("".join([*(turn.text for turn in turns), *growing]))
        assert "".join(shown).split() == "".join(sorted(finished[peer.peer])).split()
