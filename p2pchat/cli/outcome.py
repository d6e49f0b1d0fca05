"""How a command ends: the one place where an error becomes an exit code and text on standard error.

    0    done, and verified                  4    timed out
    1    failed for another reason           5    identity: wrong code, changed key, failed verification
    2    wrong usage, bad configuration      6    declined or cancelled by the other side
    3    no connection, or the peer left     130  interrupted

The codes of expected errors are written in `p2pchat.errors`, with each class.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import click

from p2pchat.cli.narration import PROGRAM, narrate
from p2pchat.cli.output import OutputClosed, discard_output
from p2pchat.errors import P2PChatError

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

MESSAGE_CHARACTERS: Final = 1000
"""Longest message and hint that are shown of an error, in characters: some hold a path, which may have hundreds."""

_log = logging.getLogger(__name__)


def conclude(command: Callable[[], object]) -> int:
    """Runs a command and returns the exit status of the process.

    Expected errors give `p2pchat: message` and a line with the hint, unexpected ones a line with their class. A
    traceback appears with `-v` only.
    """
    try:
        command()
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except OutputClosed:
        discard_output()
        return FAILED
    except P2PChatError as error:
        _tell(error.message, error.hint)
        return error.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else PROGRAM
        _tell(error.format_message(), f"see {path} --help")
        return USAGE
    except click.ClickException as error:
        _tell(error.format_message(), "")
        return USAGE
    except Exception as error:
        _tell(f"an unexpected {type(error).__name__}: {error}", "run it again with -v to see where")
        _log.debug("Where it happened:", exc_info=error)
        return FAILED
    return DONE


def _tell(message: str, hint: str) -> None:
    narrate(f"{PROGRAM}: {_one_line(message)}")
    if hint:
        narrate(_one_line(hint))


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_CHARACTERS else line[: MESSAGE_CHARACTERS - 1] + "…"
