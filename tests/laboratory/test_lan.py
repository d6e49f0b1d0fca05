"""The local network without a server: real processes, real multicast, and network namespaces for the machines."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.json_process import JsonProcess, connected
from tests.environment import without_settings
from tests.laboratory import places
from tests.laboratory.places import Place, place, process

REASON = places.missing()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

SOON = 3.0
"""What a user waits for at most, in seconds; printed. Tests allow a busy machine `LATE`."""
LATE = 15.0

DEAF_TO_ANNOUNCEMENTS = """
table inet deaf {
    chain input {
        type filter hook input priority 0
        udp dport 5353 @th,80,1 1 drop
        udp dport 5353 ip saddr { 127.0.0.1, 192.168.5.1 } drop
        udp dport 5353 meta nfproto ipv6 drop
    }
}
"""
"""Drops what has the bit of responses set (RFC 6762 §18.2), and its own questions, which it would answer."""


class Somebody(JsonProcess):
    """`p2pchat --json` at some place: in the lobby, or in a room."""

    def __init__(self, name: str, at: Place, home: Path, *arguments: str, lan: str = "--lan") -> None:
        super().__init__(name, "", home)
        common = ("--json", lan, "--name", name, "--home", str(home / name), "--downloads", str(self.downloads))
        self._command = [*at.inside, sys.executable, "-m", "p2pchat", "chat", *arguments, *common]


@contextmanager
def cabled() -> Iterator[tuple[Place, Place]]:
    """Two machines with a cable between them, and no addresses yet."""
    with place() as one, place() as other:
        for machine in (one, other):
            machine.run("sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad")
        one.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", str(other.holder))
        yield one, other


def plug_in(machines: tuple[Place, Place], *networks: str) -> None:
    """Gives both addresses in each network, and switches their interfaces on."""
    for number, machine in enumerate(machines, 1):
        for network in networks:
            address, _, prefix = network.partition("/")
            nodad = ("nodad",) if ":" in address else ()
            machine.ip("addr", "add", f"{address}{number}/{prefix}", "dev", "eth0", *nodad)
        machine.ip("link", "set", "eth0", "up")


async def met(one: Somebody, other: Somebody) -> float:
    """Waits until both see each other connected; returns the seconds since the later one was ready."""
    await one.until("ready")
    ready = (await other.until("ready"))["t"]
    await connected(one, other)
    seen = max(somebody.all("peer", state="connected")[0]["t"] for somebody in (one, other))
    seconds: float = seen - ready
    print(f"seen and connected {seconds:.2f} s after the second one was there (aim: {SOON} s)")
    return seconds


async def test_two_programs_of_a_machine_with_nothing_but_loopback_meet_talk_and_part(tmp_path: Path) -> None:
    with place() as here:
        async with Somebody("ana", here, tmp_path) as ana:
            await ana.until("ready", room="lobby", server="")
            async with Somebody("ben", here, tmp_path) as ben:
                assert await met(ana, ben) < LATE
                ben.do("say", text="hello")
                await ana.until("message", text="hello")
                assert len({told["peer"] for told in ana.all("peer", name="ben")}) == 1
                ben.do("quit")
                await ana.until("peer", name="ben", state="left")


@pytest.mark.parametrize("network", ["192.168.5.0/24", "fd00:5::/64"])
async def test_two_machines_with_a_cable_between_them(tmp_path: Path, network: str) -> None:
    with cabled() as machines:
        plug_in(machines, network)
        async with Somebody("ana", machines[0], tmp_path) as ana, Somebody("ben", machines[1], tmp_path) as ben:
            assert await met(ana, ben) < LATE


async def test_interfaces_that_lead_nowhere_cost_no_time(tmp_path: Path) -> None:
    with cabled() as machines:
        for number, machine in enumerate(machines, 1):
            # The same network at both, as containers have it; and one each, as a VPN has.
            for name, address in (("docker0", "172.17.0.1/16"), ("tun0", f"10.8.{number}.2/24")):
                machine.ip("link", "add", name, "type", "veth", "peer", "name", f"{name}-end")
                machine.ip("addr", "add", address, "dev", name)
                machine.ip("link", "set", name, "up")
                machine.ip("link", "set", f"{name}-end", "up")
        plug_in(machines, "192.168.5.0/24", "fd00:5::/64")
        async with Somebody("ana", machines[0], tmp_path) as ana, Somebody("ben", machines[1], tmp_path) as ben:
            assert await met(ana, ben) < LATE


async def test_a_cable_that_is_plugged_in_later(tmp_path: Path) -> None:
    with cabled() as machines:
        async with Somebody("ana", machines[0], tmp_path) as ana, Somebody("ben", machines[1], tmp_path) as ben:
            await ana.until("ready")
            await ben.until("ready")
            plug_in(machines, "192.168.5.0/24")
            plugged = time.time()
            await connected(ana, ben)
            seconds = ana.all("peer", state="connected")[0]["t"] - plugged
            print(f"connected {seconds:.2f} s after the cable was plugged in")
            assert seconds < LATE


async def test_a_room_is_on_the_local_network_while_its_server_is_away_and_who_is_killed_is_missed(
    tmp_path: Path,
) -> None:
    with place() as here:
        lab = ("lab", "--server", "http://127.0.0.1:9")
        async with Somebody("ana", here, tmp_path, *lab) as ana, Somebody("ben", here, tmp_path, *lab) as ben:
            assert await met(ana, ben) < LATE
            ben.kill()
            await ana.until_told("peer", lambda told: told["name"] == "ben" and told["state"] in ("lost", "left"))


async def test_a_contact_gets_files_with_a_server_that_cannot_be_reached(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("by hand\n")
    with place() as here:
        async with Somebody("ana", here, tmp_path) as ana, Somebody("ben", here, tmp_path) as ben:
            await met(ana, ben)
        begun = time.monotonic()
        sending = _program(here, "send", "ana", tmp_path, str(file), "--to", "ben", "--server", "http://127.0.0.1:9")
        receiving = _program(here, "receive", "ben", tmp_path, "--from", "ana", "--yes")
        sent, received = await asyncio.gather(sending, receiving)
        print(f"sent to a contact in {time.monotonic() - begun:.2f} s")
        assert (sent, received) == (0, 0)
        assert (tmp_path / "ben" / "downloads" / "letter.txt").read_text() == "by hand\n"


async def test_an_open_chat_gets_what_a_contact_sends_with_another_program(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("by hand\n")
    with cabled() as machines:
        plug_in(machines, "192.168.5.0/24")
        async with Somebody("ana", machines[0], tmp_path) as ana, Somebody("ben", machines[1], tmp_path) as ben:
            await met(ana, ben)
            begun = time.time()
            sending = asyncio.create_task(_program(machines[0], "send", "ana", tmp_path, str(file), "--to", "ben"))
            offer = await ben.until("offer", name="ana")
            print(f"offered {offer['t'] - begun:.2f} s after the command was given")
            ben.do("accept", transfer=offer["transfer"])
            assert await sending == 0
            await ben.until("transfer", transfer=offer["transfer"], state="done")
            assert (tmp_path / "ben" / "downloads" / "letter.txt").read_text() == "by hand\n"
            ben.do("say", text="got it")
            await ana.until("message", text="got it")
            for somebody in (ana, ben):
                assert len({told["peer"] for told in somebody.all("peer", state="connected")}) == 1
                assert somebody.all("problem") == somebody.all("peer", state="failed") == []
            assert ana.all("offer") == []


async def _program(at: Place, word: str, name: str, home: Path, *arguments: str) -> int:
    options = ("--lan", "--name", name, "--home", str(home / name), "--downloads", str(home / name / "downloads"))
    command = (*at.inside, sys.executable, "-m", "p2pchat", word, *arguments, *options)
    running = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, env=without_settings())
    try:
        return await asyncio.wait_for(running.wait(), 60)
    finally:
        if running.returncode is None:
            running.kill()


async def test_what_is_switched_off_neither_announces_nor_listens(tmp_path: Path) -> None:
    with place() as here:
        server = (*here.inside, sys.executable, "-m", "signaling_server", "--port", "8080")
        with process(*server) as running:
            assert running.stdout is not None
            running.stdout.readline()
            for switch in ("--no-lan", "--ephemeral", "--relay-only"):
                turn = ("--ice", "turn:user:password@127.0.0.1:9") if switch == "--relay-only" else ()
                async with Somebody("ana", here, tmp_path, "lab", *turn, lan=switch) as ana:
                    await ana.until("ready", server="http://127.0.0.1:8080")
                    assert not _multicast_dns(here), switch
        async with Somebody("ben", here, tmp_path, "lab") as ben:
            await ben.until("ready", server="")
            assert _multicast_dns(here), "the look at it would notice"


def _multicast_dns(at: Place) -> bool:
    """Whether somebody at a place has the port of multicast DNS open."""
    return ":14E9 " in at.run("cat", "/proc/net/udp", "/proc/net/udp6")


async def test_hostile_announcements_do_no_harm(tmp_path: Path) -> None:
    with cabled() as machines:
        plug_in(machines, "192.168.5.0/24")
        machines[1].ip("addr", "add", "192.168.5.66/24", "dev", "eth0")
        hostile = (*machines[1].inside, sys.executable, "-m", "tests.laboratory.announcer", "192.168.5.66")
        async with Somebody("ana", machines[0], tmp_path) as ana, Somebody("ben", machines[1], tmp_path) as ben:
            await met(ana, ben)
            before = _memory(ana.process.pid)
            with process(*hostile) as announcer:
                assert announcer.stdout is not None
                assert announcer.stdout.readline() == b"begun\n"
                async with Somebody("eva", machines[1], tmp_path) as eva:
                    await met(ana, eva)
                    for number in range(20):
                        ana.do("say", text=f"still here {number}")
                        await ben.until("message", text=f"still here {number}")
            grown = _memory(ana.process.pid) - before
            print(f"memory grew by {grown / 1e6:.1f} MB")
            assert grown < 100e6


async def test_a_peer_of_whom_only_lies_are_heard_is_asked_for_itself(tmp_path: Path) -> None:
    with cabled() as machines:
        plug_in(machines, "192.168.5.0/24")
        machines[1].ip("addr", "add", "192.168.5.66/24", "dev", "eth0")
        # Ana hears questions, and no announcements: it is Ben who has to find her, and he knows of her before he asks.
        machines[0].filter(DEAF_TO_ANNOUNCEMENTS)
        hostile = (*machines[1].inside, sys.executable, "-m", "tests.laboratory.announcer", "192.168.5.66")
        with process(*hostile, "--only-thefts") as announcer:
            async with Somebody("ana", machines[0], tmp_path) as ana:
                assert announcer.stdout is not None
                assert await asyncio.to_thread(announcer.stdout.readline) == b"begun\n"
                async with Somebody("ben", machines[1], tmp_path) as ben:
                    await met(ana, ben)


def _memory(pid: int) -> int:
    """The resident memory of a process in bytes. `nsenter` has become the program by then: they share the id."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * 4096
