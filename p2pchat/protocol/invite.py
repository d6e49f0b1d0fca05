"""Links that let somebody in, to be sent over a channel that both people trust.

    a room          p2pchat:wss://chat.example?room=book%20club#SECRET
    one on a LAN    p2pchat:?room=book%20club#SECRET
    a one-time code p2pchat:wss://chat.example#7-marble-tunnel-oyster

They are URIs (RFC 3986): the scheme `p2pchat`, the server with special characters percent-encoded, the query, and the
fragment. What is after `#` opens the door; nothing but the other person's program ever gets it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from p2pchat.errors import UsageError
from p2pchat.protocol.codes import Code
from p2pchat.protocol.room_secret import parse_token, secret_token
from p2pchat.protocol.signaling import RoomName

SCHEME: Final = "p2pchat:"

LINK_CHARACTERS: Final = 2000
"""Longest link that is read: a room's name of 64 characters, percent-encoded, has 768 at most."""

_SERVER: Final = re.compile(r"[^\s\x00-\x1f\x7f-\x9f]{1,255}")
_UNQUOTED: Final = "/:.-"
_QUERY_KEYS: Final = 16

_WHOLE: Final = "copy the whole link, from p2pchat: to its last character"


@dataclass(frozen=True, slots=True)
class Invite:
    """What one has to know to come into a room. Its representation leaves the secret out."""

    server: str
    """As a person names it; empty for a room that is on the local network alone."""
    room: str
    """Its name among people; the server knows it by another one (`p2pchat.protocol.room_secret.room_id`)."""
    secret: bytes = field(repr=False)
    """`ROOM_SECRET_BYTES`."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the link to a room; white space and line breaks in it do not count.

        A server that is named is only bounded in length and characters; `p2pchat.signaling.address.server_url` checks
        it.

        Raises:
            UsageError: it is none. The message holds nothing of it.
        """
        server, query, fragment = _parts(text)
        if "room" not in query:
            raise UsageError("the link is not an invitation to a room", "give a one-time code to p2pchat receive")
        try:
            room = msgspec.convert(query["room"], RoomName)
        except msgspec.ValidationError:
            raise UsageError("the link names no room that can be used", _WHOLE) from None
        return cls(server, room, parse_token(fragment))

    def __str__(self) -> str:
        return f"{SCHEME}{quote(self.server, _UNQUOTED)}?room={quote(self.room, '')}#{secret_token(self.secret)}"


@dataclass(frozen=True, slots=True)
class CodeLink:
    """A one-time code and the server where its mailbox is."""

    server: str
    """As a person names it."""
    code: Code

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the link to a one-time code; see `Invite.parse`.

        Raises:
            UsageError: it is none. The message holds nothing of it but a word that is wrong.
        """
        server, query, fragment = _parts(text)
        if "room" in query:
            raise UsageError("the link is an invitation to a room", "give it to p2pchat chat --invite")
        if not server:
            raise UsageError("the link names no server", _WHOLE)
        return cls(server, Code.parse(fragment))

    def __str__(self) -> str:
        return f"{SCHEME}{quote(self.server, _UNQUOTED)}#{self.code}"


def is_link(text: str) -> bool:
    """Whether what a person gave is meant as a link, and not as a code or a room's name."""
    return text.strip().lower().startswith(SCHEME)


def _parts(text: str) -> tuple[str, dict[str, str], str]:
    """The server, the query and the fragment of a link."""
    link = "".join(text.split())
    if not is_link(link) or len(link) > LINK_CHARACTERS:
        raise UsageError(f"a link begins with {SCHEME}", _WHOLE)
    address, _, fragment = link[len(SCHEME) :].partition("#")
    if not fragment:
        raise UsageError("the part of the link after # is missing", _WHOLE)
    server, _, query = address.partition("?")
    try:
        server = unquote(server, errors="strict")
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_QUERY_KEYS)
    except ValueError:
        raise UsageError("the link cannot be read", _WHOLE) from None
    if server and not _SERVER.fullmatch(server):
        raise UsageError("the link names no server", _WHOLE)
    return server, dict(pairs), fragment
