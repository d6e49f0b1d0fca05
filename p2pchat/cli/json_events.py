"""Events as JSON objects: the right-hand column of `docs/json-lines.md`.

Each object has `event` and `t` (unix seconds). A reader ignores keys that it does not know.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from p2pchat.errors import P2PChatError, ServerUnreachable
from p2pchat.node.api import PeerStats
from p2pchat.node.events import (
    Alerted,
    Direction,
    Event,
    Item,
    LiveTextChanged,
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
    match event:
        case Ready():
            return tell(
                "ready", event.at, name=event.name, peer=event.peer, room=event.conversation, server=event.server
            )
        case PeerChanged():
            return peer(event.info, event.at)
        case MessageReceived():
            return tell(
                "message",
                event.at,
                id=event.id,
                peer=event.peer,
                name=event.name,
                text=event.text,
                sent_at=event.sent_at,
            )
        case MessageSent():
            return tell("sent", event.at, id=event.id, peer=own_tag, text=event.text)
        case MessageDelivered():
            return tell("delivered", event.at, id=event.id, peer=event.peer)
        case LiveTextChanged():
            return tell(
                "rtt",
                event.at,
                peer=event.peer,
                name=event.name,
                line=event.line,
                text=event.text,
                state=event.state.value,
            )
        case Alerted():
            return tell("alert", event.at, peer=event.peer, name=event.name)
        case TransferOffered():
            return _offer(event.info, event.at)
        case TransferProgressed():
            return tell(
                "progress",
                event.at,
                transfer=event.transfer,
                direction=event.direction.value,
                bytes=event.confirmed,
                total=event.total,
                rate=event.rate,
            )
        case TransferChanged():
            return _transfer(event.info, event.at)
        case Problem():
            return error(event.code, event.message, event.hint, event.at)
        case ServerChanged(online=False):
            hint = "connections that exist go on; it is tried again"
            message = (
                f"the signaling server is gone: {event.reason}" if event.reason else "the signaling server is gone"
            )
            return error(ServerUnreachable.code, message, hint, event.at)
        case ServerChanged() | PeerMeasured():
            return None


def peer(info: PeerInfo, at: float) -> Object:
    """Tells where a peer stands."""
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
    )


def stats(measured: PeerStats, at: float) -> Object:
    """Tells what is measured of the link to a peer."""
    return tell(
        "stats",
        at,
        peer=measured.peer,
        path=measured.path,
        rtt_ms=measured.rtt_ms,
        sent=measured.sent,
        received=measured.received,
        rate=measured.rate,
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
        items=items,
    )


def _item(item: Item) -> Object:
    return {"path": item.path, "size": item.size, **({"folder": True} if item.folder else {})}


def _transfer(info: TransferInfo, at: float) -> Object:
    saved = {"saved": list(info.saved)} if info.direction is Direction.RECEIVE else {}
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
        seconds=info.seconds,
        **saved,
    )
