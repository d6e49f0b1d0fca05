"""The command `p2pchat-server`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import sys
from collections.abc import Callable
from typing import Any

import click

from signaling_server.app import serve
from signaling_server.logs import Style, set_up
from signaling_server.options import GroupedCommand, deployment_of, limits_of, server_options
from signaling_server.tokens import TokensError, new_token


@click.group(
    cls=GroupedCommand,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@server_options
@click.version_option(package_name="p2pchat")
@click.pass_context
def main(context: click.Context, /, host: str, port: int, log: str, verbose: bool, **chosen: Any) -> None:
    """Lets p2pchat clients find each other. What they say to each other never passes through here.

    The first line on standard output is the URL to give to `p2pchat --server`. SIGTERM ends it after telling every
    client; SIGHUP has tokens, TURN secret and certificate read again.
    """
    if context.invoked_subcommand is not None:
        return
    set_up(Style(log), logging.INFO if verbose else logging.WARNING)
    limits, deployment = limits_of(chosen), deployment_of(chosen)
    _allow_many_sockets()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(host, port, limits, _announce, deployment))
    except OSError as error:
        print(f"p2pchat-server: {_explain(error, host, port)}", file=sys.stderr)
        sys.exit(1)


@main.command()
@click.argument("name", default="user")
def token(name: str) -> None:
    """Makes a token. The first line is for its user, the second for the file of --tokens-file.

    NAME is what you call it, to find its line again. The second line gives nothing away.
    """
    try:
        made, line = new_token(name)
    except TokensError as problem:
        raise click.UsageError(str(problem)) from None
    print(made)
    print(line)
    print("give the first line to its user (P2PCHAT_TOKEN), add the second to the file of tokens", file=sys.stderr)


def _allow_many_sockets() -> None:
    """Raises the number of files that this process may have open, often 1,024, to what is allowed."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


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
