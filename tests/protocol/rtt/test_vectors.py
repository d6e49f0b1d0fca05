"""The published vectors: what any RFC 8865 program can be held to, in `docs/protocol/t140-vectors.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from p2pchat.protocol.frames import RttSnapshot
from p2pchat.protocol.rtt.conversation import LineRead, LiveText
from p2pchat.protocol.rtt.graphemes import count, erase_last, split
from p2pchat.protocol.rtt.sender import Sender, difference
from p2pchat.protocol.rtt.t140 import LineChanged, Receiver, Restored
from p2pchat.protocol.untrusted import safe_text

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "docs/protocol/t140-vectors.json").read_text(encoding="utf-8")
)


def vectors(kind: str) -> list[Any]:
    chosen = [pytest.param(vector, id=vector["id"]) for vector in VECTORS if vector["kind"] == kind]
    assert chosen, f"no vectors of kind {kind}"
    return chosen


def shown(receiver: Receiver, lines: dict[int, str]) -> None:
    """Brings what a front end shows up to date."""
    while (output := receiver.poll()) is not None:
        if isinstance(output, LineChanged | Restored):
            lines[output.line] = output.text
            if isinstance(output, LineChanged) and not output.final:
                for later in [number for number in lines if number > output.line]:
                    del lines[later]


@pytest.mark.parametrize("unit", ["g", "c"])
@pytest.mark.parametrize("vector", vectors("receive"))
def test_receiving(vector: dict[str, Any], unit: str) -> None:
    receiver = Receiver(unit)
    lines: dict[int, str] = {}
    for message in vector["messages"]:
        if message == "REOPEN":
            receiver.interrupted(1.0)
            receiver.reopened(1.0)
        else:
            receiver.receive(bytes.fromhex(message), 1.0)
        shown(receiver, lines)
    display = "\n".join(lines[number] for number in sorted(lines))
    assert safe_text(display) == vector["display" if unit == "g" else "display_codepoint_unit"]
    assert receiver.alerts == vector["alerts"]
    assert receiver.losses == vector["losses"]
    assert receiver.ignored == vector["ignored"]
    assert receiver.excess_erasures == vector["excess_bs"]


@pytest.mark.parametrize("vector", vectors("heal"))
def test_healing(vector: dict[str, Any]) -> None:
    reader = LiveText()
    reader.channel_opened(1.0)
    lines: dict[int, str] = {}
    for message in vector["messages"]:
        if isinstance(message, dict):
            reader.receive_frame(RttSnapshot(message["snapshot"], message["text"]), 1.0)
        elif message == "REOPEN":
            reader.channel_lost(1.0)
            reader.channel_opened(1.0)
        else:
            reader.receive(bytes.fromhex(message), 1.0)
        while (output := reader.poll(1.0)) is not None:
            if isinstance(output, LineRead):
                lines[output.line] = output.text
    assert safe_text("\n".join(lines[number] for number in sorted(lines))) == vector["display"]
    statistics = reader.statistics()
    assert (statistics.gaps, statistics.healed) == (vector["losses"], vector["healed"])


@pytest.mark.parametrize(("unit", "wire"), [("g", "wire_grapheme"), ("c", "wire_codepoint")])
@pytest.mark.parametrize("vector", vectors("send"))
def test_sending(vector: dict[str, Any], unit: str, wire: str) -> None:
    steps = difference(split(vector["old"], unit), split(vector["new"], unit))
    assert "".join(steps).encode() == bytes.fromhex(vector[wire])


@pytest.mark.parametrize("vector", vectors("timing"))
def test_timing(vector: dict[str, Any]) -> None:
    sender = Sender(vector["interval_ms"] / 1000, cps=30)
    start = sender.poll(0.0)
    assert start == "\ufeff"
    sends: list[tuple[int, bytes]] = []

    def run(until: float) -> None:
        while (due := sender.deadline()) is not None and due < until:
            message = sender.poll(due)
            assert message is not None, "woken for nothing"
            sends.append((round((due - 100.0) * 1000), message.encode()))

    text = ""
    for at, key in vector["keys"]:
        now = 100.0 + at / 1000
        run(now)
        pressed = bytes.fromhex(key).decode()
        text = erase_last(text) if pressed == "\b" else text + pressed
        sender.set_text(text, now)
    run(200.0)
    assert sends == [(at, bytes.fromhex(message)) for at, message in vector["sends"]]


def test_an_erasure_takes_one_cluster_of_the_vectors_and_no_more() -> None:
    assert count("a👨\u200d👩\u200d👧") == 2
    assert count("a👨\u200d👩\u200d👧", "c") == 6
