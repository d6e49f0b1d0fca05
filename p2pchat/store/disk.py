"""What the disk refused, in words; and the few calls that Windows has not."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from p2pchat.errors import DiskFull, StorageFailed

_FULL: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def storage_failed(error: OSError, name: str, where: str) -> StorageFailed:
    """Returns the error to raise for what the system said.

    Args:
        error: what it said.
        name: the file or folder that it was about, as the offer has it and safe to show: the other side is told.
        where: the folder on this machine, for the hint, which stays here.
    """
    match error.errno:
        case full if full in _FULL:
            return DiskFull(f"no space is left for {name}", f"make room in {where}", reason="disk")
        case errno.EFBIG:
            return StorageFailed(
                f"{name} is larger than a file may be here", f"choose another disk than that of {where}", reason="disk"
            )
        case errno.EROFS:
            return StorageFailed(f"{name} would lie on a read-only disk", "choose another folder", reason="permission")
        case errno.EACCES | errno.EPERM:
            return StorageFailed(f"{name} may not be written", f"check the permissions of {where}", reason="permission")
        case _:
            return StorageFailed(f"{name} cannot be written: {error.strerror}", f"look at {where}", reason="disk")


def no_space(need: int, have: int, where: str) -> DiskFull:
    """Returns the error to raise when a whole offer does not fit; `need` and `have` are bytes."""
    return DiskFull(
        f"the disk is too full: {readable_size(need)} needed, {readable_size(have)} free",
        f"make room in {where}, or choose another folder",
        reason="disk",
    )


def readable_size(size: int) -> str:
    """Returns a number of bytes in decimal units: `999 B`, `1.4 GB`."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def set_mode(handle: int, mode: int) -> None:
    """Sets the permissions of an open file. Windows has no such permissions."""
    if hasattr(os, "fchmod"):
        os.fchmod(handle, mode)


def set_modified(handle: int, path: Path, modified: int) -> None:
    """Says when a file's content last changed. A time that the file system cannot hold is none.

    Args:
        handle: the file, open for writing.
        path: where it is, for systems that cannot do it by handle.
        modified: nanoseconds of unix time.
    """
    with suppress(OSError, OverflowError):
        os.utime(handle if os.utime in os.supports_fd else path, ns=(time.time_ns(), modified))


def write_sparse(handle: int, data: bytes, offset: int) -> None:
    """Writes as `write_at` does, but leaves a hole where all of `data` is zero and nothing was written before."""
    end = offset + len(data)
    # The first byte tells most blocks apart without an allocation as large as they are.
    if data.startswith(b"\0") and data == bytes(len(data)) and _is_hole(handle, offset, end):
        with suppress(OSError):  # not every file system takes it: then the zeros are written
            if os.fstat(handle).st_size < end:
                os.ftruncate(handle, end)
            return
    write_at(handle, data, offset)


def _is_hole(handle: int, offset: int, end: int) -> bool:
    if offset >= os.fstat(handle).st_size:
        return True
    if not hasattr(os, "SEEK_DATA"):
        return False
    try:
        return os.lseek(handle, offset, os.SEEK_DATA) >= end
    except OSError as error:
        return error.errno == errno.ENXIO  # no data from there on


def write_at(handle: int, data: bytes, offset: int) -> None:
    """Writes all of `data` at an offset; raises OSError. On Windows not by two threads at once."""
    rest = memoryview(data)
    while rest:
        if hasattr(os, "pwrite"):
            written = os.pwrite(handle, rest, offset)
        else:
            os.lseek(handle, offset, os.SEEK_SET)
            written = os.write(handle, rest)
        rest, offset = rest[written:], offset + written


def read_at(handle: int, length: int, offset: int) -> bytes:
    """Returns up to `length` bytes from an offset on; raises OSError."""
    if hasattr(os, "pread"):
        return os.pread(handle, length, offset)
    os.lseek(handle, offset, os.SEEK_SET)
    return os.read(handle, length)
