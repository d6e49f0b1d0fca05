"""The progress of a transfer: a line that fits, is drawn over, and leaves nothing behind."""

from __future__ import annotations

import io
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.cli.progress import ProgressBar, cells, progress_line
from tests.cli.talk import HOSTILE


def test_it_reads_name_bar_percent_rate_and_what_is_left() -> None:
    line = progress_line("film.mov", 710_000_000, 1_000_000_000, 92_100_000.0, 60)
    assert cells(line) == 60
    assert line.startswith("film.mov  ━━━")
    assert line.endswith("71 %    92 MB/s  0:04")


@given(st.text(max_size=100), st.integers(0, 1 << 60), st.floats(0, 1), st.floats(0, 1e18), st.integers(0, 200))
def test_whatever_it_shows_fits_the_terminal(label: str, total: int, part: float, rate: float, width: int) -> None:
    line = progress_line(label, min(total, int(total * part)), total, rate, width)
    assert cells(line) <= width
    assert all(unicodedata.category(character) != "Cc" for character in line)


def test_a_shorter_line_leaves_nothing_of_a_longer_one_and_clearing_leaves_nothing() -> None:
    stream = io.StringIO()
    columns = [80]
    bar = ProgressBar(stream, lambda: columns[0])
    bar.draw("film.mov", 1, 100, 1.0)
    columns[0] = 40
    bar.draw("f", 2, 100, 1.0)
    bar.clear()
    assert screen(stream.getvalue()).strip() == ""
    written = stream.getvalue()
    bar.clear()
    assert stream.getvalue() == written


def test_the_last_column_stays_free_and_hostile_names_do_nothing() -> None:
    stream = io.StringIO()
    ProgressBar(stream, lambda: 80).draw(HOSTILE, 1, 100, 1.0)
    shown = screen(stream.getvalue())
    assert cells(shown) <= 79
    assert shown.isprintable()


def test_a_terminal_that_is_not_in_utf_8_gets_ascii() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii")
    ProgressBar(stream, lambda: 80).draw("größe", 50, 100, 1.0)
    stream.flush()
    assert b"####" in raw.getvalue()


def screen(written: str) -> str:
    """What a terminal shows on its line after carriage returns."""
    cellules: list[str] = []
    for part in written.split("\r"):
        cellules[: len(part)] = part
    return "".join(cellules)
