"""What is tested of the STUN and TURN servers, those configured and those that the signaling server names."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import unquote

from p2pchat.cli.doctor.findings import Fact, Finding, fault, milliseconds, ok, warning
from p2pchat.node.settings import Settings
from p2pchat.protocol.signaling import IceServer
from p2pchat.rtc import probe
from p2pchat.rtc.diagnosis import HINTS
from p2pchat.rtc.probe import Allocated, Mapped, Nat
from p2pchat.rtc.servers import Failure, parse

SERVERS_MOST: Final = 16
"""Servers that are tested: as many as a chat would use at most."""

_SILENT: Mapped | Allocated | Failure = Failure.SILENT

Result = TypeVar("Result")

_RELAY_HINT: Final = "name a TURN server over TCP or TLS: --ice turns:USER:PASSWORD@HOST"


@dataclass(frozen=True, slots=True)
class Server:
    """A STUN or TURN server to test."""

    uri: str
    """Without user and password."""
    user: str = ""
    credential: str = ""
    named: bool = False
    """Whether the signaling server names it, and mints the credentials."""

    @property
    def relays(self) -> bool:
        """Whether it is a TURN server."""
        return self.uri.startswith("turn")

    @property
    def over_udp(self) -> bool:
        """Whether it is reached with UDP."""
        return parse(self.uri).transport == "udp"

    @property
    def shown(self) -> str:
        """What it is called in a sentence; safe to show."""
        return str(parse(self.uri))


@dataclass(frozen=True, slots=True)
class Tested:
    """A server and what it answered."""

    server: Server
    answer: Mapped | Allocated | Failure

    @property
    def works(self) -> bool:
        """Whether it can be used."""
        return not isinstance(self.answer, Failure)


def wanted(settings: Settings, named: Sequence[IceServer]) -> list[Server]:
    """Returns the servers that a chat with these settings would use, each once: the user's own first.

    What the signaling server names and nobody could use is left out, and so are STUN servers where only relays may be
    used: they would learn our address for nothing.
    """
    servers = [_configured(url) for url in settings.ice]
    servers += [Server(url, each.username, each.credential, named=True) for each in named for url in each.urls]
    usable = [server for server in dict.fromkeys(servers) if _is_usable(server.uri)]
    return [server for server in usable if server.relays or not settings.relay_only][:SERVERS_MOST]


def _configured(url: str) -> Server:
    scheme, _, rest = url.partition(":")
    login, at, address = rest.rpartition("@")
    user, _, password = login.partition(":")
    return Server(f"{scheme}:{address}", unquote(user), unquote(password)) if at else Server(url)


def _is_usable(uri: str) -> bool:
    try:
        parse(uri)
    except ValueError:
        return False
    return True


async def ice(servers: Sequence[Server], relay_only: bool, server_answered: bool, seconds: float) -> list[Finding]:
    """Asks all servers at the same time.

    Args:
        servers: whom to ask.
        relay_only: whether only relays may be used.
        server_answered: whether the signaling server can be reached, with TCP: then the network is not simply down.
        seconds: time for all of it.
    """
    if not servers:
        hint = "for others beyond your network, name one with --ice stun:HOST or turn:USER:PASSWORD@HOST"
        which = "the signaling server names none" if server_answered else "no signaling server could be asked for one"
        return [warning("ice", f"No STUN or TURN server is configured, and {which}", hint)]
    uris = [server.uri for server in servers if not server.relays]
    nat = asyncio.create_task(_within(probe.nat_kind(uris), Nat.UNKNOWN, seconds))
    answers = await asyncio.gather(*(_within(_ask(server), _SILENT, seconds) for server in servers))
    tested = [Tested(server, answer) for server, answer in zip(servers, answers, strict=True)]
    some_relay = any(each.works for each in tested if each.server.relays)
    of_udp = _of_udp(tested, server_answered)
    blocked = any(finding.facts.get("blocked") for finding in of_udp)
    found = [_of_server(each, relay_only, some_relay, blocked) for each in tested]
    return [*found, *of_udp, *_of_nat(await nat, tested)]


async def _ask(server: Server) -> Mapped | Allocated | Failure:
    if server.relays:
        return await probe.turn_server(server.uri, server.user, server.credential)
    return await probe.stun_server(server.uri)


async def _within(work: Coroutine[Any, Any, Result], otherwise: Result, seconds: float) -> Result:
    """Returns the answer, or something else when it takes too long."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        return otherwise


