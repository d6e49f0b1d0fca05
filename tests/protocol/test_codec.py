"""Bytes to frames and back."""

from __future__ import annotations

import contextlib
import re

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol import frames, limits
from p2pchat.protocol.codec import FrameError, decode, encode

SAMPLES: list[frames.AnyFrame] = [
    frames.Commit(1, bytes(range(32)), bytes(32)),
    frames.Reveal(bytes(32)),
    frames.Signal({"generation": 1, "kind": "offer", "sdp": "v=0"}),
    frames.Proof(bytes(range(64)), bytes(32)),
    frames.Hello([1], "ana", "p2pchat/1", frames.LiveTextFeatures(cps=90)),
    frames.Hello([1, 2], "ben"),
    frames.Hello(
        [1],
        "cyd",
        "",
        frames.LiveTextFeatures(
            30, "c", "17.0.0", "inactive", ("sv", "zh-Hant-TW"), ("en",), ("snapshot", "shown", "direction")
        ),
    ),
    frames.Ping(0),
    frames.Pong(2**32 - 1),
    frames.Pong(1, 12.5),
    frames.Bye("quit", "see you"),
    frames.Message("00ff00ff", "naïve 👩‍👩‍👧 \u2028 text", 1763600000.5, 3),
    frames.Message("00ff00ff", "kept", 0.0, 3, 2**32 - 1, True),
    frames.Receipt("00ff00ff"),
    frames.RttDirection("recvonly", "hold"),
    frames.RttSnapshot(7, "how it began"),
    frames.RttShown([(1, 0.5), (2**32 - 1, 1e11)]),
    frames.RttNudge(),
    frames.Offer(
        1, bytes(32), 300, 299, 5, [frames.Entry("a/b.txt", 5, modified=2**62), frames.Entry("e", 0, folder=True)]
    ),
    frames.More(1, 1024),
    frames.ManifestPage(1, [frames.Entry("c", executable=True)]),
    frames.Have(1, True, [(0, 5), (7, 2**32 - 1)]),
    frames.Without(1, [(0, 5), (7, 2**32 - 1)]),
    frames.Accept(1, 2**40),
    frames.Decline(1, "no"),
    frames.Hashes(1, 7, [bytes(32), bytes(range(32))]),
    frames.Progress(1, 5, 10),
    frames.Again(1, 7),
    frames.FileEnd(1, 0, bytes(range(32))),
    frames.Done(1),
    frames.Pause(1, True),
    frames.Pause(1, False, "disk", "the disk is full"),
    frames.Resume(1, False),
    frames.Cancel(1, True, "disk", "full"),
]


@pytest.mark.parametrize("frame", SAMPLES, ids=lambda frame: type(frame).__name__)
def test_a_frame_survives_the_wire(frame: frames.AnyFrame) -> None:
    assert decode(encode(frame)) == frame


def test_the_samples_cover_every_kind_of_frame() -> None:
    assert {type(frame) for frame in SAMPLES} == set(frames.AnyFrame.__args__)


@pytest.mark.parametrize(
    "features",
    [
        {"hlang_send": ["en", "not a tag"]},
        {"hlang_recv": ["en\n"]},
        {"hlang_recv": ["en"] * (limits.LANGUAGES + 1)},
        {"extensions": ["x" * (limits.WORD_CHARACTERS + 1)]},
        {"extensions": "snapshot"},
        {"direction": None},
    ],
)
def test_features_that_are_no_features_are_refused(features: dict[str, object]) -> None:
    with pytest.raises(FrameError, match="hello"):
        decode(msgpack.packb({"t": "hello", "versions": [1], "name": "eve", "live_text": features}))


def test_a_frame_of_a_later_version_is_skipped() -> None:
    assert decode(msgpack.packb({"t": "reaction", "x": [1, {"y": 2}]})) is None


def test_a_key_of_a_later_version_is_ignored() -> None:
    assert decode(msgpack.packb({"t": "ping", "n": 4, "colour": "red"})) == frames.Ping(4)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not msgpack"),
        (b"\xc1", "not msgpack"),
        (b"\xdd\xff\xff\xff\xff", "not msgpack"),
        (b"\x91" * 60_000, "not msgpack"),
        (b"\xd6\xffabcd", "not msgpack"),
        (bytes(limits.FRAME_BYTES + 1), "65536 bytes"),
        (msgpack.packb([]), "a map with a text under 't'"),
        (msgpack.packb({"t": ["ping"]}), "a map with a text under 't'"),
        (msgpack.packb({"t": "ping"}), "missing required field `n`"),
        (msgpack.packb({"t": "ping", "n": -1}), "Expected `int` >= 0"),
        (msgpack.packb({"t": "ping", "n": True}), "Expected `int`, got `bool`"),
        (msgpack.packb({"t": "ping", "n": 2**32}), "Expected `int` <"),
        (msgpack.packb({"t": "later", "x": [[[[[[[1]]]]]]]}), "6 levels deep"),
        (msgpack.packb({"t": "later", "x": [[0] * 3000, [0] * 3000]}), "4096 values"),
        (msgpack.packb({"t": "message", "id": "zz", "text": "", "sent_at": 1}), "matching regex"),
        (msgpack.packb({"t": "message", "id": "00ff00ff", "text": "", "sent_at": float("nan")}), "`float` >= 0"),
        (msgpack.packb({"t": "message", "id": "00ff00ff", "text": "x" * 16_001, "sent_at": 1.0}), "length <= 16000"),
        (msgpack.packb({"t": "hashes", "transfer": 0, "first": 0, "hashes": [b"short"]}), "length >= 32"),
        (msgpack.packb({"t": "manifest", "transfer": 0, "entries": []}), "length >= 1"),
        (
            msgpack.packb({"t": "manifest", "transfer": 0, "entries": [["a", 0, False, 2**64 - 1]]}),
            "at `$.entries[0][3]`",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_frame_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FrameError, match=re.escape(reason)):
        decode(data)


def test_a_frame_that_a_peer_would_refuse_is_not_sent() -> None:
    entries = [frames.Entry("x" * 1000, 1)] * limits.PAGE_ENTRIES
    with pytest.raises(FrameError, match="longer than 65536"):
        encode(frames.ManifestPage(0, entries))


def test_the_longest_message_fits_into_a_frame() -> None:
    longest = frames.Message("f" * 32, "\U0010ffff" * limits.MESSAGE_CHARACTERS, 1e10, 2**32 - 1, 2**32 - 1, True)
    assert decode(encode(longest)) == longest


@pytest.mark.nightly
@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    with contextlib.suppress(FrameError):
        decode(data)


@pytest.mark.nightly
@given(
    st.sampled_from(SAMPLES).map(encode),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_a_damaged_frame_raises_nothing_else(data: bytes, damage: list[tuple[int, int]]) -> None:
    damaged = bytearray(data)
    for place, value in damage:
        damaged[place % len(damaged)] = value
    with contextlib.suppress(FrameError):
        decode(bytes(damaged))
