"""Standard output: lines at once, and a quiet end when nobody reads."""

from __future__ import annotations

import io
import os

import pytest

from p2pchat.cli.output import Output, OutputClosed


def test_each_line_leaves_at_once() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as stream, os.fdopen(reading, "rb") as other_end:
        Output(stream).write_line("café")
        assert other_end.readline() == "café\n".encode()


def test_what_the_encoding_cannot_express_is_a_question_mark() -> None:
    stream = io.BytesIO()
    Output(stream, "latin-1").write_line("café 日本")
    assert stream.getvalue() == "café ??\n".encode("latin-1")


def test_a_reader_that_is_gone_ends_the_output_for_good() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    output = Output(os.fdopen(writing, "wb", buffering=0))
    for _ in range(2):
        with pytest.raises(OutputClosed):
            output.write_line("hello")


def test_a_path_is_written_as_the_system_has_it_except_to_a_terminal() -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    path = os.fsdecode(b"/caf\xe9/\x1b[2J")
    piped, shown = io.BytesIO(), Terminal()
    Output(piped).write_path(path)
    Output(shown).write_path(path)
    assert piped.getvalue() == b"/caf\xe9/\x1b[2J\n"
    assert b"\x1b" not in shown.getvalue()
