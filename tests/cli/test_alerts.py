"""Alerts in line mode: the user's own program is started, and who rings too often is muted."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from p2pchat.node.events import Alerted
from tests.cli.talk import BEN
from tests.cli.test_live_typing import on_a_terminal

RANG = Alerted("lab", BEN.peer, "ben", 5.0)
PROGRAM = "import os, sys; open(sys.argv[1], 'a').write(os.environ['P2PCHAT_ALERT_FROM'] + '\\n')"


def writing_to(file: Path) -> tuple[str, ...]:
    """A program that writes who rang."""
    return (sys.executable, "-c", PROGRAM, str(file))


async def test_an_alert_starts_the_users_program(tmp_path: Path) -> None:
    file = tmp_path / "rang"
    async with on_a_terminal(on_alert=writing_to(file)) as talk:
        assert await talk.told(RANG) == ["Alert: ben asks for your attention."]
        for _ in range(1000):
            if file.exists() and file.read_text() == "ben\n":
                return
            await asyncio.sleep(0.01)
    raise AssertionError("the program did not run")


async def test_a_program_that_is_gone_is_told_and_the_alert_all_the_same(tmp_path: Path) -> None:
    async with on_a_terminal(on_alert=(str(tmp_path / "lamp"),)) as talk:
        talk.node.tell(RANG)
        await talk.until(lambda: any("No such file" in line for line in talk.written))
        assert "Alert: ben asks for your attention." in talk.written


async def test_who_is_muted_interrupts_nobody_and_starts_nothing(tmp_path: Path) -> None:
    async with on_a_terminal(on_alert=writing_to(tmp_path / "rang")) as talk:
        await talk.typed("/mute ben\n")
        await talk.until(lambda: "Alerts of ben are muted." in talk.written)
        await talk.typed("/live\n", "I am ty")
        talk.node.tell(RANG)
        await talk.typed("ping", "\n")
        await talk.until(lambda: "ben, who is muted, asks for your attention." in talk.written)
        assert talk.shown.index("I am typing\n") < talk.shown.index("who is muted")
        assert not any("Alert:" in line for line in talk.written)
        await talk.typed("/unmute ben\n")
        await talk.until(lambda: "Alerts of ben interrupt you again." in talk.written)
        talk.node.tell(RANG)
        await talk.until(lambda: "Alert: ben asks for your attention." in talk.written)


async def test_nobody_is_muted_who_is_not_here() -> None:
    async with on_a_terminal() as talk:
        await talk.typed("/mute cyd\n")
        await talk.until(lambda: "No cyd is connected. See who is there." in talk.written)
        await talk.typed("/mute\n")
        await talk.until(lambda: talk.written[-1].startswith("/mute needs a name"))
