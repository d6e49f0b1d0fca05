"""The options of `p2pchat-server`, and what becomes of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from signaling_server.addresses import ForwardedHeader, Network, parse_network
from signaling_server.deployment import Deployment
from signaling_server.ice import IceConfiguration, IceError
from signaling_server.limits import ServerLimits
from signaling_server.logs import Style
from signaling_server.tls import Certificate, TlsError
from signaling_server.tokens import Tokens, TokensError, tokens_of

ENVIRONMENT_PREFIX: Final = "P2PCHAT_SERVER"
"""How the variables of the environment begin that stand for options."""

_DEFAULTS: Final = ServerLimits()

Command = TypeVar("Command", bound=Callable[..., Any])


class _NetworkType(click.ParamType[Any]):
    name = "cidr"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return parse_network(value)
        except ValueError:
            self.fail(f"{value!r} is no address and no network such as 10.0.0.0/8 or 2001:db8::/32", param, ctx)


class GroupedOption(click.Option):
    """An option that belongs to a group of the help."""

    def __init__(self, *args: Any, group: str, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.group = group


class GroupedCommand(click.Group):
    """Shows its options in groups, in the order in which the groups first appear."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options, then the commands."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                groups.setdefault(getattr(parameter, "group", "Other"), []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)
        self.format_commands(ctx, formatter)


def _option(group: str, *flags: str, **attributes: Any) -> Callable[[Command], Command]:
    """An option of a group; its variable in the environment is called after its long flag."""
    flag = next(flag for flag in flags if flag.startswith("--"))
    variable = f"{ENVIRONMENT_PREFIX}_{flag[2:].replace('-', '_').upper()}"
    return click.option(*flags, cls=GroupedOption, group=group, envvar=variable, show_envvar=True, **attributes)


def _limit(
    name: str, kind: click.ParamType[Any], help_text: str, flag: str = "", group: str = "Limits"
) -> Callable[[Command], Command]:
    """An option for the limit of this name; its default is the limit's."""
    flag = flag or "--" + name.replace("_", "-")
    default = getattr(_DEFAULTS, name)
    return _option(group, flag, name, type=kind, default=default, show_default=True, help=help_text)


_COUNT: Final = click.IntRange(min=1)
_RATE: Final = click.FloatRange(min=1)
_FILE: Final = click.Path(dir_okay=False, path_type=Path)

_LISTENING: Final = "Listening"
_ACCESS: Final = "Who may come in"
_PROXY: Final = "Behind a reverse proxy"
_ICE: Final = "STUN and TURN"
_OPERATION: Final = "Operation"

