"""Asking for a one-time code on the terminal, with completion of its words."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from p2pchat.cli.narration import PROGRAM, narrate
from p2pchat.errors import UsageError
from p2pchat.protocol.codes import completions

try:
    import readline
except ImportError:  # Windows, and some builds of Python
    readline = None  # type: ignore[assignment]

PROMPT: Final = "Code: "


def ask_for_code(check: Callable[[str], str]) -> str:
    """Asks until the answer is a code. Tab completes its words, and a wrong word is told at once.

    Args:
        check: returns the answer as a code; raises UsageError when it is none.

    Raises:
        UsageError: the input has ended, or there is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise UsageError("which code?", "p2pchat receive CODE, or P2PCHAT_CODE in the environment")
    narrate("Enter the code that you were told; Tab completes its words.")
    typed = ""
    while True:
        try:
            typed = _read_line(typed)
        except EOFError:
            raise UsageError("no code was given") from None
        if not typed.strip():
            continue
        try:
            return check(typed)
        except UsageError as error:
            narrate(f"{PROGRAM}: {error.message}")
            if error.hint:
                narrate(error.hint)


def _read_line(begin: str) -> str:
    """Reads a line that begins with what was typed before, where lines can be edited."""
    if readline is None or not sys.stdout.isatty():
        # Without both terminals there is no line editor, and the prompt would go among the data.
        narrate(PROMPT, end="")
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")
    with _completing(readline, begin):
        return input(PROMPT)


@contextlib.contextmanager
def _completing(editor: Any, begin: str) -> Iterator[None]:
    """Sets the line editor up: the whole line is completed, hyphens and all."""
    before = editor.get_completer(), editor.get_completer_delims()
    editor.set_completer(complete)
    editor.set_completer_delims("")
    libedit = "libedit" in (editor.__doc__ or "")
    editor.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
    editor.set_startup_hook(lambda: editor.insert_text(begin))
    try:
        yield
    finally:
        editor.set_startup_hook(None)
        editor.set_completer(before[0])
        editor.set_completer_delims(before[1])


def complete(typed: str, state: int) -> str | None:
    """What `readline` calls: the completion number `state` of what was typed, or None when there is none."""
    found = completions(typed)
    return found[state] if state < len(found) else None
