"""What the documentation says of the command line is true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from p2pchat import errors
from p2pchat.cli import chat_plain, json_commands, json_events, options
from p2pchat.cli.json_commands import UnusableLine
from p2pchat.cli.live_commands import LiveCommands
from p2pchat.cli.live_typing import LiveTyping
from p2pchat.cli.main import p2pchat
from p2pchat.cli.one_shot import failures
from p2pchat.cli.plain_events import PlainEvents
from p2pchat.cli.transfer_commands import TransferCommands
from p2pchat.cli.trust_commands import TrustCommands
from p2pchat.node.answers import ContactInfo, Landing, Leftover, PeerStats
from p2pchat.node.events import (
    Alerted,
    CodeChanged,
    Direction,
    Event,
    GuestAsks,
    LineState,
    LiveTextAsked,
    LiveTextChanged,
    LiveTextSent,
    LiveTextShown,
    MessageDelivered,
    MessageReceived,
    MessageSent,
    PeerChanged,
    Problem,
    Ready,
    TransferChanged,
    TransferOffered,
    TransferProgressed,
)
from p2pchat.node.live_notice import NOTICE
from p2pchat.node.transcript import Transcript
from tests.cli.talk import BEN, transfer
from tests.fake_node import FakeNode

DOCS = Path(__file__).parents[2] / "docs"
JSON_LINES = (DOCS / "json-lines.md").read_text("utf-8")
COMMAND_LINE = (DOCS / "command-line.md").read_text("utf-8")
CONFORMANCE = (DOCS / "conformance" / "rtt.md").read_text("utf-8")


def objects() -> Iterator[dict[str, Any]]:
    """Every JSON object of the page."""
    for line in re.findall(r"^(?:[<>] )?(\{.*\})$", JSON_LINES, re.MULTILINE):
        yield json.loads(line)


def told() -> dict[str, set[str]]:
    """The keys of every event as the program writes it."""
    events: list[Event] = [
        Ready("lab", "ana", "k7qfm2xd", "ws://a", 0.0),
        PeerChanged("lab", BEN, 0.0),
        CodeChanged("lab", "7-a-b-c", "p2pchat:s#7-a-b-c", "", 0.0),
        MessageReceived("lab", "0a", BEN.peer, "ben", "hi", 0.0, 0.0),
        MessageSent("lab", "0a", "hi", 0.0),
        MessageDelivered("lab", "0a", BEN.peer, 0.0),
        LiveTextChanged("lab", BEN.peer, "ben", 0, "hi", LineState.LIVE, 0.0),
        LiveTextSent("lab", BEN.peer, 0, 0.0, 0.0),
        LiveTextShown("lab", BEN.peer, 0.0),
        LiveTextAsked("lab", BEN.peer, "ben", 0.0),
        Alerted("lab", BEN.peer, "ben", 0.0),
        GuestAsks("lab", "b7kq2mfa", "guest b7kq", 0.0),
        TransferOffered(transfer(), 0.0),
        TransferProgressed("t", Direction.SEND, 0, 1, 0.0, 0.0),
        TransferChanged(transfer(), 0.0),
        Problem("failed", "", "", 0.0),
    ]
    made = [json_events.as_object(event, "k7qfm2xd") or {} for event in events]
    made.append(json_events.stats(PeerStats("m2xdabcd", "direct", 1.0, 0, 0, 0.0), None, 0.0))
    made.append(json_events.alert_sent(True, 0.0))
    made.append(json_events.exported("/d/talk.txt", 0.0))
    made.append(json_events.safety(BEN, 0.0))
    made.append(json_events.invite("p2pchat:s?room=lab#secret", 0.0))
    made.append(json_events.contact(ContactInfo("m2xdabcd", "00", "", "ben", "known", 0.0, 0.0), 0.0))
    made.append(json_events.landing("531ed72b", Landing(Path("/d"), 1, 2, 0), 0.0))
    made.append(json_events.leftover(Leftover("0f", "m2xdabcd", "ben", "a", Path("/d"), 2, 1, 0.0), 0.0))
    return {each["event"]: set(each) for each in made}


def test_every_event_has_an_example_with_all_its_keys() -> None:
    examples = {example["event"]: set(example) - {"was"} for example in objects() if "event" in example}
    assert examples == told()
    assert any(example["event"] == "peer" and "was" in example for example in objects() if "event" in example)


def test_every_command_has_an_example_that_is_understood() -> None:
    examples = [example for example in objects() if "do" in example]
    for example in examples:
        json_commands.decode(json.dumps(example).encode())
    known = {str(kind.__struct_config__.tag) for kind in json_commands.JsonCommand.__args__}
    assert {example["do"] for example in examples} == known


def test_every_error_code_is_explained() -> None:
    def codes(kind: type[errors.P2PChatError]) -> set[str]:
        return {kind.code}.union(
            *(codes(below) for below in kind.__subclasses__() if below.__module__ == errors.__name__)
        )

    ours = {kind.code for kind in (UnusableLine, failures.WrongCode, failures.ChangedKey, failures.Declined)}
    for code in codes(errors.P2PChatError) | ours:
        assert f"`{code}`" in JSON_LINES


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 6, 130])
def test_every_exit_code_is_explained(code: int) -> None:
    assert re.search(rf"^\| {code} \| \w", COMMAND_LINE, re.MULTILINE)


def test_every_option_is_explained() -> None:
    @options.common
    def command() -> None:
        pass

    for option in command.__click_params__:  # type: ignore[attr-defined]
        assert f"`{option.opts[0]}" in COMMAND_LINE or f", `{option.opts[0]}`" in COMMAND_LINE
        assert f"`{option.envvar}`" in COMMAND_LINE


def test_every_command_and_its_options_are_explained() -> None:
    def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
        for name, found in group.commands.items():
            yield f"{path} {name}", found
            if isinstance(found, click.Group):
                yield from commands(found, f"{path} {name}")

    for path, command in commands(p2pchat, "p2pchat"):
        assert path in COMMAND_LINE or f"`{command.name}`" in COMMAND_LINE, path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert f"`{parameter.opts[0]}" in COMMAND_LINE, f"{path} {parameter.opts[0]}"


def test_line_mode_explains_each_of_its_commands() -> None:
    node = FakeNode()
    shown = PlainEvents(lambda line: None, echo=False, now=0.0)
    typing = LiveTyping(node, "lab", shown, Transcript("lab"), None)
    for commands in (
        LiveCommands(node, "lab", shown, typing, Transcript("lab")).commands,
        TransferCommands(node, "lab", shown).commands,
        TrustCommands(node, "lab", shown).commands,
    ):
        for word in commands:
            assert f"`/{word}" in COMMAND_LINE, word
            assert any(f"/{word}" in line for line in chat_plain.HELP), word


def test_every_requirement_of_real_time_text_is_answered_once() -> None:
    found = re.findall(r"^\| ([A-Z])-(\d\d) \|", CONFORMANCE, re.MULTILINE)
    last = {"T": 15, "P": 12, "L": 15, "M": 8, "D": 14, "E": 8, "A": 8}
    assert found == [(letter, f"{number:02}") for letter, count in last.items() for number in range(1, count + 1)]


def test_every_module_and_test_that_conformance_names_exists() -> None:
    for path in re.findall(r"`((?:p2pchat|docs)/[\w/.]+)`", CONFORMANCE):
        assert (DOCS.parent / path).is_file(), path
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", CONFORMANCE)
    assert len(named) > 70
    for path, test in named:
        assert re.search(rf"^(async )?def {test}\(", (DOCS.parent / path).read_text("utf-8"), re.MULTILINE), test


def test_a_requirement_without_a_test_says_why_it_does_not_apply() -> None:
    for row in re.findall(r"^\| [A-Z]-\d\d \|.*\| – \|$", CONFORMANCE, re.MULTILINE):
        assert "does not apply" in row


def test_it_is_said_that_this_is_no_emergency_service_and_said_when_live_text_begins() -> None:
    for page in ("rtt.md", "conformance/rtt.md"):
        assert "p2pchat is not an emergency-calling service" in (DOCS / page).read_text("utf-8")
    assert "p2pchat is not an emergency-calling service" in NOTICE
