"""Files to contacts, through pipes, and into folders where names are taken, between real processes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.end_to_end.json_process import PATIENCE
from tests.end_to_end.programs import Receiver, Sender, command, contents, run


async def met(server: str, folder: Path, path: Path) -> None:
    """Ana and ben have met: ben has a file of hers."""
    async with Sender(server, folder, str(path)) as ana:
        code = (await ana.until("code"))["code"]
        async with Receiver(server, folder, "--yes", code) as ben:
            assert (await ben.ended(), await ana.ended()) == (0, 0)


async def test_contacts_need_no_code_and_each_answer_to_taken_names_does_what_it_says(
    signaling_server: str, tmp_path: Path
) -> None:
    original = tmp_path / "draft.txt"
    original.write_text("one")
    await met(signaling_server, tmp_path, original)
    downloads = tmp_path / "ben" / "downloads"
    for policy, text, expected in (
        ("skip", "one", {"draft.txt": "one"}),
        ("overwrite", "two", {"draft.txt": "two"}),
        ("rename", "six", {"draft.txt": "two", "draft (1).txt": "six"}),
    ):
        original.write_text(text)
        async with (
            Receiver(signaling_server, tmp_path, "--yes", "--if-exists", policy, "--from", "ana") as ben,
            Sender(signaling_server, tmp_path, "--to", "ben", str(original)) as ana,
        ):
            assert (await ana.ended(), await ben.ended()) == (0, 0)
            assert ana.all("code") == []
        assert {path.name: path.read_text() for path in downloads.iterdir()} == expected
    done = run(*command("send", "ana", signaling_server, tmp_path, "--to", "nobody", str(original)))
    assert done.returncode == 2
    assert "no contact nobody" in done.stderr


async def test_a_pipe_at_both_ends_carries_the_same_bytes_and_leaves_nothing(
    signaling_server: str, tmp_path: Path
) -> None:
    data = os.urandom(3_000_000)
    sending = await asyncio.create_subprocess_exec(
        *command("send", "ana", signaling_server, tmp_path, "-", "--as", "photos.tar"),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert sending.stdin is not None
    assert sending.stderr is not None
    try:
        async with asyncio.timeout(PATIENCE):
            told = [(await sending.stderr.readline()).decode() for _ in range(3)]
            assert told[0] == "Sending standard input as photos.tar. On the other machine:\n"
            receiving = asyncio.create_task(
                asyncio.create_subprocess_exec(
                    *command("receive", "ben", signaling_server, tmp_path, "--yes", "--stdout", told[2].split()[2]),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                )
            )
            sending.stdin.write(data)
            sending.stdin.close()
            received, narrated = await (await receiving).communicate()
            assert await sending.wait() == 0
    finally:
        if sending.returncode is None:
            sending.kill()
            await sending.wait()
    assert received == data
    assert "photos.tar  3.0 MB" in narrated.decode()
    for home in ("ana", "ben"):
        assert not any("spool" in str(path) for path in (tmp_path / home).rglob("*"))


async def test_several_files_do_not_fit_one_pipe(signaling_server: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    async with Sender(signaling_server, tmp_path, str(tmp_path / "a"), str(tmp_path / "b")) as ana:
        code = (await ana.until("code"))["code"]
        words = command("receive", "ben", signaling_server, tmp_path, "--yes", "--stdout", code)
        done = await asyncio.to_thread(run, *words)
        assert (done.returncode, await ana.ended()) == (2, 6)
    assert done.stdout == ""
    assert "only one file can be written to standard output, and 2 are offered" in done.stderr


async def test_nobody_reading_standard_output_is_told_by_the_exit_code(signaling_server: str, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(3_000_000))
    async with Sender(signaling_server, tmp_path, str(tmp_path / "large")) as ana:
        code = (await ana.until("code"))["code"]
        reader, writer = os.pipe()
        os.close(reader)
        receiving = await asyncio.create_subprocess_exec(
            *command("receive", "ben", signaling_server, tmp_path, "--yes", "--stdout", code),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writer,
            stderr=asyncio.subprocess.PIPE,
        )
        os.close(writer)
        _, narrated = await asyncio.wait_for(receiving.communicate(), PATIENCE)
        assert (receiving.returncode, await ana.ended()) == (1, 0)
    assert "Traceback" not in narrated.decode()
    assert contents(tmp_path / "ben" / "spool") == {}
