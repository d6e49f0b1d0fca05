"""The profile folder: who we are, and what we remember of others.

    identity.key   our key pair's seed: one line, `p2pchat-identity-1 SEED TAG`; the tag shows whether it is damaged
    contacts.db    the keys of others (`p2pchat.store.contacts`)
    transfers.db   where interrupted transfers lie (`p2pchat.store.interrupted`)

The key is made on first use, complete and on the disk before it gets its name, and never replaced: not when it is
damaged, not when others could read it, and not by another p2pchat that starts at the same moment.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from p2pchat.errors import ConfigurationError
from p2pchat.protocol.identity import Identity
from p2pchat.protocol.limits import KEY_BYTES
from p2pchat.store.contacts import Contacts
from p2pchat.store.directory import Directory
from p2pchat.store.disk import storage_failed
from p2pchat.store.interrupted import InterruptedTransfers

KEY_FILE: Final = "identity.key"
CONTACTS_FILE: Final = "contacts.db"
TRANSFERS_FILE: Final = "transfers.db"

_FORMAT: Final = "p2pchat-identity-1"
_LONGEST: Final = 1000
"""Bytes read of the key file: ten times what it has, so that whatever lies there in its place costs nothing."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
"""Permissions of anybody but the owner. Windows has no such bits."""

_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)


class Profile:
    """The state of one user under one name. Nothing is touched before a method is called; all of them block.

    Args:
        home: the folder. It is made, open to its owner only, when it is not there.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def identity(self) -> Identity:
        """Returns our identity; makes it when there is none.

        Raises:
            ConfigurationError: the folder or the key file is not ours alone, or the key is damaged.
            StorageFailed: the disk refused.
        """
        self._make_folder()
        try:
            return self._read()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise storage_failed(error, KEY_FILE, str(self.home)) from error
        try:
            self._create()
            return self._read()
        except OSError as error:
            raise storage_failed(error, KEY_FILE, str(self.home)) from error

    def contacts(self) -> Contacts:
        """Returns the contacts; close them when done. The file is opened, or made, when they are first used."""
        return Contacts(self.home / CONTACTS_FILE)

    def interrupted(self) -> InterruptedTransfers:
        """Returns the register of interrupted transfers; close it when done. It is opened, or made, when first used."""
        return InterruptedTransfers(self.home / TRANSFERS_FILE)

    def _make_folder(self) -> None:
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = self.home.stat().st_mode
        except (FileExistsError, NotADirectoryError) as error:
            raise ConfigurationError(f"{self.home} is no folder", "choose another one with --home") from error
        except OSError as error:
            raise storage_failed(error, "the profile", str(self.home)) from error
        if os.name == "posix" and mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigurationError(
                f"others may write to the profile folder {self.home}, and so could exchange your key",
                f"make it yours alone (chmod 700 '{self.home}'), or choose another one with --home",
            )

    def _read(self) -> Identity:
        path = self.home / KEY_FILE
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode):
            raise ConfigurationError(f"{path} is no plain file", "put the key file itself there, or move it away")
        if os.name == "posix" and mode & _OTHERS:
            raise ConfigurationError(
                f"others may read your key, {path}",
                f"make it yours alone (chmod 600 '{path}'); if somebody may have copied it, move it away instead: a "
                "new identity is made, and your contacts are warned that your key has changed. If this disk keeps no "
                "permissions, choose a folder elsewhere with --home",
            )
        with open(os.open(path, os.O_RDONLY | _NO_FOLLOW | _BINARY), "rb") as file:
            return _parsed(file.read(_LONGEST), path)

    def _create(self) -> None:
        """Makes the key file, unless another process is quicker: then its key is ours too."""
        identity = fresh_identity()
        temporary = f".{KEY_FILE}-{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
        with Directory(self.home) as folder:
            descriptor = os.open(self.home / temporary, flags, 0o600)
            try:
                with open(descriptor, "wb") as file:
                    file.write(f"{_FORMAT} {identity.seed.hex()} {identity.tag}\n".encode())
                    file.flush()
                    os.fsync(descriptor)
                folder.rename_to_free(temporary, KEY_FILE)
            except OSError as error:
                folder.remove(temporary)
                if not isinstance(error, FileExistsError):
                    raise
            folder.sync()


def fresh_identity() -> Identity:
    """Returns an identity that nobody had before and that is written nowhere: for `--ephemeral`."""
    return Identity.from_seed(os.urandom(KEY_BYTES))


def _parsed(content: bytes, path: Path) -> Identity:
    damaged = ConfigurationError(
        f"the key file {path} is damaged or of a later version",
        "restore it from a backup, or update p2pchat; if you have no other copy, move it away: a new identity is made, "
        "and your contacts are warned that your key has changed",
    )
    try:
        form, seed, tag = content.decode("ascii").split()
        identity = Identity.from_seed(bytes.fromhex(seed))
    except ValueError:  # also what decoding raises
        raise damaged from None
    if form != _FORMAT or identity.tag != tag:
        raise damaged
    return identity
