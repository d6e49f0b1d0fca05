"""What a curious server gets to see of a meeting with a code: everything it received, searched for what is private."""

from __future__ import annotations

import base64
import inspect
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from p2pchat.node.events import CodeChanged, PeerState, Problem, TransferChanged, TransferOffered, TransferState
from p2pchat.protocol import signaling
from p2pchat.protocol.codes import Code
from p2pchat.rtc import ice
from p2pchat.rtc.addresses import host_addresses
from p2pchat.rtc.link import Link
from p2pchat.rtc.link_events import LinkEvent
from signaling_server.app import listening
from signaling_server.limits import ServerLimits
from signaling_server.rooms import Hub
from tests.node.player import on_guarded_loop
from tests.trust.stage import Party, with_code, with_new_code

ANA, BEN, FILE = "anastasia", "benedikt", "holiday-plans.txt"

OF_THE_PROTOCOL = set(re.findall("[a-z]+", inspect.getsource(signaling)))
"""Words that are on the wire anyway, such as `token`, whatever the code."""

SOON = 5.0
"""Seconds in which both sides have to hear of a wrong code: some hundred times what it takes on an idle machine."""


@contextmanager
def recording(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Makes the real hub keep every message that it receives."""
    kept: list[str] = []

    class RecordingHub(Hub):
        def received(self, socket: int, text: str | bytes, now: float) -> None:
            kept.append(text if isinstance(text, str) else text.decode("utf-8", "replace"))
            super().received(socket, text, now)

    with monkeypatch.context() as patched:
        patched.setattr("signaling_server.sockets.Hub", RecordingHub)
        yield kept


def bodies(kept: list[str]) -> list[dict[str, Any]]:
    messages = [json.loads(message) for message in kept]
    return [message["body"] for message in messages if message["type"] == "relay"]


def in_words(kept: list[str]) -> str:
    """The whole recording without what is in base64, in which any short word may occur by chance."""
    return re.sub(r'("(?:sealed|message|proof)":")[^"]*', r"\1", "\n".join(kept)).lower()


def decoded(kept: list[str]) -> bytes:
    """What is in base64."""
    encoded = [body[key] for body in bodies(kept) for key in ("sealed", "message", "proof") if key in body]
    assert encoded
    return b"\n".join(base64.b64decode(text, validate=True) for text in encoded)


@on_guarded_loop
async def test_a_meeting_with_a_file_shows_nothing_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE).write_bytes(b"sunshine" * 1000)
    with recording(monkeypatch) as kept:
        async with listening("127.0.0.1", 0, ServerLimits()) as url, Party(ANA, url, tmp_path, with_new_code) as ana:
            code = (await ana.until(CodeChanged)).code
            async with Party(BEN, url, tmp_path, with_code(code)) as ben:
                await ana.until_peer(PeerState.CONNECTED, BEN)
                await ana.node.offer(ana.conversation, [tmp_path / FILE])
                await ben.node.accept((await ben.until(TransferOffered)).info.transfer)
                await ana.until(TransferChanged, lambda event: event.info.state is TransferState.DONE)
                await ana.node.say(ana.conversation, "have a good time")

    assert len([body for body in bodies(kept) if "sealed" in body]) == 2  # the offer and the answer: we looked at a run
    private = [ANA, BEN, FILE, "sunshine", "good time", "sdp", "candidate", "fingerprint", "a=", "offer", "answer"]
    private += [code, *(word for word in Code.parse(code).words if len(word) > 3 and word not in OF_THE_PROTOCOL)]
    private += [ana.node._opened.identity.public.hex(), *host_addresses(True, True)]
    assert [word for word in private if word in in_words(kept)] == []
    assert [word for word in private if len(word) > 5 and word.encode() in decoded(kept)] == []


@on_guarded_loop
async def test_a_wrong_code_makes_nobody_show_an_address_and_both_hear_of_it_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording(monkeypatch) as kept:
        async with listening("127.0.0.1", 0, ServerLimits()) as url, Party(ANA, url, tmp_path, with_new_code) as ana:
            code = Code.parse((await ana.until(CodeChanged)).code)
            guess = Code(code.mailbox, ("abandon", "abandon", "ability"))
            began = time.time()
            async with Party(BEN, url, tmp_path, with_code(str(guess))) as ben:
                for party in (ana, ben):
                    problem = await party.until(Problem)
                    assert problem.code == "wrong-code"
                    assert problem.at - began < SOON
                    assert party.connections() == []
                assert (await ana.until(CodeChanged, lambda event: event.reason != "")).code != str(code)
    assert {body.get("kind") for body in bodies(kept)} <= {"pake", "confirm", "wrong"}
    assert {"pake", "confirm", "wrong"} <= {body.get("kind") for body in bodies(kept)}


@on_guarded_loop
async def test_with_relay_only_no_description_holds_an_address_of_ours() -> None:
    events: list[LinkEvent] = []
    link = Link(ice.configuration(["turn:user:password@127.0.0.1:9"], relay_only=True), events.append)
    offer = await link.offer()
    assert "m=application" in offer
    assert "candidate:" not in offer  # the TURN server is not there, so there is no way at all
    assert [address for address in host_addresses(True, True) if address in offer] == []
    await link.close("done")
