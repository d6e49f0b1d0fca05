"""What a check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from p2pchat.errors import P2PChatError

Fact = str | int | float | bool | None | list[str]


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """Chatting works, but something is missing, slow or about to break."""
    FAULT = "fault"
    """Chatting does not work, or not as it is configured."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    check: str
    """A stable word: what was tested."""
    state: State
    message: str
    """What is so, in one sentence, without a full stop; fit for a terminal."""
    hint: str = ""
    """What to do about it; empty when there is nothing to do."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """The same for programs."""


def ok(check: str, message: str, **facts: Fact) -> Finding:
    """Returns the finding that all is well."""
    return Finding(check, State.OK, message, "", facts)


def warning(check: str, message: str, hint: str, **facts: Fact) -> Finding:
    """Returns the finding that something could be better."""
    return Finding(check, State.WARNING, message, hint, facts)


def fault(check: str, message: str, hint: str, **facts: Fact) -> Finding:
    """Returns the finding that something does not work."""
    return Finding(check, State.FAULT, message, hint, facts)


def failed(check: str, error: P2PChatError, state: State = State.FAULT) -> Finding:
    """Returns the finding that an error makes: it says what happened and what to do."""
    return Finding(check, state, error.message, error.hint, {"code": error.code})


def milliseconds(seconds: float) -> str:
    """Returns a short time in words."""
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.0095 else f"{seconds * 1000:.1f} ms"
