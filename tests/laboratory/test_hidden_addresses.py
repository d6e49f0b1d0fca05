"""Who wants relayed paths only shows no address of its own: not to the peer, and not to the signaling server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.json_process import connected
from tests.laboratory import internet, services
from tests.laboratory.nat import Nat
from tests.laboratory.places import missing
from tests.laboratory.resident import Resident
from tests.node.player import on_guarded_loop

pytestmark = pytest.mark.skipif(bool(missing("nft", "turnserver")), reason=missing("nft", "turnserver"))


def signals(recording: Path) -> dict[str, list[str]]:
    """What the clients had the server relay, by the peer it was for."""
    told: dict[str, list[str]] = {}
    for line in recording.read_text().splitlines():
        recorded = json.loads(line)
        message: dict[str, Any] = json.loads(recorded["text"])
        if recorded["by"] == "client" and message["type"] == "relay":
            told.setdefault(message["to"], []).append(json.dumps(message["body"]))
    return told


@on_guarded_loop
async def test_relay_only_shows_no_address_to_the_peer_or_the_server(tmp_path: Path) -> None:
    ice = [*services.stun_urls(), services.turn_url("udp")]
    recording = tmp_path / "recording"
    with (
        internet.internet() as lab,
        services.stun_server(lab),
        services.signaling(lab),
        services.recorder(lab, recording) as server,
        services.turn_server(lab, tmp_path),
    ):
        hidden, plain = lab.home(Nat.ENDPOINT_INDEPENDENT), lab.home(Nat.ENDPOINT_INDEPENDENT)
        with lab.counted(hidden, plain) as packets:
            async with (
                Resident("ana", hidden, server, tmp_path, ice, options=["--relay-only"]) as ana,
                Resident("ben", plain, server, tmp_path, ice) as ben,
            ):
                await connected(ana, ben)
                for one in (ana, ben):
                    assert one.all("peer", state="connected")[-1]["path"] == "relay"
            assert packets() == 0
    told = signals(recording)
    assert len(told) == 2
    of_ana, of_ben = sorted((" ".join(texts) for texts in told.values()), key=lambda text: plain.public in text)
    assert " typ relay" in of_ana
    for address in (hidden.address, hidden.public):
        assert address not in of_ana
    assert " typ host" not in of_ana
    assert " typ srflx" not in of_ana
    # The same recording sees what is there to be seen.
    assert " typ host" in of_ben
    assert plain.address in of_ben
