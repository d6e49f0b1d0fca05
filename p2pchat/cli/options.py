"""The common options: from the command line, the environment or the configuration file, in this order.

click knows the first two and says which of them gave a value; what neither gave is looked up in the file, and then
has a default. All four go through the same checks.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import platformdirs
from click.core import ParameterSource

from p2pchat.cli import checks, config, secret_files
from p2pchat.errors import ConfigurationError, UsageError
from p2pchat.node.settings import Settings
from p2pchat.protocol.limits import NAME_CHARACTERS
from p2pchat.protocol.rtt.announce import Size
from p2pchat.protocol.untrusted import safe_line
from p2pchat.tui.preferences import THEME_NAMES, Presentation

DEFAULT_SERVER: Final = "http://127.0.0.1:8080"
"""Where `p2pchat-server` listens when it is started without options. A code always needs a server, and a room does
where the local network is not used."""

DEFAULT_PROFILE: Final = "default"

PATIENCE_DEFAULT: Final = 600.0
"""Seconds."""

TOKEN_VARIABLE: Final = "P2PCHAT_TOKEN"
"""Holds what a signaling server wants that is not open to everybody. An option names a file with it and never the token
itself: others could read it in a list of processes."""

TOKEN_CHARACTERS: Final = 256
"""Longest token that the protocol carries."""

_ENVIRONMENT = "P2PCHAT_"

Command = TypeVar("Command", bound=Callable[..., Any])


ENVIRONMENT_RANK: Final = 2
"""The rank of what the environment gives: behind the command line, before the configuration file."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value and where it comes from."""

    value: Any
    origin: str
    """As an error names it: `--server`, `P2PCHAT_SERVER`, or file and key."""
    rank: int
    """1 command line, `ENVIRONMENT_RANK`, 3 file, 4 default: lower wins."""


@dataclass(frozen=True, slots=True)
class Options:
    """The common options, checked."""

    settings: Settings
    plain: bool
    json: bool
    verbose: bool
    if_exists: str = ""
    """What to do with names that are taken, one of `checks.IF_EXISTS`; empty where nobody has said so."""
    announce: Size = "sentence"
    """How much of live text line mode says at once."""
    events: str = ""
    """Where assistive technology reads what happens: the number of a file descriptor, or a path; empty for nowhere."""
    presentation: Presentation = field(default_factory=Presentation)
    """How the full screen looks, and what an alert starts in line mode as well."""


def option(name: str, *more: str, **how: Any) -> Callable[[Command], Command]:
    """A common option: also read from `P2PCHAT_<NAME>`, and told apart from one that was not given."""
    variable = _ENVIRONMENT + name.upper().replace("-", "_")
    flags = f"--{name}/--no-{name}" if how.get("is_flag") and how.pop("negatable", True) else f"--{name}"
    return click.option(flags, *more, envvar=variable, default=None, show_envvar=True, **how)


server = option(
    "server",
    metavar="URL",
    help=f"The signaling server.  [default: the local network alone; for codes and without it {DEFAULT_SERVER}]",
)
token_file = option("token-file", metavar="FILE", help="A file with the token that the signaling server wants.")
lan = option("lan", is_flag=True, help="Find others on the local network, and be found there.  [default: lan]")
name = option("name", metavar="NAME", help="What others see you as.  [default: your login name]")
profile = option("profile", metavar="NAME", help=f"Which of your identities to use.  [default: {DEFAULT_PROFILE}]")
home = option("home", metavar="DIR", help="The folder of all state.  [default: where this system keeps such data]")
ice = option("ice", metavar="URL", multiple=True, help="A STUN or TURN server; may be given several times.")
relay_only = option("relay-only", is_flag=True, help="Connect through a TURN server only: peers do not see addresses.")
ephemeral = option("ephemeral", is_flag=True, help="Write nothing to disk but received files.")
plain = option("plain", is_flag=True, help="Line mode: no cursor movement, one line per event.")
json = option("json", is_flag=True, help="Machine mode: JSON Lines out and in.")
downloads = option("downloads", metavar="DIR", help="Where received files go.  [default: p2pchat in your downloads]")
verbose = option("verbose", "-v", is_flag=True, negatable=False, help="Say more on standard error.")
patience = option(
    "patience", metavar="SECONDS", help="Wait so long for a peer that is lost in the middle.  [default: 600]"
)
if_exists = option(
    "if-exists",
    metavar="WHAT",
    help="When a name is taken: rename, skip what is the same, overwrite, or ask.  [default: ask on a terminal]",
)
announce = option(
    "announce",
    metavar="WHAT",
    help="In line mode, tell live text by sentence, word, line or char.  [default: sentence]",
)
events = option("events", metavar="FD|PATH", help="Write JSON Lines for assistive technology there, in any mode.")
language = option("language", metavar="TAGS", help="Languages that you write and read, such as en,sv; others see them.")
theme = option("theme", metavar="NAME", help=f"The colours of the screen: {', '.join(THEME_NAMES)}.")
reduced_motion = option("reduced-motion", is_flag=True, help="Let nothing on the screen flash.")
flash = option("flash", is_flag=True, help="Invert the screen for a moment when somebody asks for attention.")
on_alert = option("on-alert", metavar="COMMAND", help="Start this program when somebody asks for attention.")
sdp_t140 = option("sdp-t140", is_flag=True, help="Describe the live-text channel to gateways (RFC 8865, dcmap).")
config_file = option(
    "config", metavar="FILE", help="The configuration file.  [default: config.toml in the folder of all state]"
)

