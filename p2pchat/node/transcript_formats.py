"""The formats of a transcript. Everything in it is safe to show; Markdown gets an escape for what would be markup."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import regex

from p2pchat.errors import UsageError
from p2pchat.node.events import LineState
from p2pchat.node.transcript import Entry, Transcript
from p2pchat.protocol.untrusted import safe_line

_MARKUP: Final = regex.compile(r"([\\`*_{}\[\]()#+\-.!|<>&~:@=$^\"'/])")
"""Every ASCII character that Markdown, or a dialect of it, gives a meaning, HTML and bare links included."""


def as_text(transcript: Transcript) -> Iterator[str]:
    """Yields plain text: a line for each entry, and indented below it what there is to say of it."""
    yield f"Conversation {transcript.conversation}. Times are UTC.\n"
    if transcript.dropped:
        yield f"The first {transcript.dropped} entries are not kept.\n"
    yield "\n"
    for entry in transcript.entries():
        first, *more = _reading(entry).split("\n")
        yield f"{_time(entry.at)}  {_who(entry)}{_separator(entry)}{first}\n"
        for line in more:
            yield f"    {_who(entry)}{_separator(entry)}{line}\n"
        for remark in remarks(entry):
            yield f"    [{remark}]\n"


def as_markdown(transcript: Transcript) -> Iterator[str]:
    """Yields Markdown: a list with an item for each entry."""
    yield f"# Conversation {_escaped(transcript.conversation)}\n\nTimes are UTC.\n"
    if transcript.dropped:
        yield f"The first {transcript.dropped} entries are not kept.\n"
    yield "\n"
    for entry in transcript.entries():
        lines = "  \n  ".join(_escaped(line) for line in _reading(entry).split("\n"))
        yield f"- {_time(entry.at)} **{_escaped(_who(entry))}**{_separator(entry)}{lines}\n"
        for remark in remarks(entry):
            yield f"  - *{_escaped(remark)}*\n"


def as_json_lines(transcript: Transcript) -> Iterator[str]:
    """Yields JSON Lines: an object for the conversation and one for each entry. Times are unix seconds."""
    yield _json({"kind": "conversation", "conversation": transcript.conversation, "dropped": transcript.dropped})
    for entry in transcript.entries():
        yield _json(
            {
                "kind": entry.kind,
                "dir": "sent" if entry.sent else "recv",
                "from": entry.speaker,
                "peer": entry.peer,
                "text": entry.text,
                "state": entry.state.value,
                "first": entry.at,
                "last": entry.last_at or entry.at,
                "commit": entry.committed_at,
                "sent_at": entry.sent_at,
                "delivered": entry.delivered,
                "latency": latency(entry),
                "edits": [{"t": edit.at, "erased": edit.erased, "written": edit.written} for edit in entry.edits],
                "edited": entry.edited,
                "losses": entry.losses,
                "restored": entry.restored,
                "corrected": entry.corrected,
            }
        )


FORMATS: Final[dict[str, Callable[[Transcript], Iterator[str]]]] = {
    "txt": as_text,
    "md": as_markdown,
    "jsonl": as_json_lines,
}
"""Each format, and what writes it."""


def render(transcript: Transcript, form: str) -> Iterator[str]:
    """Yields a transcript, line by line, each with its end.

    Args:
        transcript: what was said.
        form: `txt`, `md` (Markdown) or `jsonl` (JSON Lines).

    Raises:
        UsageError: it is none of these words.
    """
    if form not in FORMATS:
        raise UsageError(f"there is no format {safe_line(form) or 'without a name'}", "use txt, md or jsonl")
    return FORMATS[form](transcript)


def latency(entry: Entry) -> float | None:
    """Returns how long an entry was on its way, in seconds, or None where nobody knows.

    What is ours: until the last of those who have it confirmed it. What came whole: by the clock of its author, which
    may be wrong, so that it is never less than 0.
    """
    if entry.sent and entry.committed_at is not None and entry.delivered:
        return round(max(entry.delivered.values()) - entry.committed_at, 3)
    if entry.sent_at is not None:
        return round(max(0.0, entry.at - entry.sent_at), 3)
    return None


def remarks(entry: Entry) -> list[str]:
    """Returns what there is to say of an entry beside its text, as phrases."""
    said = []
    if entry.kind == "live":
        end = entry.committed_at if entry.committed_at is not None else entry.last_at
        said.append(f"typed live, until {_time(end)}")
    said += [f"{_time(edit.at)} erased {edit.erased!r}" + _instead(edit.written) for edit in entry.edits]
    if entry.edited > len(entry.edits):
        said.append(f"{entry.edited - len(entry.edits)} more edits")
    if entry.losses:
        said.append("text was missing, and came later" if entry.restored else "text may be missing")
    if entry.corrected:
        said.append("corrected when it was finished")
    if entry.kind == "live" and entry.state is LineState.INTERRUPTED:
        said.append("interrupted: the connection was lost")
    way = latency(entry)
    if way is not None:
        said.append(f"on its way for {way:.3f} s")
    return said


def _reading(entry: Entry) -> str:
    return entry.text or ("taken back" if entry.kind == "live" else "")


def _instead(written: str) -> str:
    return f", wrote {written!r}" if written else ""


def _who(entry: Entry) -> str:
    """Names the author so that nobody can pass for us, and equal names are told apart."""
    return "you" if entry.sent else f"{entry.speaker} ({entry.peer[:4]})"


def _separator(entry: Entry) -> str:
    return ": " if entry.kind in ("live", "message") and entry.text else " "


def _time(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    except (ValueError, OverflowError, OSError):
        return "unknown time"


def _escaped(text: str) -> str:
    return str(_MARKUP.sub(r"\\\1", text))


def _json(value: dict[str, object]) -> str:
    return json.dumps(value) + "\n"
