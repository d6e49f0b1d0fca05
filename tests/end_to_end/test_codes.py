"""One-time codes between real processes, over a real server and real data channels: what two people see."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from pathlib import Path

import pytest

from p2pchat.protocol.codes import completions
from tests.end_to_end.json_process import PATIENCE
from tests.end_to_end.programs import Receiver, Sender, command, contents, run
from tests.end_to_end.terminal import needs_tmux, screen


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a large file, an empty one and names from elsewhere."""
    folder = tmp_path / "photos"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "film.mov").write_bytes(os.urandom(5_000_000))
    (folder / "2026" / "größe 日本.txt").write_text("hi", "utf-8")
    (folder / "empty").write_bytes(b"")
    return folder


def wrong(code: str) -> str:
    """The same mailbox with other words."""
    mailbox, *words = code.split("-")
    return "-".join((mailbox, *("zoo" if word != "zoo" else "zone" for word in words)))


def completed(word: str) -> tuple[str, str]:
    """What somebody types for a word and its hyphen: Tab completes it, unless it is the beginning of another."""
    few = word[:4]
    return (few, "Tab") if completions(f"1-{few}") == [f"1-{word}-"] else (word, "-")


async def test_a_folder_arrives_identical_and_both_sides_exit_with_0(
    signaling_server: str, tmp_path: Path, photos: Path
) -> None:
    async with Sender(signaling_server, tmp_path, str(photos)) as ana:
        code = (await ana.until("code"))["code"]
        async with Receiver(signaling_server, tmp_path, "--yes", code) as ben:
            assert (await ben.ended(), await ana.ended()) == (0, 0)
        assert contents(ben.downloads / "photos") == contents(photos)
    received = ben.all("transfer", state="done")
    assert received[0]["saved"]
    assert ana.all("transfer", state="done", direction="send")
    assert ana.all("peer", state="connected", name="ben", trust="new")
    assert ana.all("error") == ben.all("error") == []


