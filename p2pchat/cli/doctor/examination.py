"""Runs the checks, those that do not need each other at the same time, and hands their findings over in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Final

from p2pchat.cli.doctor import ice, machine, mdns, network, server
from p2pchat.cli.doctor.findings import Finding, State, warning
from p2pchat.node.settings import Settings
from p2pchat.signaling.probe import on_daemon_thread

SERVER_SECONDS: Final = 7.0
"""Time for all steps to the server. With `ICE_SECONDS`, all is over in less than 15 s."""

ICE_SECONDS: Final = 6.0
"""Time for all STUN and TURN servers together; they are asked at the same time."""

CHECK_SECONDS: Final = 3.0
"""Time for any other check. A folder on a network disk that is gone can take for ever."""

_log = logging.getLogger(__name__)


async def examine(
    settings: Settings, terminal: Callable[[], Finding], begin: Callable[[str], None]
) -> AsyncIterator[Finding]:
    """Yields what each check found, in an order that does not change.

    Args:
        settings: what is tested is what a chat with these settings would use.
        terminal: looks at the terminal, which belongs to the caller.
        begin: called with words for what is tested now.
    """
    addresses = network.own_addresses()
    begin("the network, multicast, the server, the terminal, the profile and the disk")
    first = [
        _begun("network", on_daemon_thread(lambda: network.interfaces(addresses))),
        _begun("route", on_daemon_thread(network.route)),
        _begun("mdns", mdns.mdns(addresses) if settings.lan else mdns.switched_off()),
    ]
    last = [
        _begun("terminal", on_daemon_thread(terminal)),
        _begun("versions", on_daemon_thread(machine.versions)),
        _begun("profile", on_daemon_thread(lambda: machine.profile(settings))),
        _begun("disk", on_daemon_thread(lambda: machine.disk(settings))),
    ]
    at_server = asyncio.create_task(server.server(settings, SERVER_SECONDS))
    on_network = [await task for task in first]
    for finding in on_network:
        yield finding
    examined = await at_server
    if not settings.server:
        yield server.no_server(all(finding.state is State.OK for finding in on_network if finding.check == "mdns"))
    for finding in examined.findings:
        yield finding
    servers = ice.wanted(settings, examined.ice_servers)
    if servers:
        begin(f"{len(servers)} STUN and TURN servers" if len(servers) > 1 else "a STUN or TURN server")
    for finding in await ice.ice(servers, settings.relay_only, examined.answered, ICE_SECONDS):
        yield finding
    for task in last:
        yield await task


def _begun(check: str, work: Coroutine[Any, Any, Finding]) -> asyncio.Task[Finding]:
    return asyncio.create_task(_bounded(check, work))


async def _bounded(check: str, work: Coroutine[Any, Any, Finding]) -> Finding:
    """Returns what a check found; one that hangs or fails itself says so, and the others go on."""
    try:
        return await asyncio.wait_for(work, CHECK_SECONDS)
    except TimeoutError:
        message = f"No answer within {CHECK_SECONDS:.0f} s"
    except OSError as error:
        message = f"It could not be tested: {(error.strerror or type(error).__name__).lower()}"
        _log.debug("The check %s failed:", check, exc_info=error)
    return warning(check, message, "run it again with -v to see more")


def works(findings: Sequence[Finding]) -> bool:
    """Whether chatting would work: nothing that it needs, or that is configured, is at fault."""
    return all(finding.state is not State.FAULT for finding in findings)
