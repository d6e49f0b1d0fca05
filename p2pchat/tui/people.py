"""People in words: what each is called, where the link to it stands, and what is known of its key.

A name is chosen by whoever bears it. `plain_name` takes out of it what only we may write: the sign of a verified key,
and the dot before a key tag. So nobody is `ben·m2xd` or `ben✓` by calling himself so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len

from p2pchat.errors import PeerUnreachable
from p2pchat.node.answers import ContactInfo, PeerStats
from p2pchat.node.events import LiveTextAsked, PeerInfo, PeerState, Trust
from p2pchat.node.link_report import TRYING, next_step
from p2pchat.node.live_notice import NO_EMERGENCY
from p2pchat.protocol.untrusted import safe_line
from p2pchat.tui.content import crop

TRUST: Final = {Trust.NEW: "new key", Trust.KNOWN: "known", Trust.VERIFIED: "verified", Trust.NONE: "no key"}
"""What is known of a key, in words."""

VERIFIED: Final = "✓"
"""The sign behind the name of somebody whose key was verified; where there is space the word stands there as well."""

TAG_CHARACTERS: Final = 4
"""How much of a key tag is shown behind a name."""

SIGNS: Final = {
    PeerState.CONNECTED: ("●", "$success"),
    PeerState.CONNECTING: ("◌", "$warning"),
    PeerState.LOST: ("○", "$warning"),
    PeerState.FAILED: ("×", "$error"),
    PeerState.LEFT: ("·", "$muted"),
}
"""A sign and its colour for each state; the word always stands beside it."""

LEAST_REASON: Final = 12
"""Least space for a part of a reason, in cells: less says nothing."""

_OURS: Final = str.maketrans(dict.fromkeys("✓✔☑✅🗸🗹⍻√", "?") | dict.fromkeys("·•∙⋅‧･", "."))


def plain_name(name: str) -> str:
    """A name without the signs that say something about a key, and what looks like them."""
    return name.translate(_OURS)


def short_tag(peer: str) -> str:
    """The beginning of a key tag, as it is shown; a second terminal with the same key keeps its number."""
    tag, _, number = peer.partition("-")
    return tag[:TAG_CHARACTERS] + (f"-{number}" if number.isdecimal() else "")


def full_label(peer: str, name: str) -> str:
    """A peer's name with the beginning of its key tag; the tag alone until it has said its name."""
    return name if name == peer else f"{plain_name(name)}·{short_tag(peer)}"


def trust(info: PeerInfo) -> str:
    """What is known of a peer's key, in words; empty while it is not connected, and has proved nothing."""
    return TRUST[info.trust] if info.state is PeerState.CONNECTED else ""


def verified_sign(info: PeerInfo) -> str:
    """The sign behind the name of a connected peer whose key was verified; empty for all others."""
    return VERIFIED if trust(info) == TRUST[Trust.VERIFIED] else ""


def peer_state(info: PeerInfo, reason: bool = True) -> str:
    """Where the link to a peer stands, in words: `direct 12 ms`, `connecting: trying a relay`."""
    words = info.state.value
    if info.state is PeerState.CONNECTED:
        words = "relayed" if info.path == "relay" else safe_line(info.path) or "connected"
        if info.rtt_ms is not None and not info.reason:
            words += f" {info.rtt_ms:.0f} ms"
    return words + (f": {safe_line(info.reason)}" if reason and info.reason else "")


def fitting_state(info: PeerInfo, cells: int) -> str:
    """The same in so many cells: where not all of the reason fits, what happens next is said sooner than what did."""
    whole, state = peer_state(info), peer_state(info, reason=False)
    what, then = next_step(safe_line(info.reason))
    if cell_len(whole) <= cells or not then:
        return crop(whole, cells)
    if (room := cells - cell_len(f"{state}: ; {then}")) >= LEAST_REASON:
        return f"{state}: {crop(what, room)}; {then}"
    again = then.removeprefix(TRYING)
    shorter = (f"{state}, {then}", f"{state}, {again}", again, f"{state}, retrying", state)
    return next((words for words in shorter if cell_len(words) <= cells), crop(state, cells))


def news(before: PeerInfo | None, info: PeerInfo, was_lost: bool) -> str:
    """What there is to tell when a peer was like `before` and is like `info` now; empty when it is no news.

    Args:
        before: how it was; None when it was not known.
        info: how it is.
        was_lost: whether it was lost, and has not been connected since.
    """
    who, reason = full_label(info.peer, info.name), f": {info.reason}" if info.reason else ""
    if before is not None and before.state is info.state:
        return _trust_news(who, before, info)
    match info.state:
        case PeerState.CONNECTED if was_lost:
            return f"{who} is back"
        case PeerState.CONNECTED:
            path = {"direct": ", connected directly", "relay": ", connected through a relay"}.get(info.path, "")
            return f"{who} joined{path}, {TRUST[info.trust]}"
        case PeerState.LOST:
            return f"{who} was lost{reason}"
        case PeerState.LEFT if before is not None:
            return f"{who} left" if not reason or info.reason.startswith("left") else f"{who} is gone{reason}"
        case PeerState.FAILED if was_lost or (before is not None and before.state is PeerState.CONNECTED):
            return f"{who} is not connected any more{reason}"
        case PeerState.FAILED:
            return f"{who} could not be reached{reason}"
        case _:
            return ""


