"""Rows as they are drawn: aligned, wrapped under themselves, never wider than there is space."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from p2pchat.node.events import Direction, Item, TransferState
from p2pchat.tui import measures
from p2pchat.tui.content import crop, crop_middle, crop_start, home_path, live_content, pad, row_content, transfer_title
from p2pchat.tui.rows import LiveRow, MessageRow, NoticeRow, Row, TransferRow
from p2pchat.tui.transfer_lines import transfer_entry
from tests.tui.stage import AT, transfer


def drawn(row: Row, width: int = 40, column: int = 3) -> list[str]:
    return row_content(row, width, column).plain.split("\n")


def message(text: str, peer: str = "m2xd", label: str = "ben") -> MessageRow:
    return MessageRow("m", AT, peer, label, text)


def test_text_is_wrapped_under_itself() -> None:
    assert drawn(message("Thanks! One thing: on page 3 the second figure is missing."), width=60) == [
        " 14:02  ben  Thanks! One thing: on page 3 the second figure",
        "             is missing.",
    ]


def test_narrow_timelines_have_no_times() -> None:
    assert drawn(message("Got the draft?"), width=30) == [" ben  Got the draft?"]


def test_the_state_of_an_own_message_stands_at_the_right_end() -> None:
    line = drawn(message("hi", peer="", label="you"), width=60)[0]
    assert line == " 14:02  you  hi" + " " * 37 + "waiting"


def test_a_state_that_does_not_fit_gets_its_own_line() -> None:
    lines = drawn(message("x" * 46, peer="", label="you"), width=60)
    assert [line.strip() for line in lines] == ["14:02  you  " + "x" * 46, "waiting"]


def test_newlines_of_a_message_stay() -> None:
    assert drawn(message("one\n\ntwo"), width=60) == [" 14:02  ben  one", "             ", "             two"]


def test_wide_characters_are_counted_in_cells() -> None:
    lines = drawn(message("図が足りません" * 4), width=60)
    assert [cell_len(line) for line in lines] == [13 + 46, 13 + 10]


def test_a_problem_is_marked_by_a_sign_and_not_by_colour_alone() -> None:
    assert drawn(NoticeRow("n", AT, "It failed", "Try again", True), width=60) == [" 14:02  ! It failed. Try again"]


def test_a_running_transfer_shows_bar_rate_and_remaining_time_on_one_line() -> None:
    info = transfer("t", TransferState.ACTIVE, Direction.SEND, confirmed=2_982_000, rate=9.8e6)
    (line,) = drawn(TransferRow("t", AT, "", "ben", info), width=80)
    assert line == " 14:02  you  ▤ draft.pdf  4.2 MB  ━━━━━━━━━━━━━━──────   71 %  9.8 MB/s  0:01"


@pytest.mark.parametrize(
    ("items", "title"),
    [
        ((Item("draft.pdf", 1),), "draft.pdf"),
        ((Item("backup", 0, folder=True),), "backup/"),
        ((Item("backup/a", 1), Item("backup/b", 1)), "backup/ (2 files)"),
        ((Item("a.jpg", 1), Item("b.jpg", 1), Item("c.jpg", 1)), "a.jpg and 2 more"),
        ((), "0 files"),
    ],
)
def test_a_transfer_is_called_after_what_it_holds(items: tuple[Item, ...], title: str) -> None:
    assert transfer_title(transfer("t", TransferState.WAITING, items=items)) == title


def test_of_a_long_live_line_the_end_is_seen() -> None:
    row = LiveRow("m2xd", 0, "ben", "word " * 60 + "end", AT, changed_at=0.0)
    lines = live_content(row, 40, 3).plain.split("\n")
    assert len(lines) == 3
    assert lines[0].startswith(" ben  ▏ …")
    assert lines[-1].endswith("end▌")
    (line,) = live_content(row, 40, 3, height=1).plain.split("\n")
    assert line == " ben  ▏ … word word word word word end▌"


def test_home_is_written_as_a_tilde() -> None:
    assert home_path(Path.home() / "x") == "~/x"
    assert home_path(Path("/srv")) == "/srv"


TEXT = st.text(st.characters() | st.sampled_from("ab \n図👩‍🔧é\u202e\x1b\u0301"), max_size=60)


@given(TEXT, TEXT, st.integers(1, 90), st.integers(3, 12))
@example("\u0301", "x", 20, 3)
def test_no_line_is_wider_than_there_is_space_from_twenty_cells_up(
    text: str, name: str, width: int, column: int
) -> None:
    item = (Item(text, 10**9),)
    rows: list[Row] = [
        MessageRow("m", AT, "", name, text),
        NoticeRow("n", AT, text, name, True),
        *(
            TransferRow("t", AT, "p", name, transfer("t", state, items=item, reason=text, confirmed=10**8, rate=1e6))
            for state in TransferState
        ),
    ]
    contents = [row_content(row, width, column) for row in rows]
    live = LiveRow("p", 0, name, text, AT, changed_at=0.0)
    contents += [live_content(live, width, column, height) for height in (1, 3)]
    contents += [transfer_entry(row.info, width) for row in rows if isinstance(row, TransferRow)]
    for content in contents:
        assert all(cell_len(line) <= max(20, width) for line in content.plain.split("\n")), content.plain


@given(TEXT, st.integers(-3, 40))
def test_cropping_fits_and_takes_nothing_of_what_fits(text: str, cells: int) -> None:
    line = text.replace("\n", " ")
    for cut in (crop, crop_middle, crop_start):
        assert cell_len(cut(line, cells)) <= max(0, cells)
        assert cell_len(line) > cells or cut(line, cells) == line
    assert cell_len(pad(line, max(0, cells))) == max(0, cells)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_200_000, "4.2 MB"), (512e6, "512 MB"), (1.4e9, "1.4 GB")],
)
def test_sizes(count: float, words: str) -> None:
    assert measures.size(count) == words


def test_times() -> None:
    assert [measures.duration(seconds) for seconds in (0.5, 22, 3723)] == ["0.5 s", "0:22", "1:02:03"]
    assert measures.remaining(0, 100, 0.0) == "-:--"
    assert measures.remaining(0, 100, 40.0) == "0:03"


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 40))
def test_a_bar_is_as_wide_as_it_should_be_and_full_only_when_all_is_done(
    confirmed: int, total: int, width: int
) -> None:
    done, rest = measures.bar(confirmed, total, width)
    assert len(done + rest) == width
    assert (done == "━" * width and measures.percent(confirmed, total) == 100) == (confirmed >= total)
