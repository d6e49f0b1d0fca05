"""A lost last key shall not wait a second: small frames behind it let the transport notice.

SCTP repeats a lost packet at once when the peer has reported three later ones, and otherwise when its timer runs out,
after a second at least (RFC 9260 §7.2.4, §16). The last key of a burst has nothing behind it. So when nothing else is
to be sent, up to three `rtt-nudge` frames follow on `ctl`: packets are counted over all channels of a connection. They
are not answered; the transport's own acknowledgements do the work. An answered ping would double the packets, and say
nothing of the text, because channels do not wait for each other.

At most three follow each T.140 message, and none when more text is waiting or the peer has said that all was shown. For
somebody who types five keys a second that is 15 frames of some 100 bytes.
"""

from __future__ import annotations

from p2pchat.protocol.limits import NUDGE_SECONDS


class Nudges:
    """When to send one, on one link."""

    def __init__(self) -> None:
        self._sent_at = 0.0
        self._next = len(NUDGE_SECONDS)

    def text_sent(self, now: float) -> None:
        """A T.140 message leaves."""
        self._sent_at, self._next = now, 0

    def stop(self) -> None:
        """The peer has it all."""
        self._next = len(NUDGE_SECONDS)

    def take(self, now: float) -> bool:
        """Whether to send one now. It counts as sent."""
        due = self.deadline()
        if due is None or now < due:
            return False
        self._next += 1
        return True

    def deadline(self) -> float | None:
        """When `take` says yes; None until there is text again."""
        return self._sent_at + NUDGE_SECONDS[self._next] if self._next < len(NUDGE_SECONDS) else None
