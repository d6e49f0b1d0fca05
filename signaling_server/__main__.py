"""The command `p2pchat-server`."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import sys
from collections.abc import Callable

import click

from signaling_server.app import serve
from signaling_server.limits import ServerLimits

_DEFAULTS = ServerLimits()


@click.command(context_settings={"auto_envvar_prefix": "P2PCHAT_SERVER", "help_option_names": ["-h", "--help"]})
@click.option("--host", default="127.0.0.1", show_default=True, show_envvar=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    show_envvar=True,
    help="Port to listen on; 0 lets the system choose one.",
)
@click.option(
    "--max-rooms",
    type=click.IntRange(min=1),
    default=_DEFAULTS.rooms,
    show_default=True,
    show_envvar=True,
    help="Rooms that may exist at the same time.",
)
@click.option(
    "--max-peers",
    type=click.IntRange(2, 256),
    default=_DEFAULTS.room_peers,
    show_default=True,
    show_envvar=True,
    help="Peers in one room.",
)
@click.option("-v", "--verbose", is_flag=True, show_envvar=True, help="Narrate on standard error.")
@click.version_option(package_name="p2pchat")
def main(host: str, port: int, max_rooms: int, max_peers: int, verbose: bool) -> None:
    """Lets p2pchat clients find each other. What they say to each other never passes through here.

    The first line on standard output is the URL to give to `p2pchat --server`. SIGTERM ends it after telling every
    client.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    limits = ServerLimits(rooms=max_rooms, room_peers=max_peers)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(host, port, limits, _announce))
    except OSError as error:
        print(f"p2pchat-server: {_explain(error, host, port)}", file=sys.stderr)
        sys.exit(1)


def _announce(url: str) -> None:
    print(url, flush=True)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _explain(error: OSError, host: str, port: int) -> str:
    """One line for the operator: what is wrong with the address, and what to do."""
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} of {host} is in use: stop what listens there, or choose another with --port (0: any)"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine: choose another with --host (0.0.0.0: all)"
        case errno.EACCES | errno.EPERM:
            return f"port {port} is not allowed for this user: choose one from 1024 up with --port"
    if isinstance(error, socket.gaierror):
        return f"{host} is not known as a name or an address: choose another with --host"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"


if __name__ == "__main__":
    main(prog_name="p2pchat-server")
