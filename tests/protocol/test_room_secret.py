"""The secret of a room, as people give it and as the server sees what is made of it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.errors import UsageError
from p2pchat.protocol.limits import ROOM_CHARACTERS, ROOM_SECRET_BYTES
from p2pchat.protocol.room_secret import ROOM_ID_PREFIX, parse_token, read_secret, room_id, secret_token
from p2pchat.protocol.signaling import RoomName

secrets = st.binary(min_size=ROOM_SECRET_BYTES, max_size=ROOM_SECRET_BYTES)
rooms = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=ROOM_CHARACTERS)
SECRET = bytes(range(ROOM_SECRET_BYTES))
PASSPHRASE = "five green frogs sing"


@given(secrets, st.sampled_from([str.lower, str.upper, lambda token: f"  {token}\n"]))
def test_a_token_is_read_as_it_was_written(secret: bytes, spelling: object) -> None:
    assert callable(spelling)
    assert parse_token(spelling(secret_token(secret))) == secret


@given(secrets, st.integers(0, 31), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_letter_copied_wrongly_is_noticed(secret: bytes, position: int, letter: str) -> None:
    token = secret_token(secret)
    wrong = token[:position] + letter + token[position + 1 :]
    if wrong != token:
        with pytest.raises(UsageError, match="copied with an error") as raised:
            parse_token(wrong)
        assert wrong not in raised.value.message + raised.value.hint


@given(st.text(max_size=40))
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_token(text)


@given(rooms, secrets)
def test_the_server_sees_a_name_that_it_accepts_and_that_says_nothing(room: str, secret: bytes) -> None:
    seen = room_id(room, secret)
    assert msgspec.convert(seen, RoomName) == seen
    assert seen.startswith(ROOM_ID_PREFIX)
    assert len(seen) == len(ROOM_ID_PREFIX) + 32
    assert secret_token(secret)[:8] not in seen


def test_another_room_or_another_secret_is_another_name() -> None:
    names = {room_id("lab", SECRET), room_id("lab2", SECRET), room_id("lab", SECRET[::-1])}
    assert len(names) == 3
    assert room_id("lab", SECRET) == room_id("lab", SECRET)


def test_a_token_is_taken_as_it_is_and_a_passphrase_is_stretched() -> None:
    assert read_secret(f"{secret_token(SECRET)}\n", "lab") == SECRET
    stretched = read_secret(f" {PASSPHRASE}\n", "lab")
    assert stretched == read_secret(PASSPHRASE, "lab")
    assert len(stretched) == ROOM_SECRET_BYTES
    assert stretched != read_secret(PASSPHRASE, "kitchen"), "the room is the salt"


def test_a_passphrase_is_the_same_however_its_accents_are_encoded() -> None:
    assert read_secret("caf\u00e9 noir", "lab") == read_secret("cafe\u0301 noir", "lab")


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_no_passphrase_at_all_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        read_secret(text, "lab")


def test_a_token_with_an_error_is_not_taken_for_a_passphrase() -> None:
    with pytest.raises(UsageError, match="copied with an error"):
        read_secret("abcdefgh" * 4, "lab")
