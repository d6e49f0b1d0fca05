"""The register of interrupted transfers: what is where, over restarts."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from p2pchat.store.interrupted import Folders, Interrupted, InterruptedTransfers, id_of

PEER = b"b" * 32
FILM = Interrupted("00112233aabbccdd", PEER, "ben", "film.mov", Path("/home/ana/Downloads"), 1_400, 0, 10.0)
TREE = Interrupted("ffffffffffffffff", PEER, "ben", "tree/", Path("/home/ana/Downloads"), 90, 0, 20.0)


@pytest.fixture
def register(tmp_path: Path) -> InterruptedTransfers:
    return InterruptedTransfers(tmp_path / "transfers.db")


def test_what_was_accepted_is_known_after_a_restart_the_last_one_first(
    tmp_path: Path, register: InterruptedTransfers
) -> None:
    register.begin(FILM, Folders())
    register.begin(TREE, Folders(("tree", "tree/empty"), ("old",)))
    register.close()
    again = InterruptedTransfers(tmp_path / "transfers.db")
    assert again.all() == [TREE, FILM]
    assert again.folders(TREE.id) == Folders(("tree", "tree/empty"), ("old",))
    assert again.of(FILM.transfer) == [FILM]
    assert again.get(TREE.id) == TREE


def test_progress_is_noted_and_brings_a_transfer_to_the_front(register: InterruptedTransfers) -> None:
    register.begin(FILM, Folders())
    register.begin(TREE, Folders())
    register.progressed(FILM.id, 700, 30.0)
    assert register.all() == [replace(FILM, stored=700, at=30.0), TREE]


def test_what_is_done_is_forgotten(register: InterruptedTransfers) -> None:
    register.begin(FILM, Folders(("film",)))
    register.forget(FILM.id)
    register.progressed(FILM.id, 700, 30.0)
    assert register.all() == []
    assert register.get(FILM.id) is None
    assert register.folders(FILM.id) == Folders()


def test_a_transfer_that_goes_on_keeps_the_folders_that_were_made_when_it_began(
    register: InterruptedTransfers,
) -> None:
    register.begin(TREE, Folders(("tree",)))
    register.begin(replace(TREE, stored=50, at=40.0), None)
    assert register.folders(TREE.id) == Folders(("tree",))
    assert register.all() == [replace(TREE, stored=50, at=40.0)]


def test_a_transfer_that_begins_anew_has_the_folders_of_now(register: InterruptedTransfers) -> None:
    register.begin(TREE, Folders(("tree",)))
    register.begin(TREE, Folders((), ("tree",)))
    assert register.folders(TREE.id) == Folders((), ("tree",))


def test_one_transfer_may_have_been_begun_in_two_folders(register: InterruptedTransfers) -> None:
    elsewhere = replace(FILM, folder=Path("/media/stick"), at=50.0)
    register.begin(FILM, Folders())
    register.begin(elsewhere, Folders())
    assert elsewhere.id != FILM.id
    assert register.of(FILM.transfer) == [elsewhere, FILM]


def test_a_folder_whose_name_is_no_text_is_kept_as_it_is(register: InterruptedTransfers) -> None:
    odd = replace(FILM, folder=Path(os.fsdecode(b"/media/\xff\xfe")))
    register.begin(odd, Folders())
    assert register.all() == [odd]
    assert len(id_of(odd.transfer, odd.folder)) == 16


def test_without_a_file_it_is_kept_in_memory(tmp_path: Path) -> None:
    register = InterruptedTransfers()
    register.begin(FILM, Folders())
    assert register.all() == [FILM]
    assert list(tmp_path.iterdir()) == []
