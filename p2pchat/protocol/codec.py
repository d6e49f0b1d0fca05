"""Bytes to control frames and back: strict, and bounded before anything is built.

Three gates stand between a peer's bytes and a frame: the size of the message, what msgpack may build of it (counts
and lengths in C, then depth and the number of values here), and the types and ranges that `p2pchat.protocol.frames`
declares. Whatever fails raises `FrameError` and nothing else, whatever the bytes.
"""

from __future__ import annotations

from typing import Any

import msgpack
import msgspec

from p2pchat.protocol import frames
from p2pchat.protocol.limits import FRAME_BYTES, FRAME_DEPTH, FRAME_ITEMS

_KNOWN = {frame.__struct_config__.tag: frame for frame in frames.AnyFrame.__args__}


class FrameError(ValueError):
    """These bytes are no frame. Its text may be told to both users: it holds nothing of what was received."""


def encode(frame: frames.AnyFrame) -> bytes:
    """Returns the bytes of a frame.

    Raises:
        FrameError: the frame is longer than a peer accepts; a caller that keeps to `limits` never sees it.
    """
    data: bytes = msgpack.packb(msgspec.to_builtins(frame, builtin_types=(bytes,)), use_bin_type=True)
    if len(data) > FRAME_BYTES:
        raise FrameError(f"a frame of {len(data)} bytes is longer than {FRAME_BYTES}")
    return data


def decode(data: bytes) -> frames.AnyFrame | None:
    """Reads one frame.

    Returns:
        The frame, or None for a well-formed frame of a kind that this version does not know: skip it.

    Raises:
        FrameError: for everything else.
    """
    if len(data) > FRAME_BYTES:
        raise FrameError(f"a frame may have {FRAME_BYTES} bytes")
    fields = _unpack(data)
    if not isinstance(fields, dict) or not isinstance(fields.get("t"), str):
        raise FrameError("a frame is a map with a text under 't'")
    kind = _KNOWN.get(fields["t"])
    if kind is None:
        return None
    try:
        frame: frames.AnyFrame = msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise FrameError(f"{fields['t']}: {error}") from None
    return frame


def _unpack(data: bytes) -> Any:
    try:
        value = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            max_str_len=FRAME_BYTES,
            max_bin_len=FRAME_BYTES,
            max_array_len=FRAME_ITEMS,
            max_map_len=FRAME_ITEMS,
            max_ext_len=0,
        )
    except Exception as error:  # msgpack raises five unrelated classes, and StackError is not even a ValueError
        raise FrameError(f"not msgpack ({type(error).__name__})") from None
    _check_shape(value)
    return value


def _check_shape(value: Any) -> None:
    """Refuses what is deeper or has more values than any frame needs."""
    level = [value]
    count = 0
    for _ in range(FRAME_DEPTH):
        count += len(level)
        if count > FRAME_ITEMS:
            raise FrameError(f"a frame may hold {FRAME_ITEMS} values")
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.keys())
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return
        level = below
    raise FrameError(f"a frame may be {FRAME_DEPTH} levels deep")
