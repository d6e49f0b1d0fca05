"""Whom we know: pinning, verifying, and what happens when a known name comes with another key."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.errors import ConfigurationError, StorageFailed, UsageError
from p2pchat.protocol.identity import Identity
from p2pchat.store import contacts as contacts_module
from p2pchat.store import database
from p2pchat.store.contacts import Contact, Contacts, Judgement, LiveTextPolicy, Standing, State
from p2pchat.store.lookalikes import likeness

ANA, BEN, BENS_NEW_KEY, MALLORY = (Identity.from_seed(name * 32).public for name in (b"a", b"b", b"B", b"m"))
BENS_TAG = Identity.from_seed(b"b" * 32).tag


@pytest.fixture(params=["file", "memory"])
def contacts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Contacts]:
    found = Contacts(tmp_path / "contacts.db" if request.param == "file" else None)
    yield found
    found.close()


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def ben_of(contacts: Contacts, key: bytes = BEN) -> Contact:
    return next(contact for contact in contacts.list() if contact.key == key)


def standing(contacts: Contacts, key: bytes, name: str) -> Standing:
    return contacts.judge(key, name).standing


# --- trust on first use


def test_a_stranger_is_new_once_and_known_from_then_on(contacts: Contacts) -> None:
    assert contacts.met(BEN, "ben", 100.0) == Judgement(Standing.NEW, None)
    assert contacts.list() == [Contact(BEN, "", "ben", State.KNOWN, 100.0, 100.0)]
    now = Contact(BEN, "", "benjamin", State.KNOWN, 100.0, 200.0)
    assert contacts.met(BEN, "benjamin", 200.0) == Judgement(Standing.KNOWN, now)
    assert contacts.list() == [now]


def test_judging_alone_pins_nobody(contacts: Contacts) -> None:
    assert standing(contacts, BEN, "ben") is Standing.NEW
    assert contacts.list() == []


def test_comparing_words_makes_a_contact_verified(contacts: Contacts) -> None:
    contacts.met(BEN, "ben", 1.0)
    contacts.verify(BEN)
    assert contacts.met(BEN, "ben", 2.0).standing is Standing.VERIFIED


def test_a_blocked_contact_stays_blocked_whatever_it_calls_itself(contacts: Contacts) -> None:
    contacts.met(BEN, "ben", 1.0)
    contacts.verify(BEN)
    contacts.block(BEN)
    assert contacts.met(BEN, "bob", 2.0).standing is Standing.BLOCKED
    contacts.unblock(BEN)
    assert standing(contacts, BEN, "bob") is Standing.KNOWN, "that it was verified is not remembered"


def test_unblocking_does_not_undo_a_verification(contacts: Contacts) -> None:
    contacts.met(BEN, "ben", 1.0)
    contacts.verify(BEN)
    contacts.unblock(BEN)
    assert standing(contacts, BEN, "ben") is Standing.VERIFIED


def test_a_clock_that_went_back_does_not_lose_when_a_contact_was_seen(contacts: Contacts) -> None:
    contacts.met(BEN, "ben", 100.0)
    contacts.met(BEN, "ben", 50.0)
    assert (ben_of(contacts).first_seen, ben_of(contacts).last_seen) == (100.0, 100.0)


# --- the same name with another key


@pytest.mark.parametrize(
    "name", ["ben", "BEN", "Bén", "  ben ", "bеn", "Βen", "ｂｅｎ", "b\u200ben", "ben.", "b e n", "𝓫𝓮𝓷"], ids=ascii
)
def test_the_name_of_a_contact_with_another_key_is_a_changed_key(contacts: Contacts, name: str) -> None:
    contacts.met(BEN, "ben", 1.0)
    assert contacts.met(MALLORY, name, 2.0) == Judgement(Standing.CHANGED, ben_of(contacts))
    assert [contact.key for contact in contacts.list()] == [BEN], "and it is not pinned"
    assert standing(contacts, MALLORY, name) is Standing.CHANGED, "not even the second time"


def test_the_petname_of_a_contact_is_guarded_as_its_own_name_is(contacts: Contacts) -> None:
    contacts.met(BEN, "benjamin", 1.0)
    contacts.rename(BEN, "Ben from the lab")
    assert standing(contacts, MALLORY, "ben from the Lab") is Standing.CHANGED
    assert standing(contacts, MALLORY, "Benjamin") is Standing.CHANGED
    assert standing(contacts, MALLORY, "bertram") is Standing.NEW


def test_of_two_contacts_with_the_name_the_verified_one_is_told(contacts: Contacts) -> None:
    contacts.met(BEN, "ben", 1.0)
    contacts.add(BENS_NEW_KEY, "ben", "the other ben", 9.0)
    contacts.verify(BEN)
    assert contacts.judge(MALLORY, "ben") == Judgement(Standing.CHANGED, ben_of(contacts))


def test_a_contact_cannot_slip_into_the_name_of_another(contacts: Contacts) -> None:
    contacts.met(BEN, "ben", 1.0)
    contacts.met(MALLORY, "mallory", 2.0)
    for name, shown in (("Ben", "mallory"), ("mal", "mal"), ("BEN.", "mal")):
        judgement = contacts.met(MALLORY, name, 3.0)
        assert judgement.standing is Standing.KNOWN
        assert judgement.contact is not None
        assert judgement.contact.shown == shown


def test_a_blocked_contact_that_comes_back_with_a_new_key_is_noticed(contacts: Contacts) -> None:
    contacts.met(MALLORY, "mallory", 1.0)
    contacts.block(MALLORY)
    judgement = contacts.judge(BENS_NEW_KEY, "mallory")
    assert judgement.standing is Standing.CHANGED
    assert judgement.contact is not None
    assert judgement.contact.state is State.BLOCKED


def test_a_new_key_that_the_user_accepts_keeps_the_names_and_loses_the_verification(contacts: Contacts) -> None:
    contacts.met(BEN, "benjamin", 1.0)
    contacts.rename(BEN, "ben")
    contacts.verify(BEN)
    contacts.replace(BEN, BENS_NEW_KEY)
    assert contacts.list() == [Contact(BENS_NEW_KEY, "ben", "benjamin", State.KNOWN, 1.0, 1.0)]
    assert standing(contacts, BEN, "benjamin") is Standing.CHANGED, "the old key is a stranger's now"


def test_a_blocked_contact_does_not_get_a_new_key(contacts: Contacts) -> None:
    contacts.met(BEN, "ben", 1.0)
    contacts.block(BEN)
    with pytest.raises(UsageError, match="blocked"):
        contacts.replace(BEN, BENS_NEW_KEY)


def test_a_key_that_is_a_contacts_does_not_become_another_ones(contacts: Contacts) -> None:
    contacts.met(ANA, "ana", 1.0)
    contacts.met(BEN, "ben", 2.0)
    with pytest.raises(UsageError, match="that of ana already"):
        contacts.replace(BEN, ANA)
    with pytest.raises(UsageError, match="that of ana already"):
        contacts.add(ANA, "ana", "somebody", 3.0)
    assert {contact.key for contact in contacts.list()} == {ANA, BEN}


def test_somebody_else_with_the_same_name_gets_a_petname(contacts: Contacts) -> None:
    contacts.met(BEN, "ben", 1.0)
    for petname in ("", "  "):
        with pytest.raises(UsageError, match="petname is needed"):
            contacts.add(BENS_NEW_KEY, "ben", petname, 2.0)
    contacts.add(BENS_NEW_KEY, "ben", "ben of Oslo", 2.0)
    assert contacts.met(BENS_NEW_KEY, "ben", 3.0).standing is Standing.KNOWN
    assert [contact.shown for contact in contacts.list()] == ["ben of Oslo", "ben"]


# --- names and finding


def test_two_petnames_must_not_look_alike(contacts: Contacts) -> None:
    contacts.met(ANA, "x", 1.0)
    contacts.met(BEN, "y", 2.0)
    contacts.rename(ANA, "maria")
    with pytest.raises(UsageError, match="much like it"):
        contacts.rename(BEN, "rnaria")
    contacts.rename(ANA, "Maria")  # its own may change
    contacts.rename(ANA, "")
    contacts.rename(BEN, "maria")
    assert [contact.petname for contact in contacts.list()] == ["maria", ""]


def test_names_are_made_safe_before_they_are_kept(contacts: Contacts) -> None:
    contacts.met(BEN, "be\x1b[2Jn\n" + "x" * 100, 1.0)
    contacts.rename(BEN, "\u202eneb\udc80")
    found = ben_of(contacts)
    assert found.name.startswith("be␛[2Jn x")
    assert len(found.name) == 64
    assert found.petname == "neb\ufffd"


def test_a_contact_is_found_by_petname_name_or_the_beginning_of_its_tag(contacts: Contacts) -> None:
    contacts.met(ANA, "ana", 1.0)
    contacts.met(BEN, "benjamin", 2.0)
    contacts.rename(BEN, "Ben")
    assert {contacts.find(text).key for text in ("ben", " BEN ", BENS_TAG, BENS_TAG[:4].upper())} == {BEN}
    assert contacts.find("Ana").key == ANA
    for text in ("", "zoe", "benjamin", BENS_TAG[:3], BENS_TAG + "x"):
        with pytest.raises(UsageError, match="no contact"):
            contacts.find(text)


def test_a_whole_key_means_its_owner_whatever_others_call_themselves(contacts: Contacts) -> None:
    contacts.met(BEN, "ben", 100.0)
    contacts.met(MALLORY, BEN.hex(), 100.0)
    assert contacts.find(BEN.hex()).key == BEN
    assert contacts.find(MALLORY.hex()).key == MALLORY


def test_a_name_wins_over_a_tag_and_two_of_a_name_are_not_guessed_between(contacts: Contacts) -> None:
    contacts.met(BEN, "ben", 1.0)
    contacts.met(ANA, "ana", 2.0)
    contacts.rename(ANA, BENS_TAG[:4])
    assert contacts.find(BENS_TAG[:4]).key == ANA
    contacts.rename(ANA, "ben")
    with pytest.raises(UsageError, match="several contacts") as refused:
        contacts.find("ben")
    assert BENS_TAG in refused.value.message


def test_a_forgotten_contact_is_a_stranger_again(contacts: Contacts) -> None:
    contacts.met(BEN, "ben", 1.0)
    contacts.verify(BEN)
    contacts.forget(BEN)
    assert standing(contacts, BEN, "ben") is Standing.NEW
    assert standing(contacts, MALLORY, "ben") is Standing.NEW


def test_what_is_asked_of_a_stranger_is_refused(contacts: Contacts) -> None:
    for ask in (contacts.verify, contacts.block, contacts.unblock, contacts.forget):
        with pytest.raises(UsageError, match="no contact with the key"):
            ask(BEN)
    with pytest.raises(UsageError, match="no contact"):
        contacts.rename(BEN, "ben")
    with pytest.raises(UsageError, match="no contact"):
        contacts.replace(BEN, ANA)


def test_strangers_cannot_crowd_out_a_contact(contacts: Contacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts_module, "CONTACTS", 2)
    contacts.met(BEN, "ben", 1.0)
    contacts.met(ANA, "ana", 2.0)
    assert contacts.met(MALLORY, "mallory", 3.0).standing is Standing.NEW
    assert contacts.met(MALLORY, "mallory", 4.0).standing is Standing.NEW
    assert standing(contacts, MALLORY, "ben") is Standing.CHANGED


# U+0345 is a combining mark in lower case and a letter of its own in upper case.
@given(st.text(st.characters(codec="utf-8", exclude_characters="\u0345"), min_size=1, max_size=12))
def test_a_name_is_alike_to_itself_in_any_case_and_never_to_nothing(name: str) -> None:
    assert likeness(name) == likeness(name.upper()) == likeness(name.lower()) != ""


@pytest.mark.parametrize(
    ("one", "other"), [("ana", "ann"), ("राम", "रोम"), ("🦊", "🐻"), ("ben 1", "ben 2"), ("?", "!")]
)
def test_names_that_a_reader_tells_apart_are_not_alike(one: str, other: str) -> None:
    assert likeness(one) != likeness(other)


# --- the file


def test_contacts_survive(tmp_path: Path) -> None:
    first = Contacts(tmp_path / "contacts.db")
    first.met(BEN, "ben", 1.0)
    first.verify(BEN)
    first.close()
    assert standing(Contacts(tmp_path / "contacts.db"), BEN, "ben") is Standing.VERIFIED


def test_nothing_is_made_before_it_is_used_and_then_only_for_us(tmp_path: Path) -> None:
    contacts = Contacts(tmp_path / "home" / "contacts.db")
    assert list(tmp_path.iterdir()) == []
    before = os.umask(0)
    try:
        contacts.met(BEN, "ben", 1.0)
    finally:
        os.umask(before)
    if os.name == "posix":
        modes = {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "home").iterdir()}
        assert modes == {0o600}
    contacts.close()


def test_many_threads_share_the_contacts(contacts: Contacts) -> None:
    keys = [bytes([number]) * 32 for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: contacts.met(key, key.hex(), 1.0), keys))
    assert {contact.key for contact in contacts.list()} == set(keys)


def test_processes_that_begin_at_once_share_the_file(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from p2pchat.store.contacts import Contacts\n"
        "contacts = Contacts(Path(sys.argv[1])); number = int(sys.argv[2]); print(flush=True); input()\n"
        "for i in range(10): contacts.met(bytes([number, i]) * 16, f'{number} and {i}', 1.0)"
    )
    file = tmp_path / "contacts.db"
    processes = [start(program, str(file), str(number)) for number in range(4)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert len(Contacts(file).list()) == 40


def test_a_file_that_somebody_else_is_writing_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    contacts = Contacts(tmp_path / "contacts.db")
    contacts.met(BEN, "ben", 1.0)
    other = sqlite3.connect(tmp_path / "contacts.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageFailed, match=r"another program is using contacts\.db"):
        contacts.verify(BEN)
    assert standing(contacts, BEN, "ben") is Standing.KNOWN, "reading goes on"
    other.rollback()
    contacts.verify(BEN)
    other.close()
    contacts.close()


@pytest.mark.parametrize("damage", ["no database", "torn"])
def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "contacts.db"
    if damage == "torn":
        contacts = Contacts(file)
        contacts.met(BEN, "ben", 1.0)
        contacts.close()
        content = bytearray(file.read_bytes())
        content[100:] = b"\xa5" * (len(content) - 100)
        file.write_bytes(content)
    else:
        file.write_bytes(b"this is no database at all" * 100)
    before = file.read_bytes()
    with pytest.raises(ConfigurationError, match=r"contacts\.db is damaged") as refused:
        Contacts(file).list()
    assert "move it away" in refused.value.hint
    assert file.read_bytes() == before


VERSION_1 = """
CREATE TABLE contact (
    key        BLOB PRIMARY KEY CHECK (length(key) = 32),
    petname    TEXT NOT NULL,
    name       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('known', 'verified', 'blocked')),
    first_seen REAL NOT NULL,
    last_seen  REAL NOT NULL,
    petname_likeness TEXT NOT NULL,
    name_likeness    TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX contact_petname ON contact (petname_likeness) WHERE petname_likeness != '';
