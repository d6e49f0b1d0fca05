"""QR codes in the terminal."""

from __future__ import annotations

import segno

from p2pchat.cli.one_shot.qr import qr_code

LINK = "p2pchat:wss://chat.example?room=lab#aaaqeayeaudaocajbifqydiob7ukm7zk"
QUIET = 4


def test_the_blocks_are_the_modules_of_the_code() -> None:
    halves = {"█": (0, 0), "▀": (0, 1), "▄": (1, 0), " ": (1, 1)}
    lines = qr_code(LINK).splitlines()
    rows = [[halves[block][half] for block in line] for line in lines for half in (0, 1)]
    matrix = segno.make_qr(LINK, error="l").matrix
    drawn = [row[QUIET:-QUIET] for row in rows[QUIET : QUIET + len(matrix)]]
    assert drawn == [list(row) for row in matrix]


def test_it_is_text_without_control_characters_and_fits_a_small_terminal() -> None:
    lines = qr_code(LINK).splitlines()
    assert all(line.isprintable() for line in lines)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
