"""The keys of others, and what we hold of them: trust on first use, made firm by comparing safety words.

    first contact        the key is pinned: NEW now, KNOWN from then on
    words compared       VERIFIED
    another key comes with a contact's name: CHANGED. Nothing is pinned; the user says what it is:
        the same person, who has a new key        `replace`
        somebody else, who has the same name      `add`, under a petname that tells the two apart
        nobody to talk to                         nothing, or `add` and `block`

A contact is known by its petname, which the user gave it, or else by the name that it called itself last. A contact
cannot slip into another's name: a new name that looks like somebody else's is not taken over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from p2pchat.errors import UsageError
from p2pchat.protocol.identity import key_tag
from p2pchat.protocol.limits import FILE_BYTES, NAME_CHARACTERS
from p2pchat.protocol.untrusted import safe_line
from p2pchat.store.database import Database
from p2pchat.store.lookalikes import likeness

CONTACTS: Final = 10_000
"""Most contacts. Somebody with ever new keys could otherwise fill the disk. When it is full, nobody new is pinned: a
pin that is there must not make room for a stranger's."""

TAG_CHARACTERS: Final = 4
"""Fewest characters by which a contact is found by its tag: what front ends show."""

_SCHEMA: Final = """
CREATE TABLE contact (
    key        BLOB PRIMARY KEY CHECK (length(key) = 32),
    petname    TEXT NOT NULL,
    name       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('known', 'verified', 'blocked')),
    first_seen REAL NOT NULL,
    last_seen  REAL NOT NULL,
    petname_likeness TEXT NOT NULL,
    name_likeness    TEXT NOT NULL,
    auto_accept INTEGER NOT NULL DEFAULT 0,
    live_text  TEXT NOT NULL DEFAULT 'ask' CHECK (live_text IN ('off', 'ask', 'on'))
) WITHOUT ROWID;
CREATE UNIQUE INDEX contact_petname ON contact (petname_likeness) WHERE petname_likeness != '';
CREATE INDEX contact_name ON contact (name_likeness)
"""
_MIGRATIONS: Final = (
    "ALTER TABLE contact ADD COLUMN auto_accept INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE contact ADD COLUMN live_text TEXT NOT NULL DEFAULT 'ask' CHECK (live_text IN ('off', 'ask', 'on'))",
)
_VERSION: Final = 3
_COLUMNS: Final = "key, petname, name, state, first_seen, last_seen, auto_accept, live_text"
_CONSENT_ENDS: Final = "auto_accept = 0, live_text = CASE live_text WHEN 'on' THEN 'ask' ELSE live_text END"
"""What the user allowed the owner of a key goes with it; what was refused stays."""


class State(StrEnum):
    """What the user has decided about a contact."""

    KNOWN = "known"
    VERIFIED = "verified"
    BLOCKED = "blocked"


class LiveTextPolicy(StrEnum):
    """Whether a contact sees what the user types."""

    OFF = "off"
    """Never."""
    ASK = "ask"
    """When the user says so in a conversation."""
    ON = "on"
    """As soon as others in the conversation do."""


