"""Files that were there before stay as they are, unless their owner says otherwise."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.incidents.stage import Program, everything, hand_over, two_players
from tests.node.player import on_guarded_loop


@on_guarded_loop
async def test_sendme_15_keys_in_a_home_directory_are_not_overwritten(signaling_server: str, tmp_path: Path) -> None:
    """A folder `.ssh` that was received in a home directory replaced `authorized_keys`, silently."""
    ssh = tmp_path / "mallory" / ".ssh"
    ssh.mkdir(parents=True)
    (ssh / "authorized_keys").write_bytes(b"mallory")
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "authorized_keys").write_bytes(b"ben")
    async with two_players(signaling_server, tmp_path) as (ana, ben):
        await hand_over(ana, ben, ssh, home)
        assert everything(home) == {
            ".ssh": None,
            ".ssh/authorized_keys": b"ben",
            ".ssh (1)": None,
            ".ssh (1)/authorized_keys": b"mallory",
        }
        await hand_over(ana, ben, ssh / "authorized_keys", home / ".ssh")
        assert (home / ".ssh" / "authorized_keys").read_bytes() == b"ben"
        await hand_over(ana, ben, ssh, home, "skip")
        assert (home / ".ssh" / "authorized_keys").read_bytes() == b"ben"


async def test_webwormhole_2025_a_file_of_that_name_is_not_truncated_by_the_program(
    signaling_server: str, tmp_path: Path
) -> None:
    """A received file was created over whatever had its name, without a question."""
    original = tmp_path / "notes.txt"
    original.write_bytes(b"yours")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "notes.txt").write_bytes(b"mine!")
    async with Program("ana", signaling_server, tmp_path, "send", "--json", str(original)) as ana:
        code = (await ana.until(rb'"code": "([0-9]+-[a-z-]+)"'))[1].decode()
        async with Program(
            "ben", signaling_server, tmp_path, "receive", "--yes", "--output", str(folder), P2PCHAT_CODE=code
        ) as ben:
            assert (await ben.ended(), await ana.ended()) == (0, 0), ben.errors
    assert everything(folder) == {"notes.txt": b"mine!", "notes (1).txt": b"yours"}
    assert ben.output.decode().splitlines() == [str(folder / "notes (1).txt")]


@pytest.mark.parametrize("policy", ["rename", "skip", "overwrite"])
@on_guarded_loop
async def test_magic_wormhole_0_24_a_file_that_only_looks_like_a_part_is_not_truncated(
    signaling_server: str, tmp_path: Path, policy: str
) -> None:
    """The name of a file that is being received, with `.tmp`, was opened for writing: a file called so was lost."""
    original = tmp_path / "x"
    original.write_bytes(b"yours" * 500_000)
    async with two_players(signaling_server, tmp_path) as (ana, ben):
        names = ["x.tmp", "x.part", ".x.part", ".x", "x~", "x (1).part", ".x.0.part"]
        for name in names:
            ben.downloads.mkdir(parents=True, exist_ok=True)
            (ben.downloads / name).write_bytes(b"mine!")
        await hand_over(ana, ben, original, None, policy)
    assert everything(ben.downloads) == {"x": original.read_bytes(), **dict.fromkeys(names, b"mine!")}


@on_guarded_loop
async def test_croc_cve_2023_43616_an_archive_arrives_as_it_is_and_is_never_unpacked(
    signaling_server: str, tmp_path: Path
) -> None:
    """Folders travelled as zip files, and one whose entries had the right names overwrote files that were there.

    Here folders are sent as they are, so there is no archive of ours that could do so.
    """
    original = tmp_path / "folder.zip"
    with zipfile.ZipFile(original, "w") as archive:
        archive.writestr("../../escaped", "mallory")
        archive.writestr("notes.txt", "mallory")
    async with two_players(signaling_server, tmp_path) as (ana, ben):
        ben.downloads.mkdir(parents=True)
        (ben.downloads / "notes.txt").write_bytes(b"ben")
        await hand_over(ana, ben, original)
    assert everything(ben.downloads) == {"notes.txt": b"ben", "folder.zip": original.read_bytes()}
    assert not [name for name in everything(tmp_path) if name.endswith("escaped")]
