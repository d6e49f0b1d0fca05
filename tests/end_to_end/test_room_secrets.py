"""A room with a secret, between real processes: whoever has the invite comes in, and nobody else meets anybody."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.json_process import JsonProcess, connected


async def test_an_invite_lets_somebody_in_and_the_name_of_the_room_does_not(
    signaling_server: str, tmp_path: Path
) -> None:
    invite = tmp_path / "invite"
    async with JsonProcess("ana", signaling_server, tmp_path, "--new-secret") as ana:
        invite.write_text((await ana.until("invite"))["link"], "utf-8")
        async with (
            JsonProcess("eve", signaling_server, tmp_path) as eve,
            JsonProcess("ben", signaling_server, tmp_path, "--invite-file", str(invite)) as ben,
        ):
            await eve.until("ready")
            await connected(ana, ben)
            for peer in (ana, ben):
                peer.do("safety")
            words = [(await peer.until("safety"))["words"] for peer in (ana, ben)]
            assert words[0] == words[1] != []
            ana.do("verify", peer="ben")
            await ana.until("peer", name="ben", trust="verified")
            ben.do("say", text="it works")
            await ana.until("message", text="it works")
            assert eve.all("peer") == []
            assert not ana.all("peer", name="eve")