class Standing(StrEnum):
    """What a key is to us when it shows up under a name."""

    NEW = "new"
    KNOWN = "known"
    VERIFIED = "verified"
    CHANGED = "changed"
    """The key is unknown, and the name is that of a contact with another key."""
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Contact:
    """A peer whose key we have seen. Its names hold no control characters; they are no markup."""

    key: bytes
    """Ed25519 public key, 32 bytes."""
    petname: str
    """What the user calls it; empty until there is one. No two contacts have petnames that look alike."""
    name: str
    """What it called itself last."""
    state: State
    first_seen: float
    """Unix seconds."""
    last_seen: float
    auto_accept: int = 0
    """Offers of at most so many bytes are accepted without a question; 0 for none."""
    live_text: LiveTextPolicy = LiveTextPolicy.ASK

    @property
    def tag(self) -> str:
        """Its key tag."""
        return key_tag(self.key)

    @property
    def shown(self) -> str:
        """What to call it: its petname, or the name that it gave itself."""
        return self.petname or self.name


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a key is to us, and whom it concerns."""

    standing: Standing
    contact: Contact | None
    """The contact with this key; for CHANGED the one whose name it is; None for NEW."""


class Contacts:
    """The contacts of one profile. Methods block for milliseconds and may be called from any thread.

    Every method raises ConfigurationError when the file is damaged or of another version, and StorageFailed when it is
    busy or the disk refuses. Those that are given a key of a contact raise UsageError when there is none.

    Args:
        path: the file, or None to keep them in memory only (`--ephemeral`).
    """

    def __init__(self, path: Path | None = None) -> None:
        self._database = Database(path, _SCHEMA, _VERSION, _MIGRATIONS)

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    # --- when a peer shows up

    def judge(self, key: bytes, name: str) -> Judgement:
        """Says what a key is to us when its owner calls itself so. Changes nothing."""
        with self._database.reading() as connection:
            return _judge(connection, key, name)

    def met(self, key: bytes, name: str, now: float) -> Judgement:
        """Notes that a peer with this key was met, which its handshake has proved, and pins a new one.

        Args:
            key: its public key.
            name: what it calls itself; untrusted text.
            now: unix seconds.

        Returns:
            What the key was to us before, and the contact as it stands now. Call it what `Contact.shown` says: the name
            of the moment may be another contact's.
        """
        with self._database.writing() as connection:
            judgement = _judge(connection, key, name)
            if judgement.standing is Standing.NEW:
                (count,) = connection.execute("SELECT count(*) FROM contact").fetchone()
                if count < CONTACTS:
                    _insert(connection, Contact(key, "", _safe(name), State.KNOWN, now, now))
            elif judgement.standing is not Standing.CHANGED:
                connection.execute("UPDATE contact SET last_seen = max(last_seen, ?) WHERE key = ?", (now, key))
                if _namesake(connection, key, name) is None:
                    change = "UPDATE contact SET name = ?, name_likeness = ? WHERE key = ?"
                    connection.execute(change, (_safe(name), likeness(name), key))
                return Judgement(judgement.standing, _get(connection, key))
            return judgement

    # --- what the user decides

    def verify(self, key: bytes) -> None:
        """The safety words were compared, and are the same at both ends. This also unblocks."""
        self._set_state(key, State.VERIFIED)

    def block(self, key: bytes) -> None:
        """Nothing is to be had with this peer. That it was verified is forgotten, and what it was allowed."""
        with self._database.writing() as connection:
            _known(connection, key)
            change = f"UPDATE contact SET state = ?, {_CONSENT_ENDS} WHERE key = ?"
            connection.execute(change, (State.BLOCKED, key))

    def unblock(self, key: bytes) -> None:
        """Takes `block` back: the contact is known, and not verified."""
        self._set_state(key, State.KNOWN, only_from=State.BLOCKED)

    def rename(self, key: bytes, petname: str) -> None:
        """Gives a contact a petname; the empty one takes it away.

        Raises:
            UsageError: another contact has a petname that looks like it.
        """
        with self._database.writing() as connection:
            _known(connection, key)
            petname = _free_petname(connection, key, petname)
            change = "UPDATE contact SET petname = ?, petname_likeness = ? WHERE key = ?"
            connection.execute(change, (petname, likeness(petname), key))

    def set_auto_accept(self, key: bytes, most: int) -> None:
        """Has the offers of a contact accepted without a question, as long as they are small.

        Args:
            key: the contact's.
            most: bytes of the largest offer for which it holds, at most `FILE_BYTES`; 0 for none.

        Raises:
            UsageError: `most` is out of range, or the contact is blocked.
        """
        if not 0 <= most <= FILE_BYTES:
            raise UsageError(f"that is no size of an offer: {most}", f"0 to {FILE_BYTES} bytes, please")
        with self._database.writing() as connection:
            contact = _known(connection, key)
            if most and contact.state is State.BLOCKED:
                raise UsageError(f"{contact.shown} is blocked", "unblock it first")
            connection.execute("UPDATE contact SET auto_accept = ? WHERE key = ?", (most, key))

    def set_live_text(self, key: bytes, policy: LiveTextPolicy) -> None:
        """Sets whether a contact sees what the user types."""
        with self._database.writing() as connection:
            _known(connection, key)
            connection.execute("UPDATE contact SET live_text = ? WHERE key = ?", (policy, key))

    def add(self, key: bytes, name: str, petname: str, now: float) -> None:
        """Pins a key as somebody of its own, whoever else has the same name.

        Raises:
            UsageError: the key is a contact's already, the petname is empty, or another contact's looks like it.
        """
        with self._database.writing() as connection:
            _check_unknown(connection, key)
            petname = _free_petname(connection, key, petname)
            if not petname:
                raise UsageError("a petname is needed", "choose one that tells the two apart")
            _insert(connection, Contact(key, petname, _safe(name), State.KNOWN, now, now))

    def replace(self, old_key: bytes, new_key: bytes) -> None:
        """Accepts that a contact has another key now. It keeps its names, and is known and not verified.

        Its offers are no longer accepted without a question, and it does not see what is typed without one: that was
        for the owner of the old key.

        Raises:
            UsageError: there is no contact with the old key, or one with the new key, or the contact is blocked.
        """
        with self._database.writing() as connection:
            contact = _known(connection, old_key)
            if contact.state is State.BLOCKED:
                raise UsageError(f"{contact.shown} is blocked", "unblock it first")
            _check_unknown(connection, new_key)
            change = f"UPDATE contact SET key = ?, state = ?, {_CONSENT_ENDS} WHERE key = ?"
            connection.execute(change, (new_key, State.KNOWN, old_key))

    def forget(self, key: bytes) -> None:
        """Forgets a contact: its key will be new again."""
        with self._database.writing() as connection:
            _known(connection, key)
            connection.execute("DELETE FROM contact WHERE key = ?", (key,))

    # --- looking

    def get(self, key: bytes) -> Contact | None:
        """Returns the contact with this key."""
        with self._database.reading() as connection:
            return _get(connection, key)

    def list(self) -> list[Contact]:
        """Returns all contacts, the one met last first."""
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM contact ORDER BY last_seen DESC, key").fetchall()
        return [_contact(row) for row in rows]

    def find(self, text: str) -> Contact:
        """Returns the contact that a user means.

        Args:
            text: a whole key in hexadecimal; a petname, or for a contact without one its own name; or the beginning of
                a key tag, at least `TAG_CHARACTERS` of it. Names win over tags, because the user has given or accepted
                them. A program gives the key, which no name can stand in for.

        Raises:
            UsageError: nobody or more than one is meant.
        """
        wanted, tag = likeness(text), text.strip().lower()
        contacts = self.list()
        found = [contact for contact in contacts if contact.key.hex() == tag]
        found = found or [contact for contact in contacts if wanted and likeness(contact.shown) == wanted]
        if not found and len(tag) >= TAG_CHARACTERS:
            found = [contact for contact in contacts if contact.tag.startswith(tag)]
        if not found:
            raise UsageError(f"there is no contact {safe_line(text)}", "name one by its name or its key tag")
        if len(found) > 1:
            raise UsageError(f"several contacts may be meant: {_listed(found)}", "give each of them another name")
        return found[0]

    def _set_state(self, key: bytes, state: State, only_from: State | None = None) -> None:
        with self._database.writing() as connection:
            contact = _known(connection, key)
            if only_from is None or contact.state is only_from:
                connection.execute("UPDATE contact SET state = ? WHERE key = ?", (state, key))


def _judge(connection: sqlite3.Connection, key: bytes, name: str) -> Judgement:
    contact = _get(connection, key)
    if contact is not None:
        return Judgement(Standing(contact.state.value), contact)
    namesake = _namesake(connection, key, name)
    return Judgement(Standing.NEW if namesake is None else Standing.CHANGED, namesake)


def _namesake(connection: sqlite3.Connection, key: bytes, name: str) -> Contact | None:
    """The contact with another key whose petname or name looks like this; the verified one first, then the latest."""
    query = f"""
        SELECT {_COLUMNS} FROM contact
        WHERE key != ?1 AND ?2 != '' AND (petname_likeness = ?2 OR name_likeness = ?2)
        ORDER BY state = 'verified' DESC, last_seen DESC LIMIT 1
    """
    row = connection.execute(query, (key, likeness(name))).fetchone()
    return _contact(row) if row is not None else None


def _get(connection: sqlite3.Connection, key: bytes) -> Contact | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM contact WHERE key = ?", (key,)).fetchone()
    return _contact(row) if row is not None else None


def _known(connection: sqlite3.Connection, key: bytes) -> Contact:
    contact = _get(connection, key)
    if contact is None:
        raise UsageError(f"there is no contact with the key {key_tag(key)}")
    return contact


def _check_unknown(connection: sqlite3.Connection, key: bytes) -> None:
    contact = _get(connection, key)
    if contact is not None:
        raise UsageError(f"the key {contact.tag} is that of {contact.shown} already")


def _free_petname(connection: sqlite3.Connection, key: bytes, petname: str) -> str:
    """Returns a petname as it is kept, once nobody else has it."""
    petname = _safe(petname.strip())
    query = f"SELECT {_COLUMNS} FROM contact WHERE key != ?1 AND ?2 != '' AND petname_likeness = ?2"
    row = connection.execute(query, (key, likeness(petname))).fetchone()
    if row is not None:
        other = _contact(row)
        raise UsageError(f"{other.petname} ({other.tag}) has that name, or one much like it", "choose another one")
    return petname


def _insert(connection: sqlite3.Connection, contact: Contact) -> None:
    values = (contact.key, contact.petname, contact.name, contact.state, contact.first_seen, contact.last_seen)
    likenesses = (likeness(contact.petname), likeness(contact.name))
    connection.execute(
        f"INSERT INTO contact ({_COLUMNS}, petname_likeness, name_likeness) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, contact.auto_accept, contact.live_text, *likenesses),
    )


def _contact(row: tuple[bytes, str, str, str, float, float, int, str]) -> Contact:
    key, petname, name, state, first_seen, last_seen, auto_accept, live_text = row
    return Contact(key, petname, name, State(state), first_seen, last_seen, auto_accept, LiveTextPolicy(live_text))


def _safe(name: str) -> str:
    return safe_line(name, NAME_CHARACTERS)


def _listed(contacts: Iterable[Contact]) -> str:
    return ", ".join(f"{contact.shown} ({contact.tag})" for contact in contacts)
