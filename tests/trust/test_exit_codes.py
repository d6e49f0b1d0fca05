"""One-shot commands against a server that lies: processes end, with the exit code that scripts rely on."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from tests.end_to_end.programs import Receiver, Sender
from tests.trust.malicious_server import MAILBOX, MaliciousServer, drop

IDENTITY = 5
"""Wrong code, changed key or failed verification; see `p2pchat.errors`."""

NO_CONNECTION = 3
"""The server or the peer cannot be reached."""

GUESS = f"{MAILBOX}-abandon-ability-able"


def received(folder: Path) -> list[Path]:
    """Everything in the download folders of those who have their profiles in a folder."""
    return list(folder.rglob("downloads/*"))


async def test_between_two_who_have_a_code_somebody_who_guesses_ends_both_attempts(tmp_path: Path) -> None:
    (tmp_path / "plans.txt").write_bytes(b"secret plans")
    (tmp_path / "false.txt").write_bytes(b"false plans")
    async with MaliciousServer(apart=True) as server, AsyncExitStack() as stack:
        sender = await stack.enter_async_context(Sender(server.url, tmp_path, str(tmp_path / "plans.txt")))
        code = (await sender.until("code"))["code"]
        false_sender = Sender(server.inside(1), tmp_path / "mallory", str(tmp_path / "false.txt"))
        await (await stack.enter_async_context(false_sender)).until("code")
        receiver = await stack.enter_async_context(Receiver(server.url, tmp_path, "--yes", code))
        await server.until_seated(3)  # whoever comes second is kept apart: not the sender, after the guess
        guesser = await stack.enter_async_context(Receiver(server.inside(0), tmp_path / "mallory", "--yes", GUESS))
        assert await receiver.ended() == IDENTITY
        assert await guesser.ended() == IDENTITY
        assert (await sender.until("code", count=2))["code"] != code
        assert not [body for _, _, body in server.seen if "sdp" in body or "sealed" in body]
    assert received(tmp_path) == []


async def test_a_server_that_passes_nothing_on_ends_the_receiver_and_the_sender_makes_a_new_code(
    tmp_path: Path,
) -> None:
    (tmp_path / "plans.txt").write_bytes(b"secret plans")
    async with (
        MaliciousServer(drop, forgetful=True) as server,
        Sender(server.url, tmp_path, str(tmp_path / "plans.txt")) as sender,
    ):
        code = (await sender.until("code"))["code"]
        async with Receiver(server.url, tmp_path, "--yes", code) as receiver:
            assert await receiver.ended() == NO_CONNECTION
            assert "said nothing" in str(receiver.events)
        assert (await sender.until("code", count=2))["code"] != code
    assert received(tmp_path) == []
