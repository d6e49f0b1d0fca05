"""A name of a file or of a peer is text: no terminal, log or program takes it for anything else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from p2pchat.protocol import frames
from p2pchat.protocol.codec import encode
from p2pchat.protocol.transfer.manifest import Manifest
from p2pchat.rtc.channels import Channel
from tests.incidents.stage import Program
from tests.node.player import on_guarded_loop
from tests.node.test_hostile_peer import Stranger, stranger

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31m\x9b5m\x00\r\x08\x7f\u202etxt.exe\u200b\ufeff"

DANGEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""What none of our output may hold; a newline is what ends a line of ours."""


def nasty_offers(mallory: Stranger) -> None:
    """Sends offers of names that other programs printed, and at last a message."""
    for number, path in enumerate([f"x{ESCAPES}.txt", f"folder{ESCAPES}/x", 'x\n{"event": "ready"}\n']):
        mallory.send(Channel.CONTROL, encode(frames.Offer(number, bytes(32), 1, 1, 1, [frames.Entry(path, 1)])))
    mallory.send(Channel.CONTROL, encode(Manifest.of([frames.Entry("[red]x[/red] \u200d.txt", 1)]).to_offer(9)))
    mallory.send(Channel.CONTROL, encode(frames.Cancel(9, True, "user", f"because{ESCAPES}")))
    mallory.send(Channel.CONTROL, encode(frames.Message("00000000aaaaaaaa", f"end{ESCAPES}\nof it", 0.0)))


@pytest.mark.parametrize("mode", ["--plain", "--json"])
@on_guarded_loop
async def test_croc_cve_2023_43620_escape_sequences_in_a_name_do_not_reach_the_terminal(
    signaling_server: str, tmp_path: Path, mode: str
) -> None:
    """Names of files were printed as they came: they could clear the screen, and write what the user then believed."""
    async with Program("ana", signaling_server, tmp_path, "chat", "lab", mode) as ana:
        await ana.until(b"ready|you are ana")
        async with stranger(signaling_server) as mallory:
            await mallory.introduce(frames.Hello([1], f"mal{ESCAPES}lory"))
            nasty_offers(mallory)
            await ana.until(b"of it")
    written = (ana.output + ana.errors).decode()
    assert "was refused" in written
    assert "[red]x[/red]" in written
    assert DANGEROUS.findall(written) == []
    if mode == "--json":
        events = [json.loads(line) for line in ana.output.splitlines()]
        texts = re.findall(r'"((?:[^"\\]|\\.)*)"', json.dumps(events, ensure_ascii=False))
        assert [text for text in texts if DANGEROUS.search(json.loads(f'"{text}"'))] == []
        assert [event["event"] for event in events].count("ready") == 1
    assert not ana.downloads.exists()


@pytest.mark.parametrize("options", [[], ["--json"], ["--plain"]], ids=["people", "programs", "plain"])
async def test_magic_wormhole_476_weird_characters_in_our_own_names_are_shown_escaped(
    signaling_server: str, tmp_path: Path, options: list[str]
) -> None:
    """What a name held was shown as it is at the receiver; at the sender, nobody had thought of it."""
    original = tmp_path / "work" / f"a{ESCAPES.replace(chr(0), '')}.txt"
    original.parent.mkdir()
    original.write_bytes(b"yours")
    async with Program("ana", signaling_server, tmp_path, "send", "--timeout", "0.5", str(original), *options) as ana:
        assert await ana.ended() != 0
    assert ana.errors
    assert DANGEROUS.findall((ana.output + ana.errors).decode()) == []
