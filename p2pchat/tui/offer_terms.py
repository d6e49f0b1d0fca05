"""On which terms the user is going to accept an offer, and the words for it. Knows nothing of Textual's widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.cells import cell_len
from textual.content import Content

from p2pchat.node.answers import Landing
from p2pchat.node.events import TransferInfo
from p2pchat.tui import measures
from p2pchat.tui.content import crop, crop_middle, home_path, one_line

IF_EXISTS: Final = ("rename", "skip", "overwrite")
"""What may happen to files whose names are taken, in the order in which the key goes through them."""


@dataclass(slots=True)
class Terms:
    """What the user has said about an offer so far."""

    folder: Path | None = None
    """Where to; None for where the node would put it."""
    if_exists: str = "rename"
    preserve: bool = False
    """Whether modification times and executable bits are kept."""
    landing: Landing | None = None
    """What the offer would meet there; None until the node has said so."""
    asked: bool = False
    """Whether the node has been asked."""

    def next_policy(self) -> None:
        """Another word for what happens to names that are taken."""
        self.if_exists = IF_EXISTS[(IF_EXISTS.index(self.if_exists) + 1) % len(IF_EXISTS)]


def resumable(info: TransferInfo, terms: Terms) -> int:
    """Bytes of an offer that are here already."""
    return info.resumable if terms.landing is None else terms.landing.resumable


def names(info: TransferInfo, width: int) -> str:
    """The first names of an offer, as many as fit on one line."""
    shown = ""
    for index, item in enumerate(info.items):
        name = crop_middle(one_line(item.path) + ("/" if item.folder else ""), max(8, width // 2))
        more = f"  +{info.files - index:,} more"
        after = 0 if index == len(info.items) - 1 else len(more)
        if index and cell_len(f"{shown}  {name}") + after > width:
            shown += more
            break
        shown = f"{shown}  {name}" if index else name
    return crop(shown, width)


def notes(info: TransferInfo, terms: Terms, downloads: Path, width: int) -> list[Content]:
    """Where an offer goes and what it meets there: a line each, none wider than `width`, what matters most first."""
    landing = terms.landing
    folder = landing.folder if landing is not None else terms.folder or downloads
    lines = []
    if landing is not None and landing.fault:
        lines.append(_warning(f"! cannot be stored there: {one_line(landing.fault)}", width))
    elif landing is not None and landing.needed > landing.free:
        need, have = measures.size(landing.needed), measures.size(landing.free)
        lines.append(_warning(f"! needs {need}, only {have} free", width))
    kept = ", times and executable bits kept" if terms.preserve else ""
    lines.append(_muted(f"into {crop_middle(home_path(folder), max(12, width - 5 - len(kept)))}{kept}", width))
    if here := resumable(info, terms):
        lines.append(Content.styled(crop(f"{measures.size(here)} are here already", width), "$success"))
    if landing is not None and landing.existing:
        lines.append(_muted(_existing(landing, terms.if_exists), width))
    if programs := [item.path for item in info.items if item.executable]:
        more = f" and {len(programs) - 1:,} more" if len(programs) > 1 else ""
        lines.append(_warning(f"executable: {crop_middle(one_line(programs[0]), max(10, width // 2))}{more}", width))
    return lines


def free(terms: Terms) -> str:
    """How much space there is; empty when it is not known, or too little, which is said elsewhere."""
    landing = terms.landing
    if landing is None or landing.fault or landing.needed > landing.free:
        return ""
    return f"free here: {measures.size(landing.free)}"


def keys(info: TransferInfo, terms: Terms, words: Sequence[tuple[str, str]]) -> list[str]:
    """The keys that mean something for this offer, with their words.

    Args:
        info: the offer.
        terms: on which terms.
        words: the name of each action, and its key with its word.
    """
    shown = []
    for name, word in words:
        if name == "accept" and resumable(info, terms):
            word = word.replace("accept", "go on")
        if name == "discard" and not resumable(info, terms):
            continue
        if name == "existing":
            if terms.landing is None or not terms.landing.existing:
                continue
            word = f"{word}: {terms.if_exists}"
        if name == "preserve" and terms.preserve:
            word += ": yes"
        shown.append(word)
    return shown


def _existing(landing: Landing, if_exists: str) -> str:
    count = landing.existing
    some = f"{count:,} {'names exist' if count > 1 else 'name exists'}"
    match if_exists:
        case "skip":
            return f"{some}: skipped where the content is the same"
        case "overwrite":
            return f"{some}: replaced"
    example = f' as "{one_line(landing.examples[0][1].rpartition("/")[2], 40)}"' if landing.examples else " beside them"
    return f"{some}: kept{example}"


def _muted(text: str, width: int) -> Content:
    return Content.styled(crop(text, width), "$muted")


def _warning(text: str, width: int) -> Content:
    return Content.styled(crop(text, width), "$warning")
