"""At the default level neither a client nor the server writes down who talks, from where, or what about."""

from __future__ import annotations

from pathlib import Path

from p2pchat.rtc.addresses import host_addresses
from tests.end_to_end.json_process import JsonProcess, connected
from tests.server_process import ServerProcess


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_standard_error_and_profile_hold_nothing_that_was_said(tmp_path: Path) -> None:
    (tmp_path / "holiday-plans.txt").write_bytes(b"sunshine" * 1000)
    with ServerProcess() as server:
        async with (
            JsonProcess("anastasia", server.url, tmp_path) as ana,
            JsonProcess("benedikt", server.url, tmp_path) as ben,
        ):
            await connected(ana, ben)
            ana.do("say", text="have a good time")
            await ben.until("message", text="have a good time")
            ana.do("send", paths=[str(tmp_path / "holiday-plans.txt")])
            offer = await ben.until("offer")
            ben.do("accept", transfer=offer["transfer"])
            await ana.until("transfer", state="done")
            for party in (ana, ben):
                party.do("quit")
                assert await party.ended() == 0
            written = [await ana.standard_error(), await ben.standard_error()]
        server.stop()
        written.append(server.stderr())
    private = ["anastasia", "benedikt", "holiday", "sunshine", "good time", "lab", *host_addresses(True, True)]
    assert [(word, text) for word in private for text in written if word in text] == []

    kept = files(tmp_path / "anastasia" / "default")
    assert {"identity.key", "contacts.db"} <= kept.keys()
    said = [b"holiday", b"sunshine", b"good time", b"127.0.0.1", b"lab\0"]
    assert [(name, word) for name, content in kept.items() for word in said if word in content] == []


async def test_an_ephemeral_run_leaves_nothing_behind(tmp_path: Path, signaling_server: str) -> None:
    async with (
        JsonProcess("ana", signaling_server, tmp_path, "--ephemeral") as ana,
        JsonProcess("ben", signaling_server, tmp_path, "--ephemeral") as ben,
    ):
        await connected(ana, ben)
        ana.do("say", text="nothing stays")
        await ben.until("message", text="nothing stays")
        for party in (ana, ben):
            party.do("quit")
            assert await party.ended() == 0
    assert files(tmp_path) == {}
