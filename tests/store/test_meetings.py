"""Meetings are remembered for a day, without telling what they were."""

from __future__ import annotations

from pathlib import Path

from p2pchat.store.meetings import KEPT_SECONDS, MEETINGS, Meetings, code_occasion, paths_occasion

CODE = code_occasion("7-marble-tunnel-oyster")
ANA, BEN = bytes(range(32)), bytes(range(1, 33))


def test_the_next_run_knows_whom_the_last_one_met_until_it_is_over(tmp_path: Path) -> None:
    first = Meetings(tmp_path / "meetings.db")
    first.remember(CODE, ANA)
    first.close()
    second = Meetings(tmp_path / "meetings.db")
    assert second.find(CODE) == ANA
    assert second.find(paths_occasion(["7-marble-tunnel-oyster"])) is None
    second.forget(CODE)
    assert second.find(CODE) is None
    second.close()


def test_who_is_met_last_on_an_occasion_counts() -> None:
    meetings = Meetings()
    meetings.remember(CODE, ANA)
    meetings.remember(CODE, BEN)
    assert meetings.find(CODE) == BEN


def test_after_a_day_it_is_forgotten() -> None:
    meetings = Meetings()
    meetings.remember(CODE, ANA, now=1000.0)
    assert meetings.find(CODE, now=1000.0 + KEPT_SECONDS) == ANA
    assert meetings.find(CODE, now=1001.0 + KEPT_SECONDS) is None


def test_more_than_can_be_remembered_make_the_oldest_forgotten() -> None:
    meetings = Meetings()
    for number in range(MEETINGS + 1):
        meetings.remember(code_occasion(f"code {number}"), ANA, now=float(number))
    assert meetings.find(code_occasion("code 0"), now=0.0) is None
    assert meetings.find(code_occasion("code 1"), now=0.0) == ANA


def test_neither_codes_nor_paths_lie_on_the_disk(tmp_path: Path) -> None:
    meetings = Meetings(tmp_path / "meetings.db")
    meetings.remember(CODE, ANA)
    meetings.remember(paths_occasion(["/home/ana/secret plans", "/home/ana/\udcff"]), BEN)
    meetings.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"marble" not in stored
    assert b"secret plans" not in stored
