"""`docs/protocol/signaling.md` says what the program does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from p2pchat.protocol.limits import SIGNALING_MESSAGE_BYTES
from p2pchat.protocol.negotiation import Signal
from p2pchat.protocol.signaling import (
    CLOSE_CODES,
    ErrorCode,
    Malformed,
    Welcome,
    decode_from_client,
    decode_from_server,
)
from p2pchat.signaling.client import RETRY_SECONDS
from signaling_server.__main__ import main
from signaling_server.limits import ServerLimits
from signaling_server.metrics import Metrics

TEXT = (Path(__file__).parents[2] / "docs" / "protocol" / "signaling.md").read_text(encoding="utf-8")
EXAMPLES = [json.loads(line) for line in re.findall(r'^    (\{"type".*?\})$', TEXT, re.MULTILINE | re.DOTALL)]


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_is_in_the_table_with_its_close_code(code: ErrorCode) -> None:
    row = re.search(rf"^\| `{code}` \|.*\|$", TEXT, re.MULTILINE)
    assert row is not None
    assert f"| {CLOSE_CODES[code]} |" in row.group()


def test_every_example_is_a_message() -> None:
    assert len(EXAMPLES) == 14
    for example in EXAMPLES:
        text = json.dumps(example)
        try:
            decode_from_server(text)
        except Malformed:
            decode_from_client(text)


def test_the_limits_are_the_defaults() -> None:
    limits = ServerLimits()
    welcome = next(example for example in EXAMPLES if example["type"] == "welcome")
    message = decode_from_server(json.dumps(welcome))
    assert isinstance(message, Welcome)
    assert message.limits == limits.told()
    assert f"{SIGNALING_MESSAGE_BYTES:,} bytes" in TEXT
    assert f"{limits.rooms:,} (`--max-rooms`)" in TEXT
    assert f"{limits.outgoing_messages} messages or {limits.outgoing_bytes >> 20} MiB" in TEXT
    assert f"| from the open socket to the first seat | {limits.join_seconds:.0f} |" in TEXT
    assert f"| from `allocate` to the first `claim` | {limits.mailbox_seconds:.0f} |" in TEXT
    assert f"| a seat whose socket is lost | {limits.away_seconds:.0f} (`--away-seconds`) |" in TEXT
    assert f"| a mailbox whose owner is lost, at least | {limits.mailbox_away_seconds:.0f} |" in TEXT
    assert f"{limits.kept_messages} messages or {limits.kept_bytes >> 10} KiB | the oldest are given up |" in TEXT
    assert f"| a number after its mailbox is gone | {limits.mailbox_rest_seconds:.0f} |" in TEXT
    assert (
        f"{limits.mailbox_request_burst} at once, 1 more every {1 / limits.mailbox_requests_per_second:.0f} s" in TEXT
    )
    burst, rate = limits.all_mailbox_request_burst, limits.all_mailbox_requests_per_second
    assert f"{burst} at once, {rate:.0f} more per second" in TEXT
    *first, last = RETRY_SECONDS
    assert (
        f"after {', '.join(f'{delay:g}' for delay in first[:-1])},\n{first[-1]:g} and then each time {last:g}" in TEXT
    )


def test_the_examples_between_peers_are_signals() -> None:
    examples = re.findall(r'^    (\{"generation".*\})$', TEXT, re.MULTILINE)
    kinds = {Signal(**json.loads(example)).kind for example in examples}
    assert kinds == {"offer", "answer", "candidates", "refuse"}


SERVER = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")


def test_every_option_of_the_server_is_described() -> None:
    options = {flag for parameter in main.params for flag in parameter.opts if flag.startswith("--")}
    assert options >= {"--tokens-file", "--metrics-from"}
    assert [option for option in sorted(options - {"--help", "--version"}) if f"`{option}`" not in SERVER] == []


def test_the_limits_of_a_source_are_the_defaults() -> None:
    limits = ServerLimits()
    for option, value in (
        ("max-rooms", limits.rooms),
        ("max-peers", limits.room_peers),
        ("away-seconds", limits.away_seconds),
        ("sockets-per-source", limits.sockets_per_source),
        ("pending-sockets", limits.pending_sockets),
        ("joins-per-minute", limits.joins_per_minute),
        ("room-joins-per-minute", limits.room_joins_per_minute),
        ("source-mailbox-requests-per-minute", limits.source_mailbox_requests_per_minute),
        ("wrong-tokens-per-minute", limits.wrong_tokens_per_minute),
        ("sources", limits.sources),
        ("http-seats", limits.http_seats),
        ("http-seat-seconds", limits.http_seat_seconds),
    ):
        assert f"| `--{option}` | {value:,.0f} |" in SERVER
    assert f"{limits.sockets_per_source} (`--sockets-per-source`)" in TEXT
    assert f"{limits.joins_per_minute:.0f} at once and per minute (`--joins-per-minute`)" in TEXT
    assert f"{limits.room_joins_per_minute:.0f} at once and per minute (`--room-joins-per-minute`)" in TEXT
    assert f"no answer within {limits.http_offer_seconds:.0f} s" in TEXT
    shortest, longest = limits.shutdown_retry_seconds, limits.shutdown_retry_seconds + limits.shutdown_spread_ms / 1000
    assert f"| 4015 | {shortest:.0f} to {longest:.0f} |" in TEXT


def test_every_metric_is_described() -> None:
    text = Metrics().text({}, {})
    names = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(names) >= 8
    assert [name for name in names if f"`{name}" not in SERVER] == []
