"""Alerts on the full screen: the banner, what puts it away, the flash, the user's program, and who is muted."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import constants
from textual.pilot import Pilot

from p2pchat.node.events import Alerted, PeerInfo
from p2pchat.tui.alerts import FLASH_EVERY, GRACE_SECONDS, Alert, Alerts
from p2pchat.tui.attention import Attention
from p2pchat.tui.preferences import Presentation, Remembered
from p2pchat.tui.rows import NoticeRow
from p2pchat.tui.widgets.composer import Composer
from tests.fake_node import FakeNode
from tests.tui.stage import AT, BEN, CYD, ROOM, here, said, shown, stage, until, until_shown, write
from tests.tui.test_model import Talk

BANNER = " ben asks for your attention · 14:02 · Esc or any key puts it away"
LATER = GRACE_SECONDS + 0.01


def rings(peer: PeerInfo = BEN, at: float = AT) -> Alerted:
    """A peer asks for attention."""
    return Alerted(ROOM, peer.peer, peer.name, at)


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def on_top(pilot: Pilot[Any]) -> str:
    """The first line of the screen."""
    return shown(pilot.app).split("\n", 1)[0].rstrip()


def written(pilot: Pilot[Any]) -> str:
    """What stands in the composer."""
    return next(screen.query_one(Composer).text for screen in pilot.app.screen_stack if screen.query(Composer))


def words(alerts: Alerts) -> str:
    """The banner, up to what to do about it."""
    return alerts.words(lambda at: f"{at:.0f}").removesuffix(" · Esc or any key puts it away")


def test_several_alerts_are_counted_and_named_not_stacked() -> None:
    alerts = Alerts()
    assert words(alerts) == ""
    said = []
    for number, label in enumerate(["ben", "ben", "cyd", "dan", "eve", "fay", "cyd"]):
        assert alerts.alerted(Alert(label * 2, label, 10.0 + number), now=0.0)
        said.append(words(alerts))
    assert said == [
        "ben asks for your attention · 10",
        "ben asks for your attention (2 times) · 11",
        "ben and cyd ask for your attention (3 times) · 12",
        "ben, cyd and dan ask for your attention (4 times) · 13",
        "ben, cyd, dan and 1 more ask for your attention (5 times) · 14",
        "ben, cyd, dan and 2 more ask for your attention (6 times) · 15",
        "ben, dan, eve and 2 more ask for your attention (7 times) · 16",
    ]


def test_a_key_acknowledges_all_of_them_unless_the_newest_has_just_come() -> None:
    alerts = Alerts()
    assert not alerts.key_pressed(1.0)
    alerts.alerted(Alert("b", "ben", AT), now=1.0)
    assert not alerts.key_pressed(1.0 + GRACE_SECONDS - 0.01)
    alerts.alerted(Alert("c", "cyd", AT), now=1.4)
    assert not alerts.key_pressed(1.0 + GRACE_SECONDS)
    assert alerts.count == 2
    assert alerts.key_pressed(1.4 + GRACE_SECONDS)
    assert alerts.count == 0
    assert not alerts.key_pressed(9.0)


def test_a_flash_every_three_seconds_at_most_however_many_ring() -> None:
    alerts = Alerts()
    flashed = [tenth for tenth in range(100) if alerts.may_flash(tenth / 10)]
    assert flashed == [0, 30, 60, 90]
    assert FLASH_EVERY == 3.0


def test_who_is_muted_stays_muted_under_another_name_and_only_then() -> None:
    talk = Talk(BEN, CYD)
    alerts = talk.conversation.alerts
    alerts.muted.add(BEN.peer)
    alerts.renamed(BEN.peer, "n3wt4gxx")
    talk.hears(rings(replace(BEN, peer="n3wt4gxx")), rings(CYD))
    notices = [row.text for row in talk.conversation.rows.values() if isinstance(row, NoticeRow)][-2:]
    assert notices == ["ben·n3wt asks for your attention, and is muted", "cyd asks for your attention"]
    assert alerts.count == 1
    assert talk.conversation.take_calls_for_attention() == ["cyd asks for your attention"]


async def test_the_banner_stands_until_a_key_is_pressed_and_the_key_is_not_lost() -> None:
    node, clock = FakeNode(), Time()
    async with stage(node, clock=clock) as pilot:
        node.tell(*here(BEN))
        await until_shown(pilot, "ben·m2xd joined")
        await write(pilot, "the fig")
        node.tell(rings())
        await until(pilot, lambda: on_top(pilot) == BANNER)
        await write(pilot, "ur")
        assert on_top(pilot) == BANNER, "the middle of a word acknowledges nothing"
        node.tell(said(BEN, "hello?"))
        clock.now += LATER
        await until_shown(pilot, "hello?")
        assert on_top(pilot) == BANNER, "only a key puts it away"
        await write(pilot, "e")
        await until(pilot, lambda: on_top(pilot).startswith(" lab"))
        assert written(pilot) == "the figure"


async def test_escape_does_nothing_but_put_it_away() -> None:
    node, clock = FakeNode(), Time()
    async with stage(node, clock=clock) as pilot:
        await write(pilot, "figure")
        node.tell(rings())
        await until(pilot, lambda: on_top(pilot) == BANNER)
        clock.now += LATER
        await pilot.press("escape")
        await until(pilot, lambda: on_top(pilot).startswith(" lab"))
        assert "Esc again" not in shown(pilot.app)
        await pilot.press("escape")
        await until_shown(pilot, "Esc again gives the line up")
        assert written(pilot) == "figure"


@pytest.mark.parametrize(("key", "what"), [("f4", "Files in lab"), ("f1", "Keys and commands"), ("ctrl+p", "Search")])
async def test_it_stands_on_whichever_screen_is_shown(key: str, what: str) -> None:
    node, clock = FakeNode(), Time()
    async with stage(node, clock=clock) as pilot:
        await pilot.press(key)
        await until_shown(pilot, what)
        node.tell(rings())
        await until(pilot, lambda: on_top(pilot) == BANNER)
        clock.now += LATER
        await pilot.press("escape")
        await until(pilot, lambda: on_top(pilot) != BANNER)
        assert what in shown(pilot.app), "the first Esc was for the alert"
        await pilot.press("escape")
        await until_shown(pilot, "live off")


async def test_a_name_in_the_banner_cannot_do_anything_to_the_terminal() -> None:
    node = FakeNode()
    async with stage(node, size=(40, 15)) as pilot:
        node.tell(rings(replace(BEN, name="b\x1b[2J[red]e\u202en\n" + "x" * 60)))
        await until_shown(pilot, "b␛[2J[red]en")
        assert not set("\x1b\u202e\n") & set(on_top(pilot))


async def test_an_alert_of_another_conversation_is_not_shown_here() -> None:
    node = FakeNode()
    async with stage(node, presentation=Presentation(flash=True)) as pilot:
        node.tell(replace(rings(), conversation="other"), said(BEN, "hello"))
        await until_shown(pilot, "hello")
        assert "attention" not in shown(pilot.app)


def flashing(pilot: Pilot[Any]) -> bool:
    """Whether the screen is a negative."""
    style = pilot.app.screen._compositor.render_strips()[-1]._segments[0].style
    assert style is not None
    assert style.bgcolor is not None
    assert style.bgcolor.triplet is not None
    return sum(style.bgcolor.triplet) > 384


async def test_the_screen_flashes_once_when_that_is_wanted() -> None:
    node, clock = FakeNode(), Time()
    async with stage(node, clock=clock, presentation=Presentation(flash=True)) as pilot:
        assert not flashing(pilot)
        node.tell(rings())
        await until(pilot, lambda: flashing(pilot))
        await until(pilot, lambda: not flashing(pilot))
        node.tell(rings(CYD))
        await until_shown(pilot, "ben and cyd ask")
        assert not flashing(pilot), "not so soon again"


@pytest.mark.parametrize("how", ["not wanted", "reduced motion", "TEXTUAL_ANIMATIONS", "muted"])
async def test_the_screen_never_flashes_otherwise(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "TEXTUAL_ANIMATIONS":
        monkeypatch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")
    chosen = Presentation(flash=how != "not wanted", reduced_motion=how == "reduced motion")
    node = FakeNode()
    async with stage(node, presentation=chosen) as pilot:
        seen: list[bool] = []
        monkeypatch.setattr(Attention, "_invert", lambda attention, inverted: seen.append(inverted))
        if how == "muted":
            node.tell(*here(BEN))
            await until_shown(pilot, "ben·m2xd joined")
            await write(pilot, "/mute ben")
            await pilot.press("enter")
            await until_shown(pilot, "Alerts of ben·m2xd are muted")
        node.tell(rings())
        await until_shown(pilot, "ben asks for your attention")
        assert seen == []


async def test_who_is_muted_is_a_line_of_the_timeline_and_nothing_else(tmp_path: Path) -> None:
    node, bells = FakeNode(), []
    chosen = Presentation(on_alert=("/bin/sh", "-c", f"echo > {tmp_path}/rang"))
    async with stage(node, presentation=chosen) as pilot:
        pilot.app.bell = lambda: bells.append(1)  # type: ignore[method-assign]
        node.tell(*here(BEN))
        await until_shown(pilot, "ben·m2xd joined")
        await write(pilot, "/mute ben")
        await pilot.press("enter")
        await until_shown(pilot, "Alerts of ben·m2xd are muted")
        pilot.app.app_focus = False
        node.tell(rings())
        await until_shown(pilot, "· ben asks for your attention, and is muted")
        assert on_top(pilot).startswith(" lab")
        assert bells == []
        pilot.app.app_focus = True
        await write(pilot, "/unmute m2xd")
        await pilot.press("enter")
        await until_shown(pilot, "Alerts of ben·m2xd are shown again")
        assert not (tmp_path / "rang").exists()
        node.tell(rings())
        await until(pilot, lambda: on_top(pilot) == BANNER and (tmp_path / "rang").exists())


async def test_an_alert_starts_the_users_program_which_ends_with_the_screen(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; name = os.environ['P2PCHAT_ALERT_FROM']; "
        "open(sys.argv[1], 'w').write(f'{name} {os.getpid()}.'); time.sleep(600)"
    )
    file = tmp_path / "rang"
    node = FakeNode()
    async with stage(node, presentation=Presentation(on_alert=(sys.executable, "-c", program, str(file)))) as pilot:
        node.tell(rings())
        await until(pilot, lambda: file.exists() and file.read_text().endswith("."))
    name, pid = file.read_text().rstrip(".").split()
    assert name == "ben"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


async def test_that_the_users_program_is_gone_is_said(tmp_path: Path) -> None:
    node = FakeNode()
    async with stage(node, presentation=Presentation(on_alert=(str(tmp_path / "lamp"),))) as pilot:
        node.tell(rings())
        await until_shown(pilot, BANNER, "! the program for alerts", "No such file")


async def test_the_first_f2_says_who_sees_the_keys_and_that_this_is_no_emergency_service(tmp_path: Path) -> None:
    for kept, told in ((tmp_path, True), (tmp_path, False), (None, True), (None, True)):
        node = FakeNode()
        async with stage(node, size=(120, 40), presentation=Presentation(folder=kept)) as pilot:
            node.tell(*here(BEN, replace(CYD, live_text=True)))
            await until_shown(pilot, "cyd·p0aw joined")
            await pilot.press("f2", "f2", "f2")
            await until_shown(pilot, "From now on ben and cyd see each key as you type.", "LIVE on")
            assert shown(pilot.app).count("From now on") == 1
            assert ("emergency-calling" in shown(pilot.app)) is told
    assert Remembered(tmp_path).now.told_no_emergency


async def test_nobody_who_is_not_here_is_said_to_see_the_keys() -> None:
    node = FakeNode()
    async with stage(node, size=(120, 40)) as pilot:
        node.tell(*here(replace(CYD, live_text=False)))
        await until_shown(pilot, "cyd·p0aw joined")
        await pilot.press("f2")
        await until_shown(pilot, "Nobody is here yet to see your keys.", "emergency-calling")
