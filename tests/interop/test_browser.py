"""A page in Chromium that speaks nothing but RFC 8865 talks with a real node, through a real signaling server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from p2pchat.node.events import (
    GuestAsks,
    LineState,
    LiveTextChanged,
    MessageReceived,
    PeerChanged,
    PeerState,
    Problem,
    Trust,
)
from tests.interop.browser import Browser, chromium
from tests.node.player import ROOM, Player, on_guarded_loop

pytestmark = pytest.mark.skipif(chromium() is None, reason="chromium is not installed")

FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇸🇪"


@asynccontextmanager
async def talking(server: str, folder: Path, **options: str) -> AsyncIterator[tuple[Player, Browser, str]]:
    """A node and a page that came after it; the user of the node has let it in."""
    async with Player("ana", server, folder) as ana, Browser() as page:
        await page.open(server, ROOM, **options)
        asked = await ana.until(GuestAsks)
        await ana.node.admit_guest(ROOM, asked.peer, admitted=True)
        await ana.until_peer(PeerState.CONNECTED)
        yield ana, page, asked.name


def reads(text: str, state: LineState) -> Callable[[LiveTextChanged], bool]:
    return lambda event: (event.text, event.state) == (text, state)


@on_guarded_loop
async def test_a_page_is_told_nothing_of_and_tells_nothing_before_it_is_admitted(
    signaling_server: str, tmp_path: Path
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Browser() as page:
        await ana.node.set_live_text(ROOM, "private until now")
        await page.open(signaling_server, ROOM)
        await page.write("let me in")
        asked = await ana.until(GuestAsks)
        waiting = await ana.until(PeerChanged, lambda event: event.info.trust is Trust.NONE)
        assert waiting.info.state is PeerState.CONNECTING
        assert waiting.info.reason == "speaks only real-time text and cannot prove who it is"
        assert asked.name == f"guest {asked.peer[:4]}"
        assert ana.all(LiveTextChanged) == []
        assert await page.shown() == ""
        await ana.node.admit_guest(ROOM, asked.peer, admitted=True)
        said = await ana.until(LiveTextChanged)
        assert (said.text, said.name, said.state) == ("let me in", asked.name, LineState.LIVE)
        await page.until_shown("private until now")


@on_guarded_loop
async def test_a_page_that_is_not_admitted_is_disconnected(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Browser() as page:
        await page.open(signaling_server, ROOM)
        asked = await ana.until(GuestAsks)
        await ana.node.admit_guest(ROOM, asked.peer, admitted=False)
        assert (await ana.until_peer(PeerState.FAILED)).info.reason == "not admitted"
        await page.until("[...partners.values()][0].channel === undefined")


@pytest.mark.parametrize("send", ["string", "binary"])
@on_guarded_loop
async def test_a_page_that_comes_writes_and_reads_each_key(signaling_server: str, tmp_path: Path, send: str) -> None:
    async with talking(signaling_server, tmp_path, send=send) as (ana, page, _):
        for written in ("naïve ", FAMILY, FLAG):
            await page.write(written)
        await ana.until(LiveTextChanged, reads(f"naïve {FAMILY}{FLAG}", LineState.LIVE))
        await page.press("Backspace")
        await ana.until(LiveTextChanged, reads(f"naïve {FAMILY}", LineState.LIVE))
        await page.run("line.value = 'naïve '; line.dispatchEvent(new Event('input'))")
        await ana.until(LiveTextChanged, reads("naïve ", LineState.LIVE))
        await page.press("Enter")
        await ana.until(LiveTextChanged, reads("naïve ", LineState.FINAL))
        await ana.node.set_live_text(ROOM, f"so {FAMILY}{FLAG}")
        await page.until_shown(f"so {FAMILY}{FLAG}")
        await ana.node.set_live_text(ROOM, "so ")
        await page.until_shown("so ")
        await ana.node.commit_live_text(ROOM)
        await page.until_shown("so \n")
        await ana.node.say(ROOM, "two\nlines")
        await page.until_shown("so \ntwo\nlines\n")
        assert ana.all(MessageReceived) == []


@on_guarded_loop
async def test_a_carriage_return_with_a_line_feed_is_one_new_line_that_one_backspace_takes_back(
    signaling_server: str, tmp_path: Path
) -> None:
    async with talking(signaling_server, tmp_path) as (ana, page, _):
        await page.run("[...partners.values()][0].send('one\\r\\n')")
        await ana.until(LiveTextChanged, reads("one", LineState.FINAL))
        await page.run("[...partners.values()][0].send('\\b!')")
        reopened = await ana.until(LiveTextChanged, reads("one!", LineState.LIVE))
        assert reopened.line == 0


@pytest.mark.parametrize("others", ["close", "ignore"])
@on_guarded_loop
async def test_a_page_that_was_there_first_is_found_out(signaling_server: str, tmp_path: Path, others: str) -> None:
    async with Browser() as page:
        await page.open(signaling_server, ROOM, others=others)
        await page.until("document.getElementById('status').textContent === 'in the room'")
        async with Player("ana", signaling_server, tmp_path) as ana:
            asked = await ana.until(GuestAsks)
            await ana.node.admit_guest(ROOM, asked.peer, admitted=True)
            await page.write("hello")
            await ana.until(LiveTextChanged, reads("hello", LineState.LIVE))
            await ana.node.set_live_text(ROOM, "hi")
            await page.until_shown("hi")
        await page.until("[...partners.values()][0].channel === undefined")


@on_guarded_loop
async def test_a_page_that_opens_a_channel_as_we_do_keeps_the_lower_one(signaling_server: str, tmp_path: Path) -> None:
    async with Browser() as page:
        await page.open(signaling_server, ROOM)
        await page.until("document.getElementById('status').textContent === 'in the room'")
        await page.run("""
            const connect = Partner.prototype.connect;
            Partner.prototype.connect = function (generation) {
              connect.call(this, generation);
              this.use(this.connection.createDataChannel('t140', { protocol: 't140' }));
            };
        """)
        async with Player("ana", signaling_server, tmp_path) as ana:
            asked = await ana.until(GuestAsks)
            await ana.node.admit_guest(ROOM, asked.peer, admitted=True)
            await page.write("one of two")
            await ana.until(LiveTextChanged, reads("one of two", LineState.LIVE))
            await ana.node.set_live_text(ROOM, "heard")
            await page.until_shown("heard")
            assert {event.info.peer for event in ana.all(PeerChanged)} == {asked.peer}


@pytest.mark.parametrize("fault", ["{ ordered: false }", "{ maxRetransmits: 0 }", "{ maxPacketLifeTime: 100 }"])
@on_guarded_loop
async def test_a_channel_that_may_lose_text_is_refused_and_told_once(
    signaling_server: str, tmp_path: Path, fault: str
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, Browser() as page:
        await page.open(signaling_server, ROOM, offer="no")
        await page.until("document.getElementById('status').textContent === 'in the room'")
        seat = ana.node._id
        await page.run(f"partner('{seat}').offer({fault})")
        problem = await ana.until(Problem)
        assert problem.code == "t140-refused"
        await page.until("[...partners.values()][0].channel === undefined")
        await page.run(
            f"[...partners.values()][0].connection.createDataChannel('t140', {{ protocol: 't140', ...{fault} }})"
        )
        await page.run(
            "[...partners.values()][0].use([...partners.values()][0].connection"
            ".createDataChannel('t140', { protocol: 't140' }))"
        )
        await ana.until(GuestAsks)
        assert len(ana.all(Problem)) == 1


@on_guarded_loop
async def test_those_behind_a_gateway_have_a_line_each(signaling_server: str, tmp_path: Path) -> None:
    async with talking(signaling_server, tmp_path) as (ana, page, _):
        await page.run("""
            var zoe = [...partners.values()][0].connection.createDataChannel('Zoë', { protocol: 't140' });
            zoe.onopen = () => zoe.send('from Zoë');
        """)
        line = await ana.until(LiveTextChanged, reads("from Zoë", LineState.LIVE))
        there = await ana.until(PeerChanged, lambda event: event.info.peer == line.peer)
        assert line.name == there.info.name == f"Zoë (guest {line.peer[:4]}-{line.peer.partition('-')[2]})"
        assert (there.info.state, there.info.trust) == (PeerState.CONNECTED, Trust.NONE)
        await page.write("from the page itself")
        other = await ana.until(LiveTextChanged, reads("from the page itself", LineState.LIVE))
        assert other.peer != line.peer
        await page.run("zoe.close()")
        await ana.until(PeerChanged, lambda event: event.info.peer == line.peer and event.info.state is PeerState.LEFT)
        await ana.until(LiveTextChanged, reads("from Zoë", LineState.INTERRUPTED))
