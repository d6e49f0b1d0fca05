"""Slash commands: which there are, and what Tab makes of an unfinished one."""

from __future__ import annotations

from p2pchat.tui import paths
from p2pchat.tui.actions import SLASH, usage
from p2pchat.tui.paths import Completion


def explain(text: str) -> str:
    """What a line that begins with `/` is going to do, in words; empty when it is no command."""
    if not text.startswith("/") or "\n" in text:
        return ""
    if text.startswith("//"):
        return "Enter sends it with one slash"
    action = SLASH.get(text[1:].split(" ", 1)[0])
    if action is not None:
        completes = " · Tab completes" if _takes_path(action.argument) else ""
        return f"{usage(action)}: {action.title}{completes}"
    names = [f"/{name}" for name in SLASH if name.startswith(text[1:])]
    return "  ".join(names) if names else "no such command · F1 lists them · // sends text that begins with /"


def complete(text: str) -> Completion | None:
    """What Tab makes of the composer's text; None when there is nothing that could be completed."""
    if not text.startswith("/") or text.startswith("//") or "\n" in text:
        return None
    name, space, argument = text[1:].partition(" ")
    if not space:
        names = [known for known in SLASH if known.startswith(name)]
        return Completion(f"/{names[0]} ", ()) if len(names) == 1 else Completion(text, tuple(f"/{n}" for n in names))
    action = SLASH.get(name)
    if action is None or not _takes_path(action.argument):
        return None
    completion = paths.complete(argument)
    return Completion(f"/{name} {completion.text}", completion.names)


def _takes_path(argument: str) -> bool:
    return "PATH" in argument or "FOLDER" in argument
