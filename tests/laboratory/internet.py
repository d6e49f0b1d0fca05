"""A small internet: homes behind routers, servers in public, and a core that can lose what it is told to lose.

    home (192.168.1.2) ── router (NAT) ──────────────────────── core ── servers (203.0.113.10, .20, .30, .31)
    home (192.168.1.3) ── router (NAT) ── carrier (NAT) ──────── core

All homes have the same network, 192.168.1.0/24, as most homes do: an address of one leads nowhere, or to a stranger, in
another. The core is a router without NAT; a route to each public address is all it knows.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

from tests.laboratory import places
from tests.laboratory.link import Quality, joined
from tests.laboratory.nat import Nat, rules
from tests.laboratory.places import Place

CORE = "203.0.113.1"
SIGNALING = "203.0.113.10"
TURN = "203.0.113.20"
STUN = "203.0.113.30"
STUN_OTHER = "203.0.113.31"
"""The second address that a STUN server needs to find out how a NAT behaves (RFC 5780 §6)."""
STUN_SILENT = "203.0.113.39"
"""Nobody is there, and nobody says so."""
RELAYS = "203.0.113.20"
"""Where relayed candidates are."""
_FIRST_HOME = 100
_HOSTS = itertools.count(2)

_CORE_RULES = """
table ip faults {
  set cut { type ipv4_addr; }
  set parted { type ipv4_addr . ipv4_addr; }
  set without_udp { type ipv4_addr; }
  chain forward {
    type filter hook forward priority filter
    ip saddr @cut drop
    ip daddr @cut drop
    ip saddr . ip daddr @parted drop
    ip daddr . ip saddr @parted drop
    ip saddr @without_udp meta l4proto udp drop
    ip daddr @without_udp meta l4proto udp drop
    ip daddr 203.0.113.39 drop
  }
}
"""


class Home:
    """One host at home, behind its router."""

    def __init__(self, nat: Nat, host: Place, router: Place, address: str, public: str) -> None:
        self.nat = nat
        self.host = host
        self.router = router
        self.address = address
        """The host's own address."""
        self.public = public
        """The address that the internet sees."""

    @property
    def inside(self) -> tuple[str, ...]:
        """What to put before a command that is to run at home."""
        return self.host.inside

    def move(self, network: str) -> None:
        """The host gets another address, in another network such as `192.168.7`; the old one is gone at once."""
        self.router.ip("addr", "add", f"{network}.1/24", "dev", "lan")
        self.host.ip("addr", "flush", "dev", "eth0")
        self.address = f"{network}.2"
        self.host.ip("addr", "add", f"{self.address}/24", "dev", "eth0")
        self.host.ip("route", "add", "default", "via", f"{network}.1")


