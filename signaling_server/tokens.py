"""Bearer tokens: who may use a server that is not open to everybody.

The file of tokens holds one `name:sha256` a line, the hash in hexadecimal digits; empty lines and lines with `#` in
front do not count. A token has 192 random bits, so its hash gives nothing away and needs no stretching: the file may be
read by others. The name is for the operator, who takes a token back by removing its line.

A token opens the server. It is not the secret of a room, which no server ever sees.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

TOKEN_BYTES: Final = 24
"""Random bytes of a token that is made here: 32 characters."""

SHORTEST_TOKEN: Final = 16
"""Characters of the shortest token that is taken from the environment: fewer can be tried one by one."""

_LINE: Final = re.compile(r"(?P<name>[^:\s]{1,64}):(?P<digest>[0-9a-fA-F]{64})")


class TokensError(ValueError):
    """The tokens cannot be used; the text says which line, and what to do. It never holds a token."""


class Tokens:
    """The tokens that open a server; none at all leave it open.

    Args:
        path: the file of tokens, if there is one. It is read by `reload`.
        further: tokens of the environment, as they are.

    Raises:
        TokensError: the file or a token cannot be used.
    """

    def __init__(self, path: Path | None = None, further: Sequence[str] = ()) -> None:
        if any(len(token) < SHORTEST_TOKEN for token in further):
            raise TokensError(f"a token has {SHORTEST_TOKEN} characters at least: make one with `p2pchat-server token`")
        self._path = path
        self._further = [_digest(token) for token in further]
        self._digests: list[bytes] = []
        self.needed = path is not None or bool(further)
        """Whether a token has to be shown. A file without tokens opens to nobody."""
        self.reload()

    def reload(self) -> None:
        """Reads the file again. When it cannot be used, those that were there before stay.

        Raises:
            TokensError: the file cannot be used.
        """
        self._digests = self._further + (_read(self._path) if self._path is not None else [])

    def opens(self, token: str) -> bool:
        """Whether this token opens the server. It takes as long for each token, right or wrong."""
        shown = _digest(token)
        found = not self.needed
        for digest in self._digests:
            found |= hmac.compare_digest(shown, digest)
        return found


def new_token(name: str) -> tuple[str, str]:
    """Makes a token.

    Args:
        name: what the operator calls it: 1 to 64 characters, no colon and no space.

    Returns:
        The token, for its user, and the line for the file of tokens.

    Raises:
        TokensError: the name cannot be used.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    line = f"{name}:{_digest(token).hex()}"
    if name.startswith("#") or not _LINE.fullmatch(line):
        raise TokensError("a name has 1 to 64 characters without colons and spaces")
    return token, line


def tokens_of(environment: Mapping[str, str]) -> list[str]:
    """Returns the tokens that P2PCHAT_SERVER_TOKEN and P2PCHAT_SERVER_TOKENS name, the latter with commas between.

    Raises:
        TokensError: one of them is set and names none, as when a secret was not filled in: the server would be open.
    """
    tokens = []
    for name, separator in (("P2PCHAT_SERVER_TOKEN", None), ("P2PCHAT_SERVER_TOKENS", ",")):
        if name in environment:
            parts = environment[name].split(separator) if separator else [environment[name]]
            named = [token for part in parts if (token := part.strip())]
            if not named:
                raise TokensError(f"{name} is set and empty: unset it to let everybody in")
            tokens += named
    return tokens


def _digest(token: str) -> bytes:
    # What is no UTF-8 in a header arrives as surrogates, and is no token of ours.
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def _read(path: Path) -> list[bytes]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise TokensError(f"the file of tokens cannot be read: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TokensError(f"the file of tokens is no text: {path}") from None
    digests = []
    for number, line in enumerate(lines, 1):
        if (line := line.strip()) and not line.startswith("#"):
            match = _LINE.fullmatch(line)
            if match is None:
                wanted = "name:sha256, as `p2pchat-server token NAME` prints it"
                raise TokensError(f"line {number} of {path} is not {wanted}")
            digests.append(bytes.fromhex(match["digest"]))
    return digests