CREATE INDEX contact_name ON contact (name_likeness);
PRAGMA user_version = 1;
"""
"""What the first version of the file had."""


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    earlier = sqlite3.connect(tmp_path / "contacts.db")
    earlier.executescript(VERSION_1)
    earlier.execute("INSERT INTO contact VALUES (?, 'B', 'ben', 'verified', 1.0, 2.0, 'b', 'ben')", (BEN,))
    earlier.commit()
    earlier.close()
    contacts = Contacts(tmp_path / "contacts.db")
    assert contacts.list() == [Contact(BEN, "B", "ben", State.VERIFIED, 1.0, 2.0, auto_accept=0)]
    contacts.set_auto_accept(BEN, 5_000_000)
    contacts.close()
    assert Contacts(tmp_path / "contacts.db").list()[0].auto_accept == 5_000_000


def test_a_file_that_cannot_be_brought_up_to_date_stays_as_it_was(tmp_path: Path) -> None:
    earlier = sqlite3.connect(tmp_path / "contacts.db")
    earlier.executescript("CREATE TABLE other (x); PRAGMA user_version = 1")
    earlier.close()
    with pytest.raises(StorageFailed, match="cannot be used"):
        Contacts(tmp_path / "contacts.db").list()
    earlier = sqlite3.connect(tmp_path / "contacts.db")
    assert earlier.execute("PRAGMA user_version").fetchone() == (1,)
    earlier.close()


def test_offers_are_accepted_without_a_question_only_while_the_user_wants_it() -> None:
    contacts = Contacts()
    contacts.met(BEN, "ben", 1.0)
    assert contacts.list()[0].auto_accept == 0
    contacts.set_auto_accept(BEN, 1000)
    contacts.met(BEN, "ben", 2.0)
    found = contacts.get(BEN)
    assert found is not None
    assert found.auto_accept == 1000
    contacts.set_auto_accept(BEN, 0)
    assert contacts.list()[0].auto_accept == 0


@pytest.mark.parametrize("most", [-1, 2**50 + 1])
def test_no_other_size_is_accepted(most: int) -> None:
    contacts = Contacts()
    contacts.met(BEN, "ben", 1.0)
    with pytest.raises(UsageError, match="no size"):
        contacts.set_auto_accept(BEN, most)


def test_who_is_blocked_or_has_another_key_has_to_be_asked_about_again() -> None:
    contacts = Contacts()
    contacts.met(BEN, "ben", 1.0)
    contacts.set_auto_accept(BEN, 1000)
    contacts.block(BEN)
    with pytest.raises(UsageError, match="is blocked"):
        contacts.set_auto_accept(BEN, 1000)
    contacts.unblock(BEN)
    assert contacts.list()[0].auto_accept == 0
    contacts.set_auto_accept(BEN, 1000)
    contacts.replace(BEN, b"n" * 32)
    assert contacts.list()[0].auto_accept == 0


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    Contacts(tmp_path / "contacts.db").met(BEN, "ben", 1.0)
    later = sqlite3.connect(tmp_path / "contacts.db")
    later.execute("PRAGMA user_version = 7")
    later.close()
    with pytest.raises(ConfigurationError, match="its format is 7, ours is 3"):
        Contacts(tmp_path / "contacts.db").list()


def test_a_full_disk_changes_nothing_and_is_told(tmp_path: Path) -> None:
    contacts = Contacts(tmp_path / "contacts.db")
    contacts.met(BEN, "ben", 1.0)
    with contacts._database.reading() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    strangers = (contacts.met(number.to_bytes(32, "big"), f"{number} {'x' * 50}", 1.0) for number in range(1000))
    with pytest.raises(StorageFailed, match=r"no space is left for contacts\.db"):
        list(strangers)
    assert standing(contacts, BEN, "ben") is Standing.KNOWN
    contacts.verify(BEN)
    contacts.close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match=r"contacts\.db"):
        Contacts(tmp_path / "file" / "contacts.db").list()


def test_what_was_in_memory_is_gone_once_it_is_closed() -> None:
    forgetful = Contacts()
    forgetful.met(BEN, "ben", 1.0)
    forgetful.close()
    assert forgetful.list() == []


def test_a_contact_sees_what_is_typed_as_the_user_says() -> None:
    contacts = Contacts()
    contacts.met(BEN, "ben", 1.0)
    assert contacts.list()[0].live_text is LiveTextPolicy.ASK
    for policy in LiveTextPolicy:
        contacts.set_live_text(BEN, policy)
        contacts.met(BEN, "ben", 2.0)
        assert contacts.list()[0].live_text is policy
    with pytest.raises(UsageError, match="no contact"):
        contacts.set_live_text(b"n" * 32, LiveTextPolicy.ON)


@pytest.mark.parametrize(
    ("before", "after"), [(LiveTextPolicy.ON, LiveTextPolicy.ASK), (LiveTextPolicy.OFF, LiveTextPolicy.OFF)]
)
def test_a_new_key_or_a_block_ends_what_was_allowed_and_not_what_was_refused(
    before: LiveTextPolicy, after: LiveTextPolicy
) -> None:
    contacts = Contacts()
    contacts.met(BEN, "ben", 1.0)
    contacts.set_live_text(BEN, before)
    contacts.block(BEN)
    assert contacts.list()[0].live_text is after
    contacts.unblock(BEN)
    contacts.set_live_text(BEN, before)
    contacts.replace(BEN, b"n" * 32)
    assert contacts.list()[0].live_text is after
