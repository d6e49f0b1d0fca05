"""The progress of a transfer: a line that fits, is drawn over, and leaves nothing behind."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.cli.one_shot.progress import Progress, ProgressBar, cells, progress_line
from tests.cli.talk import HOSTILE


def test_it_reads_name_bar_percent_rate_and_what_is_left() -> None:
    line = progress_line(Progress("film.mov", 710_000_000, 1_000_000_000, 92_100_000.0), 72)
    assert cells(line) == 72
    assert line.startswith("film.mov  ━━━")
    assert line.endswith("71 %  710 MB of 1.0 GB    92 MB/s  0:04")


def test_why_it_does_not_move_takes_the_place_of_rate_and_time() -> None:
    paused = Progress("film.mov", 710_000_000, 1_000_000_000, 92_100_000.0, "paused: disk full")
    assert progress_line(paused, 79).endswith("71 %  710 MB of 1.0 GB  paused: disk full")
    assert progress_line(paused, 24) == " 71 %  paused: disk full"
    assert progress_line(paused, 15) == " 71 %  paused:…"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (52, "film.mov  ━━━━━━━━━━╸─────   71 %    92 MB/s  0:04"),
        (35, "film.mov   71 %    92 MB/s  0:04"),
        (24, " 71 %    92 MB/s  0:04"),
        (8, " 71 %"),
    ],
)
def test_a_narrow_terminal_keeps_what_matters_most(width: int, shown: str) -> None:
    line = progress_line(Progress("film.mov", 710_000_000, 1_000_000_000, 92_100_000.0), width)
    assert cells(line) <= width
    assert [part for part in line.split() if "━" not in part] == [part for part in shown.split() if "━" not in part]
    assert ("━" in line) is ("━" in shown)


@given(
    st.text(max_size=100),
    st.integers(0, 1 << 60),
    st.floats(0, 1),
    st.floats(0, 1e18),
    st.text(max_size=100),
    st.integers(0, 200),
)
def test_whatever_it_shows_fits_the_terminal(
    label: str, total: int, part: float, rate: float, note: str, width: int
) -> None:
    line = progress_line(Progress(label, min(total, int(total * part)), total, rate, note), width)
    assert cells(line) <= width
    assert all(unicodedata.category(character) != "Cc" for character in line)


def test_a_shorter_line_leaves_nothing_of_a_longer_one_and_clearing_leaves_nothing() -> None:
    stream = io.StringIO()
    columns = [80]
    bar = ProgressBar(stream, lambda: columns[0])
    bar.draw(Progress("film.mov", 1, 100, 1.0))
    columns[0] = 40
    bar.draw(Progress("f", 2, 100, 1.0))
    bar.clear()
    assert screen(stream.getvalue()).strip() == ""
    written = stream.getvalue()
    bar.clear()
    assert stream.getvalue() == written


def test_the_last_column_stays_free_and_hostile_names_do_nothing() -> None:
    stream = io.StringIO()
    ProgressBar(stream, lambda: 80).draw(Progress(HOSTILE, 1, 100, 1.0, HOSTILE))
    shown = screen(stream.getvalue())
    assert cells(shown) <= 79
    assert shown.isprintable()


def test_a_terminal_that_is_not_in_utf_8_gets_ascii() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii")
    ProgressBar(stream, lambda: 80).draw(Progress("größe", 50, 100, 1.0))
    stream.flush()
    assert b"####" in raw.getvalue()


def screen(written: str) -> str:
    """What a terminal shows on its line after carriage returns."""
    cellules: list[str] = []
    for part in written.split("\r"):
        cellules[: len(part)] = part
    return "".join(cellules)