async def test_people_are_told_what_to_run_and_scripts_get_the_paths(
    signaling_server: str, tmp_path: Path, photos: Path
) -> None:
    sending = await asyncio.create_subprocess_exec(
        *command("send", "ana", signaling_server, tmp_path, str(photos / "2026" / "film.mov")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert sending.stdout is not None
    assert sending.stderr is not None
    try:
        async with asyncio.timeout(PATIENCE):
            told = [(await sending.stderr.readline()).decode() for _ in range(3)]
        program, word, code, *option = shlex.split(told[2])
        assert (program, word, option) == ("p2pchat", "receive", ["--server", signaling_server])
        done = await asyncio.to_thread(
            run, *command("receive", "ben", signaling_server, tmp_path, "--yes"), P2PCHAT_CODE=code
        )
        output, errors = await asyncio.wait_for(sending.communicate(), PATIENCE)
    finally:
        if sending.returncode is None:
            sending.kill()
            await sending.wait()
    assert (done.returncode, sending.returncode) == (0, 0)
    assert done.stdout == f"{tmp_path}/ben/downloads/film.mov\n"
    assert "Done: 5.0 MB in" in done.stderr
    assert "verified by ben." in errors.decode()
    assert output == b""


async def test_a_wrong_code_is_told_to_both_and_a_fresh_one_works(
    signaling_server: str, tmp_path: Path, photos: Path
) -> None:
    async with Sender(signaling_server, tmp_path, str(photos)) as ana:
        code = (await ana.until("code"))["code"]
        async with Receiver(signaling_server, tmp_path, "--yes", wrong(code)) as ben:
            assert await ben.ended() == 5
            assert [told["code"] for told in ben.all("error")] == ["wrong-code"]
            assert "ask for a new code" in await ben.standard_error()
        await ana.until("error", code="wrong-code")
        fresh = await ana.until("code", count=2)
        assert fresh["code"] != code
        assert fresh["reason"]
        async with Receiver(signaling_server, tmp_path, "--yes", fresh["code"]) as ben:
            assert (await ben.ended(), await ana.ended()) == (0, 0)
        assert contents(ben.downloads / "photos") == contents(photos)


def test_a_typing_error_is_told_with_the_nearest_word_before_anything_is_contacted(tmp_path: Path) -> None:
    # Nobody listens at this server: whoever contacted it would exit with 3.
    done = run(*command("receive", "ben", "http://127.0.0.1:1", tmp_path, "7-marbel-tunnel-oyster"))
    assert done.returncode == 2
    assert "marbel" in done.stderr
    assert "marble" in done.stderr


def test_nobody_waiting_with_this_code_exits_with_3(signaling_server: str, tmp_path: Path) -> None:
    done = run(*command("receive", "ben", signaling_server, tmp_path, "--yes", "7-marble-tunnel-oyster"))
    assert done.returncode == 3
    assert "nobody waits" in done.stderr
    assert "Traceback" not in done.stderr


async def test_somebody_with_the_name_of_a_contact_and_another_key_is_not_let_in(
    signaling_server: str, tmp_path: Path, photos: Path
) -> None:
    async with Sender(signaling_server, tmp_path, str(photos)) as ana:
        code = (await ana.until("code"))["code"]
        async with Receiver(signaling_server, tmp_path, "--yes", code) as ben:
            assert await ben.ended() == 0
    async with Sender(signaling_server, tmp_path / "elsewhere", str(photos)) as mallory:
        code = (await mallory.until("code"))["code"]
        async with Receiver(signaling_server, tmp_path, "--yes", code) as ben:
            assert (await ben.ended(), await mallory.ended()) == (5, 3)
        assert ben.all("error", code="changed-key")
        assert ben.all("offer") == []
        assert "p2pchat contacts replace" in await ben.standard_error()
        assert "your key is not the one" in await mallory.standard_error()


async def test_an_offer_that_is_declined_exits_with_6_at_the_sender(
    signaling_server: str, tmp_path: Path, photos: Path
) -> None:
    async with Sender(signaling_server, tmp_path, str(photos)) as ana:
        code = (await ana.until("code"))["code"]
        async with Receiver(signaling_server, tmp_path, code) as ben:
            assert (await ben.ended(), await ana.ended()) == (2, 6)
            assert "--yes" in await ben.standard_error()
        assert not ben.downloads.exists() or not any(ben.downloads.iterdir())


async def test_ctrl_c_ends_a_waiting_sender_with_130_and_frees_its_code(
    signaling_server: str, tmp_path: Path, photos: Path
) -> None:
    async with Sender(signaling_server, tmp_path, str(photos)) as ana:
        code = (await ana.until("code"))["code"]
        ana.process.send_signal(signal.SIGINT)
        assert await ana.ended() == 130
        assert (await ana.standard_error()).strip() == ""
        async with Receiver(signaling_server, tmp_path, "--yes", code) as ben:
            assert await ben.ended() == 3


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that takes longer to send than anything here waits. It takes no room on the disk."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(4_000_000_000)
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_sender_tells_the_receiver_that_it_was_cancelled(
    signaling_server: str, tmp_path: Path, large: Path, number: signal.Signals
) -> None:
    async with Sender(signaling_server, tmp_path, str(large)) as ana:
        code = (await ana.until("code"))["code"]
        async with Receiver(signaling_server, tmp_path, "--yes", code) as ben:
            await ben.until("progress")
            ana.process.send_signal(number)
            assert (await ana.ended(), await ben.ended()) == (130, 6)
        assert ben.all("transfer", state="cancelled")


async def test_a_receiver_that_is_killed_and_does_not_come_back_is_no_connection(
    signaling_server: str, tmp_path: Path, large: Path
) -> None:
    async with Sender(signaling_server, tmp_path, "--patience", "1", str(large)) as ana:
        code = (await ana.until("code"))["code"]
        async with Receiver(signaling_server, tmp_path, "--yes", code) as ben:
            await ben.until("progress")
            ben.kill()
            assert await ana.ended() == 3
        told = await ana.standard_error()
        assert "is gone" in told
        assert "send the same again" in told


async def test_waiting_ends_with_4_when_the_time_is_over(signaling_server: str, tmp_path: Path, photos: Path) -> None:
    async with Sender(signaling_server, tmp_path, "--timeout", "0.5", str(photos)) as ana:
        assert await ana.ended() == 4


# --- on a terminal


@needs_tmux
async def test_on_a_terminal_the_code_is_completed_a_typo_is_told_and_the_offer_asked_about(
    signaling_server: str, tmp_path: Path, photos: Path
) -> None:
    async with Sender(signaling_server, tmp_path, str(photos)) as ana:
        code = (await ana.until("code"))["code"]
        mailbox, *words = code.split("-")

        def play() -> str:
            with screen(tmp_path, command("receive", "ben", signaling_server, tmp_path)) as terminal:
                terminal.until(lambda shown: "Code:" in shown)
                terminal.type(f"{mailbox}-", *completed(words[0]), *completed(words[1]), "xyzzy", "Enter")
                terminal.until(lambda shown: "xyzzy” is no word of a code" in shown)
                terminal.type(*["BSpace"] * len("xyzzy"), words[2][:4], "Tab", "Enter")
                terminal.until(lambda shown: "(y/n)" in shown)
                terminal.type("y", "Enter")
                return terminal.until(lambda shown: "exit=" in shown)

        shown = await asyncio.to_thread(play)
        assert await ana.ended() == 0
    assert "exit=0" in shown
    assert f"Code: {mailbox}-{words[0]}-{words[1]}-{words[2]}" in shown
    assert "ana·" in shown
    assert "photos/empty" in shown
    assert contents(tmp_path / "ben" / "downloads" / "photos") == contents(photos)


@needs_tmux
async def test_on_a_terminal_n_declines(signaling_server: str, tmp_path: Path, photos: Path) -> None:
    async with Sender(signaling_server, tmp_path, str(photos)) as ana:
        code = (await ana.until("code"))["code"]

        def play() -> str:
            with screen(tmp_path, command("receive", "ben", signaling_server, tmp_path, code)) as terminal:
                terminal.until(lambda shown: "(y/n)" in shown)
                terminal.type("n", "Enter")
                return terminal.until(lambda shown: "exit=" in shown)

        shown = await asyncio.to_thread(play)
        assert await ana.ended() == 6
    assert "exit=1" in shown
    assert "you declined" in shown
