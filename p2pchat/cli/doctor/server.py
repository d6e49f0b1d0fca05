"""What is tested of the signaling server: its name, TCP, TLS, what it says, and the clock against its own."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass, field
from typing import Final

from p2pchat import __version__
from p2pchat.cli.doctor.findings import Fact, Finding, State, failed, fault, milliseconds, ok, warning
from p2pchat.cli.options import DEFAULT_SERVER
from p2pchat.errors import P2PChatError
from p2pchat.node.settings import Settings
from p2pchat.protocol.signaling import IceServer
from p2pchat.signaling import probe
from p2pchat.signaling.probe import Target

CLOCK_SECONDS: Final = 60.0
"""Difference of the clocks above which certificates and the credentials of TURN servers begin to fail."""

CERTIFICATE_DAYS: Final = 14.0
"""Days before the end of a certificate from which on somebody should look after it: most are renewed at 30."""

SLOW_SECONDS: Final = 1.0
"""Round trip from which on meeting takes noticeably long: it needs about four of them."""

ADDRESSES_SHOWN: Final = 4


@dataclass(slots=True)
class Examined:
    """What the server's checks found."""

    findings: list[Finding] = field(default_factory=list)
    answered: bool = False
    """Whether a p2pchat server answered, with TCP."""
    ice_servers: tuple[IceServer, ...] = ()
    """What it names. Untrusted."""


def no_server(lan_works: bool) -> Finding:
    """Returns the finding that no server is named: no fault where the local network can do without."""
    hint = "for rooms beyond this network, and for codes, name one with --server URL, or start p2pchat-server"
    if lan_works:
        return warning("server", "No server is named: you find others on this network alone", hint)
    return fault("server", "No server is named, and others on this network cannot be found either", hint)


async def server(settings: Settings, seconds: float) -> Examined:
    """Tests each step on the way to the server; the first that fails is the last one.

    Args:
        settings: which server; where none is named, nothing is done.
        seconds: time for all of it.
    """
    examined = Examined()
    if not settings.server:
        return examined
    try:
        async with asyncio.timeout(seconds):
            await _steps(Target.of(settings.server), settings.token, examined)
    except P2PChatError as error:
        finding = failed("server", error)
        if settings.server == DEFAULT_SERVER:
            hint = "name one with --server URL, or start p2pchat-server here"
            finding = Finding("server", State.FAULT, f"No server: {error.message}", hint, finding.facts)
        examined.findings.append(finding)
    except TimeoutError:
        hint = "check the network; a connection that loses packets is as slow as this"
        message = f"The server's answers took more than {seconds:.0f} s"
        examined.findings.append(fault("server", message, hint))
    return examined


async def _steps(target: Target, token: str, examined: Examined) -> None:
    found = examined.findings
    if not _is_address(target.host):
        addresses = await probe.resolve(target.host)
        shown = ", ".join(addresses[:ADDRESSES_SHOWN])
        found.append(ok("dns", f"{target.host} is {shown}", addresses=addresses))
    seconds = await probe.reach(target)
    found.append(ok("tcp", f"{target.shown} takes connections, in {milliseconds(seconds)}", ms=_ms(seconds)))
    if target.secure:
        found.append(_certificate(await probe.secure(target)))
    greeting = await probe.greet(target, token, f"p2pchat/{__version__}")
    examined.answered = True
    examined.ice_servers = greeting.ice_servers
    found.append(_greeting(target, greeting))
    if greeting.ahead is not None:
        found.append(_clock(greeting.ahead))


def _certificate(secured: probe.Secured) -> Finding:
    facts: dict[str, Fact] = {"version": secured.version, "days": round(secured.days)}
    message = f"{secured.version}; the certificate is good for another {secured.days:.0f} days"
    if secured.days < CERTIFICATE_DAYS:
        return warning("tls", message, "whoever runs the server should renew it", **facts)
    return ok("tls", message, **facts)


def _greeting(target: Target, greeting: probe.Greeting) -> Finding:
    facts: dict[str, Fact] = {
        "ms": _ms(greeting.seconds),
        "agent": greeting.agent,
        "your_address": greeting.your_address,
        "ice_servers": len(greeting.ice_servers),
    }
    who = greeting.agent or "A signaling server"
    message = f"{who} at {target.shown} answers in {milliseconds(greeting.seconds)}"
    if greeting.your_address:
        message += f"; it sees you as {greeting.your_address}"
    if greeting.seconds > SLOW_SECONDS:
        return warning("server", message, "meeting takes long; a server that is nearer helps", **facts)
    return ok("server", message, **facts)


def _clock(ahead: float) -> Finding:
    facts = {"seconds": round(-ahead)}
    if abs(ahead) > CLOCK_SECONDS:
        which = "behind" if ahead > 0 else "ahead of"
        message = f"This machine's clock is {abs(ahead):.0f} s {which} the server's"
        return warning("clock", message, "set the clock, or let it be set (NTP): certificates need it", **facts)
    return ok("clock", "The clock agrees with the server's to a few seconds", **facts)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
