"""How well live text works, saving what was said, and which contacts see keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from p2pchat.node.answers import LiveTextStats, PeerStats
from p2pchat.node.events import PeerInfo, PeerState
from p2pchat.node.live_text_report import delays, facts
from p2pchat.protocol.rtt.statistics import Spread, Statistics
from p2pchat.tui.widgets.composer import Composer
from tests.fake_node import FakeNode
from tests.tui.stage import (
    BEN,
    CONTACTS,
    CYD,
    ROOM,
    here,
    said,
    sent,
    shown,
    stage,
    typing,
    until,
    until_called,
    until_shown,
    write,
)

MEASURED = Statistics(
    key_to_send=Spread(41, 0.0, 0.098, 0.1, 0.112),
    key_to_remote=Spread(12, 0.116, 0.221, 1.34, 1.402),
    clock_known=True,
    clock_error=0.006,
    messages_sent=30,
    messages_received=22,
    characters_sent=58,
    characters_received=1044,
    gaps=2,
    healed=1,
    desyncs=0,
    cps=90,
    unit="g",
)
LINKS = [
    PeerStats(BEN.peer, "direct", 12.0, 263, 4_200_000, 2_500.0, 0.004, "IPv4, same network", "host", "prflx"),
    PeerStats(CYD.peer, "relay", None, 0, 0, 0.0, None, "through relay turn.example over TLS", "relay", "host"),
]
LOST = PeerInfo("d4n00000", "dan", PeerState.LOST, reason="no route; trying again in 3 s")
BENS = LiveTextStats(BEN.peer, "ben", MEASURED, "15.0")
CYDS = LiveTextStats(CYD.peer, "cyd", Statistics(backlog=240, cps=30, unit="c"))


@pytest.mark.parametrize(
    ("spread", "verdict"),
    [
        (Spread(), "nothing measured yet"),
        (Spread(9, 0.1, 0.3, 0.9, 0.9), "good"),
        (Spread(9, 0.1, 0.5, 0.5, 0.5), "usable"),
        (Spread(9, 0.1, 0.51, 0.6, 0.6), "too slow"),
    ],
)
def test_what_delays_come_to_is_said_in_a_word(spread: Spread, verdict: str) -> None:
    sending, _ = delays(replace(BENS, measured=Statistics(key_to_send=spread)), "ben")
    assert sending.verdict == verdict


def test_of_somebody_who_has_said_nothing_yet_nothing_is_claimed() -> None:
    labels = [label for label, _ in facts(replace(BENS, measured=Statistics()), "ben")]
    assert "ben takes" not in labels
    assert "One erasure takes" not in labels


@pytest.mark.parametrize("way", ["f8", "/rtt stats"])
async def test_f8_says_how_well_it_works_and_measures_again(way: str) -> None:
    node = FakeNode()
    node.known_live_text_stats = [BENS, CYDS]
    async with stage(node, size=(100, 60)) as pilot:
        if way == "f8":
            await pilot.press("f8")
        else:
            await write(pilot, way)
            await pilot.press("enter")
        await until_shown(pilot, "How well live text works", "From key to sending", "98 ms", "ben segments text by")
        await until_shown(pilot, "240 characters, because cyd takes no more at once", "nothing measured yet")
        before = shown(pilot.app)
        node.known_live_text_stats = [BENS, replace(CYDS, measured=replace(CYDS.measured, characters_sent=9))]
        await until_shown(pilot, "9 characters in 0 messages")
        changed = [
            line for line, was in zip(shown(pilot.app).split("\n"), before.split("\n"), strict=True) if line != was
        ]
        assert len(changed) == 1
        await pilot.press("f8" if way == "f8" else "escape")
        await until(pilot, lambda: "How well" not in shown(pilot.app))


@pytest.mark.parametrize("size", [(100, 60), (40, 60)])
async def test_stats_says_how_the_link_to_each_works_before_live_text(size: tuple[int, int]) -> None:
    node = FakeNode()
    node.known_stats = LINKS
    async with stage(node, size=size) as pilot:
        node.tell(*here(BEN, CYD, LOST, replace(LOST, peer="9tq3mmno", name="eve", state=PeerState.LEFT)))
        await write(pilot, "/stats")
        await pilot.press("enter")
        await until_shown(pilot, "direct, IPv4, same network", "12 ms", "1 %", "2.5 kB/s", "263 B", "4.2 MB")
        words = " ".join(shown(pilot.app).split())
        assert "through relay turn.example over TLS" in words
        assert "not measured yet" in words
        assert "not known yet" in words
        assert "lost: no route; trying again in 3 s" in words
        assert words.index("dan·d4n0") < words.index("How well live text works")
        assert "eve" not in words


@pytest.mark.parametrize(
    ("width", "words"), [(80, "dan·d4n0 ○ lost: no route; trying again in 3 s"), (40, "dan ○ again in 3 s")]
)
async def test_the_top_line_says_what_happens_next_to_somebody_who_is_lost(width: int, words: str) -> None:
    node = FakeNode()
    async with stage(node, size=(width, 15)) as pilot:
        node.tell(*here(LOST))
        await until(pilot, lambda: words in shown(pilot.app).split("\n")[0])


async def test_before_anybody_typed_it_is_said_what_to_do() -> None:
    async with stage(FakeNode()) as pilot:
        await pilot.press("f8")
        await until_shown(pilot, "There was no live text with anybody yet. F2")


async def test_rtt_is_another_name_for_what_there_is() -> None:
    node = FakeNode()
    async with stage(node) as pilot:
        node.tell(*here(BEN))
        for command, words in (
            ("on", "LIVE on"),
            ("hold", "HOLD: nobody"),
            ("hold", "HOLD: nobody"),
            ("off", "live off"),
        ):
            await write(pilot, f"/rtt {command}")
            await pilot.press("enter")
            await until_shown(pilot, words)
        await write(pilot, "/rtt")
        await pilot.press("enter")
        await until_shown(pilot, "! /rtt needs a word. Write /rtt stats, /rtt on, /rtt off or /rtt hold")
    assert [call[:1] + call[2:] for call in node.calls if call[0] in ("share_live_text", "live_text_mode")] == [
        ("share_live_text", True),
        ("live_text_mode", "hold"),
        ("share_live_text", False),
        ("live_text_mode", "live"),
    ]


# --- saving


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("", "lab-2026-11-20-1402.txt"),
        ("md", "lab-2026-11-20-1402.md"),
        ("talk.jsonl", "talk.jsonl"),
        ("txt 'my talk'", "my talk"),
    ],
)
async def test_what_was_said_is_saved_from_the_beginning_and_the_notice_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    node = FakeNode()
    async with stage(node, live=True, size=(120, 24)) as pilot:
        node.tell(*here(BEN), said(BEN, "hello"), typing(BEN, "half a l"))
        await until_shown(pilot, "half a l")
        await write(pilot, "own")
        await pilot.press("backspace", "enter")
        node.tell(sent("ow"))
        await until_shown(pilot, "you  ow")
        pilot.app.screen.query_one(Composer).insert(f"/export {argument}")
        await pilot.press("enter")
        await until_shown(pilot, "Saved as")
        assert name in "".join(line.strip() for line in shown(pilot.app).split("\n"))
    saved = tmp_path / name
    text = saved.read_text("utf-8")
    assert all(words in text for words in ("joined", "hello", "half a l", "ow"))
    assert saved.stat().st_mode & 0o777 == 0o600


async def test_nothing_is_overwritten_and_the_command_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk.txt").write_text("mine", "utf-8")
    async with stage(FakeNode()) as pilot:
        for command, words in (
            ("/export talk.txt", "is not overwritten"),
            ("/export doc x", "there is no format doc"),
            ("/export 1 2 3", "needs a format and a path"),
        ):
            await write(pilot, command)
            await pilot.press("enter")
            await until_shown(pilot, words, f"▏ {command}")
            await pilot.press("escape", "escape")
    assert (tmp_path / "talk.txt").read_text("utf-8") == "mine"


# --- contacts


async def test_whether_a_contact_sees_keys_goes_round_and_is_said_in_its_line() -> None:
    node = FakeNode()
    node.known_contacts = [replace(CONTACTS[1], live_text="ask")]
    async with stage(node) as pilot:
        await write(pilot, "/contacts")
        await pilot.press("enter")
        await until_shown(pilot, "sees keys: ask", "l sees keys")
        await pilot.press("l")
        await until_called(pilot, node, "live_text_policy", CONTACTS[1].key, "on")
        await until_shown(pilot, "cyd from work·p0aw sees what you type live whenever others do")
        for before, after in (("on", "off"), ("off", "ask")):
            node.known_contacts = [replace(CONTACTS[1], live_text=before)]
            node.tell(*here(BEN))
            await until_shown(pilot, f"sees keys: {'always' if before == 'on' else 'never'}")
            await pilot.press("l")
            await until_called(pilot, node, "live_text_policy", CONTACTS[1].key, after)
    assert ROOM not in [call[1] for call in node.calls if call[0] == "live_text_policy"]
