"""A change of this machine's addresses, and sleep, are noticed when they happen."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys

import pytest

from p2pchat.node import network_watch
from p2pchat.node.network_watch import NetworkWatch, clocks, present_addresses

PATIENCE = 30.0

NONE: frozenset[str] = frozenset()


class Machine:
    """A machine whose addresses and clocks a test sets."""

    def __init__(self) -> None:
        self.addresses = frozenset({"192.0.2.1"})
        self.slept = 0.0
        self.told: list[frozenset[str]] = []
        self._news = asyncio.Event()
        self.watch = NetworkWatch(self.changed, lambda: self.addresses, self.clocks)

    def clocks(self) -> tuple[float, float]:
        now, _ = clocks()
        return now, now + self.slept

    def changed(self, gone: frozenset[str]) -> None:
        self.told.append(gone)
        self._news.set()

    async def tells(self, *expected: frozenset[str]) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.told) < len(expected):
                self._news.clear()
                await self._news.wait()
        assert self.told == list(expected)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLL_SECONDS", "SETTLE_SECONDS", "TICK_SECONDS"):
        monkeypatch.setattr(network_watch, name, 0.02)


@pytest.mark.usefixtures("quick")
async def test_addresses_that_come_and_go_are_told_where_the_kernel_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network_watch, "_subscribe", lambda: None)
    machine = Machine()
    machine.watch.start()
    machine.addresses |= {"192.0.2.2"}
    await machine.tells(NONE)
    machine.addresses -= {"192.0.2.1"}
    await machine.tells(NONE, frozenset({"192.0.2.1"}))
    machine.watch.stop()
    machine.watch.stop()


@pytest.mark.usefixtures("quick")
async def test_sleep_is_told_when_the_machine_wakes() -> None:
    machine = Machine()
    machine.watch.start()
    machine.slept = 60.0
    await machine.tells(NONE)
    machine.watch.stop()


@pytest.mark.usefixtures("quick")
async def test_a_program_that_was_stopped_tells_when_it_goes_on() -> None:
    machine = Machine()
    machine.watch.start()
    now = [0.0]
    machine.watch._clocks = lambda: (now[0], now[0])
    machine.watch._awake = machine.watch._asleep = 0.0
    now[0] = 12.0
    await machine.tells(NONE)
    machine.watch.stop()


async def test_addresses_that_lead_nowhere_do_not_count() -> None:
    assert not any(address.startswith(("127.", "::1", "fe80:", "169.254.")) for address in present_addresses())


def may_change_interfaces() -> bool:
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode == 0


WATCHING = """
import asyncio, subprocess, sys
from p2pchat.node.network_watch import NetworkWatch

async def main():
    told = asyncio.Queue()
    watch = NetworkWatch(told.put_nowait)
    watch.start()
    assert watch._kernel is not None
    subprocess.run(["ip", "addr", "add", "192.0.2.7/24", "dev", "lo"], check=True)
    assert await asyncio.wait_for(told.get(), 20) == set()
    subprocess.run(["ip", "addr", "del", "192.0.2.7/24", "dev", "lo"], check=True)
    assert await asyncio.wait_for(told.get(), 20) == {"192.0.2.7"}
    watch.stop()
    print("told")

asyncio.run(main())
"""


@pytest.mark.skipif(not may_change_interfaces(), reason="takes root and network namespaces")
async def test_the_kernel_tells_of_addresses() -> None:
    found = await asyncio.to_thread(
        subprocess.check_output, ["unshare", "--net", sys.executable, "-c", WATCHING], text=True
    )
    assert found == "told\n"
