"""Whatever arrives over the WebSocket is a message of the protocol, or is called malformed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from p2pchat.protocol.signaling import (
    MESSAGE_BYTES,
    Malformed,
    PeerJoined,
    decode_from_client,
    decode_from_server,
    encode,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)
keys = st.sampled_from(["type", "version", "peer", "key", "room", "to", "from", "body", "id", "mailbox", "n", "peers"])
kinds = st.sampled_from(["hello", "join", "relay", "claim", "joined", "peer-left", "ping", "error", "welcome"])
almost = st.builds(lambda kind, fields: {**fields, "type": kind}, kinds, st.dictionaries(keys, values, max_size=6))
anything = st.binary(max_size=200) | st.text(max_size=200) | values.map(json.dumps) | almost.map(json.dumps)


@pytest.mark.nightly
@pytest.mark.parametrize("decode", [decode_from_client, decode_from_server])
@given(data=anything)
@example(data="[" * 60_000)
@example(data='{"type":"relay","to":"aaaaaaaa","body":' + "[" * 30_000 + "]" * 30_000 + "}")
@example(data="\ud800")
@example(data=b"\xff")
@example(data="x" * (MESSAGE_BYTES + 1))
def test_anything_is_a_message_or_malformed(decode: Callable[[str | bytes], Any], data: str | bytes) -> None:
    with contextlib.suppress(Malformed):
        message = decode(data)
        assert decode(encode(message)) == message


def test_a_peer_id_that_is_no_address_is_malformed() -> None:
    with pytest.raises(Malformed):
        decode_from_server(encode(PeerJoined("\x1b[2J")))
