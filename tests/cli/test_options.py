"""Where settings come from, and what is said about those that cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from p2pchat.cli import config, options
from p2pchat.cli.options import DEFAULT_SERVER, Options
from p2pchat.errors import ConfigurationError, UsageError
from p2pchat.tui.preferences import Presentation


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of all state, and nothing of the tester's own settings."""
    for variable in [name for name in os.environ if name.startswith("P2PCHAT_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("P2PCHAT_HOME", str(tmp_path))
    return tmp_path


def resolved(*arguments: str) -> Options:
    """What a command with all common options makes of its arguments."""
    found: list[Options] = []

    @click.command()
    @options.common
    @click.pass_context
    def command(context: click.Context, /, **_: object) -> None:
        found.append(options.resolve(context))

    command.main(list(arguments), standalone_mode=False)
    return found[0]


def resolved_for_chat(*arguments: str) -> Options:
    """The same for a command with the options of `chat`."""
    found: list[Options] = []

    @click.command()
    @options.common
    @options.announce
    @options.events
    @options.theme
    @options.reduced_motion
    @options.flash
    @options.on_alert
    @options.language
    @options.sdp_t140
    @click.pass_context
    def command(context: click.Context, /, **_: object) -> None:
        found.append(options.resolve(context))

    command.main(list(arguments), standalone_mode=False)
    return found[0]


def configured(home: Path, text: str) -> None:
    (home / "config.toml").write_text(text, encoding="utf-8")


def refused(*arguments: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        resolved(*arguments)
    return caught.value.message


def test_everything_has_a_default(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ana")
    chosen = resolved()
    assert (chosen.settings.server, chosen.settings.lan) == ("", True)
    assert chosen.settings.name == "ana"
    assert chosen.settings.home == home / "default"
    assert chosen.settings.downloads.name == "p2pchat"
    assert chosen.settings.ice == ()
    assert (chosen.settings.relay_only, chosen.settings.ephemeral) == (False, False)
    assert (chosen.plain, chosen.json, chosen.verbose) == (False, False, False)


@pytest.mark.parametrize(
    "switch", [("--no-lan",), ("--ephemeral",), ("--relay-only", "--ice", "turn:ana:secret@turn.example")]
)
def test_without_the_local_network_there_has_to_be_a_server(switch: tuple[str, ...]) -> None:
    chosen = resolved("--lan", *switch)
    assert (chosen.settings.server, chosen.settings.lan) == (DEFAULT_SERVER, False)


def test_a_room_can_be_on_the_local_network_and_at_a_server(home: Path) -> None:
    chosen = resolved("--server", "http://chat.example")
    assert (chosen.settings.server, chosen.settings.lan) == ("http://chat.example", True)
    assert options.without_server(chosen).settings.server == ""
    configured(home, "lan = false")
    assert not resolved().settings.lan
    assert resolved("--lan").settings.lan


def test_an_option_wins_over_the_environment_and_that_over_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(home, 'name = "of the file"')
    assert resolved().settings.name == "of the file"
    monkeypatch.setenv("P2PCHAT_NAME", "of the environment")
    assert resolved().settings.name == "of the environment"
    assert resolved("--name", "of the option").settings.name == "of the option"


def test_a_flag_can_be_taken_back_nearer_to_the_command_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(home, "ephemeral = true\nplain = true")
    assert resolved().settings.ephemeral
    assert not resolved("--no-ephemeral").settings.ephemeral
    monkeypatch.setenv("P2PCHAT_PLAIN", "0")
    assert not resolved().plain


def test_every_setting_can_be_in_the_file(home: Path) -> None:
    configured(
        home,
        """
        server = "wss://chat.example.org"
        name = "Ana"
        profile = "work"
        ice = ["stun:stun.example.org", "turn:ana:secret@turn.example.org"]
        relay-only = true
        ephemeral = true
        json = true
        downloads = "inbox"
        verbose = true
        """,
    )
    chosen = resolved()
    assert chosen.settings.server == "wss://chat.example.org"
    assert chosen.settings.name == "Ana"
    assert chosen.settings.home == home / "work"
    assert chosen.settings.downloads == home / "inbox", "paths in a file count from its folder"
    assert chosen.settings.ice == ("stun:stun.example.org", "turn:ana:secret@turn.example.org")
    assert chosen.settings.relay_only
    assert chosen.settings.ephemeral
    assert chosen.json
    assert chosen.verbose


def test_a_named_file_takes_the_place_of_the_one_at_home(home: Path, tmp_path: Path) -> None:
    configured(home, 'name = "at home"')
    other = tmp_path / "other.toml"
    other.write_text('home = "elsewhere"', encoding="utf-8")
    chosen = resolved("--config", str(other))
    assert chosen.settings.name != "at home"
    assert resolved("--config", str(other), "--home", str(tmp_path)).settings.home == tmp_path / "default"


def test_the_home_may_come_from_a_named_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("P2PCHAT_HOME")
    other = tmp_path / "other.toml"
    other.write_text('home = "elsewhere"', encoding="utf-8")
    assert resolved("--config", str(other)).settings.home == tmp_path / "elsewhere" / "default"


def test_ice_servers_are_repeated_as_options_and_separated_by_spaces_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert resolved("--ice", "stun:a", "--ice", "turn:b").settings.ice == ("stun:a", "turn:b")
    monkeypatch.setenv("P2PCHAT_ICE", "stun:c turn:d")
    assert resolved().settings.ice == ("stun:c", "turn:d")


def test_plain_and_machine_mode_exclude_each_other_unless_one_is_nearer(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError):
        resolved("--plain", "--json")
    monkeypatch.setenv("P2PCHAT_PLAIN", "1")
    chosen = resolved("--json")
    assert (chosen.plain, chosen.json) == (False, True)
    configured(home, "json = true")
    chosen = resolved()
    assert (chosen.plain, chosen.json) == (True, False)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('server = "chat.example.org"', "server"),
        ('server = "http://"', "server"),
        ('server = "http://host:port"', "server"),
        ("server = 8080", "server"),
        ('name = ""', "name"),
        ('name = "a\\u001bb"', "name"),
        (f'name = "{"x" * 65}"', "name"),
        ('profile = "../else"', "profile"),
        ('profile = ""', "profile"),
        ('home = ""', "home"),
        ('downloads = "config.toml"', "downloads"),
        ('ice = "stun:a"', "ice"),
        ('ice = ["http://secret@a"]', "ice"),
        ("ice = [3]", "ice"),
        ('ephemeral = "yes"', "ephemeral"),
        ("relay-only = 1", "relay-only"),
        ('announce = "letter"', "announce"),
        ('events = ""', "events"),
        ("events = 3", "events"),
        ('language = ""', "language"),
        ('language = "en,,sv"', "language"),
        ('language = "English, please"', "language"),
        (f'language = "{"-".join(["x"] * 20)}"', "language"),
        (f'language = "{",".join("a" + letter for letter in "abcdefghi")}"', "language"),
        ('language = ["en"]', "language"),
        ("sdp-t140 = 1", "sdp-t140"),
    ],
)
def test_an_error_names_file_key_and_what_is_allowed(
    home: Path, line: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if key == "home":
        monkeypatch.delenv("P2PCHAT_HOME")
    configured(home, line)
    message = refused("--config", str(home / "config.toml"))
    assert str(home / "config.toml") in message
    assert f": {key} has to be {config.ALLOWED[key]}" in message
    assert "secret" not in message


def test_live_text_is_told_by_sentence_unless_something_else_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolved_for_chat().announce == "sentence"
    monkeypatch.setenv("P2PCHAT_ANNOUNCE", "word")
    assert resolved_for_chat().announce == "word"
    assert resolved_for_chat("--announce", "char").announce == "char"


def test_events_go_to_a_descriptor_or_a_path(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolved_for_chat().events == ""
    assert resolved_for_chat("--events", "3").events == "3"
    monkeypatch.chdir(home)
    assert resolved_for_chat("--events", "stream").events == str(home / "stream")
    configured(home, 'events = "in-file"')
    assert resolved_for_chat().events == str(home / "in-file")
    configured(home, 'events = "4"')
    assert resolved_for_chat().events == "4"


def test_languages_are_a_list_of_tags_each_of_them_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolved_for_chat().settings.languages == ()
    configured(home, 'language = "zh-Hant"')
    assert resolved_for_chat().settings.languages == ("zh-Hant",)
    monkeypatch.setenv("P2PCHAT_LANGUAGE", "sv-FI")
    assert resolved_for_chat().settings.languages == ("sv-FI",)
    assert resolved_for_chat("--language", "en, sv,en").settings.languages == ("en", "sv")


def test_the_channel_is_described_only_when_that_is_wanted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not resolved_for_chat().settings.sdp_t140
    configured(home, "sdp-t140 = true")
    assert resolved_for_chat().settings.sdp_t140
    assert not resolved_for_chat("--no-sdp-t140").settings.sdp_t140
    monkeypatch.setenv("P2PCHAT_SDP_T140", "0")
    assert not resolved_for_chat().settings.sdp_t140


def test_an_error_names_the_option_or_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused("--server", "nowhere").startswith("--server has to be a URL")
    monkeypatch.setenv("P2PCHAT_SERVER", "nowhere")
    assert refused().startswith("P2PCHAT_SERVER has to be a URL")
    assert resolved("--server", DEFAULT_SERVER).settings.server == DEFAULT_SERVER


@pytest.mark.parametrize(
    "text", ["= 3", "a = [", "\x00", '"' * 5, "sevrer = 'x'", "[chat]\nname = 'x'", "x = " + "[" * 10_000]
)
def test_a_file_that_is_no_configuration_is_an_error(home: Path, text: str) -> None:
    configured(home, text)
    assert str(home / "config.toml") in refused()


def test_a_file_that_was_asked_for_has_to_exist(home: Path) -> None:
    assert "missing.toml" in refused("--config", str(home / "missing.toml"))
    (home / "config.toml").mkdir()
    assert "cannot be read" in refused()


def secret_file(folder: Path, content: str, mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(content, "utf-8")
    path.chmod(mode)
    return path


def test_a_token_comes_from_what_is_nearest_to_the_command_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolved().settings.token == ""
    secret_file(home, "of-the-file\n")
    configured(home, 'token-file = "token"')
    assert resolved().settings.token == "of-the-file"
    monkeypatch.setenv("P2PCHAT_TOKEN", "of-the-environment")
    assert resolved().settings.token == "of-the-environment"
    assert resolved("--token-file", str(home / "token")).settings.token == "of-the-file"
    monkeypatch.setenv("P2PCHAT_TOKEN_FILE", str(home / "token"))
    with pytest.raises(UsageError, match="P2PCHAT_TOKEN and P2PCHAT_TOKEN_FILE exclude each other"):
        resolved()
    monkeypatch.delenv("P2PCHAT_TOKEN")
    assert resolved().settings.token == "of-the-file"


@pytest.mark.parametrize(("held", "says"), [(" \n", "no token"), ("one two", "one token"), ("x" * 257, "at most 256")])
def test_a_file_without_a_token_is_told_and_none_of_it_shown(home: Path, held: str, says: str) -> None:
    message = refused("--token-file", str(secret_file(home, held)))
    assert message.startswith("the file of --token-file")
    assert says in message
    assert not held.strip() or held not in message
    assert "cannot be read" in refused("--token-file", str(home / "missing"))


def test_a_command_that_meets_nobody_does_not_look_for_the_token(home: Path) -> None:
    configured(home, 'token-file = "missing"')

    @click.command()
    @options.config_file
    @click.pass_context
    def command(context: click.Context, /, **_: object) -> None:
        assert options.resolve(context).settings.token == ""

    command.main([], standalone_mode=False)


def test_a_token_that_others_can_read_is_used_with_a_warning(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert resolved("--token-file", str(secret_file(home, "secret"))).settings.token == "secret"
    assert capsys.readouterr().err == ""
    assert resolved("--token-file", str(secret_file(home, "secret", 0o644))).settings.token == "secret"
    warned = capsys.readouterr().err
    assert f"can read {home / 'token'}" in warned
    assert "chmod 600" in warned


def test_relayed_connections_need_a_server_for_them() -> None:
    assert "TURN" in refused("--relay-only", "--ice", "stun:a")
    assert resolved("--relay-only", "--ice", "turn:a").settings.relay_only


def program(folder: Path, name: str = "lamp") -> Path:
    """Something that can be started."""
    made = folder / name
    made.write_text("#!/bin/sh\n")
    made.chmod(0o755)
    return made


def test_how_the_screen_looks_can_be_given(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolved_for_chat().presentation == Presentation(folder=home / "default")
    configured(home, "theme = 'mono'\nflash = true\nreduced-motion = true\n")
    found = resolved_for_chat("--no-flash", "--ephemeral").presentation
    assert found == Presentation("mono", reduced_motion=True, flash=False, folder=None)
    monkeypatch.setenv("P2PCHAT_THEME", "high-contrast-light")
    assert resolved_for_chat().presentation.theme == "high-contrast-light"
    monkeypatch.setenv("P2PCHAT_THEME", "pink")
    with pytest.raises(ConfigurationError, match=r"P2PCHAT_THEME has to be p2pchat-dark, .* or mono"):
        resolved_for_chat()


def test_a_program_for_alerts_is_found_and_taken_apart_without_a_shell(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lamp = program(home)
    monkeypatch.setenv("PATH", str(home))
    monkeypatch.setenv("HOME", str(home))
    for given in ("lamp", str(lamp), "~/lamp"):
        command = resolved_for_chat("--on-alert", f"{given} --for '3 s' $HOME; reboot").presentation.on_alert
        assert command == (str(lamp), "--for", "3 s", "$HOME;", "reboot")


@pytest.mark.parametrize("given", ["", "  ", "gone --now", "./lamp", "sub/lamp", "'lamp", "/", "lamp\0"])
def test_a_program_for_alerts_that_cannot_be_started_is_told_at_the_start(
    home: Path, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "sub").mkdir()
    program(home)
    program(home / "sub")
    monkeypatch.chdir(home)
    with pytest.raises(ConfigurationError, match="--on-alert has to be a program that is found in PATH"):
        resolved_for_chat("--on-alert", given)


def test_the_list_of_settings_is_complete() -> None:
    in_file = set(config.ConfigFile.__struct_encode_fields__)
    assert in_file == set(config.ALLOWED)
    resolved_names = {parameter.name.replace("_", "-") for parameter in _all_options() if parameter.name}
    assert resolved_names - {"config", "help"} == in_file


def _all_options() -> list[click.Parameter]:
    @click.command()
    @options.common
    @options.if_exists
    @options.announce
    @options.events
    @options.theme
    @options.reduced_motion
    @options.flash
    @options.on_alert
    @options.language
    @options.sdp_t140
    def command() -> None:
        pass

    return command.params
