"""The hub, whatever arrives: members agree with it, no seat is leaked, nothing raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol.signaling import (
    Allocate,
    Allocated,
    Claim,
    Error,
    ErrorCode,
    FromServer,
    Hello,
    Join,
    Joined,
    Leave,
    PeerAway,
    PeerBack,
    PeerJoined,
    PeerLeft,
    Ping,
    Relay,
    Relayed,
    decode_from_server,
    encode,
)
from signaling_server.backplane import ALONE
from signaling_server.limits import ServerLimits
from tests.server.talk import ANA, BEN, EVA, Talk

peers = st.sampled_from([ANA, BEN, EVA])
rooms = st.sampled_from(["red", "blue"])
numbers = st.sampled_from([5, 6])
"""What `Talk` gives the first two mailboxes."""
keys = st.sampled_from(["k" * 16, "l" * 16])
bodies = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=8,
)
messages = st.one_of(
    st.builds(Hello, st.just(1), peers, keys),
    st.builds(Join, rooms),
    st.builds(Allocate),
    st.builds(Claim, numbers),
    st.builds(Leave),
    st.builds(Relay, peers, bodies),
    st.builds(Ping),
    st.text(max_size=20),
    st.binary(max_size=20),
)
sockets = st.integers(1, 5)
steps = st.one_of(
    st.tuples(st.just("opens"), st.none()),
    st.tuples(st.just("enters"), st.tuples(peers, keys, rooms)),
    st.tuples(st.just("enters"), st.tuples(peers, keys, rooms)),
    st.tuples(st.just("allocates"), st.tuples(peers, keys)),
    st.tuples(st.just("claims"), st.tuples(peers, keys, numbers)),
    st.tuples(st.just("goes"), sockets),
    st.tuples(st.just("passes"), st.floats(0.0, 40.0)),
    st.tuples(st.just("says"), st.tuples(sockets, messages)),
)


class Believer:
    """A client as the documentation describes it: what it believes about its room, from what it was told."""

    def __init__(self) -> None:
        self.room: str | None = None
        self.others: set[str] = set()
        self.away: set[str] = set()

    def hears(self, message: FromServer | ErrorCode) -> None:
        match message:
            case Joined(room=room, peers=present, away=away):
                self.room, self.others, self.away = room, set(present), set(away)
                assert len(self.others) == len(present)
                assert self.away <= self.others
            case Allocated(mailbox=number):
                self.room, self.others, self.away = f"mailbox {number}", set(), set()
            case Error(code=ErrorCode.MAILBOX_EXPIRED):
                assert not self.others
                self.room = None
            case PeerJoined(peer=peer):
                assert peer not in self.others
                self.others.add(peer)
            case PeerAway(peer=peer):
                assert peer in self.others - self.away
                self.away.add(peer)
            case PeerBack(peer=peer):
                self.away.remove(peer)
            case PeerLeft(peer=peer):
                self.others.remove(peer)
                self.away.discard(peer)
            case Relayed(sender=sender):
                assert sender in self.others - self.away


class Crowd:
    """Sockets that do as a script says, and what each of them believes afterwards."""

    def __init__(self) -> None:
        self.talk = Talk(
            ServerLimits(room_peers=2, rooms=2, away_seconds=15.0, mailbox_seconds=30.0, mailbox_away_seconds=20.0)
        )
        self.believers: dict[int, Believer] = {}
        self._opened = 0

    def open(self) -> int:
        self._opened += 1
        self.believers[self._opened] = Believer()
        self.talk.opens(self._opened)
        return self._opened

    def enter(self, peer: str, key: str, request: Join | Allocate | Claim) -> None:
        socket = self.open()
        self.say(socket, Hello(1, peer, key))
        self.say(socket, request)

    def say(self, socket: int, message: Any) -> None:
        self.talk.says(socket, message)
        if isinstance(message, Leave) and socket not in self.talk.inbox:
            self.believers[socket] = Believer()
        self.listen()

    def listen(self) -> None:
        for socket, heard in self.talk.inbox.items():
            for message in heard:
                if isinstance(message, ErrorCode):
                    del self.believers[socket]
                else:
                    self.believers[socket].hears(decode_from_server(encode(message)))
        self.talk.inbox.clear()
        check_agreement(self.talk, self.believers)

    def act(self, verb: str, what: Any) -> None:
        """Plays one step; sockets are named by their age: 1 is the oldest one open."""
        by_age = dict(enumerate(sorted(self.believers), start=1))
        match verb, what:
            case "opens", _:
                self.open()
            case "enters", (peer, key, room):
                self.enter(peer, key, Join(room))
            case "allocates", (peer, key):
                self.enter(peer, key, Allocate())
            case "claims", (peer, key, number):
                self.enter(peer, key, Claim(number))
            case "goes", age if age in by_age:
                del self.believers[by_age[age]]
                self.talk.goes(by_age[age])
            case "passes", seconds:
                self.talk.passes(seconds)
            case "says", (age, message) if age in by_age:
                self.say(by_age[age], message)
        self.listen()


@given(st.lists(steps, max_size=60))
def test_whatever_arrives_members_agree_with_the_hub_and_no_seat_is_leaked(script: list[tuple[str, Any]]) -> None:
    crowd = Crowd()
    for verb, what in script:
        crowd.act(verb, what)
    for _ in list(crowd.believers):
        crowd.act("goes", 1)
    crowd.act("passes", 20.0)
    hub, backplane = crowd.talk.hub, crowd.talk.backplane
    assert (backplane._rooms, backplane._numbers) == ({}, {})
    assert (hub.held(), hub._clients, crowd.talk.deadline()) == ({}, {}, None)


def check_agreement(talk: Talk, believers: dict[int, Believer]) -> None:
    rooms = talk.backplane._rooms
    assert talk.hub._clients.keys() == believers.keys()
    assert len(rooms) <= 2
    assert talk.hub.held() == {name: room for name, room in rooms.items() if room.held_at(ALONE)}
    seats = {seat.socket: (name, peer) for name, room in rooms.items() for peer, seat in room.held_at(ALONE).items()}
    assert sum(len(room.held_at(ALONE)) for room in rooms.values()) == len(seats)
    assert seats.keys() == {socket for socket, believer in believers.items() if believer.room is not None}
    for socket, (name, peer) in seats.items():
        assert believers[socket].room == (name if name in ("red", "blue") else name[1:].rpartition(" ")[0])
        assert believers[socket].others == rooms[name].seats.keys() - {peer}
        assert believers[socket].away == rooms[name].seats.keys() - rooms[name].held_at(ALONE).keys()
        assert len(rooms[name].seats) <= 2


@pytest.mark.nightly
@given(st.text() | st.binary() | bodies.map(json.dumps))
def test_no_input_raises(data: str | bytes) -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.says(1, data)
    assert 2 not in talk.inbox