_OPTIONS: Final[Sequence[Callable[[Any], Any]]] = (
    _option(_LISTENING, "--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    _option(
        _LISTENING, "--port", type=click.IntRange(0, 65535), default=8080, show_default=True,
        help="Port to listen on; 0 lets the system choose one.",
    ),
    _option(_LISTENING, "--tls-cert", type=_FILE, help="Certificate with its chain (PEM), for HTTPS. Needs --tls-key."),
    _option(_LISTENING, "--tls-key", type=_FILE, help="Private key of the certificate (PEM, without a password)."),
    _option(
        _ACCESS, "--tokens-file", type=_FILE,
        help="Only who shows a token of this file may come in; `p2pchat-server token NAME` makes a line for it. "
        "P2PCHAT_SERVER_TOKEN and P2PCHAT_SERVER_TOKENS (with commas) hold tokens themselves.",
    ),
    _option(
        _ACCESS, "--origin", "origins", multiple=True, metavar="ORIGIN",
        help="Pages of this origin, such as https://example.org, may use the server from a browser (repeatable). "
        "Those of the server's own host always may.",
    ),
    _option(
        _PROXY, "--trusted-proxy", "trusted_proxies", type=_NetworkType(), multiple=True,
        help="Believe a proxy at this address or network whom it speaks for (repeatable).",
    ),
    _option(
        _PROXY, "--forwarded-header", type=click.Choice([str(header) for header in ForwardedHeader], False),
        default=str(ForwardedHeader.X_FORWARDED_FOR), show_default=True,
        help="The header in which trusted proxies say it; the other one is ignored.",
    ),
    _limit("rooms", _COUNT, "Rooms that may exist at the same time.", "--max-rooms"),
    _limit("room_peers", click.IntRange(2, 256), "Peers in one room.", "--max-peers"),
    _limit("away_seconds", click.FloatRange(0, 3600), "How long the seat of a lost socket is kept; 0: not at all."),
    _limit("messages_per_second", _RATE, "Messages of one socket, on average."),
    _limit("message_burst", _COUNT, "Messages of one socket, at once."),
    _limit("sockets_per_source", _COUNT, "Sockets of one source: an IPv4 address, or the /64 of an IPv6 one."),
    _limit("pending_sockets", _COUNT, "Sockets in all that have not said hello."),
    _limit("joins_per_minute", _RATE, "Rooms that one source joins."),
    _limit("room_joins_per_minute", _RATE, "How often one room is joined."),
    _limit("source_mailbox_requests_per_minute", _RATE, "Mailboxes that one source opens or claims."),
    _limit("wrong_tokens_per_minute", _RATE, "Wrong tokens that one source shows before it has to wait."),
    _limit("sources", _COUNT, "Sources and rooms whose rates are remembered."),
    _limit("http_seats", click.IntRange(min=0), "Seats of those who come over HTTP; 0: nobody."),
    _limit("http_seat_seconds", _RATE, "How long each of these is kept."),
    _option(
        "Limits", "--exempt-loopback", is_flag=True,
        help="Do not count what comes from this machine: for tests, or a proxy that tells no addresses.",
    ),
    _option(_ICE, "--stun-uri", "stun", multiple=True, metavar="URI", help="stun:HOST:PORT for clients (repeatable)."),
    _option(
        _ICE, "--turn-uri", "turn", multiple=True, metavar="URI",
        help="turn:HOST:PORT?transport=udp or turns:... for clients (repeatable). Needs a secret.",
    ),
    _option(
        _ICE, "--turn-secret-file", type=_FILE,
        help="The secret that the TURN server knows too (coturn: static-auth-secret); or P2PCHAT_SERVER_TURN_SECRET.",
    ),
    _option(
        _OPERATION, "--redis", metavar="URL", default="",
        help="Share rooms with other servers through this Redis, such as redis://127.0.0.1:6379/0. A URL with a "
        "password belongs into the environment.",
    ),
    _option(
        _OPERATION, "--metrics-from", type=_NetworkType(), multiple=True,
        help="Who may read /metrics (repeatable); this machine and the trusted proxies when left out.",
    ),
    _limit("drain_seconds", click.FloatRange(0, 600), "Time for clients to go at a stop.", group=_OPERATION),
    _option(
        _OPERATION, "--log", "log", type=click.Choice([str(style) for style in Style]), default=str(Style.TEXT),
        show_default=True, help="How to write on standard error. No addresses, names or contents either way.",
    ),
    _option(_OPERATION, "-v", "--verbose", is_flag=True, help="Narrate on standard error."),
)  # fmt: skip


def server_options(command: Command) -> Command:
    """Gives a command all options of the server."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def limits_of(chosen: Mapping[str, Any]) -> ServerLimits:
    """Returns the limits that were chosen."""
    return ServerLimits(**{field.name: chosen[field.name] for field in fields_of(ServerLimits) if field.name in chosen})


def deployment_of(chosen: Mapping[str, Any]) -> Deployment:
    """Returns what else was chosen, with the files read.

    Raises:
        click.UsageError: two options do not fit together, or a file cannot be used. Its text says what to do.
    """
    certificate, key = chosen["tls_cert"], chosen["tls_key"]
    if (certificate is None) != (key is None):
        raise click.UsageError("--tls-cert and --tls-key go together: give both, or neither")
    secret = os.environ.get("P2PCHAT_SERVER_TURN_SECRET", "").strip()
    trusted: tuple[Network, ...] = tuple(chosen["trusted_proxies"])
    try:
        return Deployment(
            tokens=Tokens(chosen["tokens_file"], tokens_of(os.environ)),
            ice=IceConfiguration(chosen["stun"], chosen["turn"], secret, chosen["turn_secret_file"], time.time),
            certificate=Certificate(certificate, key) if certificate is not None else None,
            trusted_proxies=trusted,
            forwarded_header=ForwardedHeader(chosen["forwarded_header"]),
            metrics_from=tuple(chosen["metrics_from"]),
            origins=frozenset(origin.rstrip("/").lower() for origin in chosen["origins"]),
            exempt_loopback=chosen["exempt_loopback"],
            redis=_redis_url(chosen["redis"]),
        )
    except (TokensError, IceError, TlsError) as problem:
        raise click.UsageError(str(problem)) from None


def _redis_url(url: str) -> str:
    """Returns the URL of a Redis, or nothing for no URL.

    Raises:
        click.UsageError: it is none, or the package is missing.
    """
    if not url:
        return ""
    try:
        from redis.asyncio.connection import parse_url
    except ImportError:
        raise click.UsageError("--redis needs a package: pip install 'p2pchat[redis]'") from None
    try:
        parse_url(url)
    except ValueError:
        raise click.UsageError("--redis: a URL such as redis://127.0.0.1:6379/0 is wanted") from None
    return url
