"""Notices at once that this machine has other addresses, or that it has slept.

    addresses   the kernel says so (rtnetlink, where there is one), or they are looked up every `POLL_SECONDS`
    sleep       a clock that runs while the machine sleeps is ahead of one that does not; or a timer came far too late

A link, and a connection to a server, would notice it too, but only by silence, seconds later.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import time
from collections.abc import Callable, Iterator

import ifaddr

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0
"""Between two looks at the addresses where the kernel does not tell of changes; one takes less than 1 ms."""

SETTLE_SECONDS = 0.3
"""After the first sign that addresses change until they are looked at: an interface gets its addresses one by one."""

TICK_SECONDS = 1.0
"""Between two looks at the clocks."""

SLEPT_SECONDS = 3.0
"""What a clock has to be ahead, or a timer late, to tell of sleep. A busy machine is late by less."""

_GROUPS = 0x1 | 0x10 | 0x100
"""RTMGRP_LINK, RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR of linux/rtnetlink.h."""

_MESSAGES_BYTES = 64 * 1024


class NetworkWatch:
    """Watches this machine from `start` to `stop`.

    Args:
        changed: called when addresses have changed, or the machine has slept; with the addresses that are gone.
        addresses: looks the addresses up.
        awake: seconds of a clock that stands still while the machine sleeps, and of one that does not.
    """

    def __init__(
        self,
        changed: Callable[[frozenset[str]], None],
        addresses: Callable[[], frozenset[str]] | None = None,
        awake: Callable[[], tuple[float, float]] | None = None,
    ) -> None:
        self._changed = changed
        self._addresses = addresses or present_addresses
        self._clocks = awake or clocks
        self._loop = asyncio.get_running_loop()
        self._known: frozenset[str] = frozenset()
        self._kernel: socket.socket | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._awake, self._asleep = 0.0, 0.0

    def start(self) -> None:
        """Begins to watch."""
        self._known = self._addresses()
        self._kernel = _subscribe()
        if self._kernel is not None:
            self._loop.add_reader(self._kernel.fileno(), self._told)
        else:
            self._after("addresses", POLL_SECONDS, self._poll)
        self._awake, self._asleep = self._clocks()
        self._after("clocks", TICK_SECONDS, self._tick)

    def stop(self) -> None:
        """Watches no more; does no harm twice."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._kernel is not None:
            self._loop.remove_reader(self._kernel.fileno())
            self._kernel.close()
            self._kernel = None

    def _after(self, what: str, seconds: float, work: Callable[[], None]) -> None:
        self._timers[what] = self._loop.call_later(seconds, work)

    def _told(self) -> None:
        """The kernel tells that something about interfaces has changed; what exactly is looked up."""
        assert self._kernel is not None
        with contextlib.suppress(OSError):  # nothing left, or more than the buffer holds: both mean to look
            while self._kernel.recv(_MESSAGES_BYTES):
                pass
        if "settle" not in self._timers:
            self._after("settle", SETTLE_SECONDS, self._settled)

    def _settled(self) -> None:
        del self._timers["settle"]
        self._look()

    def _poll(self) -> None:
        self._look()
        self._after("addresses", POLL_SECONDS, self._poll)

    def _look(self) -> None:
        before, self._known = self._known, self._addresses()
        if self._known != before:
            logger.info("%d addresses are new, %d are gone", len(self._known - before), len(before - self._known))
            self._changed(before - self._known)

    def _tick(self) -> None:
        awake, asleep = self._clocks()
        late = awake - self._awake - TICK_SECONDS
        ahead = (asleep - self._asleep) - (awake - self._awake)
        self._awake, self._asleep = awake, asleep
        self._after("clocks", TICK_SECONDS, self._tick)
        if late > SLEPT_SECONDS or ahead > SLEPT_SECONDS:
            logger.info("awake after %.0f s", max(late, ahead))
            before, self._known = self._known, self._addresses()
            self._changed(before - self._known)


def present_addresses() -> frozenset[str]:
    """Returns the addresses of this machine that others could use."""
    return frozenset(_usable())


def _usable() -> Iterator[str]:
    try:
        adapters = list(ifaddr.get_adapters())
    except OSError:
        return
    for adapter in adapters:
        for found in adapter.ips:
            text = found.ip if isinstance(found.ip, str) else found.ip[0]
            address = ipaddress.ip_address(text.partition("%")[0])
            if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                yield str(address)


def clocks() -> tuple[float, float]:
    """Returns the seconds of a clock that stands still while the machine sleeps, and of one that does not.

    Where there is no CLOCK_BOOTTIME, the second one is the wall clock: setting it forward looks like sleep, and costs
    a ping to each peer.
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic(), time.time() if boot is None else time.clock_gettime(boot)


def _subscribe() -> socket.socket | None:
    """Returns a socket on which the kernel tells of addresses; None where there is no such thing."""
    family, protocol = getattr(socket, "AF_NETLINK", None), getattr(socket, "NETLINK_ROUTE", 0)
    if family is None:
        return None
    kernel: socket.socket | None = None
    try:
        kernel = socket.socket(family, socket.SOCK_RAW, protocol)
        kernel.setblocking(False)
        kernel.bind((0, _GROUPS))
    except OSError:
        if kernel is not None:
            kernel.close()
        return None
    return kernel