def _of_server(tested: Tested, relay_only: bool, some_relay: bool, blocked: bool) -> Finding:
    """Says what became of one server."""
    server, answer = tested.server, tested.answer
    check = "turn" if server.relays else "stun"
    match answer:
        case Mapped(address=(host, port), seconds=seconds):
            facts: dict[str, Fact] = {"server": server.uri, "mapped": host, "port": port, "ms": _ms(seconds)}
            return ok(check, f"The {server.shown} sees you as {host}, in {milliseconds(seconds)}", **facts)
        case Allocated(address=(host, _), seconds=seconds):
            facts = {"server": server.uri, "relay": host, "ms": _ms(seconds)}
            return ok(check, f"The {server.shown} relays at {host}, in {milliseconds(seconds)}", **facts)
        case Failure() as failure:
            facts = {"server": server.uri, "failure": failure.name.lower()}
            message = f"The {server.shown} {failure.value}"
            hint = HINTS.get(failure, "check its address, or leave it out")
            if blocked and server.over_udp and failure is Failure.SILENT:
                hint = "most likely because UDP is blocked, see below"
            elif server.named:
                wrong = "its TURN secret is not the one of the TURN server" if failure is Failure.CREDENTIALS else ""
                hint = f"the signaling server names it; tell whoever runs that: {wrong or hint}"
            # A relay that does not exist is needed sooner or later; one of several silent servers is not.
            if server.relays and (relay_only or not some_relay or failure is Failure.CREDENTIALS):
                return fault(check, message, hint, **facts)
            return warning(check, message, hint, **facts)
    raise AssertionError("not an answer")


def _of_udp(tested: Sequence[Tested], server_answered: bool) -> list[Finding]:
    """Says whether UDP gets through at all."""
    over_udp = [each for each in tested if each.server.over_udp]
    if not over_udp:
        return []
    if any(each.answer not in (Failure.SILENT, Failure.UNKNOWN_NAME, Failure.UNREACHABLE) for each in over_udp):
        return [ok("udp", "UDP gets through", blocked=False)]
    if not server_answered and not any(each.works for each in tested):
        return [warning("udp", "UDP could not be tested: nothing at all answers", "connect to a network first")]
    relays = [each.server.shown for each in tested if each.server.relays and each.works]
    message = "UDP is blocked: no STUN or TURN server answers over UDP, although TCP gets through"
    if relays:
        hint = f"connections go through the {relays[0]}; a network that lets UDP pass is faster"
        return [warning("udp", message, hint, blocked=True)]
    return [fault("udp", message, f"use another network, or {_RELAY_HINT}", blocked=True)]


def _of_nat(nat: Nat, tested: Sequence[Tested]) -> list[Finding]:
    """Says what the NAT on the way does."""
    facts: dict[str, Fact] = {"kind": nat.value}
    relayed = any(each.works for each in tested if each.server.relays)
    match nat:
        case Nat.NONE:
            return [ok("nat", "No NAT between you and the STUN servers", **facts)]
        case Nat.INDEPENDENT:
            return [ok("nat", "A NAT that keeps one port for each socket: direct connections are likely", **facts)]
        case Nat.SYMMETRIC if relayed:
            return [ok("nat", "A symmetric NAT: connections to some others go through the TURN server", **facts)]
        case Nat.SYMMETRIC:
            message = "A symmetric NAT, and no TURN server: others behind such a NAT cannot be reached"
            return [warning("nat", message, "name a TURN server: --ice turn:USER:PASSWORD@HOST", **facts)]
    if any(isinstance(each.answer, Mapped) for each in tested):
        message = "A NAT of unknown kind: that takes two STUN servers, at different addresses, that answer"
        return [ok("nat", message, **facts)]
    return []


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
