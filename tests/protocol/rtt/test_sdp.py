"""The attributes of RFC 8864 and RFC 8865 in a session description."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol.codec import decode, encode
from p2pchat.protocol.frames import Hello, LiveTextFeatures
from p2pchat.protocol.rtt.sdp import OFFERED_STREAM, STREAM_MAX, attributes, is_language, media_lines, parse, with_lines

MAP = 'a=dcmap:2 subprotocol="t140";label="t140"'


def features(*attributes: str) -> LiveTextFeatures:
    (channel,) = parse([MAP, *(f"a=dcsa:2 {attribute}" for attribute in attributes)])
    assert not channel.refused
    return channel.features


def test_the_attributes_of_a_channel() -> None:
    said = LiveTextFeatures(90, hlang_send=("en", "sv"), hlang_recv=("en",), direction="sendrecv")
    assert attributes(2, said) == [
        'a=dcmap:2 subprotocol="t140";label="t140"',
        "a=dcsa:2 fmtp:t140 cps=90",
        "a=dcsa:2 hlang-send:en sv",
        "a=dcsa:2 hlang-recv:en",
        "a=dcsa:2 sendrecv",
    ]


@pytest.mark.parametrize("stream", [-1, STREAM_MAX + 1])
def test_a_stream_that_no_channel_has_is_refused(stream: int) -> None:
    with pytest.raises(ValueError, match="no data channel"):
        attributes(stream, LiveTextFeatures())


tags = st.lists(st.from_regex(r"\A[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,2}\Z"), max_size=8).map(tuple)


@given(
    st.integers(0, STREAM_MAX),
    st.builds(
        LiveTextFeatures,
        cps=st.integers(1, 10_000),
        direction=st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"]),
        hlang_send=tags,
        hlang_recv=tags,
    ),
)
def test_what_is_written_is_read_again(stream: int, said: LiveTextFeatures) -> None:
    (channel,) = parse(line + "\r\n" for line in attributes(stream, said))
    assert (channel.stream, channel.label, channel.features, channel.refused) == (stream, "t140", said, "")


def test_without_a_word_it_is_what_rfc_8865_assumes() -> None:
    assert features() == LiveTextFeatures(cps=30, direction="sendrecv")


@pytest.mark.parametrize("option", ["max-retr=0", "max-retr=3", "max-time=100", "ordered=false"])
def test_n01_n02_a_channel_that_may_lose_or_reorder_must_be_rejected(option: str) -> None:
    (channel,) = parse([f'a=dcmap:2 {option};subprotocol="t140";label="x"'])
    assert channel.refused


def test_an_order_that_is_named_is_no_reason_to_reject() -> None:
    (channel,) = parse(['a=dcmap:2 label="a;b";ordered=true;subprotocol="t140";priority=512'])
    assert (channel.label, channel.refused) == ("a;b", "")


@pytest.mark.parametrize(
    "attribute",
    [
        "fmtp:98 cps=20",  # N05: another format
        "fmtp:t140",
        "fmtp:t140 cps=",
        "fmtp:t140 cps=0",
        "fmtp:t140 cps=-5",
        "fmtp:t140 cps=fast",
        "fmtp:t140 cps=٣٠",
        "fmtp:t140 cps=20;cps=30",
        "ptime:20",
        "setup:active",
        "SENDONLY",
        "",
    ],
)
def test_n05_what_is_malformed_or_not_of_t140_is_ignored(attribute: str) -> None:
    assert features(attribute) == LiveTextFeatures()


def test_n06_an_attribute_without_its_channel_is_discarded() -> None:
    assert parse(["a=dcsa:2 fmtp:t140 cps=20", "a=dcsa:2 inactive"]) == []
    (channel,) = parse(["a=dcsa:4 fmtp:t140 cps=20", MAP])
    assert channel.features.cps == 30


def test_a_channel_of_another_subprotocol_is_none_of_ours() -> None:
    assert parse(['a=dcmap:0 subprotocol="msrp";label="x"', "a=dcmap:2", 'a=dcmap:70000 subprotocol="t140"']) == []


def test_several_channels_have_their_own_attributes_and_labels() -> None:
    lines = [
        'a=dcmap:4 subprotocol="t140";label="Zo%C3%AB"',
        "a=dcsa:4 inactive",
        MAP,
        "a=dcsa:2 recvonly",
    ]
    assert [(c.stream, c.label, c.features.direction) for c in parse(lines)] == [
        (2, "t140", "recvonly"),
        (4, "Zoë", "inactive"),
    ]


def test_languages_are_read_as_far_as_they_are_tags() -> None:
    said = features("hlang-send:en sv-SE *", "hlang-recv:not_one " + "a" * 9 + " zh-Hant " + "x-" * 40 + "y")
    assert said.hlang_send == ("en", "sv-SE")
    assert said.hlang_recv == ("zh-Hant",)
    assert len(features("hlang-send:" + " ".join(["en"] * 50)).hlang_send) == 8


def test_a_rate_beyond_all_measure_is_bounded() -> None:
    assert features("fmtp:t140 cps=999999999").cps == 10_000


@given(st.lists(st.one_of(st.text(), st.from_regex(r"a=dc(map|sa):[0-9]{1,6} .*"), st.just(MAP))))
def test_whatever_the_lines_nothing_raises_and_the_features_are_those_of_a_hello(lines: list[str]) -> None:
    for channel in parse(lines):
        said = Hello([1], "x", "", channel.features)
        assert decode(encode(said)) == said


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_label_is_read_again_and_its_line_is_one_line_of_visible_ascii(label: str) -> None:
    lines = attributes(OFFERED_STREAM, LiveTextFeatures(), label)
    assert all(line.isascii() and line.isprintable() for line in lines)
    (channel,) = parse(lines)
    assert channel.label == label


DATA = "v=0\r\ns=-\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n"


def test_lines_are_added_to_the_media_section_and_found_there() -> None:
    lines = attributes(OFFERED_STREAM, LiveTextFeatures())
    assert media_lines(with_lines(DATA, lines)) == [*DATA.splitlines()[2:], *lines]


def test_lines_of_the_session_or_of_another_section_are_not_taken_for_those_of_the_data_channels() -> None:
    audio = f"m=audio 9 RTP/AVP 0\r\n{MAP}\r\n"
    assert parse(media_lines(f"{MAP}\r\n" + audio + DATA + audio)) == []
    assert media_lines(f"v=0\r\n{MAP}\r\n") == media_lines(audio) == media_lines("") == []


@pytest.mark.parametrize(
    ("tag", "holds"),
    [("en", True), ("zh-Hant-TW", True), ("", False), ("en_GB", False), ("e n", False), ("a" * 9, False), ("é", False)],
)
def test_what_has_the_form_of_a_language_tag(tag: str, holds: bool) -> None:
    assert is_language(tag) is holds
