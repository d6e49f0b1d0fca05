"""A peer never chooses where on our disk something lands, whatever we chose."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.errors import UnsafeName
from p2pchat.node.events import MessageReceived, PeerState, Problem, TransferOffered, TransferState
from p2pchat.protocol import frames
from p2pchat.protocol.codec import encode
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.rtc.channels import Channel
from p2pchat.store.incoming import IfExists, IncomingFiles
from tests.incidents.stage import Program, ended, everything, hand_over, offered, two_players
from tests.node.player import Player, on_guarded_loop
from tests.node.test_hostile_peer import stranger

OUTPUTS = ("new", "new/in/new", "existing", "existing/", "../elsewhere/existing", "link to a folder", "a.txt")
"""What a user may give as the output folder, relative to where the program runs; the last one is called as the file."""

POLICIES = ("rename", "skip", "overwrite")


def folders(place: Path) -> Path:
    """Makes what the outputs need; returns the folder that they are relative to."""
    work = place / "work"
    for folder in (work / "existing", work / "a.txt", place / "elsewhere" / "existing", place / "target"):
        folder.mkdir(parents=True)
        (folder / "a.txt").write_bytes(b"mine!")
    (work / "link to a folder").symlink_to(place / "target")
    return work


def real(path: Path) -> Path:
    """Where a path leads, links followed."""
    return Path(os.path.realpath(path))


@pytest.mark.parametrize("policy", POLICIES)
@on_guarded_loop
async def test_magic_wormhole_cve_2026_42448_an_output_folder_that_exists_is_never_left(
    signaling_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    """`--output` with a folder that existed used the sender's name as it came; the check was in the other branch."""
    original = tmp_path / "a.txt"
    original.write_bytes(b"yours")
    async with two_players(signaling_server, tmp_path) as (ana, ben):
        for number, output in enumerate(OUTPUTS):
            place = tmp_path / f"{policy} {number}"
            work = folders(place)
            monkeypatch.chdir(work)
            before = everything(place)
            await hand_over(ana, ben, original, Path(output), policy)
            after = everything(place)
            target = real(work / output).relative_to(real(place))
            changed = {Path(name) for name in after if name not in before or before[name] != after[name]}
            files = {target / "a.txt", target / "a (1).txt"}
            assert changed - {target, *target.parents} <= files
            assert b"yours" in (after.get(str(name)) for name in files)
            assert before.keys() <= after.keys()
            assert policy == "overwrite" or all(after[name] == before[name] for name in before)


@on_guarded_loop
async def test_magic_wormhole_2026_a_path_in_the_senders_name_is_refused_by_the_program(
    signaling_server: str, tmp_path: Path
) -> None:
    """Versions 0.21 and 0.22 lost the call of `basename()` in a refactoring: `../../x` was written where it says."""
    async with Program("ana", signaling_server, tmp_path, "chat", "lab", "--json") as ana:
        await ana.until(b'"ready"')
        async with stranger(signaling_server) as mallory:
            await mallory.introduce()
            for number, path in enumerate(["../../x", "/srv/x", "a/../../x", "..", "~/x/../y"]):
                entries = [frames.Entry("fine", 1), frames.Entry(path, 1)]
                mallory.send(Channel.CONTROL, encode(frames.Offer(number, bytes(32), 2, 2, 2, entries)))
            mallory.send(Channel.CONTROL, encode(frames.Message("00000000aaaaaaaa", "done", 0.0)))
            await ana.until(b'"event": "message"')
    assert ana.output.count(b'"offer-refused"') == 5
    assert b'"event": "offer"' not in ana.output
    assert not ana.downloads.exists()


