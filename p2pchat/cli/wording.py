"""Sentences for people who listen: sizes, times, peers and transfers in words.

Words instead of symbols, because a speech synthesiser spells symbols out; one sentence says one thing.
"""

from __future__ import annotations

from typing import Final

from p2pchat.node import link_report
from p2pchat.node.answers import PeerStats
from p2pchat.node.events import Direction, PeerInfo, PeerState, TransferInfo, TransferState, Trust
from p2pchat.protocol.limits import NAME_CHARACTERS as PEER_CHARACTERS
from p2pchat.protocol.untrusted import safe_line

FILES_NAMED: Final = 5
"""Files of one offer that are named: more cannot be kept in mind while listening."""

NAME_CHARACTERS: Final = 200
"""Most characters of a file's name or path: longer ones are cut, and still told apart."""

SENTENCE_CHARACTERS: Final = 500
"""Most characters of a sentence: a reason with a path in it."""

_AGES: Final = (
    (365 * 86_400, "year"),
    (30 * 86_400, "month"),
    (7 * 86_400, "week"),
    (86_400, "day"),
    (3600, "hour"),
    (60, "minute"),
)

_UNITS = ("kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte")


def size(count: int) -> str:
    """Returns a number of bytes in decimal units: `812 bytes`, `4.2 megabytes`."""
    if count < 1000:
        return number(count, "byte")
    power = 1
    while power < len(_UNITS) and round(count / 1000**power, 1) >= 1000:
        power += 1
    value = f"{count / 1000**power:.1f}".removesuffix(".0")
    return f"{value} {_UNITS[power - 1]}" + ("" if value == "1" else "s")


def number(count: int, noun: str) -> str:
    """Returns `1 file`, `3 files`."""
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"


def key(tag: str) -> str:
    """Returns the part of a key tag that people see."""
    return tag[:4]


def peer_name(name: str) -> str:
    """Returns the name of a peer, fit to be shown."""
    return safe_line(name, PEER_CHARACTERS)


def tagged_name(name: str, tag: str) -> str:
    """Returns a name with the part of its key that people see: `ben·m2xd`. No name can pass for another one so."""
    return f"{peer_name(name)}·{key(tag)}"


def tagged(info: PeerInfo) -> str:
    """Returns a peer's name with its key, as `tagged_name` does."""
    return tagged_name(info.name, info.peer)


def trust(info: PeerInfo) -> str:
    """Returns what is known of a peer's key: `New key m2xd`, `Known key m2xd`, `Verified, key m2xd`."""
    match info.trust:
        case Trust.VERIFIED:
            return f"Verified, key {key(info.peer)}"
        case Trust.KNOWN:
            return f"Known key {key(info.peer)}"
        case Trust.NEW:
            return f"New key {key(info.peer)}"
        case Trust.NONE:
            return "No key, cannot prove who it is"


def file_name(name: str) -> str:
    """Returns the name or path of a file, fit to be shown."""
    return safe_line(name, NAME_CHARACTERS)


def since(seconds: float) -> str:
    """Returns how long ago something was, roughly: `just now`, `5 minutes ago`, `3 days ago`, `2 years ago`."""
    for unit, noun in _AGES:
        if seconds >= unit:
            return f"{number(int(seconds // unit), noun)} ago"
    return "just now"


def length(seconds: float) -> str:
    """Returns a length of time, roughly: `45 seconds`, `10 minutes`, `24 hours`."""
    for unit, noun in ((3600, "hour"), (60, "minute")):
        if seconds >= 2 * unit or seconds == unit:
            return number(round(seconds / unit), noun)
    return number(round(seconds), "second")


def path(info: PeerInfo) -> str:
    """Returns how a connected peer is reached: `Direct connection, 12 milliseconds`."""
    way = "Connection through a relay" if info.path == "relay" else "Direct connection"
    return way if info.rtt_ms is None else f"{way}, {milliseconds(info.rtt_ms)}"


def milliseconds(count: float) -> str:
    """Returns a time in whole milliseconds: `12 milliseconds`."""
    return number(round(count), "millisecond")


