"""How commands end: exit codes and what is said."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import click
import pytest

from p2pchat import errors
from p2pchat.cli import narration
from p2pchat.cli.outcome import MESSAGE_CHARACTERS, conclude
from p2pchat.errors import P2PChatError, ServerRefused

EXIT_CODES = {
    "P2PChatError": 1,
    "UsageError": 2,
    "ConfigurationError": 2,
    "NotSendable": 2,
    "NoConnection": 3,
    "ServerUnreachable": 3,
    "ServerRefused": 3,
    "PeerUnreachable": 3,
    "TimedOut": 4,
    "IdentityError": 5,
    "TurnedDown": 6,
    "ProtocolError": 1,
    "TransferFailed": 1,
    "UnsafeName": 1,
    "StorageFailed": 1,
    "DiskFull": 1,
}


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger(narration.PROGRAM)
    handlers, level = root.handlers, ours.level
    narration.configure(verbose=False)
    yield
    root.handlers = handlers
    ours.setLevel(level)


def ending_with(error: BaseException) -> int:
    def command() -> None:
        raise error

    return conclude(command)


def every_error(kind: type[P2PChatError]) -> Iterator[type[P2PChatError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from every_error(below)


def test_the_table_is_complete() -> None:
    assert {kind.__name__ for kind in every_error(P2PChatError)} == set(EXIT_CODES)


@pytest.mark.parametrize("kind", every_error(P2PChatError), ids=lambda kind: kind.__name__)
def test_every_expected_error_has_its_exit_code_and_no_traceback(
    kind: type[P2PChatError], capsys: pytest.CaptureFixture[str]
) -> None:
    told = ("room-full", "it failed", "try this") if kind is ServerRefused else ("it failed", "try this")
    assert ending_with(kind(*told)) == EXIT_CODES[kind.__name__]
    assert capsys.readouterr().err == "p2pchat: it failed\ntry this\n"


def test_a_command_that_returns_is_done() -> None:
    assert conclude(lambda: None) == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_says_nothing(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending_with(error) == 130
    assert capsys.readouterr().err == ""


def test_an_error_without_a_hint_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    ending_with(P2PChatError("it failed"))
    assert capsys.readouterr().err == "p2pchat: it failed\n"


def test_an_unexpected_error_is_one_line_and_has_a_traceback_with_v_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending_with(ZeroDivisionError("by\nnothing")) == 1
    quiet = capsys.readouterr().err
    narration.configure(verbose=True)
    assert ending_with(ZeroDivisionError("by\nnothing")) == 1
    loud = capsys.readouterr().err
    assert quiet.startswith("p2pchat: an unexpected ZeroDivisionError: by nothing\n")
    assert "Traceback" not in quiet
    assert loud.startswith(quiet)
    assert "Traceback" in loud


def test_what_others_wrote_cannot_reach_the_terminal_raw(capsys: pytest.CaptureFixture[str]) -> None:
    ending_with(P2PChatError("\x1b[2J\x9b31m" * 1000, "a\nb"))
    message, hint = capsys.readouterr().err.splitlines()
    assert message.isprintable()
    assert len(message) <= 4 * MESSAGE_CHARACTERS + len("p2pchat: ")
    assert hint == "a b"
