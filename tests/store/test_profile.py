"""The profile folder: a key that is made once, is ours alone, and is never replaced."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from p2pchat.errors import ConfigurationError, StorageFailed
from p2pchat.protocol.identity import Identity
from p2pchat.store.directory import Directory
from p2pchat.store.profile import Profile, fresh_identity

SEED = b"a" * 32
TAG = Identity.from_seed(SEED).tag

posix_only = pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")


def key_file(home: Path, content: str, mode: int = 0o600) -> Path:
    home.mkdir(mode=0o700, exist_ok=True)
    file = home / "identity.key"
    file.write_text(content)
    file.chmod(mode)
    return file


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_use_makes_an_identity_and_later_ones_find_it(tmp_path: Path) -> None:
    home = tmp_path / "state" / "default"
    first = Profile(home).identity()
    assert Profile(home).identity().seed == first.seed
    assert [file.name for file in home.iterdir()] == ["identity.key"]


def test_two_profiles_are_two_identities(tmp_path: Path) -> None:
    assert Profile(tmp_path / "one").identity().public != Profile(tmp_path / "two").identity().public


@posix_only
def test_folder_and_key_are_ours_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Profile(tmp_path / "home").identity()
    finally:
        os.umask(before)
    assert permissions(tmp_path / "home") == 0o700
    assert permissions(tmp_path / "home" / "identity.key") == 0o600


def test_the_key_file_is_one_line_of_text(tmp_path: Path) -> None:
    key_file(tmp_path / "home", f"p2pchat-identity-1 {SEED.hex()} {TAG}\n")
    assert Profile(tmp_path / "home").identity().seed == SEED


def test_an_identity_that_is_written_nowhere_is_another_one_each_time() -> None:
    assert fresh_identity().seed != fresh_identity().seed


def test_processes_that_start_at_once_end_with_the_same_identity(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from p2pchat.store.profile import Profile\n"
        "profile = Profile(Path(sys.argv[1])); print(flush=True); input(); print(profile.identity().tag)"
    )
    home = str(tmp_path / "home")
    command = [sys.executable, "-c", program, home]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()  # it has imported everything, and waits for the word
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    tags = {process.communicate(timeout=30)[0].strip() for process in processes}
    assert tags == {Profile(tmp_path / "home").identity().tag}
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["identity.key"]


def test_a_process_that_comes_second_takes_the_first_ones_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_late(self: Directory, name: str, new: str) -> None:
        key_file(tmp_path, f"p2pchat-identity-1 {SEED.hex()} {TAG}\n")
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(Directory, "rename_to_free", too_late)
    assert Profile(tmp_path).identity().seed == SEED
    assert [file.name for file in tmp_path.iterdir()] == ["identity.key"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        f"p2pchat-identity-1 {SEED.hex()}\n",
        f"p2pchat-identity-1 {SEED.hex()[:-2]} {TAG}\n",
        f"p2pchat-identity-1 {SEED.hex()[:-1]}2 {TAG}\n",
        f"p2pchat-identity-1 {SEED.hex()} aaaaaaaa\n",
        f"p2pchat-identity-2 {SEED.hex()} {TAG}\n",
        "x" * 100_000,
        "é" * 40,
    ],
    ids=["empty", "blank", "cut", "short seed", "one digit", "tag", "version", "long", "not ASCII"],
)
def test_a_damaged_key_is_refused_with_what_to_do_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    file = key_file(tmp_path, content)
    with pytest.raises(ConfigurationError, match="damaged") as refused:
        Profile(tmp_path).identity()
    assert "backup" in refused.value.hint
    assert SEED.hex()[:20] not in refused.value.message + refused.value.hint
    assert file.read_text() == content
    assert [file.name for file in tmp_path.iterdir()] == ["identity.key"]


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_read_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    file = key_file(tmp_path, f"p2pchat-identity-1 {SEED.hex()} {TAG}\n", mode)
    with pytest.raises(ConfigurationError, match="others may read") as refused:
        Profile(tmp_path).identity()
    assert f"chmod 600 '{file}'" in refused.value.hint
    assert permissions(file) == mode, "the user has to know of it, so it is not mended silently"


@posix_only
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    with pytest.raises(ConfigurationError, match="others may write") as refused:
        Profile(home).identity()
    assert "chmod 700" in refused.value.hint
    assert list(home.iterdir()) == []


def test_a_link_in_the_keys_place_is_refused(tmp_path: Path) -> None:
    elsewhere = key_file(tmp_path / "elsewhere", f"p2pchat-identity-1 {SEED.hex()} {TAG}\n")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for target in (elsewhere, tmp_path / "nothing"):
        (home / "identity.key").symlink_to(target)
        with pytest.raises(ConfigurationError, match="is no plain file"):
            Profile(home).identity()
        (home / "identity.key").unlink()
    assert not (tmp_path / "nothing").exists()


@posix_only
@pytest.mark.timeout(20)
def test_a_pipe_or_a_folder_in_the_keys_place_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "identity.key", 0o600)
    with pytest.raises(ConfigurationError, match="is no plain file"):
        Profile(tmp_path).identity()
    (tmp_path / "identity.key").unlink()
    (tmp_path / "identity.key").mkdir()
    with pytest.raises(ConfigurationError, match="is no plain file"):
        Profile(tmp_path).identity()


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigurationError, match="is no folder"):
            Profile(home).identity()


def test_a_disk_that_refuses_leaves_no_half_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed, match="no space is left"):
        Profile(tmp_path).identity()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert Profile(tmp_path).identity()


def test_the_contacts_are_kept_beside_the_key(tmp_path: Path) -> None:
    profile = Profile(tmp_path / "home")
    contacts = profile.contacts()
    assert not (tmp_path / "home").exists(), "nothing is made before it is needed"
    contacts.met(b"k" * 32, "ben", 1.0)
    contacts.close()
    assert [contact.name for contact in profile.contacts().list()] == ["ben"]
    if os.name == "posix":
        assert permissions(tmp_path / "home") == 0o700
