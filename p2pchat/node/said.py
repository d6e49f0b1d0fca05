"""What is said: text of a peer on its way to the front end, where it becomes safe to show, and ours to the peers."""

from __future__ import annotations

import secrets
import time

from p2pchat.errors import UsageError
from p2pchat.node.events import Alerted, Event, LineState, LiveTextChanged, MessageDelivered, MessageReceived, PeerInfo
from p2pchat.protocol import frames, session_events
from p2pchat.protocol.limits import MESSAGE_CHARACTERS
from p2pchat.protocol.rtt import conversation as live_text
from p2pchat.protocol.untrusted import safe_text

MESSAGE_ID_BYTES = 8
"""Random bytes of a message id: alike once in 2**64 pairs, and only within one peer's memory does it matter."""


def new_message(text: str) -> frames.Message:
    """Returns our user's text as a message.

    Raises:
        UsageError: it is empty or too long.
    """
    text = encodable(text)
    if not text.strip():
        raise UsageError("an empty message was not sent")
    if len(text) > MESSAGE_CHARACTERS:
        raise UsageError(
            f"the message has {len(text)} characters, and {MESSAGE_CHARACTERS} are the most", "send the text as a file"
        )
    return frames.Message(secrets.token_hex(MESSAGE_ID_BYTES), text, time.time())


def what_was_said(output: session_events.Output, conversation: str, info: PeerInfo) -> Event | None:
    """Returns the event for what a peer said or has received; None when the output is about something else."""
    peer, name, at = info.peer, info.name, time.time()
    match output:
        case session_events.MessageRead(message):
            text = safe_text(message.text)
            return MessageReceived(conversation, message.id, peer, name, text, message.sent_at, at)
        case session_events.Delivered(message_id):
            return MessageDelivered(conversation, message_id, peer, at)
        case live_text.LineRead():
            return line_changed(output, conversation, info)
        case live_text.Alerted():
            return Alerted(conversation, peer, name, at)
    return None


def line_changed(read: live_text.LineRead, conversation: str, info: PeerInfo) -> LiveTextChanged:
    """Returns the event for a line of a peer that reads differently now."""
    return LiveTextChanged(
        conversation,
        info.peer,
        info.name,
        read.line,
        safe_text(read.text),
        LineState(read.state),
        time.time(),
        read.corrected,
        read.restored,
    )


def encodable(text: str) -> str:
    """Replaces lone surrogates (bytes of a terminal or a file name that were no UTF-8), which no peer can be sent."""
    return text.encode("utf-8", "replace").decode("utf-8")
