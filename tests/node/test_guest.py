"""Partners that speak only real-time text, as a node treats them: whom it asks about, what it shows, what it sends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from p2pchat.node import guest as guests
from p2pchat.node.events import (
    Alerted,
    Event,
    GuestAsks,
    LineState,
    LiveTextChanged,
    PeerChanged,
    PeerState,
    Problem,
    Trust,
)
from p2pchat.node.guest import WITHOUT_PROOF, Guest
from p2pchat.protocol import limits
from p2pchat.protocol.frames import LiveTextFeatures
from p2pchat.protocol.rtt.direction import Mode
from p2pchat.rtc.channels import Channel
from p2pchat.rtc.link_events import (
    Closed,
    Opened,
    ParticipantJoined,
    ParticipantLeft,
    Received,
    TextOnly,
    TextRefused,
)

E = TypeVar("E")
CERTIFICATES = (bytes(32), bytes(range(32)))


class Stage:
    """A guest, and what it asks of the node around it."""

    def __init__(self, welcome: bool = True, contacts: tuple[str, ...] = ()) -> None:
        self.told: list[Event] = []
        self.sent: list[str] = []
        self.dropped: list[tuple[str, bool]] = []
        self.stood_in: list[str] = []
        self.guest = Guest(
            "lab", "k7qfm2xd", self, self.told.append, self.sent.append, contacts.__contains__ if welcome else None
        )

    def is_guest(self, reason: str) -> None:
        self.stood_in.append(reason)

    def drop_guest(self, reason: str, for_good: bool) -> None:
        self.dropped.append((reason, for_good))

    def opens(
        self,
        label: str = "",
        offered: bool = False,
        text_only: bool = True,
        features: LiveTextFeatures | None = None,
    ) -> bool:
        return self.guest.takes(Opened("direct", offered, *CERTIFICATES, text_only, label, features))

    def writes(self, text: str | bytes, participant: int | None = None) -> bool:
        return self.guest.takes(Received(Channel.TEXT, text, participant))

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.told if isinstance(event, kind)]

    def lines(self) -> list[tuple[str, int, str, LineState]]:
        return [(event.name, event.line, event.text, event.state) for event in self.all(LiveTextChanged)]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_the_user_is_asked_and_sees_nothing_before() -> None:
    stage = Stage()
    assert stage.opens()
    assert stage.stood_in == [WITHOUT_PROOF]
    (asked,) = stage.all(GuestAsks)
    assert (asked.peer, asked.name) == ("k7qfm2xd", "guest k7qf")
    stage.writes("\ufeffhello\u2028and a seco")
    stage.writes("nd line\a")
    stage.guest.say("nobody hears this")
    assert stage.told == [asked]
    assert stage.sent == []


async def test_once_admitted_each_line_is_told_as_it_stands() -> None:
    stage = Stage()
    stage.opens()
    stage.writes("\ufeffhello\u2028and a seco")
    stage.writes("nd line")
    stage.guest.admit()
    name = "guest k7qf"
    assert stage.lines() == [
        (name, 0, "hello", LineState.FINAL),
        (name, 1, "and a second line", LineState.LIVE),
    ]
    stage.writes(b"\x08\x08\x07")
    assert stage.lines()[-1] == (name, 1, "and a second li", LineState.LIVE)
    assert len(stage.all(Alerted)) == 1
    stage.guest.takes(Closed("gone"))
    assert stage.lines()[-1] == (name, 1, "and a second li", LineState.INTERRUPTED)
    assert not stage.guest.here


async def test_what_we_say_goes_as_lines_and_a_live_line_goes_on_behind_them() -> None:
    stage = Stage()
    stage.opens()
    stage.guest.admit()
    stage.guest.set_live_text("I am wri")
    await stage.until(lambda: "".join(stage.sent) == "\ufeffI am wri")
    stage.guest.say("one\ntwo")
    await stage.until(lambda: "".join(stage.sent).endswith("one\u2028two\u2028I am wri"))
    stage.guest.commit_live_text()
    await stage.until(lambda: "".join(stage.sent).endswith("I am wri\u2028"))


async def test_nothing_leaves_faster_than_a_partner_of_unknown_kind_has_to_take() -> None:
    stage = Stage()
    stage.opens()
    stage.guest.admit()
    began = time.monotonic()
    stage.guest.say("x" * 2000)
    await stage.until(lambda: bool(stage.sent))
    sent = sum(map(len, stage.sent))
    assert time.monotonic() - began > limits.CPS_WINDOW or sent <= limits.CPS_DEFAULT * limits.CPS_WINDOW


async def test_a_name_of_a_contact_or_an_empty_one_is_not_taken_over() -> None:
    stage = Stage(contacts=("ben",))
    for label, name in (
        ("Zoe", "Zoe (guest k7qf)"),
        ("ben", "guest k7qf"),
        ("t140", "guest k7qf"),
        ("\x1b[2J\u202e", "␛[2J (guest k7qf)"),
    ):
        stage.opens(label)
        assert stage.guest.name == name
        stage.guest.takes(Closed("gone"))


async def test_nobody_is_asked_where_guests_are_not_welcome() -> None:
    stage = Stage(welcome=False)
    stage.opens()
    assert stage.dropped == [(WITHOUT_PROOF, True)]
    assert stage.told == []
    assert stage.stood_in == []


async def test_a_peer_that_speaks_our_protocol_is_no_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "SILENCE_SECONDS", 0.01)
    stage = Stage()
    assert not stage.opens(offered=True, text_only=False)
    assert not stage.guest.takes(Received(Channel.CONTROL, b"commit"))
    assert not stage.writes("early")
    await asyncio.sleep(0.05)
    assert not stage.guest.here
    assert stage.told == []


async def test_a_peer_that_never_says_a_word_on_the_control_channel_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "SILENCE_SECONDS", 0.01)
    stage = Stage()
    assert not stage.opens(offered=True, text_only=False)
    assert not stage.writes("early")
    await stage.until(lambda: stage.guest.asking)
    stage.guest.admit()
    assert stage.lines() == [("guest k7qf", 0, "early", LineState.LIVE)]


async def test_a_peer_that_closes_the_other_channels_is_one() -> None:
    stage = Stage()
    stage.opens(offered=True, text_only=False)
    assert stage.guest.takes(TextOnly())
    assert stage.guest.asking


async def test_a_guest_that_begins_to_speak_our_protocol_has_to_come_again() -> None:
    stage = Stage()
    stage.opens()
    stage.guest.takes(Received(Channel.CONTROL, b"commit"))
    assert stage.dropped == [("it speaks p2pchat after all", False)]


async def test_a_flood_ends_the_link() -> None:
    stage = Stage()
    stage.opens()
    stage.guest.admit()
    for _ in range(limits.T140_BURST // 10_000 + 1):
        stage.writes("x" * 10_000)
    assert stage.dropped
    assert stage.dropped[0][1]


async def test_those_behind_a_partner_are_told_as_peers_once_it_is_admitted() -> None:
    stage = Stage(contacts=("ben",))
    stage.opens()
    stage.guest.takes(ParticipantJoined(2, "Zoë"))
    stage.guest.takes(ParticipantJoined(4, "ben"))
    stage.writes("hello", 2)
    assert [type(event) for event in stage.told] == [GuestAsks]
    stage.guest.admit()
    there = [(event.info.peer, event.info.name, event.info.state, event.info.trust) for event in stage.all(PeerChanged)]
    assert there == [
        ("k7qfm2xd-2", "Zoë (guest k7qf-2)", PeerState.CONNECTED, Trust.NONE),
        ("k7qfm2xd-4", "guest k7qf-4", PeerState.CONNECTED, Trust.NONE),
    ]
    assert stage.lines() == [("Zoë (guest k7qf-2)", 0, "hello", LineState.LIVE)]
    assert [info.name for info in stage.guest.participants] == [name for _, name, _, _ in there]
    stage.guest.takes(ParticipantLeft(2))
    assert stage.lines()[-1][3] is LineState.INTERRUPTED
    assert stage.all(PeerChanged)[-1].info.state is PeerState.LEFT


async def test_a_channel_that_was_refused_is_told_as_a_problem() -> None:
    stage = Stage()
    assert stage.guest.takes(TextRefused("it may lose text"))
    (problem,) = stage.all(Problem)
    assert (problem.code, problem.message) == ("t140-refused", "it may lose text")


async def test_a_guest_sees_no_keys_in_private_and_gets_the_line_whole() -> None:
    stage = Stage()
    stage.opens()
    stage.guest.admit()
    assert stage.guest.sees_keys
    stage.guest.set_live_text("I th")
    await stage.until(lambda: "".join(stage.sent) == "\ufeffI th")
    stage.guest.share(True, Mode.HOLD)
    assert not stage.guest.sees_keys
    assert not stage.guest.alert()
    stage.guest.set_live_text("I thought it over")
    stage.guest.commit_live_text()
    await stage.until(lambda: "".join(stage.sent) == "\ufeffI thought it over\u2028")


@pytest.mark.parametrize("wanted", [(True, Mode.OFF), (False, Mode.LIVE)])
async def test_a_line_is_taken_back_from_a_guest(wanted: tuple[bool, Mode]) -> None:
    stage = Stage()
    stage.opens()
    stage.guest.admit()
    stage.guest.set_live_text("oh no")
    await stage.until(lambda: "".join(stage.sent) == "\ufeffoh no")
    stage.guest.share(*wanted)
    assert not stage.guest.sees_keys
    await stage.until(lambda: "".join(stage.sent) == "\ufeffoh no" + 5 * "\b")
    stage.guest.set_live_text("still nothing")
    stage.guest.say("a message")
    await stage.until(lambda: "".join(stage.sent).endswith("\ba message\u2028"))
    stage.guest.share(True, Mode.LIVE)
    assert stage.guest.sees_keys
    assert stage.guest.alert()
    await stage.until(lambda: "".join(stage.sent).replace("\a", "").endswith("\u2028still nothing"))


async def test_a_guest_that_may_not_see_keys_is_not_sent_one_byte_over_all_its_links() -> None:
    stage = Stage()
    stage.guest.share(False, Mode.LIVE)
    for _ in range(2):
        stage.opens()
        stage.guest.admit()
        stage.guest.set_live_text("private")
        assert not stage.guest.sees_keys
        stage.guest.takes(Closed("gone"))
    assert stage.sent == []
    assert not stage.guest.sees_keys


async def test_what_a_session_description_says_of_a_guest_counts_for_its_link_alone() -> None:
    stage = Stage()
    inactive = LiveTextFeatures(direction="inactive", hlang_send=("en",))
    stage.opens(features=inactive)
    stage.guest.admit()
    assert stage.guest.features == inactive
    assert not stage.guest.sees_keys
    stage.guest.say("not one byte")
    assert stage.sent == []
    stage.guest.takes(Closed("gone"))
    stage.opens()
    assert stage.guest.features is None
    stage.guest.admit()
    assert stage.guest.sees_keys
