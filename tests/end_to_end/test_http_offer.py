"""Those who come over HTTP meet a real node: the script of the documentation, and one with a room's secret."""

from __future__ import annotations

import asyncio
import secrets
import sys
from pathlib import Path

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from p2pchat.node.events import GuestAsks, LineState, LiveTextChanged, PeerChanged, PeerState
from p2pchat.node.guest import WITHOUT_PROOF
from p2pchat.protocol.room_secret import room_id
from p2pchat.protocol.sealing import SEALING_NONCE_BYTES, Sealer
from tests.node.player import ROOM, Player, on_guarded_loop

SCRIPT = Path(__file__).parents[2] / "docs" / "interoperability" / "http_offer.py"
LIMIT_SECONDS = 60.0


@on_guarded_loop
async def test_the_script_of_the_documentation_comes_in_as_a_guest(signaling_server: str, tmp_path: Path) -> None:
    async with Player("ana", signaling_server, tmp_path) as ana:
        script = await asyncio.create_subprocess_exec(
            sys.executable, str(SCRIPT), signaling_server, ROOM, "hello", stdout=asyncio.subprocess.PIPE
        )
        asked = await ana.until(GuestAsks)
        assert asked.peer.startswith("2")
        await ana.node.admit_guest(ROOM, asked.peer, admitted=True)
        await ana.until(LiveTextChanged, lambda event: (event.text, event.state) == ("hello", LineState.FINAL))
        await ana.node.say(ROOM, "welcome")
        async with asyncio.timeout(LIMIT_SECONDS):
            output, _ = await script.communicate()
        assert (script.returncode, output.decode().strip("\ufeff")) == (0, "welcome\u2028")
        await ana.until(PeerChanged, lambda event: event.info.state in (PeerState.LEFT, PeerState.LOST))


@on_guarded_loop
async def test_in_a_room_with_a_secret_what_is_posted_is_sealed_and_a_guest_has_no_place(
    signaling_server: str, tmp_path: Path
) -> None:
    secret = secrets.token_bytes(16)
    room = room_id("vault", secret)
    async with (
        Player("ana", signaling_server, tmp_path) as ana,
        aiohttp.ClientSession(signaling_server, raise_for_status=True) as http,
    ):
        await ana.node.join("vault", secret)
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.createDataChannel("t140", protocol="t140")
        await connection.setLocalDescription(await connection.createOffer())
        async with http.post(f"/v1/rooms/{room}/offer", json={}) as taken:
            seat = await taken.json()
        (peer,) = seat["peers"]
        sealer = Sealer(secret, room, seat["peer"], peer)
        body = {"generation": 1, "kind": "offer", "sdp": connection.localDescription.sdp}
        sealed = sealer.seal(body, secrets.token_bytes(SEALING_NONCE_BYTES))
        async with http.post(taken.headers["Location"], params={"peer": peer}, json=sealed) as asked:
            answers = [sealer.open(answer) for answer in await asked.json()]
        assert answers[0]["kind"] == "answer"
        await connection.setRemoteDescription(RTCSessionDescription(answers[0]["sdp"], "answer"))
        failed = await ana.until_peer(PeerState.FAILED)
        assert failed.info.reason == WITHOUT_PROOF
        await connection.close()
