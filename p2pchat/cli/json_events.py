"""Events as JSON objects: the right-hand column of `docs/json-lines.md`.

Each object has `event` and `t` (unix seconds). A reader ignores keys that it does not know.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypeAlias

from p2pchat.errors import P2PChatError, ServerUnreachable
from p2pchat.node.answers import ContactInfo, Landing, Leftover, LiveTextStats, PeerStats
from p2pchat.node.events import (
    Alerted,
    CodeChanged,
    Direction,
    Event,
    GuestAsks,
    Item,
    LiveTextAsked,
    LiveTextChanged,
    LiveTextSent,
    LiveTextShown,
    MessageDelivered,
    MessageReceived,
    MessageSent,
    PeerChanged,
    PeerInfo,
    PeerMeasured,
    Problem,
    Ready,
    ServerChanged,
    TransferChanged,
    TransferInfo,
    TransferOffered,
    TransferProgressed,
)

Object: TypeAlias = dict[str, Any]


def as_object(event: Event, own_tag: str) -> Object | None:
    """Returns the object that tells an event, or None for one that machine mode does not tell.

    Args:
        event: what the node told.
        own_tag: our own key tag, which is the `peer` of what we send.
    """
    at = event.at
    match event:
        case Ready():
            return tell("ready", at, name=event.name, peer=event.peer, room=event.conversation, server=event.server)
        case CodeChanged():
            return tell("code", at, code=event.code, link=event.link, reason=event.reason)
        case PeerChanged():
            return peer(event.info, at, event.was)
        case MessageReceived() | MessageSent() | MessageDelivered():
            return _message(event, own_tag)
        case LiveTextChanged() | LiveTextSent() | LiveTextShown() | LiveTextAsked() | Alerted() | GuestAsks():
            return _live_text(event)
        case TransferOffered():
            return _offer(event.info, at)
        case TransferProgressed():
            return _progress(event)
        case TransferChanged():
            return _transfer(event.info, at)
        case Problem():
            return error(event.code, event.message, event.hint, at)
        case ServerChanged(online=False):
            return _server_gone(event)
        case ServerChanged() | PeerMeasured():
            return None


def peer(info: PeerInfo, at: float, was: str = "") -> Object:
    """Tells where a peer stands; `was` is what it was called until now, if that is another one."""
    return tell(
        "peer",
        at,
        peer=info.peer,
        name=info.name,
        state=info.state.value,
        trust=info.trust.value,
        path=info.path,
        rtt_ms=info.rtt_ms,
        reason=info.reason,
        live_text=info.live_text,
        sees_keys=info.sees_keys,
        live_mode=info.live_mode,
        languages=list(info.languages),
        **({"was": was} if was else {}),
    )


def safety(info: PeerInfo, at: float) -> Object:
    """Tells the words to compare with a peer."""
    return tell("safety", at, peer=info.peer, name=info.name, words=list(info.words))


def invite(link: str, at: float) -> Object:
    """Tells the link that lets somebody in."""
    return tell("invite", at, link=link)


def contact(info: ContactInfo, at: float) -> Object:
    """Tells a contact; its key tag is the `peer` under which it shows up in a room."""
    return tell(
        "contact",
        at,
        peer=info.tag,
        key=info.key,
        name=info.name,
        petname=info.petname,
        state=info.state,
        first_seen=info.first_seen,
        last_seen=info.last_seen,
        auto_accept=info.auto_accept,
        live_text=info.live_text,
    )


def stats(measured: PeerStats, live_text: LiveTextStats | None, at: float) -> Object:
    """Tells what is measured of the link to a peer, and of live text with it where there is some."""
    return tell(
        "stats",
        at,
        peer=measured.peer,
        path=measured.path,
        rtt_ms=measured.rtt_ms,
        sent=measured.sent,
        received=measured.received,
        rate=measured.rate,
        loss=measured.loss,
        addresses=measured.addresses,
        local=measured.local,
        remote=measured.remote,
        live_text=None if live_text is None else asdict(live_text.measured),
    )


def alert_sent(sent: bool, at: float) -> Object:
    """Tells whether an alert left."""
    return tell("alert-sent", at, sent=sent)


def exported(path: str, at: float) -> Object:
    """Tells where the transcript is."""
    return tell("exported", at, path=path)


def landing(transfer: str, found: Landing, at: float) -> Object:
    """Tells what an offer would meet in a folder."""
    return tell(
        "landing",
        at,
        transfer=transfer,
        folder=str(found.folder),
        needed=found.needed,
        free=found.free,
        existing=found.existing,
        examples=[{"path": path, "free_name": name} for path, name in found.examples],
        resumable=found.resumable,
        fault=found.fault,
    )


def leftover(left: Leftover, at: float) -> Object:
    """Tells a transfer that was interrupted; `transfer` is what `discard` takes."""
    return tell(
        "leftover",
        at,
        transfer=left.leftover,
        peer=left.peer,
        name=left.name,
        title=left.title,
        folder=str(left.folder),
        bytes=left.stored,
        total=left.total,
        since=left.at,
    )


def error(code: str, message: str, hint: str, at: float) -> Object:
    """Tells that something failed: a stable word, a sentence, and what to do."""
    return tell("error", at, code=code, message=message, hint=hint)


def failure(cause: P2PChatError, at: float) -> Object:
    """Tells one of our errors."""
    return error(cause.code, cause.message, cause.hint, at)


def tell(event: str, at: float, **keys: Any) -> Object:
    """Returns the object of an event."""
    return {"event": event, "t": at, **keys}


def _message(event: MessageReceived | MessageSent | MessageDelivered, own_tag: str) -> Object:
    match event:
        case MessageReceived():
            who = {"peer": event.peer, "name": event.name}
            return tell("message", event.at, id=event.id, **who, text=event.text, sent_at=event.sent_at)
        case MessageSent():
            return tell("sent", event.at, id=event.id, peer=own_tag, text=event.text)
        case MessageDelivered():
            return tell("delivered", event.at, id=event.id, peer=event.peer)


def _live_text(
    event: LiveTextChanged | LiveTextSent | LiveTextShown | LiveTextAsked | Alerted | GuestAsks,
) -> Object:
    match event:
        case LiveTextChanged():
            line = {"line": event.line, "text": event.text, "state": event.state.value}
            healing = {"corrected": event.corrected, "restored": event.restored}
            return tell("rtt", event.at, peer=event.peer, name=event.name, **line, **healing)
        case LiveTextSent():
            return tell("rtt-sent", event.at, peer=event.peer, waiting=event.waiting)
        case LiveTextShown():
            return tell("shown", event.at, peer=event.peer)
        case LiveTextAsked():
            return tell("asks-to-see", event.at, peer=event.peer, name=event.name)
        case Alerted():
            return tell("alert", event.at, peer=event.peer, name=event.name)
        case GuestAsks():
            return tell("guest", event.at, peer=event.peer, name=event.name)


def _server_gone(event: ServerChanged) -> Object:
    why = f": {event.reason}" if event.reason else ""
    hint = "connections that exist go on; it is tried again"
    return error(ServerUnreachable.code, f"the signaling server is gone{why}", hint, event.at)


def _progress(event: TransferProgressed) -> Object:
    """Tells how far a transfer is; `eta` is the seconds that the rest takes at this rate, null when nothing moves."""
    return tell(
        "progress",
        event.at,
        transfer=event.transfer,
        direction=event.direction.value,
        bytes=event.confirmed,
        total=event.total,
        rate=event.rate,
        eta=round((event.total - event.confirmed) / event.rate, 1) if event.rate > 0 else None,
    )


def _offer(info: TransferInfo, at: float) -> Object:
    items = [_item(item) for item in info.items]
    return tell(
        "offer",
        at,
        transfer=info.transfer,
        peer=info.peer,
        name=info.name,
        files=info.files,
        bytes=info.total,
        resumable=info.resumable,
        automatic=info.automatic,
        items=items,
    )


def _item(item: Item) -> Object:
    folder = {"folder": True} if item.folder else {}
    executable = {"executable": True} if item.executable else {}
    return {"path": item.path, "size": item.size, **folder, **executable}


def _transfer(info: TransferInfo, at: float) -> Object:
    here = (
        {"saved": list(info.saved), "resumable": info.resumable, "automatic": info.automatic}
        if info.direction is Direction.RECEIVE
        else {}
    )
    return tell(
        "transfer",
        at,
        transfer=info.transfer,
        peer=info.peer,
        direction=info.direction.value,
        state=info.state.value,
        reason=info.reason,
        bytes=info.confirmed,
        total=info.total,
        wanted=info.wanted or info.total,
        seconds=info.seconds,
        **here,
    )
