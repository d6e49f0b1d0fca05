"""Fields that are too long, of the wrong type, or hold what a terminal or a file system must not see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import msgpack
import pytest

from p2pchat.node.events import LiveTextChanged, MessageReceived, PeerState, Problem, TransferChanged, TransferOffered
from p2pchat.protocol import frames
from p2pchat.protocol.codec import encode
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.rtc.channels import Channel
from tests.node.player import Player, on_guarded_loop
from tests.node.test_hostile_peer import stranger

NASTY = "a\x1b]0;x\x07\x1b[2J\x9b31m\x00\r\x08\x7f\u202eexe.\u2066\u200f\u061c\u200b\ufeffz"

DANGEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def texts(value: Any) -> Iterator[str]:
    """All text in an event."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from texts(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts(getattr(value, field.name))


@on_guarded_loop
async def test_no_text_of_a_peer_is_told_as_it_came(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        await mallory.introduce(frames.Hello([1], NASTY, NASTY, frames.LiveTextFeatures(unit=NASTY)))
        connected = await ana.until_peer(PeerState.CONNECTED)
        (tmp_path / "report").write_bytes(b"x")
        offered = await ana.node.offer("lab", [tmp_path / "report"])
        mallory.send(Channel.TEXT, NASTY)
        mallory.send(Channel.CONTROL, encode(frames.Message("00000001", NASTY, 0.0)))
        mallory.send(Channel.CONTROL, encode(frames.Offer(0, bytes(32), 1, 1, 1, [frames.Entry("x/" + NASTY, 1)])))
        mallory.send(Channel.CONTROL, encode(Manifest.of([frames.Entry("fine \u200d [bold]", 1)]).to_offer(1)))
        mallory.send(Channel.CONTROL, encode(frames.Decline(0, NASTY)))
        mallory.send(Channel.CONTROL, encode(frames.Cancel(1, True, NASTY[:40], NASTY)))
        await ana.until(MessageReceived)
        await ana.until(LiveTextChanged)
        await ana.until(TransferOffered)
        assert (await ana.until(Problem)).code == "offer-refused"
        await ana.until(TransferChanged, lambda event: event.info.transfer in offered and event.info.state.final)
        mallory.send(Channel.CONTROL, encode(frames.Bye(NASTY, NASTY)))
        await ana.until_peer(PeerState.FAILED)
        assert connected.info.name.startswith("a")
        assert [text for event in ana.told for text in texts(event) if DANGEROUS.search(text)] == []


def packed(**keys: Any) -> bytes:
    data: bytes = msgpack.packb(keys)
    return data


@pytest.mark.parametrize(
    "frame",
    [
        packed(t="message", id="00000001", text="x" * 16_001, sent_at=0.0),
        packed(t="message", id="00000001", text=7, sent_at=0.0),
        packed(t="message", id="\x1b[2J", text="x", sent_at=0.0),
        packed(t="message", id="00000001", text="x", sent_at=float("nan")),
        packed(t="message", id="00000001", text=b"\xff", sent_at=0.0),
        packed(t="receipt", id=["00000001"] * 1000),
        packed(t="ping", n=-1),
        packed(t="ping", n=2**63),
        packed(t="bye", code="x" * 41),
        packed(t="offer", transfer=0, entries=[{"path": f"f{number}"} for number in range(257)]),
        packed(t="offer", transfer=0, entries=[]),
        packed(t="offer", transfer=0, entries=[{"path": "x", "size": -1}]),
        packed(t="offer", transfer=0, entries=[{"path": "x", "size": 2**63}]),
        packed(t="offer", transfer=0, entries=[{"path": "x" * 4000}]),
        packed(t="offer", transfer=0, entries=[{"path": "x" * 1000} for _ in range(66)]),
        packed(t="cancel", transfer=0, by_sender="yes", code="user"),
        packed(t="progress", transfer=0, stored=1e300, limit=0),
        packed(t=7),
        packed(t="message", id="00000001", text={"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}, sent_at=0.0),
        msgpack.packb([1, 2, 3]),
    ],
)
@on_guarded_loop
async def test_a_frame_out_of_bounds_closes_the_link_with_a_reason(
    signaling_server: str, tmp_path: Path, frame: bytes
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        await mallory.introduce()
        await ana.until_peer(PeerState.CONNECTED)
        mallory.send(Channel.CONTROL, frame)
        reason = (await ana.until_peer(PeerState.FAILED)).info.reason
        assert reason
        assert DANGEROUS.search(reason) is None
        assert ana.all(MessageReceived) == []
        assert ana.all(TransferOffered) == []


@on_guarded_loop
async def test_a_name_of_4000_characters_is_refused_before_anything_is_shown(
    signaling_server: str, tmp_path: Path
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        await mallory.introduce(frames.Hello([1], "m" * 4000))
        failed = (await ana.until_peer(PeerState.FAILED)).info
        assert "name" in failed.reason
        assert len(failed.name) < 20


@pytest.mark.parametrize(
    "paths",
    [
        ["report.txt", "REPORT.txt"],
        ["é", "e\u0301"],
        ["a", "a/b"],
        ["a", "a"],
        ["sub/../../x"],
        ["NUL.txt"],
        ["com¹"],
        ["a:stream"],
        ["\\\\host\\share"],
        ["/".join(["d"] * 33)],
    ],
)
@on_guarded_loop
async def test_a_manifest_that_no_disk_should_see_is_refused(
    signaling_server: str, tmp_path: Path, paths: list[str]
) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana, stranger(signaling_server) as mallory:
        await mallory.introduce()
        entries = [frames.Entry(path, 1) for path in paths]
        count = len(entries)
        mallory.send(Channel.CONTROL, encode(frames.Offer(0, bytes(32), count, count, count, entries)))
        assert (await ana.until(Problem)).code == "offer-refused"
        mallory.send(Channel.CONTROL, encode(frames.Message("00000001", "still here", 0.0)))
        assert (await ana.until(MessageReceived)).text == "still here"
        assert ana.all(TransferOffered) == []
    assert not ana.downloads.exists()
