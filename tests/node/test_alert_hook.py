"""The user's own program for alerts: what it gets, what it does not get, and when it ends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from p2pchat.errors import P2PChatError
from p2pchat.node import alert_hook
from p2pchat.node.alert_hook import ALERT_FROM, AlertHook
from p2pchat.protocol.limits import ALERT_SECONDS

LOOKS = 2000
"""How often a test looks, a hundred times a second, until it gives up on a program that starts in some milliseconds."""

REPORT = "import os, sys; open(sys.argv[1], 'ab').write(os.environb[b'P2PCHAT_ALERT_FROM'] + b'\\n')"
ENVIRONMENT = "import os, sys; open(sys.argv[1], 'w').write(' '.join(os.environ) + '\\n')"
DESCRIPTORS = """\
import os, sys
nowhere = [os.fstat(fd).st_rdev == os.stat(os.devnull).st_rdev for fd in range(3)]
try:
    os.open("/dev/tty", os.O_RDWR)
except OSError:
    nowhere.append(True)
open(sys.argv[1], "w").write(repr(nowhere))
"""
STAYS = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {STAYS}"


async def until(condition: Callable[[], bool]) -> None:
    """Waits until something has come true."""
    for _ in range(LOOKS):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("never came true")


class Bench:
    """A hook with a clock that a test moves."""

    def __init__(self, program: str, file: Path) -> None:
        self.now = 100.0
        self.failures: list[P2PChatError] = []
        self.file = file
        command = (sys.executable, "-c", program, str(file))
        self.hook = AlertHook(command, self.failures.append, lambda: self.now)

    async def written(self, done: Callable[[str], bool] = bool) -> str:
        """What the program wrote, once it is what is waited for."""
        await until(lambda: self.file.exists() and done(self.file.read_text("utf-8")))
        return self.file.read_text("utf-8")

    async def ended(self) -> None:
        """Waits until no program runs, and it is reaped."""
        await until(lambda: not self.hook.running)


@asynccontextmanager
async def bench(program: str, folder: Path) -> AsyncIterator[Bench]:
    made = Bench(program, folder / "written")
    try:
        yield made
    finally:
        await made.hook.close()


def gone(pid: int) -> bool:
    """Whether no process has this id any more, not even one that waits to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ben", "ben"),
        ("Zoë 図", "Zoë 図"),
        ("$(reboot); `id` \n--all", "$(reboot); `id`  --all"),
        ("a\x1b[2J\x00b\u202e", "a␛[2J␀b"),
        ("x" * 500, "x" * 63 + "…"),
        ("\ud800", "\ufffd"),
    ],
)
async def test_the_name_is_in_the_environment_and_nowhere_else(tmp_path: Path, name: str, told: str) -> None:
    async with bench(REPORT, tmp_path) as here:
        here.hook.alerted(name)
        assert await here.written(lambda text: text.endswith("\n")) == told + "\n"


async def test_none_of_our_own_settings_is_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P2PCHAT_SECRET", "tulip")
    monkeypatch.setenv("LAMP", "red")
    async with bench(ENVIRONMENT, tmp_path) as here:
        here.hook.alerted("ben")
        names = (await here.written(lambda text: text.endswith("\n"))).split()
    assert [name for name in names if name.startswith("P2PCHAT_")] == [ALERT_FROM]
    assert "LAMP" in names


@pytest.mark.skipif(sys.platform == "win32", reason="has no /dev/tty")
async def test_the_program_has_no_terminal_no_input_and_no_output(tmp_path: Path) -> None:
    async with bench(DESCRIPTORS, tmp_path) as here:
        here.hook.alerted("ben")
        assert await here.written() == "[True, True, True, True]"


async def test_it_is_started_once_in_three_seconds(tmp_path: Path) -> None:
    async with bench(REPORT, tmp_path) as here:
        here.hook.alerted("first")
        await here.ended()
        here.now += ALERT_SECONDS - 0.1
        here.hook.alerted("too soon")
        here.now += 0.1
        here.hook.alerted("second")
        assert await here.written(lambda text: text.count("\n") == 2) == "first\nsecond\n"


async def test_only_one_runs_at_a_time(tmp_path: Path) -> None:
    async with bench(STAYS, tmp_path) as here:
        here.hook.alerted("ben")
        first = await here.written()
        here.file.unlink()
        here.now += 10 * ALERT_SECONDS
        here.hook.alerted("cyd")
        await asyncio.sleep(0)
        assert not here.file.exists()
        assert here.hook.running
        await here.hook.close()
        assert gone(int(first))
    assert not here.file.exists()


async def test_it_is_ended_when_it_runs_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_hook, "RUN_SECONDS", 0.0)
    async with bench("import time; time.sleep(600)", tmp_path) as here:
        here.hook.alerted("ben")
        await here.ended()
    assert here.failures == []


@pytest.mark.parametrize("program", [STAYS, STUBBORN])
async def test_it_is_ended_when_we_end(tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_hook, "END_SECONDS", 0.1)
    async with bench(program, tmp_path) as here:
        here.hook.alerted("ben")
        pid = int(await here.written())
    assert gone(pid)


async def test_that_it_cannot_be_started_is_told_once(tmp_path: Path) -> None:
    failures: list[P2PChatError] = []
    now = [0.0]
    hook = AlertHook((str(tmp_path / "lamp"), "-x"), failures.append, lambda: now[0])
    for _ in range(3):
        hook.alerted("ben")
        await until(lambda: not hook.running)
        now[0] += ALERT_SECONDS
    await hook.close()
    assert [failure.hint for failure in failures] == ["see on-alert or --on-alert"]
    assert "No such file" in failures[0].message


async def test_without_a_program_an_alert_starts_nothing() -> None:
    hook = AlertHook((), lambda error: pytest.fail(error.message))
    hook.alerted("ben")
    assert not hook.running
    await hook.close()
