"""What the server writes on standard error: for people, or one JSON object a line for programs.

Neither holds an address, a room's name, a peer id or anything that a client wrote. Where one source has to be told from
another, it has a pseudonym (`signaling_server.addresses.Pseudonyms`).
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Style(StrEnum):
    """How a log is written."""

    TEXT = "text"
    JSON = "json"


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        entry: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def fields(**values: str | int) -> dict[str, dict[str, str | int]]:
    """What a record says besides its text, for programs: `logger.info("...", extra=fields(socket=1))`."""
    return {"fields": values}


def set_up(style: Style, level: int) -> None:
    """Begins to write on standard error everything from this level on."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        _JsonLines() if style is Style.JSON else logging.Formatter("%(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level, handlers=[handler])
