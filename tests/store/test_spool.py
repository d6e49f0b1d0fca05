"""Files that lie in the profile folder only while a command runs."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from p2pchat.errors import DiskFull
from p2pchat.store.spool import SpoolFile, remove_stale, stdout_folder


def test_it_holds_what_was_written_for_nobody_else_and_leaves_nothing(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path, "photos.tar")
    file.write(b"one ")
    file.write(b"two")
    file.finish()
    assert file.path.name == "photos.tar"
    assert file.path.read_bytes() == b"one two"
    if os.name == "posix":
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    file.remove()
    assert list(tmp_path.iterdir()) == []


def test_it_stops_before_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SpoolFile(tmp_path, "stdin")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(DiskFull):
        file.write(b"x")
    file.remove()


@pytest.mark.skipif(os.name != "posix", reason="needs locks")
def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    used = SpoolFile(tmp_path, "stdin")
    left = tmp_path / "spool" / "0123456789abcdef"
    left.mkdir()
    (left / "stdin").write_bytes(b"x")
    long_ago = 1_000_000_000
    for folder in (left, used.path.parent):
        os.utime(folder, (long_ago, long_ago))
    remove_stale(tmp_path)
    assert not left.exists()
    assert used.path.exists()
    used.remove()


def test_what_was_received_for_standard_output_can_go_on_for_a_day(tmp_path: Path) -> None:
    folder = stdout_folder(tmp_path)
    old, new = folder / "old.part", folder / "new.part"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (1_000_000_000, 1_000_000_000))
    remove_stale(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["new.part"]
    new.unlink()
    remove_stale(tmp_path)
    assert list(tmp_path.iterdir()) == []
