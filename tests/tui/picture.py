"""Draws the picture of the README with the program itself: `python -m tests.tui.picture`."""

from __future__ import annotations

import asyncio
import os
import re
import time
from dataclasses import replace
from pathlib import Path

from p2pchat.node.events import Direction, Item, LineState, MessageDelivered, TransferState
from tests.fake_node import FakeNode
from tests.tui.stage import AT, BEN, CYD, ROOM, changed, here, said, sent, stage, transfer, typing, until_shown, write

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "chat.svg"
SIZE = (100, 26)


async def draw() -> str:
    """Returns an SVG: two peers, a running transfer, and both of them typing."""
    node = FakeNode()
    async with stage(node, live=True, size=SIZE) as pilot:
        film = (Item("film.mov", 1_400_000_000),)
        node.tell(*here(BEN, replace(CYD, live_text=True, sees_keys=True)))
        node.tell(said(BEN, "Got the draft?"), sent("Yes, and the film. Sending it now."))
        node.tell(MessageDelivered(ROOM, "1", BEN.peer, AT), MessageDelivered(ROOM, "1", CYD.peer, AT))
        node.tell(
            changed(transfer("t1", TransferState.ACTIVE, Direction.SEND, items=film, confirmed=994_000_000, rate=41e6))
        )
        node.tell(said(BEN, "Thanks! One thing: on page 3 the second figure is missing.", "2"))
        node.tell(typing(CYD, "hi both 👋", LineState.FINAL))
        node.tell(typing(BEN, "I will add it tonig", line=1), typing(CYD, "wait, I have the sourc", line=1))
        await write(pilot, "the figure is in the shared fold")
        await until_shown(pilot, "I will add it tonig", "wait, I have the sourc", "shared fold")
        drawn = pilot.app.export_screenshot(title="p2pchat lab")
    # A picture that fetches its font from somewhere tells somebody who looks at it.
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    PICTURE.write_text(asyncio.run(draw()))
    print(f"drew {PICTURE.name}")
