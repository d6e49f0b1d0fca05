"""Places: network namespaces without a name, each held by a process that ends with its standard input.

Whatever happens to the test, the kernel cleans up: nothing with a name could stay behind. It takes root, and `ip`,
`unshare` and `nsenter`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def missing(*programs: str) -> str:
    """Why there can be no places on this machine, or no such programs in them; empty when there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    lacking = [program for program in ("ip", "unshare", "nsenter", *programs) if shutil.which(program) is None]
    if lacking:
        return f"{', '.join(lacking)} not installed"
    trial = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return "" if trial.returncode == 0 else "network namespaces are not allowed here"


class Place:
    """One network namespace; see `place`."""

    def __init__(self, holder: subprocess.Popen[bytes]) -> None:
        self.holder = holder.pid
        """The process whose namespace it is."""

    @property
    def inside(self) -> tuple[str, ...]:
        """What to put before a command that is to run here."""
        return ("nsenter", f"--net=/proc/{self.holder}/ns/net", "--")

    def run(self, *command: str) -> str:
        """Runs a command here to its end; returns what it wrote.

        Raises:
            AssertionError: it failed; with what it said.
        """
        done = subprocess.run([*self.inside, *command], capture_output=True, check=False, text=True)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def ip(self, *arguments: str) -> None:
        """Runs `ip` here."""
        self.run("ip", *arguments)

    def filter(self, ruleset: str) -> None:
        """Loads nftables rules here, in addition to those that are there."""
        command = [*self.inside, "nft", "-f", "-"]
        done = subprocess.run(command, input=ruleset, capture_output=True, check=False, text=True)
        assert done.returncode == 0, f"{ruleset}: {done.stderr}"

    def forward(self) -> None:
        """Makes this place a router."""
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")


@contextmanager
def place() -> Iterator[Place]:
    """Makes a place with nothing but loopback, and takes it away afterwards."""
    with process("unshare", "--net", "cat") as holder:
        # `cat` echoes when it runs, so `unshare` has left our own namespace by then.
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(b"there\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == b"there\n", "no network namespace"
        made = Place(holder)
        made.ip("link", "set", "lo", "up")
        yield made


@contextmanager
def process(*command: str, pass_fds: Sequence[int] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """A process that one talks with through its standard input and output, and that never outlives the block."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, pass_fds=pass_fds) as started:
        try:
            yield started
        finally:
            started.kill()
