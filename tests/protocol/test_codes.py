"""One-time codes as people make, say and type them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.errors import UsageError
from p2pchat.protocol.codes import ENTROPY_BYTES, UNIQUE_LETTERS, Code, completions, word_list
from p2pchat.protocol.limits import CODE_WORDS, MAILBOXES
from p2pchat.protocol.untrusted import safe_line

OYSTER = Code(7, ("marble", "tunnel", "oyster"))

codes = st.builds(Code.make, st.integers(1, MAILBOXES), st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES))


@given(codes)
def test_a_code_is_read_as_it_was_written(code: Code) -> None:
    assert Code.parse(str(code)) == code


@given(codes, st.data())
def test_a_code_is_read_however_carelessly_it_is_typed(code: Code, data: st.DataObject) -> None:
    separator = data.draw(st.sampled_from(["-", " ", "  ", " - ", "–", "_", "\t", "-\u200b"]))
    words = [word[: data.draw(st.integers(UNIQUE_LETTERS, 8))] for word in code.words]
    typed = separator.join((f"{code.mailbox:0{data.draw(st.integers(1, 4))}}", *words))
    typed = data.draw(st.sampled_from([typed, typed.upper(), typed.title(), f"  {typed}\n", f"\ufeff{typed}"]))
    assert Code.parse(typed) == code


def test_all_33_bits_reach_the_words_and_each_makes_a_difference() -> None:
    made = {Code.make(1, (1 << bit).to_bytes(ENTROPY_BYTES, "big")).words for bit in range(33)}
    assert len(made) == 33
    assert Code.make(1, b"\xff" * ENTROPY_BYTES).words == ("zoo",) * CODE_WORDS
    assert Code.make(1, bytes(ENTROPY_BYTES)).words == ("abandon",) * CODE_WORDS


@pytest.mark.parametrize("mailbox", [0, MAILBOXES + 1])
def test_a_mailbox_that_no_code_can_name_is_a_fault_of_the_caller(mailbox: int) -> None:
    with pytest.raises(ValueError, match="mailbox"):
        Code.make(mailbox, bytes(ENTROPY_BYTES))


@pytest.mark.parametrize("entropy", [b"", bytes(ENTROPY_BYTES - 1), bytes(ENTROPY_BYTES + 1)])
def test_too_little_entropy_is_a_fault_of_the_caller(entropy: bytes) -> None:
    with pytest.raises(ValueError, match="random bytes"):
        Code.make(1, entropy)


def test_the_words_do_not_show_in_a_representation() -> None:
    assert "marble" not in repr(OYSTER)


@pytest.mark.parametrize(
    ("typed", "wrong", "nearest"),
    [
        ("7-marbel-tunnel-oyster", "marbel", "marble"),
        ("7-marble-tunel-oyster", "tunel", "tunnel"),
        ("7-marble-tunnel-oister", "oister", "oyster"),
        ("7-marble-tundra-oyster", "tundra", "tuna"),
        ("7-marble-7-oyster", "7", "abandon"),
    ],
)
def test_a_wrong_word_is_named_with_the_nearest_right_one(typed: str, wrong: str, nearest: str) -> None:
    with pytest.raises(UsageError) as raised:
        Code.parse(typed)
    assert f"“{wrong}”" in raised.value.message
    assert f"nearest is “{nearest}”" in raised.value.message


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "does not begin with a number"),
        ("marble-tunnel-oyster", "does not begin with a number"),
        ("0-marble-tunnel-oyster", "does not begin with a number"),
        ("1000-marble-tunnel-oyster", "does not begin with a number"),
        ("9" * 5000 + "-marble-tunnel-oyster", "does not begin with a number"),
        ("7-mar-tunnel-oyster", "“mar” begins several words"),
        ("7", "fewer than 3 words"),
        ("7-marble-tunnel", "fewer than 3 words"),
        ("7-marble-tunnel-oyster-zoo", "more than 3 words"),
    ],
)
def test_what_is_missing_or_too_much_is_said(typed: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        Code.parse(typed)
    assert raised.value.hint


@settings(max_examples=30)
@given(st.text(), st.sampled_from(["", "7-", "7-marble-"]))
def test_whatever_is_typed_is_a_code_or_a_clean_complaint(typed: str, before: str) -> None:
    complaint = ""
    try:
        Code.parse(before + typed)
    except UsageError as error:
        complaint = error.message
    assert safe_line(complaint) == complaint


# Completion


@given(codes)
def test_completion_leads_to_the_whole_code_word_by_word(code: Code) -> None:
    line = completions(str(code.mailbox))[0]
    for word in code.words:
        [line] = [
            choice for choice in completions(line + word[:UNIQUE_LETTERS]) if choice.rstrip("-").endswith(f"-{word}")
        ]
    assert line == str(code)


def test_completion_offers_what_can_follow() -> None:
    assert completions("7") == ["7-"]
    assert completions("7-act") == ["7-act-", "7-action-", "7-actor-", "7-actress-", "7-actual-"]
    assert completions("7-MARB tunn oys") == ["7-marble-tunnel-oyster"]
    assert len(completions("7-marble-")) == len(word_list())


@pytest.mark.parametrize("typed", ["", "x", "0", "7-x9", "7-nowhere-mar", "7-marble-tunnel-oyster-", "7-ma-zo"])
def test_completion_offers_nothing_where_nothing_can_follow(typed: str) -> None:
    assert completions(typed) == []


@given(st.text())
def test_completion_never_fails(typed: str) -> None:
    assert all(choice.isprintable() for choice in completions(typed))