def link(info: PeerInfo, measured: PeerStats | None, who: str) -> str:
    """Returns a line of `/stats`: the way that packets take and what is measured of it, or why there is none."""
    if measured is None:
        return f"{who}: {info.state.value}.{because(info.reason)}"
    lost = link_report.loss(measured)
    figures = [
        "round trip not measured yet" if measured.rtt_ms is None else f"round trip {milliseconds(measured.rtt_ms)}",
        "loss not known yet" if lost is None else f"loss {lost} percent",
        f"{size(round(measured.rate))} a second",
        f"sent {size(measured.sent)}",
        f"received {size(measured.received)}",
    ]
    ends = ", ".join(f"{end.lower()} {kind}" for end, kind in link_report.ends(measured))
    way = link_report.way(measured.path, measured.addresses)
    return f"{who}: {way}. {sentence(', '.join(figures))}{because(ends)}"


def presence(info: PeerInfo, who: str, addresses: str = "") -> str:
    """Returns a line of `/who`.

    Args:
        info: the peer.
        who: what it is called.
        addresses: the path to it in a few words, where it is known.
    """
    parts = [f"{who}, key {key(info.peer)}", info.state.value]
    if info.state is PeerState.CONNECTED:
        parts.append(f"{info.trust.value} key")
        parts.append(link_report.way(info.path, addresses))
        if info.rtt_ms is not None:
            parts.append(milliseconds(info.rtt_ms))
        parts.append("takes live text" if info.live_text else "takes no live text")
        if info.languages:
            parts.append(f"writes {', '.join(info.languages)}")
    return ", ".join(parts) + "." + because(info.reason)


def no_common_language(info: PeerInfo, ours: tuple[str, ...], who: str) -> str:
    """Returns that two sides share no language, as a sentence; nothing when they do, or when one has not said.

    Of a tag only the language counts (RFC 5646 §2.2.1): who reads `sv` reads `sv-FI`.
    """
    theirs, own = ({tag.partition("-")[0].lower() for tag in tags} for tags in (info.languages, ours))
    if not theirs or not own or theirs & own:
        return ""
    return f"You and {who} share no language: {who} writes {', '.join(info.languages)}, you write {', '.join(ours)}."


def sentence(text: str) -> str:
    """Returns text of any origin as one sentence; nothing for no text."""
    line = safe_line(text, SENTENCE_CHARACTERS)
    return f"{line[:1].upper()}{line[1:].rstrip('.')}." if line else ""


def because(reason: str) -> str:
    """Returns a reason as a sentence that follows another one; nothing for no reason."""
    return f" {sentence(reason)}" if reason else ""


def files(info: TransferInfo) -> str:
    """Returns what a transfer consists of, short: the name of its only file, or how many."""
    if info.files == 1 and info.items:
        return file_name(info.items[-1].path)
    return number(info.files, "file")


def contents(info: TransferInfo) -> str:
    """Returns what an offer holds: the names of its first files, and how much they are together."""
    named = [file_name(item.path) for item in info.items[:FILES_NAMED]]
    more = f" and {number(info.files - len(named), 'more file')}" if info.files > len(named) else ""
    return f"{', '.join(named)}{more}, {size(info.total)}"


def transfer(info: TransferInfo, who: str) -> str:
    """Returns where a transfer stands, as one sentence or two."""
    sending = info.direction is Direction.SEND
    what = files(info)
    whole = f"{what} {'to' if sending else 'from'} {who}"
    match info.state:
        case TransferState.WAITING:
            return f"{whole}, {size(info.total)}, waits for an answer."
        case TransferState.ACTIVE if info.reason:
            return f"{whole} has stalled.{because(info.reason)}"
        case TransferState.ACTIVE:
            return f"{'Sending' if sending else 'Receiving'} {whole}."
        case TransferState.PAUSED:
            return f"{whole} is paused.{because(info.reason)}"
        case TransferState.FAILED:
            return f"{whole} failed.{because(info.reason)}"
        case TransferState.CANCELLED:
            return f"{whole} was cancelled.{because(info.reason)}"
        case TransferState.DECLINED:
            decliner = who if sending else "you"
            return f"{decliner} declined {what}.{because(info.reason)}"
        case TransferState.DONE if sending:
            return f"{who} has {_taken(info)}, {_size(info)}, verified."
        case TransferState.DONE:
            saved = ", ".join(file_name(name) for name in info.saved[:FILES_NAMED])
            whole = f"{_taken(info)} from {who}, {_size(info)}"
            return f"Received {whole}, verified." + (f" Saved as {saved}." if saved else "")


def _taken(info: TransferInfo) -> str:
    """What of a transfer was accepted: `draft.pdf`, `10 files`, or `3 files of 10`."""
    if 0 < info.wanted_files < info.files:
        return f"{number(info.wanted_files, 'file')} of {info.files:,}"
    return files(info)


def _size(info: TransferInfo) -> str:
    return size(info.wanted or info.total)
