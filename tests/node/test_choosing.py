"""A receiver looks at an offer, takes what it wants of it, and keeps what it wants to keep of its files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from p2pchat.errors import UsageError
from p2pchat.node.events import Item, Problem, TransferChanged, TransferProgressed, TransferState
from tests.node.files import active, end, lose_link, offered, some_progress
from tests.node.player import ROOM, Player, connected, on_guarded_loop


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    (folder / "2026").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "2026" / "a.jpg").write_bytes(b"a" * 1000)
    (folder / "2026" / "b.png").write_bytes(b"b" * 200)
    (folder / "film.mov").write_bytes(b"f" * 30_000)
    script = folder / "run.sh"
    script.write_bytes(b"#!/bin/sh\n")
    script.chmod(0o755)
    os.utime(script, (1_000_000_000, 1_000_000_000))
    return folder


@on_guarded_loop
async def test_the_content_is_told_in_pages(signaling_server: str, tmp_path: Path, album: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        transfer, offer = await offered(ana, ben, album)
        everything = [
            Item("album/2026/a.jpg", 1000),
            Item("album/2026/b.png", 200),
            Item("album/empty", 0, folder=True),
            Item("album/film.mov", 30_000),
            Item("album/run.sh", 10, executable=True),
        ]
        assert offer.items == tuple(everything)
        assert await ben.node.items(offer.transfer, 0, 2) == everything[:2]
        assert await ben.node.items(offer.transfer, 2, 10) == everything[2:]
        assert await ben.node.items(offer.transfer, 5, 10) == []
        assert await ana.node.items(transfer, 0, 10) == everything
        with pytest.raises(UsageError, match="counted from 0"):
            await ben.node.items(offer.transfer, -1, 10)


@on_guarded_loop
async def test_only_what_is_wanted_comes_and_counts(signaling_server: str, tmp_path: Path, album: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, album)
        assert (offer.wanted, offer.wanted_files) == (31_210, 4)
        with pytest.raises(UsageError, match="nothing in the offer is called"):
            await ben.node.accept(offer.transfer, only=["photos"])
        await ben.node.accept(offer.transfer, only=["album/2026/", "*.sh"])
        for player in (ana, ben):
            begun = (await player.until(TransferChanged, active)).info
            assert (begun.wanted, begun.wanted_files, begun.total, begun.files) == (1210, 3, 31_210, 4)
            done = await end(player)
            assert (done.state, done.confirmed) == (TransferState.DONE, 1210)
            assert all(event.total == 1210 for event in player.all(TransferProgressed))
    there = sorted(str(path.relative_to(ben.downloads)) for path in ben.downloads.rglob("*"))
    assert there == ["album", "album/2026", "album/2026/a.jpg", "album/2026/b.png", "album/run.sh"]


@on_guarded_loop
async def test_a_choice_holds_over_a_lost_link_and_over_a_restart(
    signaling_server: str, tmp_path: Path, album: Path
) -> None:
    size = 60_000_001
    (album / "film.mov").write_bytes(os.urandom(size))
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, album)
        await ben.node.accept(offer.transfer, only=["album/film.mov"])
        await some_progress(ben)
        ana.told.clear()
        lose_link(ben)
        again = (await ana.until(TransferChanged, active)).info
        assert (again.wanted, again.wanted_files) == (size, 1)
        await ana.node.leave(ROOM)
        assert (await end(ben)).state is TransferState.FAILED
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, album)
        landing = await ben.node.inspect(offer.transfer)
        assert landing.needed == size - landing.resumable
        await ben.node.accept(offer.transfer)
        done = await end(ben)
        assert (done.state, done.wanted, done.confirmed) == (TransferState.DONE, size, size)
    there = sorted(str(path.relative_to(ben.downloads)) for path in ben.downloads.rglob("*"))
    assert there == ["album", "album/film.mov"]


@pytest.mark.parametrize("preserve", [False, True])
@on_guarded_loop
async def test_times_and_executable_bits_come_only_when_that_is_wanted(
    signaling_server: str, tmp_path: Path, album: Path, preserve: bool
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, album / "run.sh")
        await ben.node.accept(offer.transfer, preserve=preserve)
        assert (await end(ben)).state is TransferState.DONE
    status = (ben.downloads / "run.sh").stat()
    assert bool(status.st_mode & stat.S_IXUSR) is preserve
    assert (status.st_mtime == 1_000_000_000) is preserve


@on_guarded_loop
async def test_looking_changes_nothing_and_tells_what_would_be_met(
    signaling_server: str, tmp_path: Path, album: Path
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        transfer, offer = await offered(ana, ben, album)
        landing = await ben.node.inspect(offer.transfer)
        assert (landing.folder, landing.needed, landing.existing) == (ben.downloads, 31_210, 0)
        assert (landing.examples, landing.resumable, landing.fault) == ((), 0, "")
        assert landing.free > 0
        assert not ben.downloads.exists()
        (tmp_path / "mine" / "album").mkdir(parents=True)
        (tmp_path / "mine" / "album" / "film.mov").touch()
        landing = await ben.node.inspect(offer.transfer, tmp_path / "mine")
        assert landing.examples == (("album/film.mov", "album (1)/film.mov"),)
        (tmp_path / "no folder").touch()
        landing = await ben.node.inspect(offer.transfer, tmp_path / "no folder")
        assert landing.fault.endswith("is a file, and no folder")
        with pytest.raises(UsageError, match="does not wait"):
            await ana.node.inspect(transfer)


@on_guarded_loop
async def test_names_that_others_could_not_store_are_offered_under_other_ones(
    signaling_server: str, tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in ("a:b", "c:d", "e:f", "g:h", "plain"):
        (folder / name).touch()
    (folder / "link").symlink_to(folder / "plain")
    async with Player("ana", signaling_server, tmp_path) as ana, Player("ben", signaling_server, tmp_path) as ben:
        await connected(ana, ben)
        _, offer = await offered(ana, ben, folder)
        renamed = await ana.until(Problem, lambda event: event.code == "renamed")
        assert renamed.message.startswith("offered under other names: “")
        assert "a:b” as “" in renamed.message
        assert renamed.message.endswith(" and 1 more")
        skipped = await ana.until(Problem, lambda event: event.code == "skipped")
        assert skipped.message.endswith("odd/link")
        assert (offer.files, offer.automatic) == (5, False)
        await ben.node.accept(offer.transfer)
        assert (await end(ben)).state is TransferState.DONE
        ana.told.clear()
        await ana.node.offer(ROOM, [folder], follow_links=True)
        await ana.until(Problem, lambda event: event.code == "renamed")
        assert len(ana.all(Problem)) == 1  # nothing was skipped
