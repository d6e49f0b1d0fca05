"""What a receiver is told of an offer, and asked, before anything is written."""

from __future__ import annotations

from typing import Final

from p2pchat.cli import wording
from p2pchat.node.answers import Landing
from p2pchat.node.api import NodeApi
from p2pchat.node.events import Item, TransferInfo
from p2pchat.tui import measures

NAMED: Final = 12
"""Files of an offer that are listed: with what is around them they fit a small terminal."""

EXAMPLES: Final = 3
"""Names that are given as examples of several."""

PAGE: Final = 1000
"""Entries of a large offer that are looked at in one go."""


class Totals:
    """What is worth knowing of all files of an offer, of which there may be hundreds of thousands."""

    def __init__(self) -> None:
        self.largest: Item | None = None
        self.executables = 0
        self.examples: list[str] = []

    @classmethod
    async def of(cls, node: NodeApi, info: TransferInfo) -> Totals:
        """Looks at every file of an offer."""
        totals = cls()
        totals.add(info.items)
        start = len(info.items)
        while page := await node.items(info.transfer, start, PAGE):
            totals.add(page)
            start += len(page)
        return totals

    def add(self, items: list[Item] | tuple[Item, ...]) -> None:
        """Counts more of them."""
        for item in items:
            if item.folder:
                continue
            if self.largest is None or item.size > self.largest.size:
                self.largest = item
            if item.executable:
                self.executables += 1
                if len(self.examples) < EXAMPLES:
                    self.examples.append(item.path)


def offer_text(info: TransferInfo, totals: Totals, landing: Landing, *, to_stdout: bool) -> str:
    """Says who offers what, and what it would meet here."""
    count = wording.number(info.files, "file")
    largest = ""
    if info.files > 1 and totals.largest is not None:
        name = wording.file_name(totals.largest.path)
        largest = f"; the largest is {name}, {measures.size(totals.largest.size)}"
    lines = [f"{wording.tagged_name(info.name, info.peer)} sends {count}, {measures.size(info.total)}{largest}:"]
    files = [item for item in info.items if not item.folder]
    lines += [f"    {wording.file_name(item.path)}  {measures.size(item.size)}" for item in files[:NAMED]]
    more = info.files - min(len(files), NAMED)
    if more > 0:
        lines.append(f"    and {wording.number(more, 'more file')}")
    if totals.executables:
        programs = _examples(totals.examples, totals.executables)
        lines.append(f"{wording.number(totals.executables, 'file')} can be run as programs: {programs}.")
    free = f"{measures.size(landing.free)} free"
    lines.append(f"{free}, to standard output." if to_stdout else f"Into {_folder(landing)}, {free} there.")
    if landing.existing and not landing.resumable:
        lines.append(f"{_taken(landing)}.")
    if landing.resumable:
        lines.append(f"{arrived(landing.resumable, info.total)} are here already.")
    return "\n".join(lines)


def accept_question(landing: Landing, total: int, *, to_stdout: bool) -> str:
    """Asks whether to accept; to go on, where something of it is here already."""
    if landing.resumable:
        return f"Go on after {arrived(landing.resumable, total)}? (y/n, d discards that and begins anew)"
    return "Receive it? (y/n)" if to_stdout else f"Receive into {_folder(landing)}? (y/n)"


def names_question(landing: Landing) -> str:
    """Asks what to do about names that are taken."""
    new = landing.examples[0][1] if landing.examples else ""
    example = f", such as {wording.file_name(new)}" if new else ""
    return (
        f"{_taken(landing)}. For those:\n"
        f"    r  rename: keep both; the new ones get a number{example}\n"
        "    s  skip: keep what is the same; what differs gets a number\n"
        "    o  overwrite: replace what is there\n"
        "Which? (r/s/o)"
    )


def arrived(stored: int, total: int) -> str:
    """Returns `412 MB of 1.4 GB`."""
    return f"{measures.size(stored)} of {measures.size(total)}"


def _taken(landing: Landing) -> str:
    taken = "1 name is taken" if landing.existing == 1 else f"{landing.existing:,} names are taken"
    return f"{taken} there: {_examples([old for old, _ in landing.examples], landing.existing)}"


def _examples(paths: list[str], count: int) -> str:
    named = [wording.file_name(path) for path in paths[:EXAMPLES]]
    more = f" and {count - len(named):,} more" if count > len(named) else ""
    return f"{', '.join(named)}{more}"


def _folder(landing: Landing) -> str:
    return wording.file_name(str(landing.folder))
