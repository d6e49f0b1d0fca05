"""Links as people send them to one another."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.errors import UsageError
from p2pchat.protocol.codes import Code
from p2pchat.protocol.invite import LINK_CHARACTERS, CodeLink, Invite, is_link
from p2pchat.protocol.limits import ROOM_CHARACTERS, ROOM_SECRET_BYTES
from p2pchat.protocol.room_secret import secret_token

SECRET = bytes(range(ROOM_SECRET_BYTES))
TOKEN = secret_token(SECRET)
CODE = Code.parse("7-marble-tunnel-oyster")

servers = st.sampled_from(
    [
        "wss://chat.example",
        "lab.example:8080",
        "http://127.0.0.1:8080",
        "https://[2001:db8::1]:443/a b%/",
        "bücher.example",
    ]
).map(lambda server: server.replace(" ", ""))
rooms = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=ROOM_CHARACTERS)
secrets = st.binary(min_size=ROOM_SECRET_BYTES, max_size=ROOM_SECRET_BYTES)
invites = st.builds(Invite, servers, rooms, secrets)
code_links = st.builds(CodeLink, servers, st.builds(Code.make, st.integers(1, 999), st.binary(min_size=5, max_size=5)))


@given(invites)
def test_an_invite_is_read_as_it_was_written(invite: Invite) -> None:
    assert Invite.parse(str(invite)) == invite


@given(code_links)
def test_a_link_to_a_code_is_read_as_it_was_written(link: CodeLink) -> None:
    assert CodeLink.parse(str(link)) == link


@given(invites | code_links)
def test_a_link_is_one_uri_of_plain_characters(link: Invite | CodeLink) -> None:
    text = str(link)
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text
    assert len(text) <= LINK_CHARACTERS
    assert urlsplit(text).scheme == "p2pchat"
    assert is_link(text)


@given(invites)
def test_the_secret_is_after_the_hash_and_nowhere_else(invite: Invite) -> None:
    public, _, fragment = str(invite).partition("#")
    assert fragment == secret_token(invite.secret)
    assert fragment not in public
    assert fragment not in repr(invite)
    assert repr(invite.secret) not in repr(invite)


def test_the_words_of_a_code_are_after_the_hash() -> None:
    link = CodeLink("wss://chat.example", CODE)
    assert str(link) == "p2pchat:wss://chat.example#7-marble-tunnel-oyster"
    assert "marble" not in repr(link)


def test_a_link_that_was_wrapped_on_its_way_is_understood() -> None:
    text = f" P2PCHAT:wss://chat.example?room=book%20\n  club#{TOKEN[:20]}\r\n{TOKEN[20:].upper()} "
    assert Invite.parse(text) == Invite("wss://chat.example", "book club", SECRET)


def test_what_a_later_version_adds_to_a_link_is_ignored() -> None:
    link = f"p2pchat:wss://chat.example?v=2&room=lab&x=#{TOKEN}"
    assert Invite.parse(link) == Invite("wss://chat.example", "lab", SECRET)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with p2pchat:"),
        (f"https://chat.example?room=lab#{TOKEN}", "begins with p2pchat:"),
        ("p2pchat:wss://chat.example?room=lab", "after # is missing"),
        ("p2pchat:wss://chat.example?room=lab#", "after # is missing"),
        (f"p2pchat:wss://a%0Ab?room=lab#{TOKEN}", "names no server"),
        (f"p2pchat:wss://a%20b?room=lab#{TOKEN}", "names no server"),
        (f"p2pchat:wss://%ff?room=lab#{TOKEN}", "cannot be read"),
        (f"p2pchat:wss://chat.example?room=%ff#{TOKEN}", "cannot be read"),
        (f"p2pchat:wss://chat.example?room=#{TOKEN}", "names no room"),
        (f"p2pchat:wss://chat.example?room=a%1Bb#{TOKEN}", "names no room"),
        (f"p2pchat:wss://chat.example?room={'x' * 65}#{TOKEN}", "names no room"),
        (f"p2pchat:wss://chat.example?room=lab#{TOKEN[:-1]}", "not 32 letters"),
        (f"p2pchat:wss://chat.example?room=lab#{'a' * 32}", "copied with an error"),
        ("p2pchat:wss://chat.example#7-marble-tunnel-oyster", "not an invitation to a room"),
        (f"p2pchat:wss://chat.example?room={'%20' * LINK_CHARACTERS}#{TOKEN}", "begins with"),
    ],
)
def test_a_link_that_cannot_be_used_is_explained(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        Invite.parse(text)
    assert raised.value.hint
    assert TOKEN not in raised.value.message + raised.value.hint


def test_an_invite_to_a_room_of_the_local_network_names_no_server() -> None:
    invite = Invite("", "lab", SECRET)
    assert str(invite) == f"p2pchat:?room=lab#{TOKEN}"
    assert Invite.parse(str(invite)) == invite
    with pytest.raises(UsageError, match="names no server"):
        CodeLink.parse("p2pchat:#7-marble-tunnel-oyster")


def test_an_invite_where_a_code_is_wanted_is_explained() -> None:
    with pytest.raises(UsageError, match="an invitation to a room"):
        CodeLink.parse(str(Invite("wss://chat.example", "lab", SECRET)))


def test_a_wrong_word_in_a_link_is_named() -> None:
    with pytest.raises(UsageError, match="marble"):
        CodeLink.parse("p2pchat:wss://chat.example#7-marbel-tunnel-oyster")


@given(st.text(), st.sampled_from(["", "p2pchat:", "p2pchat:wss://chat.example?room=", "p2pchat:wss://chat.example#"]))
def test_whatever_is_pasted_is_a_link_or_a_complaint(text: str, before: str) -> None:
    complaints = []
    for kind in (Invite, CodeLink):
        try:
            kind.parse(before + text)
        except UsageError as error:
            complaints.append(error.message)
    assert complaints
    assert "".join(complaints).isprintable()
