"""What a session description says of `t140` channels, for gateways that negotiate them there.

`a=dcmap` names a data channel and `a=dcsa` gives it an attribute (RFC 8864 §5); RFC 8865 §4 says which ones a T.140
channel has. Pure functions over text and lines: whoever negotiates a channel so must open it with the same stream
number, and must not list channels that are opened with DCEP (RFC 8864 §6.1). `p2pchat.rtc.described_text` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from p2pchat.protocol.frames import LiveTextFeatures
from p2pchat.protocol.limits import LANGUAGE_CHARACTERS, LANGUAGES
from p2pchat.protocol.rtt.direction import DIRECTIONS

STREAM_MAX: Final = 65534
"""Highest number of an SCTP stream for a data channel (RFC 8864 §5.1.2: 65535 is reserved)."""

OFFERED_STREAM: Final = 1
"""The stream of the `t140` channel that we offer.

RFC 8864 §6.1 wants even numbers of a DTLS client and odd ones of a server. An offer that leaves the roles open
(`a=setup:actpass`, as aiortc's do) does not know yet which one it will be. An answerer is recommended to be the client
(RFC 5763 §5), and browsers and aiortc are; so the offerer will be the server, and its number is odd.
"""

LABEL_CHARACTERS: Final = 256
"""Longest label that is read; it may name a participant (RFC 8865 §5.5)."""

CPS_MAX: Final = 10_000
"""Highest rate that is believed, as in `LiveTextFeatures`."""

_MAP: Final = re.compile(r"a=dcmap:([0-9]{1,5})(?: (.*))?")
_ATTRIBUTE: Final = re.compile(r"a=dcsa:([0-9]{1,5}) (.*)")
_OPTION: Final = re.compile(r'([a-z-]+)=("(?:[^"]*)"|[^";]*)(?:;|$)')
_FORMAT: Final = re.compile(r"fmtp:t140 cps=([0-9]{1,9})")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_ESCAPED: Final = re.compile("%([0-9A-Fa-f]{2})")
_TO_ESCAPE: Final = re.compile(rb"[^ !#$&-~]")


@dataclass(frozen=True, slots=True)
class NegotiatedChannel:
    """A `t140` channel of a session description."""

    stream: int
    label: str
    """Untrusted text."""

    features: LiveTextFeatures
    """What its side says of itself; without a word, the defaults of RFC 8865."""

    refused: str = ""
    """Why it must be rejected; empty when it can be used."""


def is_language(tag: str) -> bool:
    """Whether a text has the form of a language tag (BCP 47), as far as frames and descriptions carry it."""
    return len(tag) <= LANGUAGE_CHARACTERS and _LANGUAGE.fullmatch(tag) is not None


def media_lines(description: str) -> list[str]:
    """Returns the lines of the first media section for data channels; none when there is no such section."""
    section: list[str] = []
    for line in description.splitlines():
        if line.startswith("m=") and section:
            break
        if section or line.startswith("m=application "):
            section.append(line)
    return section


def with_lines(description: str, lines: Iterable[str]) -> str:
    """Returns a description, whose only media section is for data channels, with further lines in that section."""
    return description + "".join(f"{line}\r\n" for line in lines)


def attributes(stream: int, features: LiveTextFeatures, label: str = "t140") -> list[str]:
    """Returns the attribute lines of one `t140` channel, without line ends.

    Args:
        stream: its SCTP stream, 0 to `STREAM_MAX`; of an offer `OFFERED_STREAM`, of an answer what was offered.
        features: what this side says of itself.
        label: of an answer the one that was offered (RFC 8864 §6.4).

    Raises:
        ValueError: the stream is out of range.
    """
    if not 0 <= stream <= STREAM_MAX:
        raise ValueError(f"no data channel has the stream {stream}")
    quoted = _TO_ESCAPE.sub(lambda match: b"%%%02X" % match[0][0], label.encode("utf-8", "replace")).decode()
    lines = [f'a=dcmap:{stream} subprotocol="t140";label="{quoted}"', f"a=dcsa:{stream} fmtp:t140 cps={features.cps}"]
    for name, languages in (("hlang-send", features.hlang_send), ("hlang-recv", features.hlang_recv)):
        if languages:
            lines.append(f"a=dcsa:{stream} {name}:{' '.join(languages)}")
    return [*lines, f"a=dcsa:{stream} {features.direction}"]


def parse(lines: Iterable[str]) -> list[NegotiatedChannel]:
    """Returns the `t140` channels of a media section, in the order of their streams.

    Whatever is malformed, unknown, of another format or another subprotocol is ignored (RFC 8864 §6.7, RFC 8865 §4.2);
    so are attributes of a channel that no `dcmap` names. Nothing is raised.
    """
    channels: dict[int, NegotiatedChannel] = {}
    said: list[tuple[int, str]] = []
    for line in map(str.rstrip, lines):
        if (match := _MAP.fullmatch(line)) and int(match[1]) <= STREAM_MAX:
            stream, options = int(match[1]), _options(match[2] or "")
            if options.get("subprotocol") == "t140":
                label = options.get("label", "")[:LABEL_CHARACTERS]
                channels[stream] = NegotiatedChannel(stream, label, LiveTextFeatures(), _refusal(options))
        elif match := _ATTRIBUTE.fullmatch(line):
            said.append((int(match[1]), match[2]))
    for stream, attribute in said:
        if (channel := channels.get(stream)) is not None:
            features = _with_attribute(channel.features, attribute)
            channels[stream] = NegotiatedChannel(stream, channel.label, features, channel.refused)
    return [channels[stream] for stream in sorted(channels)]


def _options(text: str) -> dict[str, str]:
    return {name: _unquoted(value) for name, value in _OPTION.findall(text)}


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    escaped = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value[1:-1])
    # What is escaped are the bytes of UTF-8; a line that has been decoded already holds no others.
    return escaped.encode("latin-1", "replace").decode("utf-8", "replace") if escaped != value[1:-1] else escaped


def _refusal(options: dict[str, str]) -> str:
    if "max-retr" in options or "max-time" in options:
        return "a T.140 channel is reliable (RFC 8865 §4.1)"
    if options.get("ordered", "true") != "true":
        return "a T.140 channel is ordered (RFC 8865 §4.1)"
    return ""


def _with_attribute(features: LiveTextFeatures, attribute: str) -> LiveTextFeatures:
    name, _, value = attribute.partition(":")
    if attribute in DIRECTIONS:
        return replace(features, direction=attribute)
    if (match := _FORMAT.fullmatch(attribute)) and int(match[1]):
        return replace(features, cps=min(int(match[1]), CPS_MAX))
    if name == "hlang-send":
        return replace(features, hlang_send=_languages(value))
    if name == "hlang-recv":
        return replace(features, hlang_recv=_languages(value))
    return features


def _languages(value: str) -> tuple[str, ...]:
    """The tags of an `hlang` attribute. The asterisk that may end it (RFC 8373 §5.2) is none."""
    return tuple([tag for tag in value.split() if is_language(tag)][:LANGUAGES])
