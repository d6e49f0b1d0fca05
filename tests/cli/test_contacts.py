"""`p2pchat contacts`: the command in a process of its own, on a real profile."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from p2pchat.cli.contacts import parsed_size, table
from p2pchat.cli.wording import since
from p2pchat.errors import UsageError
from p2pchat.node.answers import ContactInfo
from p2pchat.store.contacts import Contacts
from p2pchat.store.profile import Profile
from tests.cli.talk import HOSTILE
from tests.cli.test_command import run

BEN = bytes(range(32))
CYD = bytes(range(1, 33))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A profile that has met ben, and cyd before."""
    contacts = known(tmp_path)
    contacts.met(BEN, "ben", time.time() - 7200)
    contacts.met(CYD, "cyd", time.time() - 3 * 86_400)
    contacts.close()
    return tmp_path


def known(home: Path) -> Contacts:
    profile = Profile(home / "default")
    profile.identity()
    return profile.contacts()


def state(home: Path, key: bytes) -> tuple[str, str]:
    contacts = known(home)
    (found,) = [contact for contact in contacts.list() if contact.key == key]
    contacts.close()
    return found.petname, found.state.value


def test_the_contacts_are_listed_the_one_met_last_first(home: Path) -> None:
    for words in (("contacts",), ("contacts", "list")):
        done = run(*words, home=home)
        heading, ben, cyd = done.stdout.splitlines()
        assert heading.split() == ["KEY", "STATE", "ACCEPTS", "LAST", "SEEN", "NAME"]
        assert ben.split()[1:] == ["known", "asks", "2", "hours", "ago", "ben"]
        assert cyd.split()[1:] == ["known", "asks", "3", "days", "ago", "cyd"]
        assert (done.returncode, done.stderr) == (0, "")


def test_programs_get_json_lines(home: Path) -> None:
    told = [json.loads(line) for line in run("contacts", "--json", home=home).stdout.splitlines()]
    assert [(each["event"], each["name"], each["key"]) for each in told] == [
        ("contact", "ben", BEN.hex()),
        ("contact", "cyd", CYD.hex()),
    ]


def test_nobody_is_no_error(tmp_path: Path) -> None:
    done = run("contacts", home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "There are no contacts.\n")


def test_what_is_decided_is_kept_and_said(home: Path) -> None:
    for words, said, expected in (
        (("rename", "ben", "Ben Nevis"), "ben is called Ben Nevis now.", ("Ben Nevis", "known")),
        (("verify", "ben nevis"), "ben nevis is verified.", ("Ben Nevis", "verified")),
        (("block", "Ben Nevis"), "Ben Nevis is blocked.", ("Ben Nevis", "blocked")),
        (("unblock", "Ben Nevis"), "Ben Nevis is not blocked any more.", ("Ben Nevis", "known")),
        (("rename", "Ben Nevis", ""), "Ben Nevis is called by its own name now.", ("", "known")),
    ):
        done = run("contacts", *words, home=home)
        assert (done.returncode, done.stderr) == (0, f"{said}\n")
        assert state(home, BEN) == expected


def test_a_new_key_takes_the_place_of_the_old_one_and_a_contact_can_be_forgotten(home: Path) -> None:
    new = bytes(range(2, 34))
    assert run("contacts", "replace", "ben", new.hex(), home=home).returncode == 0
    assert state(home, new) == ("", "known")
    assert run("contacts", "forget", "ben", home=home).returncode == 0
    assert run("contacts", home=home).stdout.count("\n") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "dan"), "no contact dan"),
        (("rename", "ben", "cyd"), ""),
        (("replace", "ben", "00"), "no public key"),
        (("dance",), "dance"),
        (("verify",), "contact"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_says_why(home: Path, words: tuple[str, ...], said: str) -> None:
    if words == ("rename", "ben", "cyd"):
        run("contacts", "rename", "cyd", "cyd", home=home)
    done = run("contacts", *words, home=home)
    assert done.returncode == 2
    assert done.stderr.startswith("p2pchat: ")
    assert said.lower() in done.stderr.lower()


def test_names_of_others_are_fit_for_a_terminal() -> None:
    info = ContactInfo("m2xdabcd", "00", HOSTILE, HOSTILE, "known", 0.0, 0.0)
    assert all(line.isprintable() for line in table([info], 100.0))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7199, "1 hour ago"),
        (86_400, "1 day ago"),
        (8 * 86_400, "1 week ago"),
        (70 * 86_400, "2 months ago"),
        (800 * 86_400, "2 years ago"),
    ],
)
def test_ages_in_words(seconds: float, words: str) -> None:
    assert since(seconds) == words


@pytest.mark.parametrize(
    ("text", "size"),
    [("off", 0), ("800", 800), ("50MB", 50_000_000), ("1.5 gb", 1_500_000_000), ("2k", 2000), ("0.1B", 0)],
)
def test_a_size_is_understood_as_people_write_it(text: str, size: int) -> None:
    assert parsed_size(text) == size


@pytest.mark.parametrize("text", ["", "many", "-5MB", "5XB", "1e9", "5 M B", "1.2345MB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parsed_size(text)


def test_what_a_contact_may_send_unasked_is_listed_and_taken_back(home: Path) -> None:
    done = run("contacts", "auto-accept", "ben", "50MB", home=home)
    assert (done.returncode, "up to 50 MB" in done.stderr) == (0, True)
    assert "to 50 MB" in run("contacts", home=home).stdout
    run("contacts", "auto-accept", "ben", "off", home=home)
    assert "to 50 MB" not in run("contacts", home=home).stdout
