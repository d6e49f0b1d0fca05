"""One directory, held open, in which nothing is overwritten unless that is asked for, and no link is ever followed.

On POSIX every call is relative to the open directory, so that nobody can slip another one under a path between two
calls. Windows has no such calls; there the path is used, and names are reserved by creating them exclusively.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_HELD: Final = os.open in os.supports_dir_fd
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY: Final = getattr(os, "O_DIRECTORY", 0)
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)

_NO_HARD_LINKS: Final = frozenset(
    {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES, errno.EINVAL}
)
"""What file systems without hard links (FAT, many network shares) and sandboxes answer to a link."""


class Directory:
    """A directory that stays the one it was when it was opened.

    Args:
        path: where it is. Of a path that is opened here links are followed: the user chose it. Use `child` below it.

    Raises:
        OSError: it is not there, no directory, or not readable. All methods raise OSError too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | _DIRECTORY) if _HELD else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def child(self, name: str) -> Directory:
        """Opens a directory in this one; a link in its place is an error."""
        below = Directory.__new__(Directory)
        below.path, below._fd = self.path / name, None
        if self._fd is not None:
            below._fd = os.open(name, os.O_RDONLY | _DIRECTORY | _NO_FOLLOW, dir_fd=self._fd)
        elif not stat.S_ISDIR(os.lstat(below.path).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return below

    def make(self, name: str) -> None:
        """Makes a directory in this one; FileExistsError when anything has that name."""
        os.mkdir(self._at(name), dir_fd=self._fd)

    def create(self, name: str) -> int:
        """Creates an empty file and opens it for writing; FileExistsError when anything has that name."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
        return os.open(self._at(name), flags, 0o666, dir_fd=self._fd)

    def open(self, name: str) -> int:
        """Opens a file for writing that is there; a link in its place is an error."""
        return os.open(self._at(name), os.O_RDWR | _NO_FOLLOW | _BINARY, dir_fd=self._fd)

    def open_to_read(self, name: str) -> int:
        """Opens whatever has that name, without waiting for it; a link in its place is an error."""
        return os.open(self._at(name), os.O_RDONLY | _NO_FOLLOW | _NO_WAIT | _BINARY, dir_fd=self._fd)

    def replace(self, name: str, new: str) -> None:
        """Gives a file another name, atomically; a file of that name is gone, a directory is an error."""
        os.replace(self._at(name), self._at(new), src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def rename_to_free(self, name: str, new: str) -> None:
        """Gives a file another name; FileExistsError when anything has that one, even since a moment ago."""
        if os.name == "nt":
            os.rename(self._at(name), self._at(new))  # refuses to overwrite on Windows, and only there
            return
        try:
            os.link(self._at(name), self._at(new), src_dir_fd=self._fd, dst_dir_fd=self._fd, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            self._replace_reserved(name, new)
        else:
            os.unlink(self._at(name), dir_fd=self._fd)

    def remove(self, name: str) -> None:
        """Removes a file."""
        os.unlink(self._at(name), dir_fd=self._fd)

    def remove_empty(self, name: str) -> None:
        """Removes a directory that has nothing in it."""
        os.rmdir(self._at(name), dir_fd=self._fd)

    def sync(self) -> None:
        """Waits until the names in it would survive a power cut. Some file systems cannot tell, and need not."""
        if self._fd is not None:
            try:
                os.fsync(self._fd)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                    raise

    def _replace_reserved(self, name: str, new: str) -> None:
        os.close(self.create(new))  # ours from here on, so that it may be replaced
        try:
            os.replace(self._at(name), self._at(new), src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except OSError:
            self.remove(new)
            raise

    def _at(self, name: str) -> str | Path:
        return self.path / name if self._fd is None else name
