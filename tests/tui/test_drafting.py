"""Which keys others see, and what Enter does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.tui.drafting import PASTE_CHARACTERS, Command, Commit, Draft, Hold, Origin, Say, Share, ShowLive, Step


def typed(draft: Draft, text: str) -> list[Step]:
    """Types a text key by key."""
    return [step for end in range(len(text)) for step in draft.edited(text[: end + 1])]


def test_nothing_leaves_before_enter_while_live_text_is_off() -> None:
    draft = Draft()
    assert typed(draft, "hello") == []
    assert draft.submitted("hello") == [Say("hello")]


def test_each_key_is_shown_while_live_text_is_on_and_enter_commits() -> None:
    draft = Draft(live=True)
    assert typed(draft, "hi") == [ShowLive("h"), ShowLive("hi")]
    assert draft.submitted("hi") == [Commit("hi")]
    assert draft.edited("") == []


def test_a_change_that_was_not_seen_yet_is_shown_before_the_commit() -> None:
    draft = Draft(live=True)
    typed(draft, "h")
    assert draft.submitted("hi") == [ShowLive("hi"), Commit("hi")]


def test_a_command_is_never_shown() -> None:
    draft = Draft(live=True)
    assert typed(draft, "/send x.pdf") == []
    assert draft.submitted("/send x.pdf") == [Command("send", "x.pdf")]


def test_two_slashes_send_one() -> None:
    draft = Draft(live=True)
    assert typed(draft, "//etc") == []
    assert draft.submitted("//etc") == [Say("/etc")]


def test_a_long_paste_is_held_and_takes_the_live_line_back_on_enter() -> None:
    draft, pasted = Draft(live=True), "x" * (PASTE_CHARACTERS + 1)
    typed(draft, "see ")
    draft.pasted(pasted)
    assert draft.edited("see " + pasted) == []
    assert draft.held
    assert draft.submitted("see " + pasted) == [ShowLive(""), Say("see " + pasted)]
    assert typed(draft, "n") == [ShowLive("n")]


def test_a_short_paste_is_shown() -> None:
    draft = Draft(live=True)
    draft.pasted("word")
    assert draft.edited("word") == [ShowLive("word")]


def test_several_lines_are_held() -> None:
    draft = Draft(live=True)
    draft.pasted("a\nb")
    assert draft.edited("a\nb") == []
    assert draft.submitted("a\nb") == [Say("a\nb")]


def test_emptying_the_composer_ends_the_hold() -> None:
    draft = Draft(live=True)
    draft.pasted("a\nb")
    draft.edited("a\nb")
    draft.edited("")
    assert draft.edited("c") == [ShowLive("c")]


def test_giving_up_takes_the_live_line_back() -> None:
    draft = Draft(live=True)
    typed(draft, "no")
    assert draft.retracted() == [ShowLive("")]
    assert draft.retracted() == []


def test_switching_off_takes_the_live_line_back_and_on_shows_what_is_there() -> None:
    draft = Draft(live=True)
    typed(draft, "x")
    assert draft.switched(False) == [ShowLive(""), Share(False)]
    assert draft.edited("xy") == []
    assert draft.switched(True) == [Share(True), ShowLive("xy")]


def test_in_private_each_change_goes_to_the_node_which_holds_it_and_switching_off_ends_it() -> None:
    draft = Draft(live=True)
    assert draft.composed_in_private(True) == [Hold(True)]
    assert draft.composed_in_private(True) == []
    assert typed(draft, "a") == [ShowLive("a")]
    assert draft.switched(False) == [ShowLive(""), Share(False), Hold(False)]
    assert not draft.private


def test_blank_text_is_not_sent_and_nobody_goes_on_seeing_it() -> None:
    draft = Draft(live=True)
    typed(draft, "  ")
    assert draft.submitted("  ") == [ShowLive("")]


EDITS = st.tuples(st.sampled_from(["edit", "paste", "submit", "retract", "switch"]), st.text("/ab \n", max_size=4))


@given(st.lists(EDITS, max_size=30), st.booleans())
def test_others_see_the_text_or_nothing_of_what_is_held(edits: list[tuple[str, str]], live: bool) -> None:
    draft, seen = Draft(live), ""
    for kind, text in edits:
        match kind:
            case "edit":
                steps = draft.edited(text)
            case "paste":
                draft.pasted(text)
                steps = draft.edited(text)
            case "submit":
                steps = draft.submitted(text)
            case "retract":
                steps = draft.retracted()
            case _:
                steps = draft.switched(not draft.live)
        for step in steps:
            assert not (isinstance(step, ShowLive) and (step.text.startswith("/") or "\n" in step.text))
            assert not (isinstance(step, Commit) and seen != step.text)
            seen = step.text if isinstance(step, ShowLive) else "" if isinstance(step, Commit) else seen
        assert seen == draft.shown
        assert draft.live or not seen
        if kind in ("submit", "retract"):
            assert not seen


def test_what_is_recalled_is_held_and_what_was_being_written_goes_on_as_it_was() -> None:
    draft = Draft(live=True)
    typed(draft, "ne")
    draft.filled(Origin.RECALLED)
    assert draft.edited("said before") == []
    draft.filled(Origin.RECALLED)
    assert draft.edited("said first") == []
    assert draft.held
    draft.filled(None)
    assert draft.edited("ne") == []
    assert draft.edited("new") == [ShowLive("new")]


def test_a_paste_that_was_left_for_something_recalled_is_held_when_it_comes_back() -> None:
    draft = Draft(live=True)
    draft.pasted("x" * (PASTE_CHARACTERS + 1))
    draft.edited("x" * (PASTE_CHARACTERS + 1))
    draft.filled(Origin.RECALLED)
    draft.edited("said before")
    draft.filled(None)
    assert draft.edited("x" * (PASTE_CHARACTERS + 1)) == []
    assert draft.origin is Origin.PASTED


def test_what_comes_from_an_editor_takes_the_live_line_back_when_it_is_sent() -> None:
    draft = Draft(live=True)
    typed(draft, "h")
    draft.filled(Origin.EDITOR)
    assert draft.edited("hello") == []
    assert draft.submitted("hello") == [ShowLive(""), Say("hello")]
    assert typed(draft, "n") == [ShowLive("n")]
