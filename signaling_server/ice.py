"""The STUN and TURN servers that clients are told, with credentials that hold for an hour.

A TURN server that knows the same secret accepts them without asking anybody: `use-auth-secret` of coturn, after
draft-uberti-behave-turn-rest-00. The user name is `<unix time of its end>:<hash of the peer id>`, the password the
HMAC-SHA1 of it under the secret, in base64. coturn counts its quotas by what follows the colon, so that one peer's
allocations count together, and nobody who reads its log learns a peer id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from p2pchat.protocol.signaling import IceServer, IceServers

CREDENTIAL_SECONDS: Final = 3600.0
"""How long credentials hold. An allocation that is there goes on; a new one, or its refresh later, needs others."""

SHORTEST_SECRET: Final = 16
"""Characters of the shortest secret: whoever has one user name and password can try shorter ones."""

_HASH_CHARACTERS: Final = 16


class IceError(ValueError):
    """The ICE servers cannot be told to clients; the text says why, and what to do. It never holds the secret."""


class IceConfiguration:
    """What this server tells its clients about STUN and TURN.

    Args:
        stun: `stun:` and `stuns:` URIs (RFC 7064).
        turn: `turn:` and `turns:` URIs (RFC 7065).
        secret: the secret that the TURN server knows too; empty when it is in the file.
        secret_file: holds the secret on its first line. It is read by `reload`.
        clock: returns the time in seconds since 1970.

    Raises:
        IceError: an URI or the secret cannot be used, or one of TURN and secret is missing.
    """

    def __init__(
        self,
        stun: Sequence[str],
        turn: Sequence[str],
        secret: str,
        secret_file: Path | None,
        clock: Callable[[], float],
    ) -> None:
        for uris, schemes in ((stun, ("stun:", "stuns:")), (turn, ("turn:", "turns:"))):
            for uri in uris:
                if not uri.startswith(schemes) or len(uri) > 300:
                    raise IceError(f"{uri!r} is no URI that begins with {schemes[0]} or {schemes[1]}")
        if len(stun) > 8 or len(turn) > 8:
            raise IceError("8 STUN and 8 TURN servers are the most that clients take")
        self._stun = list(stun)
        self._turn = list(turn)
        self._given = secret
        self._file = secret_file
        self._clock = clock
        self._secret = b""
        self.reload()

    def reload(self) -> None:
        """Reads the secret again. When it cannot be used, the one that was there before stays.

        Raises:
            IceError: it cannot be used, or is missing although there are TURN servers, or the other way round.
        """
        secret = self._given or (_first_line(self._file) if self._file is not None else "")
        if self._turn and not secret:
            raise IceError("--turn-uri needs a secret: --turn-secret-file, or P2PCHAT_SERVER_TURN_SECRET")
        if secret and not self._turn:
            raise IceError("a TURN secret needs a TURN server: --turn-uri turn:turn.example.org:3478")
        if secret and len(secret) < SHORTEST_SECRET:
            raise IceError(f"a TURN secret has {SHORTEST_SECRET} characters at least: `openssl rand -hex 32` makes one")
        self._secret = secret.encode()

    def servers(self, peer: str) -> IceServers:
        """Returns the servers for a client, with credentials of its own."""
        servers = [IceServer(self._stun)] if self._stun else []
        if not self._turn:
            return IceServers(servers, 0.0)
        # Whoever reads the log of the TURN server must not find peer ids there, nor be able to try them.
        name = hmac.new(self._secret, b"peer:" + peer.encode(), hashlib.sha256).hexdigest()[:_HASH_CHARACTERS]
        username = f"{int(self._clock() + CREDENTIAL_SECONDS)}:{name}"
        return IceServers([*servers, IceServer(self._turn, username, self._password(username))], CREDENTIAL_SECONDS)

    def _password(self, username: str) -> str:
        return base64.b64encode(hmac.new(self._secret, username.encode(), hashlib.sha1).digest()).decode()


def _first_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise IceError(f"the file of the TURN secret cannot be read: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise IceError(f"the file of the TURN secret is no text: {path}") from None
    if not lines or not lines[0].strip():
        raise IceError(f"the file of the TURN secret is empty: {path}")
    return lines[0].strip()