_MEETING = (server, token_file, lan, ice, relay_only)
_ALL = (*_MEETING, name, profile, home, config_file, ephemeral, downloads, patience, plain, json, verbose)


def common(command: Command) -> Command:
    """Gives a command all common options."""
    for add in reversed(_ALL):
        command = add(command)
    return command


def resolve(context: click.Context) -> Options:
    """Returns the common options of the running command; those that it does not have get their defaults.

    Raises:
        ConfigurationError: a value cannot be used, wherever it comes from. The message says where, and what is allowed.
        UsageError: plain and machine mode are both asked for in the same place.
    """
    lookup = _Lookup(context)
    state = lookup.checked("home", checks.folder, _default_home())
    ice_urls = tuple(lookup.checked("ice", checks.ice_urls, ()))
    only_relayed = lookup.flag("relay-only")
    if only_relayed.value and not any(url.startswith("turn") for url in ice_urls):
        raise ConfigurationError(
            f"{only_relayed.origin} needs a TURN server", "name one with --ice turn:USER:PASSWORD@HOST"
        )
    ephemeral = lookup.flag("ephemeral").value
    # What is announced tells our addresses, and that we are here: these two are there to avoid that.
    on_lan = lookup.flag("lan", default=True).value and not ephemeral and not only_relayed.value
    settings = Settings(
        name=lookup.checked("name", checks.name, "") or _login_name(),
        server=lookup.checked("server", checks.server, "" if on_lan else DEFAULT_SERVER),
        home=state / lookup.checked("profile", checks.profile, DEFAULT_PROFILE),
        downloads=lookup.checked("downloads", checks.folder, platformdirs.user_downloads_path() / "p2pchat"),
        ice=ice_urls,
        token=_token(lookup.given("token-file") if "token_file" in context.params else None),
        lan=on_lan,
        relay_only=only_relayed.value,
        ephemeral=ephemeral,
        patience=lookup.checked("patience", checks.patience, PATIENCE_DEFAULT),
        languages=lookup.checked("language", checks.languages, ()),
        sdp_t140=lookup.flag("sdp-t140").value,
    )
    in_lines, as_json = _mode(lookup.flag("plain"), lookup.flag("json"))
    taken_names = lookup.checked("if-exists", checks.if_exists, "")
    return Options(
        settings,
        in_lines,
        as_json,
        lookup.flag("verbose").value,
        taken_names,
        lookup.checked("announce", checks.announce, "sentence"),
        lookup.checked("events", checks.events, ""),
        Presentation(
            lookup.checked("theme", checks.theme, ""),
            lookup.flag("reduced-motion").value,
            lookup.flag("flash").value,
            lookup.checked("on-alert", checks.program, ()),
            None if settings.ephemeral else settings.home,
        ),
    )


