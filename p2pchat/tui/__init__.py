"""The Textual front end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from p2pchat.errors import P2PChatError

if TYPE_CHECKING:
    # A command line that checks a setting of the screen imports this package, and nothing that a node needs.
    from p2pchat.node.api import NodeApi
    from p2pchat.tui.preferences import Presentation


def run(
    node: NodeApi,
    conversation: str,
    *,
    secret: bytes = b"",
    live: bool,
    downloads: Path,
    presentation: Presentation | None = None,
) -> P2PChatError | None:
    """Shows a conversation until the user leaves it.

    Starts the node, joins, and stops the node again, whatever happens. Blocks, and needs a terminal; call it outside
    of any event loop.

    Args:
        node: the peer, not started yet.
        conversation: the room to join.
        secret: what only its members know; empty for a room that anybody may enter.
        live: whether others see each key from the beginning.
        downloads: where accepted files go unless the user says otherwise.
        presentation: how it looks.

    Returns:
        Why the conversation could not be joined, or None. The user has read it already.
    """
    # Textual takes a tenth of a second to import, which commands without a screen should not pay for.
    from p2pchat.tui.app import ChatApp

    return ChatApp(node, conversation, secret=secret, live=live, downloads=downloads, presentation=presentation).run()
