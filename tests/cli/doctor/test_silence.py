"""Who does not answer is named, with real sockets: servers that are silent, UDP that is blocked, and a black hole.

They are examined side by side, as each takes as long as a doctor's patience.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from p2pchat.cli.doctor import examination
from tests.cli.doctor.stage import examine, examined
from tests.laboratory.places import missing
from tests.rtc.stun_server import serving, silence, truth, uri

WITHOUT_UDP = f"""
set -e
ip link set lo up
ip address add 192.0.2.1/32 dev lo
nft add table inet lab
nft add chain inet lab way '{{ type filter hook input priority 0; }}'
nft add rule inet lab way meta l4proto udp drop
{sys.executable} -m signaling_server --host 192.0.2.1 --port 8080 >/dev/null &
server=$!
trap 'kill $server' EXIT
for attempt in $(seq 100); do
    {sys.executable} -c 'import socket; socket.create_connection(("192.0.2.1", 8080), 1)' 2>/dev/null && break
done
"$@"
"""

BLACK_HOLE = """
set -e
ip link set lo up
ip link add hole type veth peer name bottom
ip address add 192.0.2.1/24 dev hole
ip link set hole up
ip link set bottom up
ip neighbour add 192.0.2.9 lladdr 02:00:00:00:00:09 dev hole nud permanent
exec timeout 45 "$@"
"""
"""Packets to 192.0.2.9 leave, and nobody says that nobody is there. The program may take three times as long as it
should: a busy machine needs seconds to start it."""


async def test_servers_that_say_nothing(signaling_server: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        async with serving(silence) as (silent, _), serving(truth) as (stun, _):
            signaling, beside = await asyncio.gather(
                examined(tmp_path / "signaling", "--server", f"http://127.0.0.1:{mute.getsockname()[1]}"),
                examined(tmp_path / "stun", "--server", signaling_server, "--ice", uri(silent), "--ice", uri(stun)),
            )
    assert signaling.state("tcp") == "ok"
    assert "did not answer" in signaling.said("server")
    assert signaling.code == 3
    # A STUN server beside one that answers is not needed.
    assert beside.state("stun") == "warning"
    assert "does not answer" in beside.said("stun")
    assert (beside.state("udp"), beside.code) == ("ok", 0)


@pytest.mark.skipif(bool(missing("nft")), reason=missing("nft"))
async def test_networks_that_let_nothing_through(tmp_path: Path) -> None:
    assert examination.SERVER_SECONDS + examination.ICE_SECONDS < 15
    blocked = ("--server", "http://192.0.2.1:8080", "--ice", "stun:192.0.2.1:3478")
    dropped = ("--server", "https://192.0.2.9", "--ice", "stun:192.0.2.9", "--ice", "turns:ana:secret@192.0.2.9")
    without_udp, nowhere = await asyncio.gather(
        asyncio.to_thread(examine, tmp_path / "udp", *blocked, before=inside(tmp_path / "without_udp", WITHOUT_UDP)),
        asyncio.to_thread(examine, tmp_path / "hole", *dropped, before=inside(tmp_path / "black_hole", BLACK_HOLE)),
    )
    assert without_udp.state("server") == "ok"
    assert without_udp.state("udp") == "fault"
    assert "UDP is blocked" in without_udp.said("udp")
    assert "turns:" in without_udp.said("udp")
    assert without_udp.code == 3
    assert [nowhere.state(check) for check in ("server", "stun", "turn")] == ["fault", "warning", "fault"]
    assert nowhere.code == 3


def inside(script: Path, text: str) -> list[str]:
    """Writes a script; returns what to put before a command that is to run in the network that it makes."""
    script.write_text(text, "utf-8")
    return ["unshare", "--net", "sh", str(script)]
