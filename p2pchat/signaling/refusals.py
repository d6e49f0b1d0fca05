"""The server's error codes, in words for a person: what happened, and what to do about it."""

from __future__ import annotations

from typing import Final

from p2pchat.errors import ServerRefused
from p2pchat.protocol.signaling import CLOSE_CODES, Error, ErrorCode
from p2pchat.protocol.untrusted import safe_line

_WORDS: Final[dict[str, tuple[str, str]]] = {
    ErrorCode.VERSION: (
        "the server speaks another version of the protocol",
        "compare p2pchat --version with p2pchat-server --version, and update the older one",
    ),
    ErrorCode.PEER_ID_TAKEN: ("somebody else in the room has our peer id", "try again: each start chooses a new one"),
    ErrorCode.ROOM_FULL: ("the room is full", "wait until somebody leaves, or choose another room"),
    ErrorCode.TOO_MANY_ROOMS: ("the server has no place for another room", "try again later, or use another server"),
    ErrorCode.RATE_LIMITED: ("the server was sent too much at once", "wait a moment and try again"),
    ErrorCode.TIMED_OUT: ("the server heard nothing from us for too long", "check the network"),
    ErrorCode.SLOW_CONSUMER: ("the server's messages were not read fast enough", "check the network"),
    ErrorCode.REPLACED: ("the seat was taken over by another connection with our key", "start p2pchat again"),
    ErrorCode.NO_SUCH_MAILBOX: (
        "nobody waits for this code",
        "compare the number with what you were told, and ask whether the sender still waits",
    ),
    ErrorCode.CROWDED: ("the code is in use already, perhaps by somebody who guessed", "ask the sender for a new code"),
    ErrorCode.MAILBOX_EXPIRED: ("nobody came for the code in time", "send again: it makes a new code"),
    ErrorCode.UNAVAILABLE: ("the server cannot reach the place where it keeps its rooms", "try again in a moment"),
    ErrorCode.UNAUTHORIZED: (
        "the server lets in only those who have a token, and ours is missing or not one of its",
        "ask whoever runs the server for a token, and name its file with --token-file or set P2PCHAT_TOKEN",
    ),
    ErrorCode.TOO_MANY_SOCKETS: (
        "the server has too many connections from this address already",
        "end other programs here that use it, or wait: others behind the same router count as well",
    ),
    ErrorCode.SHUTTING_DOWN: ("the server is shutting down", "try again in a moment"),
}

_DISAGREEMENT: Final = "the server and this program do not agree about the protocol: update both"

_BY_CLOSE_CODE: Final = {number: code for code, number in CLOSE_CODES.items()}

CODE_CHARACTERS: Final = 40
"""Longest error code shown; ours have at most 15."""


def refusal(error: Error) -> ServerRefused:
    """Returns the error to raise for a server's refusal."""
    code = safe_line(error.code, CODE_CHARACTERS)
    message, hint = _WORDS.get(code) or (f"the server refused: {safe_line(error.message)}", _DISAGREEMENT)
    return ServerRefused(code, message, hint, error.retry_after)


def closing_reason(close_code: int | None) -> tuple[ErrorCode | None, str]:
    """Returns the error code behind a WebSocket close code, if it is one of ours, and words for it."""
    code = _BY_CLOSE_CODE.get(close_code or 0)
    if code is None:
        return None, "the connection to the server was lost"
    words = _WORDS.get(code)
    return code, words[0] if words else f"the server ended the connection ({code})"