@given(st.data())
def test_magic_wormhole_2026_no_name_and_no_option_lead_out_of_the_folder(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """The same fault came back within three months in another branch: the property has to hold, not the one case."""
    component = st.sampled_from(["..", ".", "", "a", "b", "a.txt", "~", "…", "C:", "a\\b", "\0", "link", "existing"])
    paths = data.draw(st.lists(st.lists(component, min_size=1, max_size=4).map("/".join), min_size=1, max_size=4))
    try:
        manifest = Manifest.of([frames.Entry(path, 1) for path in paths])
    except UnsafeName:
        return
    place = tmp_path_factory.mktemp("place")
    folder = place / data.draw(st.sampled_from(["new", "existing", "existing/below"]))
    (place / "outside").mkdir()
    (place / "existing").mkdir()
    for name in ("link", "a"):
        (place / "existing" / name).symlink_to(place / "outside")
    before = everything(place)
    policy = IfExists(data.draw(st.sampled_from(POLICIES)))
    files = IncomingFiles(folder, manifest, "x", if_exists=policy)
    digest = sha256(b"x").digest()
    for file in manifest.files:
        (block,) = manifest.blocks_of(file)
        if files.kept().check.get(block) != digest:
            assert files.store_block(block, b"x", digest)
        files.finish_file(file)
    saved = files.saved(100)
    files.close()
    assert len(saved) == len(paths)
    assert all(Path(os.path.realpath(path)).is_relative_to(folder) for path in saved)
    assert list((place / "outside").iterdir()) == []
    after = everything(place)
    assert before.keys() <= after.keys()
    links = [name for name in before if isinstance(before[name], str)]
    assert policy is IfExists.OVERWRITE or all(after[name] == before[name] for name in links)


@on_guarded_loop
async def test_localsend_1_17_a_folder_that_is_swapped_for_a_link_is_not_followed(
    signaling_server: str, tmp_path: Path
) -> None:
    """A name with folders in it could reach places outside of the folder for received files."""
    album = tmp_path / "album"
    album.mkdir()
    (album / "a.txt").write_bytes(b"yours")
    outside = tmp_path / "outside"
    outside.mkdir()
    async with two_players(signaling_server, tmp_path) as (ana, ben):
        ben.downloads.mkdir(parents=True)
        (ben.downloads / "album").symlink_to(outside)
        for policy in POLICIES:
            offer = await offered(ana, ben, album)
            await ben.node.accept(offer.transfer, None, policy)
            assert (await ended(ben)).state is TransferState.DONE
    assert list(outside.iterdir()) == []


@on_guarded_loop
async def test_localsend_1_18_2_a_peer_cannot_send_us_to_another_place(signaling_server: str, tmp_path: Path) -> None:
    """Redirects of a peer were followed: it chose which address the program asked next."""
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        await mallory.introduce()
        for number, path in enumerate(["http://192.0.2.1/x", "file:///etc/passwd", "//192.0.2.1/share/x"]):
            entries = [frames.Entry(path, 1)]
            mallory.send(Channel.CONTROL, encode(frames.Offer(number, bytes(32), 1, 1, 1, entries)))
        mallory.send(Channel.CONTROL, encode(frames.Message("00000000aaaaaaaa", "done", 0.0)))
        await ana.until(MessageReceived)
        assert [event.code for event in ana.all(Problem)] == ["offer-refused"] * 3
        assert ana.all(TransferOffered) == []
        assert (await ana.until_peer(PeerState.CONNECTED)).info.name == "mallory"


@on_guarded_loop
async def test_wormhole_william_2023_a_folder_beside_with_the_same_beginning_is_outside(
    signaling_server: str, tmp_path: Path
) -> None:
    """Paths were compared by their beginning, without a separator: for `foo`, `../foobar` was inside."""
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        await mallory.introduce()
        path = f"../{ana.downloads.name}bar/x"
        mallory.send(Channel.CONTROL, encode(frames.Offer(0, bytes(32), 1, 1, 1, [frames.Entry(path, 1)])))
        assert (await ana.until(Problem)).code == "offer-refused"
        assert not [name for name in everything(tmp_path) if name.endswith("bar/x")]


@on_guarded_loop
async def test_magic_wormhole_2023_a_file_never_arrives_with_the_set_user_id_bit(
    signaling_server: str, tmp_path: Path
) -> None:
    """The permissions in the sender's archive were applied as they came, with all of their bits."""
    tool = tmp_path / "tool"
    tool.write_bytes(b"#!/bin/sh\n")
    tool.chmod(0o7777)
    async with two_players(signaling_server, tmp_path) as (ana, ben):
        offer = await offered(ana, ben, tool)
        await ben.node.accept(offer.transfer, preserve=True)
        await ended(ben)
        mode = stat.S_IMODE((ben.downloads / "tool").stat().st_mode)
        assert mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX) == 0
        assert mode & stat.S_IXUSR
        ben.told.clear()
        offer = await offered(ana, ben, tool)
        await ben.node.accept(offer.transfer)
        await ended(ben)
        assert stat.S_IMODE((ben.downloads / "tool (1)").stat().st_mode) & 0o7111 == 0


async def test_localsend_1_18_a_name_that_is_too_long_is_cut_and_stays_where_it_belongs(
    signaling_server: str, tmp_path: Path
) -> None:
    """A name was made safe, then cut to what the disk takes, and what was cut was not safe any more."""
    name = "x" * 251 + ".txt"
    original = tmp_path / "work" / name
    original.parent.mkdir()
    original.write_bytes(b"yours")
    async with Program("ana", signaling_server, tmp_path, "send", str(original), "--json") as ana:
        code = (await ana.until(rb'"code": "([0-9]+-[a-z-]+)"'))[1].decode()
        folder = tmp_path / "here"
        folder.mkdir()
        (folder / name).write_bytes(b"mine!")
        async with Program(
            "ben", signaling_server, tmp_path, "receive", "--yes", "--output", ".", folder=folder, P2PCHAT_CODE=code
        ) as ben:
            assert (await ben.ended(), await ana.ended()) == (0, 0), (ben.errors, ana.errors)
    assert everything(folder) == {name: b"mine!", "x" * 247 + " (1).txt": b"yours"}