def _trust_news(who: str, before: PeerInfo, info: PeerInfo) -> str:
    if info.state is not PeerState.CONNECTED or before.trust is info.trust:
        return ""
    if info.trust is Trust.VERIFIED:
        return f"{who} is verified now"
    return f"{who} is no longer verified" if before.trust is Trust.VERIFIED else ""


def latecomer(event: LiveTextAsked, label: str) -> tuple[str, str]:
    """What there is to tell of somebody who does not see our keys yet, and what to do about it.

    Args:
        event: who.
        label: what it is called.
    """
    # A name that is not one plain word could be read as another name with `off` behind it.
    name = label if label.isalnum() and label not in ("on", "off") else full_label(event.peer, event.name)
    return f"{label} came while you type live, and does not see your keys", f"/live {name} lets it."


def live_begins(connected: Iterable[PeerInfo], told_no_emergency: bool) -> str:
    """What there is to tell when live text is switched on for the first time: who sees the keys, and what it is not.

    Args:
        connected: who is here.
        told_no_emergency: whether the user has read the latter already.
    """
    labels = [plain_name(info.name) for info in connected if info.live_text]
    who = f"{', '.join(labels[:-1])} and {labels[-1]}" if len(labels) > 1 else "".join(labels)
    verb = "sees" if len(labels) == 1 else "see"
    seen = f"From now on {who} {verb} each key as you type." if labels else "Nobody is here yet to see your keys."
    return seen if told_no_emergency else f"{seen} {NO_EMERGENCY}"


def guest_asks(label: str) -> tuple[str, str]:
    """What there is to tell of somebody without a key who wants to come in, and what to do about it."""
    words = f"{label} speaks only real-time text and cannot prove who it is"
    return words, f"/admit {label} lets it in, /refuse {label} does not."


def who_is_here(peers: Iterable[PeerInfo], measured: Iterable[PeerStats] = ()) -> str:
    """A line for each peer, with its state, the path to it where it is measured, and what is known of its key."""
    addresses = {stats.peer: safe_line(stats.addresses) for stats in measured}
    lines = [
        f"{full_label(info.peer, info.name)}: "
        f"{', '.join(filter(None, [peer_state(info), addresses.get(info.peer), trust(info)]))}"
        for info in peers
    ]
    return "\n".join(lines) or "Nobody else is here"


def safety_words(connected: Iterable[PeerInfo]) -> str:
    """A line for each connected peer, with its safety words."""
    lines = [
        f"{full_label(info.peer, info.name)}, {trust(info)}: {' '.join(info.words) or 'no words'}" for info in connected
    ]
    return "\n".join(lines) or "Nobody is connected"


def find_peer(peers: Iterable[PeerInfo], wanted: str) -> PeerInfo:
    """The connected peer that a user means by a name, a name with tag as it is shown, or the beginning of a tag.

    Raises:
        PeerUnreachable: nobody, or more than one, is meant.
    """
    text = wanted.casefold()
    connected = [info for info in peers if info.state is PeerState.CONNECTED]
    ways = (
        [info for info in connected if text in (info.peer, full_label(info.peer, info.name).casefold())],
        [info for info in connected if text == info.name.casefold()],
        [info for info in connected if text and info.peer.startswith(text)],
    )
    found = next((infos for infos in ways if infos), [])
    if len(found) > 1:
        raise PeerUnreachable("Several people are meant", "Name one with its key tag, as in ben·m2xd")
    if not found:
        raise PeerUnreachable(f"{safe_line(wanted)} is not connected", "/who lists who is here")
    return found[0]


def contact_name(contact: ContactInfo) -> str:
    """What a contact is called: its petname, or what it called itself last."""
    return plain_name(safe_line(contact.petname or contact.name))


def contact_label(contact: ContactInfo) -> str:
    """The same with the beginning of its key tag."""
    return full_label(contact.tag, contact_name(contact))


def find_contact(contacts: Iterable[ContactInfo], wanted: str) -> ContactInfo | None:
    """The contact whose name with tag, as it is shown, is this; None when it is something else or not unique."""
    found = [contact for contact in contacts if contact_label(contact).casefold() == wanted.casefold()]
    return found[0] if len(found) == 1 else None
