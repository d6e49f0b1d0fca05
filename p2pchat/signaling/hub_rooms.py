"""What a room is called at the hubs of a local network."""

from __future__ import annotations

import base64
import hashlib

from p2pchat.protocol.room_secret import ROOM_ID_PREFIX


def hub_room(room: str, hub: str) -> str:
    """Returns the name of a room at one hub of the local network; hubs are anybody's.

    Of an open room the hash of the name is told: whoever does not guess the name does not learn it. A room with a
    secret is called something else at each hub, and so in each run: whoever hears it at one hub can neither ask for
    that room at another hub nor recognise it another day.

    Args:
        room: its name at a server.
        hub: the peer id of whoever runs the hub.
    """
    if room.startswith(ROOM_ID_PREFIX):
        return ROOM_ID_PREFIX + _digest(b"p2pchat room with a secret at a hub 1\0", f"{hub}\0{room}")
    return "lan-" + _digest(b"p2pchat room on a local network 1\0", room)


def _digest(what: bytes, name: str) -> str:
    return base64.b32encode(hashlib.sha256(what + name.encode()).digest()[:20]).decode().lower()