def with_server(chosen: Options, server: str, origin: str) -> Options:
    """Returns the options with another server, which comes from elsewhere.

    Raises:
        ConfigurationError: it is no address of a server.
    """
    try:
        there = checks.server(server)
    except ValueError:
        raise ConfigurationError(f"the server of {origin} has to be {config.ALLOWED['server']}") from None
    # The token is for the server that the user has chosen, and no business of another one.
    token = chosen.settings.token if there == chosen.settings.server else ""
    return replace(chosen, settings=replace(chosen.settings, server=there, token=token))


def without_server(chosen: Options) -> Options:
    """Returns the options for the local network alone."""
    return replace(chosen, settings=replace(chosen.settings, server=""))


def on_a_terminal() -> bool:
    """Whether a full-screen front end can run: both ends are a terminal that can move its cursor."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _token(file: Given | None) -> str:
    """The token for the signaling server, from its file or the environment: what is nearer to the command line wins."""
    held, origin = os.environ.get(TOKEN_VARIABLE, "").strip(), TOKEN_VARIABLE
    if file is not None and not (held and file.rank > ENVIRONMENT_RANK):
        if held and file.rank == ENVIRONMENT_RANK:
            raise UsageError(f"{TOKEN_VARIABLE} and {file.origin} exclude each other", "choose one")
        held, origin = secret_files.content(file.value).strip(), f"the file of {file.origin}"
        if not held:
            raise ConfigurationError(f"{origin} holds no token")
    if len(held) > TOKEN_CHARACTERS or not held.isprintable() or " " in held:
        raise ConfigurationError(f"{origin} has to hold one token of at most {TOKEN_CHARACTERS} characters")
    return held


class _Lookup:
    """Finds each setting of a command where it was given."""

    def __init__(self, context: click.Context) -> None:
        self._context = context
        asked_for = self._given_to_click("config")
        if asked_for is not None:
            self._path = Path(os.path.expanduser(asked_for.value))
        else:
            state = self._given_to_click("home")
            folder = os.path.expanduser(state.value) if state else _default_home()
            self._path = Path(folder) / config.FILE_NAME
        self._file = config.load(self._path, required=asked_for is not None)

    def checked(self, name: str, check: Callable[[Any], Any], default: Any) -> Any:
        given = self.given(name)
        if given is None:
            return default
        try:
            return check(given.value)
        except ValueError:
            # The value is not repeated: an ICE server's URL may hold a password.
            raise ConfigurationError(f"{given.origin} has to be {config.ALLOWED[name]}") from None

    def flag(self, name: str, default: bool = False) -> Given:
        return self.given(name) or Given(default, f"--{name}", 4)

    def given(self, name: str) -> Given | None:
        """Returns the value that is nearest to the command line, not checked."""
        value = getattr(self._file, name.replace("-", "_"))
        in_file = None if value is None else Given(self._from_here(name, value), f"{self._path}: {name}", 3)
        return self._given_to_click(name) or in_file

    def _given_to_click(self, name: str) -> Given | None:
        parameter = name.replace("-", "_")
        value = self._context.params.get(parameter)
        match self._context.get_parameter_source(parameter):
            case ParameterSource.COMMANDLINE:
                return Given(value, f"--{name}", 1)
            case ParameterSource.ENVIRONMENT:
                return Given(value, _ENVIRONMENT + parameter.upper(), ENVIRONMENT_RANK)
        return None

    def _from_here(self, name: str, value: Any) -> Any:
        """Paths in a file count from its folder, not from wherever the command is started."""
        if name not in ("home", "downloads", "events", "token-file") or not value or str(value).isdecimal():
            return value
        return str(self._path.parent / os.path.expanduser(value))


def _mode(plain: Given, json: Given) -> tuple[bool, bool]:
    """Settles plain against machine mode: the nearer to the command line wins."""
    if plain.value and json.value and plain.rank == json.rank:
        raise UsageError(f"{plain.origin} and {json.origin} exclude each other", "choose one")
    if plain.value and json.value:
        return plain.rank < json.rank, json.rank < plain.rank
    return plain.value, json.value


def _default_home() -> Path:
    return platformdirs.user_data_path("p2pchat", appauthor=False)


def _login_name() -> str:
    try:
        login = getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user, as in some containers
        login = ""
    return safe_line(login, NAME_CHARACTERS) or "somebody"
