"""What the user decides about live text with single peers: who sees it, whom to alert, and which guests come in."""

from __future__ import annotations

from p2pchat.errors import UsageError
from p2pchat.tui.asking import Asking
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import find_peer, full_label


class LiveRequests:
    """Finds out who is meant, and hands the decision to the node.

    Args:
        conversation: what is shown.
        asking: the user's requests to the node.
    """

    def __init__(self, conversation: Conversation, asking: Asking) -> None:
        self._conversation = conversation
        self._asking = asking
        self._node = asking.node

    def share(self, argument: str) -> None:
        """Lets one peer see our keys, or no longer.

        Args:
            argument: who, and `on` or `off` behind it; without either, `on`.

        Raises:
            PeerUnreachable: nobody, or more than one, is meant.
        """
        name, _, word = argument.rpartition(" ")
        if word not in ("on", "off"):
            name, word = argument, "on"
        info = find_peer(self._conversation.peers.values(), name.strip(' "'))
        shared = word == "on"
        request = self._node.share_live_text(self._conversation.name, shared, info.peer)
        who = full_label(info.peer, info.name)
        done = f"{who} may see what you type live" if shared else f"{who} does not see what you type live"
        self._asking.do(request, f"/live {argument}", done)

    def alert(self) -> None:
        """Asks those who see our keys for attention."""
        self._asking.do(self._alert())

    async def _alert(self) -> None:
        sent = await self._node.alert(self._conversation.name)
        self._asking.note("The others are alerted" if sent else "No alert: nobody can be, or not so soon again")

    def mute(self, argument: str, muted: bool) -> None:
        """Keeps the alerts of one peer off the screen for as long as the program runs, or no longer.

        Args:
            argument: who.
            muted: whether its alerts are only a line of the timeline.

        Raises:
            PeerUnreachable: nobody, or more than one, is meant.
        """
        info = find_peer(self._conversation.peers.values(), argument.strip(' "'))
        alerts, who = self._conversation.alerts, full_label(info.peer, info.name)
        (alerts.muted.add if muted else alerts.muted.discard)(info.peer)
        self._asking.note(f"Alerts of {who} are muted" if muted else f"Alerts of {who} are shown again")

    def answer(self, argument: str, admitted: bool) -> None:
        """Lets a guest in, or sends it away.

        Args:
            argument: who, as it was told; may be empty while only one asks.
            admitted: whether it may come in.

        Raises:
            UsageError: nobody, or more than one, is meant.
        """
        guests = self._conversation.guests
        wanted = argument.strip(' "').casefold()
        found = [peer for peer, label in guests.items() if not wanted or wanted in (peer.casefold(), label.casefold())]
        if len(found) > 1:
            raise UsageError("Several ask to come in", f"Name one of {', '.join(guests.values())}")
        if not found:
            raise UsageError("Nobody of that name asks to come in" if wanted else "Nobody asks to come in")
        self._asking.do(self._answer(found[0], guests[found[0]], admitted))

    async def _answer(self, peer: str, label: str, admitted: bool) -> None:
        await self._node.admit_guest(self._conversation.name, peer, admitted)
        self._conversation.guests.pop(peer, None)
        self._asking.note(f"{label} is let in, and sees what you type live" if admitted else f"{label} is sent away")
