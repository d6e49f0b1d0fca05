"""What is said: text of a peer on its way to the front end, where it becomes safe to show, and ours to the peers."""

from __future__ import annotations

import time
from collections.abc import Callable

from p2pchat.node.events import Alerted, Event, LineState, LiveTextChanged, MessageDelivered, MessageReceived, PeerInfo
from p2pchat.protocol import session_events
from p2pchat.protocol.rtt import conversation as live_text
from p2pchat.protocol.untrusted import safe_text


def tell_what_was_said(
    output: session_events.Output, conversation: str, info: PeerInfo, tell: Callable[[Event], None]
) -> None:
    """Tells what a peer said or has received; nothing when the output is about something else."""
    peer, name, at = info.peer, info.name, time.time()
    match output:
        case session_events.MessageRead(message):
            text = safe_text(message.text)
            tell(MessageReceived(conversation, message.id, peer, name, text, message.sent_at, at))
        case session_events.Delivered(message_id):
            tell(MessageDelivered(conversation, message_id, peer, at))
        case live_text.LineRead():
            text, state = safe_text(output.text), LineState(output.state)
            tell(LiveTextChanged(conversation, peer, name, output.line, text, state, at))
        case live_text.Alerted():
            tell(Alerted(conversation, peer, name, at))


def encodable(text: str) -> str:
    """Replaces lone surrogates (bytes of a terminal or a file name that were no UTF-8), which no peer can be sent."""
    return text.encode("utf-8", "replace").decode("utf-8")
