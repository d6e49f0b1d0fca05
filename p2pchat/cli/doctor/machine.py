"""What is tested of this machine itself: the terminal, versions, the profile and the disk."""

from __future__ import annotations

import fnmatch
import os
import platform
import re
import shutil
import ssl
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

from p2pchat import __version__
from p2pchat.cli.doctor.findings import Fact, Finding, failed, fault, ok, warning
from p2pchat.errors import P2PChatError
from p2pchat.node.settings import Settings
from p2pchat.store.profile import KEY_FILE, Profile

COLUMNS_LEAST: Final = 60
LINES_LEAST: Final = 16
"""Size of a terminal below which the full screen cuts what it shows."""

DISK_LEAST: Final = 1_000_000_000
"""Bytes free below which a warning is due: a film does not fit any more."""

SHOWN_PACKAGES: Final = ("aiortc", "aioice", "aiohttp", "textual", "cryptography", "msgspec", "uvloop")
"""Whose version says something about a fault that somebody reports."""


def terminal(environment: Mapping[str, str], encoding: str, size: os.terminal_size | None) -> Finding:
    """Says what the full screen finds here.

    Args:
        environment: of the process.
        encoding: of standard output.
        size: of the terminal; None when standard output is none.
    """
    kind = environment.get("TERM", "")
    if size is None or kind == "dumb":
        why = "standard output is no terminal" if size is None else "TERM is dumb"
        return ok("terminal", f"Line mode: {why}", columns=None, lines=None, encoding=encoding, term=kind)
    colours = "none" if environment.get("NO_COLOR") else _colours(kind, environment.get("COLORTERM", ""))
    facts: dict[str, Fact] = {
        "columns": size.columns,
        "lines": size.lines,
        "encoding": encoding,
        "term": kind,
        "colours": colours,
    }
    shown = f"{size.columns} x {size.lines}, {encoding}, TERM={kind or 'not set'}, colours: {colours}"
    if encoding.lower().replace("-", "") != "utf8":
        hint = "set a UTF-8 locale, such as LANG=C.UTF-8"
        return warning("terminal", f"The terminal's encoding is {encoding}: other scripts show as ?", hint, **facts)
    if size.columns < COLUMNS_LEAST or size.lines < LINES_LEAST:
        hint = f"make it {COLUMNS_LEAST} x {LINES_LEAST} or larger, or use --plain"
        return warning("terminal", f"The terminal is small for the full screen: {shown}", hint, **facts)
    if not kind:
        hint = "set TERM to what the terminal is, such as xterm-256color, or use --plain"
        return warning("terminal", f"The terminal does not say what it is: {shown}", hint, **facts)
    return ok("terminal", shown, **facts)


def _colours(kind: str, more: str) -> str:
    if more in ("truecolor", "24bit"):
        return "16 million"
    return "256" if "256" in kind else "16"


def versions() -> Finding:
    """Says which versions run, and whether they are those that p2pchat is written for."""
    found = {name: _version(name) for name in SHOWN_PACKAGES}
    facts = {"p2pchat": __version__, "python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION, **found}
    wrong = [
        f"{name} {installed} instead of {pinned}"
        for name, pinned in _pins()
        if (installed := _version(name)) is not None and not fnmatch.fnmatchcase(installed, pinned)
    ]
    if wrong:
        hint = "install p2pchat again into an environment of its own: pipx install p2pchat"
        return warning("versions", f"Not what p2pchat is written for: {', '.join(wrong)}", hint, **facts)
    packages = ", ".join(f"{name} {version}" for name, version in found.items() if version is not None)
    return ok("versions", f"p2pchat {__version__}, Python {facts['python']} ({sys.platform}), {packages}", **facts)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _pins() -> list[tuple[str, str]]:
    """Returns the packages whose version is fixed, because their internals matter, and the version."""
    try:
        required = metadata.requires("p2pchat") or []
    except metadata.PackageNotFoundError:  # it runs from its source
        return []
    found = (re.match(r"([\w.-]+)\s*==\s*([\w.*]+)\s*$", each) for each in required)
    return [(each[1], each[2]) for each in found if each is not None]


def profile(settings: Settings) -> Finding:
    """Says whether our key can be read and the folder written. Nothing is made that is not there."""
    home = settings.home
    if settings.ephemeral:
        return ok("profile", "Nothing is kept: --ephemeral", home=None)
    facts = {"home": str(home)}
    existing = _nearest_existing(home)
    if not os.access(existing, os.W_OK | os.X_OK):
        hint = "make it writable for you, or choose another folder with --home"
        return fault("profile", f"{existing} cannot be written to", hint, **facts)
    if not (home / KEY_FILE).exists():
        return ok("profile", f"No key yet: it is made in {home} at the first start", **facts)
    try:
        tag = Profile(home).identity().tag
    except P2PChatError as error:
        return failed("profile", error)
    return ok("profile", f"Key {tag[:4]}, in {home}", **facts, peer=tag)


def disk(settings: Settings) -> Finding:
    """Says whether received files have a place."""
    folder = settings.downloads
    existing = _nearest_existing(folder)
    free = shutil.disk_usage(existing).free
    facts: dict[str, Fact] = {"downloads": str(folder), "free": free}
    if not os.access(existing, os.W_OK | os.X_OK):
        hint = "make it writable for you, or choose another folder with --downloads"
        return warning("disk", f"{existing} cannot be written to: no file can be received", hint, **facts)
    shown = f"{free / 1e9:.1f} GB free for received files in {folder}"
    if free < DISK_LEAST:
        return warning("disk", shown, "make room, or choose another folder with --downloads", **facts)
    return ok("disk", shown, **facts)


def _nearest_existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())