class Internet:
    """See the top of this module, and `internet`."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._homes = itertools.count(_FIRST_HOME)
        self._ports = itertools.count()
        self.core = stack.enter_context(places.place())
        self.core.forward()
        self.core.filter(_CORE_RULES)
        self.servers = stack.enter_context(places.place())
        self._attach(self.servers, SIGNALING, TURN, STUN, STUN_OTHER)

    def home(self, nat: Nat, quality: Quality | None = None) -> Home:
        """Adds a home.

        Args:
            nat: what its router does.
            quality: what its way to the core is like; None for a perfect one.
        """
        router, public = self._router_to_core(nat, quality)
        host = self._stack.enter_context(places.place())
        address = f"192.168.1.{next(_HOSTS)}"
        _wire(router, "lan", host, "eth0")
        router.ip("addr", "add", "192.168.1.1/24", "dev", "lan")
        host.ip("addr", "add", f"{address}/24", "dev", "eth0")
        host.ip("route", "add", "default", "via", "192.168.1.1")
        return Home(nat, host, router, address, public)

    def roam(self, home: Home, nat: Nat, quality: Quality | None = None) -> None:
        """A host leaves its home's network for one behind another router, as from Wi-Fi to a mobile network."""
        home.host.ip("link", "del", "eth0")
        home.router, home.public = self._router_to_core(nat, quality)
        home.nat, home.address = nat, "192.168.43.2"
        _wire(home.router, "lan", home.host, "eth0")
        home.router.ip("addr", "add", "192.168.43.1/24", "dev", "lan")
        home.host.ip("addr", "add", f"{home.address}/24", "dev", "eth0")
        home.host.ip("route", "add", "default", "via", "192.168.43.1")

    def _router_to_core(self, nat: Nat, quality: Quality | None) -> tuple[Place, str]:
        public = f"203.0.113.{next(self._homes)}"
        router = outermost = self._router(nat)
        if nat is Nat.CARRIER_GRADE:
            outermost = self._router(nat)
            _wire(outermost, "lan", router, "wan")
            outermost.ip("addr", "add", "100.64.0.1/10", "dev", "lan")
            router.ip("addr", "add", "100.64.0.2/10", "dev", "wan")
            router.ip("route", "add", "default", "via", "100.64.0.1")
        self._attach(outermost, public, quality=quality)
        return router, public

    def _router(self, nat: Nat) -> Place:
        router = self._stack.enter_context(places.place())
        router.forward()
        router.filter(rules(nat))
        return router

    def _attach(self, end: Place, *addresses: str, quality: Quality | None = None) -> None:
        port = f"port{next(self._ports)}"
        if quality is None:
            _wire(self.core, port, end, "wan")
        else:
            forwarder = self._stack.enter_context(joined((self.core, port), (end, "wan")))
            assert forwarder.stdin is not None
            assert forwarder.stdout is not None
            forwarder.stdin.write(json.dumps({"quality": asdict(quality)}).encode() + b"\n")
            forwarder.stdin.flush()
            assert forwarder.stdout.readline() == b"done\n"
        self.core.ip("addr", "add", f"{CORE}/32", "dev", port)
        for address in addresses:
            end.ip("addr", "add", f"{address}/32", "dev", "wan")
            self.core.ip("route", "add", f"{address}/32", "dev", port)
        end.ip("route", "add", CORE, "dev", "wan", "src", addresses[0])
        end.ip("route", "add", "default", "via", CORE, "src", addresses[0])

    # --- faults; all of them are silent, as those of real networks are

    @contextmanager
    def cut(self, home: Home) -> Iterator[None]:
        """Nothing passes between a home and the rest of the internet."""
        yield from self._while_in("cut", home.public)

    @contextmanager
    def parted(self, one: Home, other: Home) -> Iterator[None]:
        """Nothing passes between two homes; each reaches everything else."""
        yield from self._while_in("parted", f"{one.public} . {other.public}")

    @contextmanager
    def without_udp(self, home: Home) -> Iterator[None]:
        """No UDP passes between a home and the rest of the internet, as in some offices."""
        yield from self._while_in("without_udp", home.public)

    @contextmanager
    def counted(self, one: Home, other: Home) -> Iterator[Callable[[], int]]:
        """Counts the packets that pass between two homes without a server between them."""
        ways = [f"ip saddr {a.public} ip daddr {b.public} counter" for a, b in ((one, other), (other, one))]
        chain = "\n".join(["type filter hook forward priority -10", *ways])
        self.core.filter(f"table ip counting {{ chain passing {{\n{chain}\n}}\n}}")

        def counted() -> int:
            return sum(map(int, re.findall(r"packets (\d+)", self.core.run("nft", "list", "table", "ip", "counting"))))

        try:
            yield counted
        finally:
            self.core.run("nft", "delete", "table", "ip", "counting")

    def _while_in(self, fault: str, element: str) -> Iterator[None]:
        self.core.run("nft", "add", "element", "ip", "faults", fault, f"{{ {element} }}")
        try:
            yield
        finally:
            self.core.run("nft", "delete", "element", "ip", "faults", fault, f"{{ {element} }}")


@contextmanager
def internet() -> Iterator[Internet]:
    """Makes an internet without homes, and takes all of it away afterwards."""
    with ExitStack() as stack:
        yield Internet(stack)


def _wire(one: Place, device: str, other: Place, other_device: str) -> None:
    """Joins two places by a cable."""
    left = ("link", "add", device, "netns", str(one.holder), "type", "veth")
    one.ip(*left, "peer", "name", other_device, "netns", str(other.holder))
    one.ip("link", "set", device, "up")
    other.ip("link", "set", other_device, "up")
