"""Messages arrive exactly once and in order, over however many links it takes.

The author keeps each message until the peer's receipt (`Outbox`), and sends everything unacknowledged again, in order,
whenever a new link opens. The reader answers each copy with a receipt and shows the first (`Inbox`). Inside one link
the channel itself is reliable and ordered, so nothing is sent twice there.
"""

from __future__ import annotations

from collections import OrderedDict

from msgspec.structs import replace

from p2pchat.protocol.frames import Message
from p2pchat.protocol.limits import REMEMBERED_MESSAGE_IDS, UNACKNOWLEDGED_MESSAGES


class Outbox:
    """What one peer has not acknowledged yet, oldest first."""

    def __init__(self) -> None:
        self._messages: OrderedDict[str, Message] = OrderedDict()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def full(self) -> bool:
        """Whether `add` must not be called before a receipt has come."""
        return len(self._messages) >= UNACKNOWLEDGED_MESSAGES

    def add(self, message: Message) -> None:
        """Keeps a message until its receipt. Its id must be new."""
        self._messages[message.id] = message

    def acknowledged(self, message_id: str) -> bool:
        """Notes a receipt. Returns False for one that answers nothing we are waiting for."""
        return self._messages.pop(message_id, None) is not None

    def forget_lines(self) -> None:
        """The lines that the messages name were counted by somebody who counts no more."""
        for message_id, message in self._messages.items():
            self._messages[message_id] = replace(message, line=None, number=None)

    def to_send_again(self, unfinished_lines: int = 0) -> list[Message]:
        """Returns what a new link begins with, in order.

        Args:
            unfinished_lines: live lines that were ended, and whose end the new `t140` channel still has to carry, as
                its lines 0, 1, ... They belong to the last so many messages that finish a line. Other numbers counted
                in a channel that is gone, and are left out.
        """
        again = list(self._messages.values())
        finishing = [place for place, message in enumerate(again) if message.line is not None]
        numbers = dict(zip(reversed(finishing), reversed(range(unfinished_lines)), strict=False))
        return [replace(message, line=numbers.get(place)) for place, message in enumerate(again)]


class Inbox:
    """Which messages of one peer have been seen; remembers the last `REMEMBERED_MESSAGE_IDS` ids."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()

    def is_new(self, message_id: str) -> bool:
        """Notes that a message arrived. Returns whether it is the first copy."""
        if message_id in self._seen:
            return False
        self._seen[message_id] = None
        if len(self._seen) > REMEMBERED_MESSAGE_IDS:
            self._seen.popitem(last=False)
        return True
