"""Announces us on the local network, and finds others: DNS-SD over multicast DNS (RFC 6763, RFC 6762).

What is announced can be read by everybody on the network: that a p2pchat runs here, its addresses and port, and a peer
id that is another one each time. No name of a user, a machine or a room is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from zeroconf import (  # type: ignore[attr-defined]  # of the parts of a packet zeroconf's typing does not tell
    DNSOutgoing,
    DNSQuestion,
    DNSQuestionType,
    InterfaceChoice,
    IPVersion,
    ServiceStateChange,
    Zeroconf,
)
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from p2pchat.signaling.local_networks import LocalNetworks
from p2pchat.signaling.services import SERVICE_TYPE, Services, described, peer_of, read_service, service_name

logger = logging.getLogger(__name__)

LIFETIME_SECONDS: Final = 120
"""How long others remember us without hearing from us again: RFC 6762 §10 for what depends on a host's addresses."""

LOOK_SECONDS: Final = 2.0
"""Time between two looks at our interfaces; one takes about a millisecond."""

REPEAT_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Time before each further announcement, behind the three that zeroconf makes within half a second: nobody resends what
is lost of multicast, which on Wi-Fi is much. Eight in all, further and further apart (RFC 6762 §8.3)."""

QUESTION, POINTER, INTERNET = 0x0000, 12, 1
"""The flags of a question, the type PTR and the class IN (RFC 1035 §3.2.2, §3.2.4, §4.1.1)."""

REQUEST_MILLISECONDS: Final = 2000
"""Time to ask for the rest of an announcement that came in parts."""

REQUESTS: Final = 8
WAITING_REQUESTS: Final = 256
"""Announcements in parts that are asked about at once, and that wait for it; more are not looked at."""

CHANGE_SECONDS: Final = 0.05
"""Changes within this time are told at once, however many there are."""


class Discovery:
    """The announcement of us, and the search for others.

    Args:
        us: our peer id.
        port: of our hub.
        services: the table to keep.
        changed: called on the event loop when the table has changed, at most every `CHANGE_SECONDS`.
    """

    def __init__(self, us: str, port: int, services: Services, changed: Callable[[], None]) -> None:
        self.networks = LocalNetworks.now()
        """Ours, as they were at the last look."""
        self._us = us
        self._port = port
        self._services = services
        self._changed = changed
        self._telling: asyncio.TimerHandle | None = None
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._requests: asyncio.Queue[str] = asyncio.Queue(WAITING_REQUESTS)
        self._hurried = asyncio.Event()
        self._arrived = asyncio.Event()
        self._work: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Announces and searches from now on.

        Raises:
            OSError: this machine does not let us use multicast.
        """
        self._zeroconf = _open()
        self._work = [asyncio.create_task(self._watch_interfaces()), asyncio.create_task(self._repeat())]
        self._work += [asyncio.create_task(self._ask_for_rest()) for _ in range(REQUESTS)]
        # A random name of 40 bits is ours: the second of probing for others with it can be spared (RFC 6762 §8.1).
        await self._zeroconf.async_register_service(self._announcement(), cooperating_responders=True)
        self._browse()

    def hurry(self) -> None:
        """Something has changed on this machine: look at its interfaces, announce and search, at once."""
        self._hurried.set()

    async def close(self) -> None:
        """Takes the announcement back, and ends; bounded by about a second."""
        for task in self._work:
            task.cancel()
        if self._telling is not None:
            self._telling.cancel()
        if self._zeroconf is not None:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.5):
                    if self._browser is not None:
                        await self._browser.async_cancel()
                    await self._zeroconf.async_close()

    def _announcement(self) -> AsyncServiceInfo:
        return AsyncServiceInfo(
            SERVICE_TYPE,
            service_name(self._us),
            port=self._port,
            properties=described(self._us),
            server=f"{self._us}.local.",
            host_ttl=LIFETIME_SECONDS,
            other_ttl=LIFETIME_SECONDS,
            parsed_addresses=[str(address) for address in self.networks.addresses],
        )

    def _browse(self) -> None:
        assert self._zeroconf is not None
        # Answers to one asker alone would reach any of the programs of this machine that share the port.
        self._browser = AsyncServiceBrowser(
            self._zeroconf.zeroconf, SERVICE_TYPE, handlers=[self._heard], question_type=DNSQuestionType.QM
        )

    async def _repeat(self) -> None:
        """Announces us again for a while, and asks again who else is there, from when we come into a network on."""
        while True:
            self._arrived.clear()
            for seconds in REPEAT_SECONDS:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._arrived.wait()
                if self._arrived.is_set():
                    break
                with contextlib.suppress(OSError):
                    self._announce_and_ask()
            else:
                await self._arrived.wait()

    def _announce_and_ask(self) -> None:
        assert self._zeroconf is not None
        zeroconf = self._zeroconf.zeroconf
        zeroconf.async_send(zeroconf.generate_service_broadcast(self._announcement(), None))
        if self._services.doubtful:
            # Whoever announces others as being elsewhere has us know of them before they have answered, and with a
            # question that lists whom we know of, as the browser asks it, they would not (RFC 6762 §7.1).
            out = DNSOutgoing(QUESTION)
            out.add_question(DNSQuestion(SERVICE_TYPE, POINTER, INTERNET))
            zeroconf.async_send(out)

    def _heard(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        peer = peer_of(name)
        if peer is None or peer == self._us:
            return
        if state_change is ServiceStateChange.Removed:
            if peer in self._services:
                self._services.remove(peer)
                self._tell()
            return
        info = AsyncServiceInfo(SERVICE_TYPE, name)
        if info.load_from_cache(zeroconf):
            self._add(info)
        elif not self._requests.full():
            self._requests.put_nowait(name)

    async def _ask_for_rest(self) -> None:
        assert self._zeroconf is not None
        while True:
            info = AsyncServiceInfo(SERVICE_TYPE, await self._requests.get())
            with contextlib.suppress(OSError):
                if await info.async_request(self._zeroconf.zeroconf, REQUEST_MILLISECONDS):
                    self._add(info)

    def _add(self, info: AsyncServiceInfo) -> None:
        addresses = info.parsed_scoped_addresses(IPVersion.All)
        service = read_service(info.name, info.properties, addresses, info.port, self.networks)
        if service is not None and self._services.add(service):
            logger.debug("a service with %d addresses was found", len(service.addresses))
            self._tell()

    def _tell(self) -> None:
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(CHANGE_SECONDS, self._told)

    def _told(self) -> None:
        self._telling = None
        self._changed()

    async def _watch_interfaces(self) -> None:
        """Announces and searches anew when this machine comes into another network, or wakes."""
        assert self._zeroconf is not None
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._hurried.wait()
            hurried = self._hurried.is_set()
            self._hurried.clear()
            with contextlib.suppress(OSError, RuntimeError):
                networks = LocalNetworks.now()
                if networks == self.networks and not hurried:
                    continue
                logger.info("looking around on %d networks", len(networks.networks))
                self.networks = networks
                await self._zeroconf.async_update_interfaces()
                await self._zeroconf.async_update_service(self._announcement())
                if self._browser is not None:
                    await self._browser.async_cancel()
                self._browse()
                self._arrived.set()


def _open() -> AsyncZeroconf:
    try:
        return AsyncZeroconf(InterfaceChoice.All, ip_version=IPVersion.All)
    except (OSError, RuntimeError):  # IPv6 is switched off
        pass
    try:
        return AsyncZeroconf(InterfaceChoice.All, ip_version=IPVersion.V4Only)
    except RuntimeError as error:
        raise OSError(str(error)) from error
