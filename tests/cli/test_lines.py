"""Reading lines: whatever the pieces, the same lines; whatever the source, no waiting loop."""

from __future__ import annotations

import asyncio
import os
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from p2pchat.cli.lines import READ_BYTES, READS_AHEAD, Line, LineSplitter, read_lines


def split(*pieces: bytes, limit: int = 10) -> list[Line]:
    splitter = LineSplitter(limit)
    return [line for piece in pieces for line in splitter.feed(piece)] + splitter.finish()


async def lines_of(descriptor: int, limit: int = 100) -> list[Line]:
    async with asyncio.timeout(10):
        return [line async for line in read_lines(descriptor, limit)]


def test_lines_end_with_a_line_feed_and_the_last_may_do_without() -> None:
    assert split(b"one\ntwo\r\n\nthree") == [b"one", b"two", b"", b"three"]
    assert split(b"one\n") == [b"one"]
    assert split() == []


def test_a_line_that_is_too_long_is_replaced_and_the_next_one_is_whole() -> None:
    assert split(b"0123456789\n0123456789a\nnext\n") == [b"0123456789", None, b"next"]
    assert split(b"0123456789", b"abc", b"def") == [None]


def test_nothing_is_kept_of_a_line_that_is_too_long() -> None:
    splitter = LineSplitter(limit=10)
    for _ in range(100):
        assert splitter.feed(b"0123456789") == []
        assert len(splitter._rest) <= 10


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_the_lines_do_not_depend_on_how_the_bytes_are_cut(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert split(*pieces) == split(data)


async def test_a_pipe_is_read_until_it_is_closed() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\ntw")
    lines = read_lines(reading)
    assert await anext(lines) == b"one"
    os.write(writing, b"o\n")
    assert await anext(lines) == b"two"
    os.close(writing)
    assert [line async for line in lines] == []
    os.close(reading)


async def test_a_pipe_in_non_blocking_mode_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    coming = asyncio.create_task(lines_of(reading))
    await asyncio.sleep(0)
    os.write(writing, b"late\n")
    os.close(writing)
    assert await coming == [b"late"]
    os.close(reading)


async def test_a_file_is_read_no_faster_than_its_lines_are_used(tmp_path: Path) -> None:
    path = tmp_path / "many"
    path.write_bytes(b"x" * 63 + b"\n" + (b"y" * 63 + b"\n") * (READ_BYTES * READS_AHEAD * 4 // 64))
    descriptor = os.open(path, os.O_RDONLY)
    lines = read_lines(descriptor)
    assert await anext(lines) == b"x" * 63
    assert os.lseek(descriptor, 0, os.SEEK_CUR) <= READ_BYTES * (READS_AHEAD + 1)
    assert len([line async for line in lines]) == READ_BYTES * READS_AHEAD * 4 // 64
    os.close(descriptor)


async def test_an_empty_source_and_one_that_fails_have_ended() -> None:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    assert await lines_of(descriptor) == []
    os.close(descriptor)
    assert await lines_of(descriptor) == []
