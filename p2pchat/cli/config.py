"""The configuration file: TOML, with the names of the options as its top-level keys."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import msgspec

from p2pchat.errors import ConfigurationError
from p2pchat.tui.preferences import THEME_NAMES

FILE_NAME: Final = "config.toml"
"""Its name inside the folder of all state."""

ALLOWED: Final = {
    "server": "a URL that begins with http://, https://, ws:// or wss://",
    "token-file": "a file that can be read",
    "name": "a name of 1 to 64 visible characters on one line",
    "profile": "1 to 32 small letters, digits, - or _, the first a letter or digit",
    "home": "a folder, or a path where one can be made",
    "ice": "a list of URLs that begin with stun:, stuns:, turn: or turns:",
    "lan": "true or false",
    "relay-only": "true or false",
    "ephemeral": "true or false",
    "plain": "true or false",
    "json": "true or false",
    "downloads": "a folder, or a path where one can be made",
    "verbose": "true or false",
    "patience": "a number of seconds from 1 to 604800",
    "if-exists": "rename, skip, overwrite or ask",
    "announce": "sentence, word, line or char",
    "events": "the number of an open file descriptor, or a path",
    "language": "1 to 8 language tags, such as en,sv or zh-Hant, with commas between them",
    "sdp-t140": "true or false",
    "theme": ", ".join(THEME_NAMES[:-1]) + f" or {THEME_NAMES[-1]}",
    "reduced-motion": "true or false",
    "flash": "true or false",
    "on-alert": "a program that is found in PATH, or its whole path, with its arguments behind it",
}
"""Every setting, and what it has to be."""


class ConfigFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What the file says; None where it says nothing. Types are checked here, values in `p2pchat.cli.options`."""

    server: str | None = None
    token_file: str | None = None
    name: str | None = None
    profile: str | None = None
    home: str | None = None
    ice: list[str] | None = None
    lan: bool | None = None
    relay_only: bool | None = None
    ephemeral: bool | None = None
    plain: bool | None = None
    json: bool | None = None
    downloads: str | None = None
    verbose: bool | None = None
    patience: float | None = None
    if_exists: str | None = None
    announce: str | None = None
    events: str | None = None
    language: str | None = None
    sdp_t140: bool | None = None
    theme: str | None = None
    reduced_motion: bool | None = None
    flash: bool | None = None
    on_alert: str | None = None


def load(path: Path, required: bool) -> ConfigFile:
    """Reads a configuration file.

    Args:
        path: where it is.
        required: whether its absence is an error: it was asked for by name.

    Raises:
        ConfigurationError: it is missing though required, cannot be read, is no TOML, or holds an unknown key or a
            value of a wrong type. The message names the file, the key and what is allowed.
    """
    try:
        with path.open("rb") as file:
            return msgspec.convert(tomllib.load(file), ConfigFile)
    except FileNotFoundError:
        if required:
            raise ConfigurationError(f"there is no configuration file {path}") from None
        return ConfigFile()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.ValidationError as error:
        raise _refused(path, str(error)) from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}", "see https://toml.io") from None


def _refused(path: Path, detail: str) -> ConfigurationError:
    """Says in our words what msgspec found: an unknown field, or a wrong type at `$.key`."""
    if unknown := re.search(r"unknown field `(.+?)`", detail):
        return ConfigurationError(f"{path}: there is no setting {unknown[1]}", f"settings are {', '.join(ALLOWED)}")
    at = re.search(r"at `\$\.([a-z0-9-]+)", detail)
    key = at[1] if at else ""
    return ConfigurationError(f"{path}: {key} has to be {ALLOWED.get(key, 'of another type')}")
