"""What the demo's partner tells the demo over a pipe: one JSON object a line, told apart by `saw`."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import Struct


class _Report(Struct, frozen=True, tag_field="saw"):
    """What all reports share."""


class SawMessage(_Report, frozen=True, tag="message"):
    """A message arrived."""

    text: str


class SawLine(_Report, frozen=True, tag="line"):
    """A line of live text was finished."""

    corrected: bool
    """Whether it was seen to grow, and to be corrected, before."""
    final: str


class SawFile(_Report, frozen=True, tag="file"):
    """A file was received; this is the hash of what is on the disk."""

    sha256: str


class MadeFile(_Report, frozen=True, tag="own-file"):
    """A file was made, and is offered now."""

    sha256: str


Report: TypeAlias = SawMessage | SawLine | SawFile | MadeFile

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


def encode(report: Report) -> str:
    """Returns the report as one line."""
    return _encoder.encode(report).decode()


def decode(line: bytes) -> Report:
    """Reads one line.

    Raises:
        msgspec.DecodeError: it is no report.
    """
    return _decoder.decode(line)
