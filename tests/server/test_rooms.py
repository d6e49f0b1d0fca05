"""The hub, told as conversations between sockets and a server."""

from __future__ import annotations

import json
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.protocol.signaling import (
    MESSAGE_BYTES,
    Error,
    ErrorCode,
    FromServer,
    Hello,
    Join,
    Joined,
    Leave,
    PeerJoined,
    PeerLeft,
    Ping,
    Pong,
    Relay,
    Relayed,
    Welcome,
    decode_from_server,
    encode,
)
from signaling_server.limits import ServerLimits
from signaling_server.rooms import AGENT, Close, Hub, Send

ANA, BEN, EVA = "anaanaaa", "benbenbb", "evaevaee"
LIMITS = ServerLimits()


class Talk:
    """Drives a hub through time; every output must be expected, or the conversation fails."""

    def __init__(self, limits: ServerLimits = LIMITS) -> None:
        self.hub = Hub(limits)
        self.limits = limits
        self.now = 0.0
        self.inbox: dict[int, list[FromServer | ErrorCode]] = {}
        """What each socket was sent and not yet expected; a close is the code."""

    def carry_out(self) -> None:
        while (output := self.hub.poll()) is not None:
            match output:
                case Send(socket=socket, message=message):
                    self.inbox.setdefault(socket, []).append(message)
                case Close(socket=socket, code=code):
                    self.inbox.setdefault(socket, []).append(code)

    def opens(self, socket: int) -> Self:
        self.hub.connected(socket, self.now)
        self.carry_out()
        return self

    def says(self, socket: int, message: Any) -> Self:
        data = message if isinstance(message, str | bytes) else encode(message)
        self.hub.received(socket, data, self.now)
        self.carry_out()
        return self

    def goes(self, socket: int) -> Self:
        self.hub.disconnected(socket)
        self.carry_out()
        return self

    def passes(self, seconds: float) -> Self:
        """Lets time pass, waking the hub exactly when it asks to be woken."""
        end = self.now + seconds
        while (due := self.hub.deadline()) is not None and due <= end:
            self.now = due
            self.hub.tick(due)
            self.carry_out()
        self.now = end
        return self

    def hears(self, socket: int, *expected: FromServer | ErrorCode) -> Self:
        assert self.inbox.pop(socket, []) == list(expected)
        return self

    def refused(self, socket: int, code: ErrorCode, closed: bool = False) -> Error:
        """The socket hears one error with this code, and whether the socket is closed for it."""
        first, *rest = self.inbox.pop(socket)
        assert isinstance(first, Error)
        assert (first.code, rest) == (code, [code] if closed else [])
        return first

    def silence(self) -> None:
        """Nobody hears anything."""
        assert self.inbox == {}

    def seated(self, socket: int, peer: str, room: str = "lobby", key: str = "") -> Self:
        """Opens a socket, greets and joins, and forgets what was said about it."""
        self.opens(socket).says(socket, Hello(1, peer, key or peer * 2)).says(socket, Join(room))
        self.inbox.clear()
        return self


def test_two_peers_meet_talk_and_part() -> None:
    talk = Talk()
    talk.opens(1).says(1, Hello(1, ANA, "a" * 16)).hears(1, Welcome(1, LIMITS.told(), AGENT))
    talk.says(1, Join("lobby")).hears(1, Joined("lobby", []))
    talk.opens(2).says(2, Hello(1, BEN, "b" * 16)).hears(2, Welcome(1, LIMITS.told(), AGENT))
    talk.says(2, Join("lobby")).hears(2, Joined("lobby", [ANA])).hears(1, PeerJoined(BEN))
    talk.says(2, Relay(ANA, {"sdp": "..."})).hears(1, Relayed(BEN, {"sdp": "..."}))
    talk.says(2, Leave()).hears(1, PeerLeft(BEN, "left"))
    talk.goes(1).silence()


def test_a_lost_socket_frees_the_seat() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.goes(1).hears(2, PeerLeft(ANA, "lost"))
    talk.seated(3, ANA, key="another key of 16+").goes(3).hears(2, PeerLeft(ANA, "lost"))


def test_rooms_do_not_hear_each_other() -> None:
    talk = Talk().seated(1, ANA, "red").seated(2, BEN, "blue")
    talk.says(1, Relay(BEN, "hello", id=7))
    assert talk.refused(1, ErrorCode.NO_SUCH_PEER).id == 7
    talk.goes(1).silence()


def test_nobody_relays_to_themselves() -> None:
    talk = Talk().seated(1, ANA)
    talk.says(1, Relay(ANA, None)).refused(1, ErrorCode.NO_SUCH_PEER)


def test_the_server_writes_the_sender_whatever_the_client_claims() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.says(1, json.dumps({"type": "relay", "to": BEN, "from": EVA, "sender": EVA, "body": 1}))
    talk.hears(2, Relayed(ANA, 1))


def test_the_owner_takes_its_seat_over_and_nobody_notices() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.opens(3).says(3, Hello(1, ANA, ANA * 2)).hears(3, Welcome(1, LIMITS.told(), AGENT))
    talk.says(3, Join("lobby")).hears(3, Joined("lobby", [BEN])).refused(1, ErrorCode.REPLACED, closed=True)
    talk.silence()
    talk.says(2, Relay(ANA, "there?")).hears(3, Relayed(BEN, "there?"))
    talk.says(1, Relay(BEN, "from the grave")).goes(1).silence()


def test_another_key_does_not_get_the_seat() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.opens(3).says(3, Hello(1, ANA, "not the key of ana")).hears(3, Welcome(1, LIMITS.told(), AGENT))
    talk.says(3, Join("lobby")).refused(3, ErrorCode.PEER_ID_TAKEN)
    talk.says(2, Relay(ANA, "x")).hears(1, Relayed(BEN, "x")).silence()


def test_an_owner_comes_back_into_a_full_room() -> None:
    talk = Talk(ServerLimits(room_peers=2)).seated(1, ANA).seated(2, BEN)
    talk.opens(3).says(3, Hello(1, ANA, ANA * 2)).says(3, Join("lobby"))
    assert talk.inbox.pop(3)[1] == Joined("lobby", [BEN])


def test_a_full_room_says_when_to_try_again_and_a_place_that_is_freed_can_be_taken() -> None:
    talk = Talk(ServerLimits(room_peers=2)).seated(1, ANA).seated(2, BEN)
    talk.opens(3).says(3, Hello(1, EVA, "e" * 16)).inbox.clear()
    talk.says(3, Join("lobby"))
    assert talk.refused(3, ErrorCode.ROOM_FULL).retry_after == LIMITS.full_retry_seconds
    talk.says(1, Leave()).says(3, Join("lobby")).hears(3, Joined("lobby", [BEN]))


def test_the_number_of_rooms_is_bounded_and_empty_rooms_are_gone() -> None:
    talk = Talk(ServerLimits(rooms=1)).seated(1, ANA, "red")
    talk.opens(2).says(2, Hello(1, BEN, "b" * 16)).inbox.clear()
    talk.says(2, Join("blue")).refused(2, ErrorCode.TOO_MANY_ROOMS)
    talk.goes(1).says(2, Join("blue")).hears(2, Joined("blue", []))


def test_a_socket_has_one_seat_and_may_change_it() -> None:
    talk = Talk().seated(1, ANA, "red")
    talk.says(1, Join("blue")).refused(1, ErrorCode.ALREADY_JOINED)
    talk.says(1, Leave()).says(1, Join("blue")).hears(1, Joined("blue", []))


@pytest.mark.parametrize("message", [Join("lobby"), Leave(), Relay(BEN, 1, id=3), Ping(1)])
def test_nothing_is_done_before_hello(message: Any) -> None:
    talk = Talk().seated(2, BEN).opens(1)
    talk.says(1, message).refused(1, ErrorCode.NOT_GREETED)
    talk.silence()


@pytest.mark.parametrize("message", [Relay(BEN, 1, id=3), Leave()])
def test_a_guest_without_a_seat_is_told_so(message: Any) -> None:
    talk = Talk().seated(2, BEN).opens(1).says(1, Hello(1, ANA, "a" * 16))
    talk.inbox.clear()
    talk.says(1, message).refused(1, ErrorCode.NOT_JOINED)
    talk.silence()


def test_another_version_is_refused_and_the_socket_closed() -> None:
    talk = Talk().opens(1).says(1, Hello(99, ANA, "a" * 16))
    talk.refused(1, ErrorCode.VERSION, closed=True)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x00\x01", ErrorCode.MALFORMED),
        (encode(Ping(1)).encode(), ErrorCode.MALFORMED),
        ("", ErrorCode.MALFORMED),
        ("{", ErrorCode.MALFORMED),
        ("[]", ErrorCode.MALFORMED),
        ('{"type":"ping","n":-1}', ErrorCode.MALFORMED),
        ('{"type":"join","room":"a\\u001bb"}', ErrorCode.MALFORMED),
        ('{"type":"join","room":"a\\n"}', ErrorCode.MALFORMED),
        ('{"type":"relay","to":"benbenbb\\n","body":1}', ErrorCode.MALFORMED),
        ("\ud800", ErrorCode.MALFORMED),
        ("[" * 30_000, ErrorCode.MALFORMED),
        ('{"type":"relay","to":"benbenbb","body":' + "[" * 17 + "]" * 17 + "}", ErrorCode.MALFORMED),
        ('{"type":"relay","to":"benbenbb","body":' + "9" * 9000 + "}", ErrorCode.MALFORMED),
        (encode(Hello(1, ANA, "a" * 16)), ErrorCode.MALFORMED),
        ('{"type":"shutdown"}', ErrorCode.UNKNOWN_TYPE),
        ("x" * (MESSAGE_BYTES + 1), ErrorCode.TOO_LARGE),
        ("ü" * (MESSAGE_BYTES // 2 + 1), ErrorCode.TOO_LARGE),
    ],
)
def test_nonsense_is_refused_with_a_reason_and_touches_nobody_else(data: str | bytes, code: ErrorCode) -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.says(1, data).refused(1, code)
    talk.silence()
    talk.says(1, Relay(BEN, "still here")).hears(2, Relayed(ANA, "still here"))


def test_an_answer_to_nonsense_does_not_repeat_it() -> None:
    talk = Talk().opens(1).says(1, '{"type":"\\u001b[2J"}')
    assert "[2J" not in talk.refused(1, ErrorCode.UNKNOWN_TYPE).message


def test_a_body_that_grows_when_written_again_never_becomes_too_long_for_its_receiver() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    body = ",".join(["1e15"] * 10_000)
    talk.says(1, f'{{"type":"relay","to":"{BEN}","id":5,"body":[{body}]}}')
    assert talk.refused(1, ErrorCode.TOO_LARGE).id == 5
    talk.silence()


def test_a_socket_that_keeps_sending_nonsense_is_closed() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    for _ in range(LIMITS.fault_burst):
        talk.says(1, "{").refused(1, ErrorCode.MALFORMED)
    talk.says(1, "{").refused(1, ErrorCode.MALFORMED, closed=True)
    talk.hears(2, PeerLeft(ANA, "malformed")).silence()


def test_a_rare_fault_is_forgiven() -> None:
    talk = Talk().seated(1, ANA)
    for _ in range(50):
        talk.says(1, "{").refused(1, ErrorCode.MALFORMED)
        for _ in range(4):
            talk.passes(15.0).says(1, Pong())
        talk.inbox.clear()


def test_a_burst_is_relayed_and_what_is_beyond_it_waits() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    for number in range(LIMITS.message_burst - 2):  # hello and join took two
        talk.says(1, Relay(BEN, number))
    talk.hears(2, *[Relayed(ANA, number) for number in range(LIMITS.message_burst - 2)])
    talk.says(1, Relay(BEN, "too many"))
    wait = talk.refused(1, ErrorCode.RATE_LIMITED).retry_after
    assert wait is not None
    assert wait == pytest.approx(1 / LIMITS.messages_per_second)
    talk.passes(wait + 0.001).says(1, Relay(BEN, "now")).hears(2, Relayed(ANA, "now"))


def test_a_flood_ends_its_own_socket() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    for _ in range(LIMITS.message_burst - 2 + LIMITS.refusal_burst):
        talk.says(1, Ping(1))
    assert len(talk.inbox.pop(1)) == LIMITS.message_burst - 2 + LIMITS.refusal_burst
    talk.says(1, Ping(1)).refused(1, ErrorCode.RATE_LIMITED, closed=True)
    talk.hears(2, PeerLeft(ANA, "rate-limited"))


def test_a_socket_that_takes_no_seat_is_closed() -> None:
    talk = Talk().opens(1).passes(5.0).says(1, Hello(1, ANA, "a" * 16))
    talk.inbox.clear()
    talk.passes(4.9).silence()
    talk.passes(0.2).refused(1, ErrorCode.TIMED_OUT, closed=True)
    assert talk.hub.deadline() is None


def test_a_silent_socket_is_pinged_and_then_closed() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.passes(25.0).hears(1, Ping(1)).hears(2, Ping(1)).says(2, Pong(1))
    talk.passes(25.0).hears(1, Ping(2)).hears(2, Ping(1)).says(2, Pong(1))
    talk.passes(25.0).refused(1, ErrorCode.TIMED_OUT, closed=True)
    talk.hears(2, PeerLeft(ANA, "timed-out"), Ping(1))


def test_a_hub_that_was_asleep_asks_before_it_closes() -> None:
    talk = Talk().seated(1, ANA)
    talk.now = 3600.0
    talk.hub.tick(talk.now)
    talk.carry_out()
    talk.hears(1, Ping(1))


def test_ping_is_answered_with_its_number() -> None:
    talk = Talk().seated(1, ANA)
    talk.says(1, Ping(42)).hears(1, Pong(42))


def test_shutting_down_tells_everybody_when_to_come_back() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN).opens(3)
    talk.hub.shut_down()
    talk.carry_out()
    for socket in (1, 2, 3):
        error = talk.refused(socket, ErrorCode.SHUTTING_DOWN, closed=True)
        assert error.retry_after == LIMITS.shutdown_retry_seconds
    talk.silence()
    assert talk.hub.deadline() is None


# Whatever happens

peers = st.sampled_from([ANA, BEN, EVA])
rooms = st.sampled_from(["red", "blue"])
keys = st.sampled_from(["k" * 16, "l" * 16])
bodies = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=8,
)
messages = st.one_of(
    st.builds(Hello, st.just(1), peers, keys),
    st.builds(Join, rooms),
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
    st.tuples(st.just("goes"), sockets),
    st.tuples(st.just("passes"), st.floats(0.0, 40.0)),
    st.tuples(st.just("says"), st.tuples(sockets, messages)),
)


class Believer:
    """A client as the documentation describes it: what it believes about its room, from what it was told."""

    def __init__(self) -> None:
        self.room: str | None = None
        self.others: set[str] = set()

    def hears(self, message: FromServer | ErrorCode) -> None:
        match message:
            case Joined(room=room, peers=present):
                self.room, self.others = room, set(present)
                assert len(self.others) == len(present)
            case PeerJoined(peer=peer):
                assert peer not in self.others
                self.others.add(peer)
            case PeerLeft(peer=peer):
                self.others.remove(peer)
            case Relayed(sender=sender):
                assert sender in self.others


class Crowd:
    """Sockets that do as a script says, and what each of them believes afterwards."""

    def __init__(self) -> None:
        self.talk = Talk(ServerLimits(room_peers=2, rooms=2))
        self.believers: dict[int, Believer] = {}
        self._opened = 0

    def open(self) -> int:
        self._opened += 1
        self.believers[self._opened] = Believer()
        self.talk.opens(self._opened)
        return self._opened

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
        check_agreement(self.talk.hub, self.believers)

    def act(self, verb: str, what: Any) -> None:
        """Plays one step; sockets are named by their age: 1 is the oldest one open."""
        by_age = dict(enumerate(sorted(self.believers), start=1))
        match verb, what:
            case "opens", _:
                self.open()
            case "enters", (peer, key, room):
                socket = self.open()
                self.say(socket, Hello(1, peer, key))
                self.say(socket, Join(room))
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
    hub = crowd.talk.hub
    assert (hub._rooms, hub._clients, hub.deadline()) == ({}, {}, None)


def check_agreement(hub: Hub, believers: dict[int, Believer]) -> None:
    assert hub._clients.keys() == believers.keys()
    assert len(hub._rooms) <= 2
    seats = {socket: (room, peer) for room, members in hub._rooms.items() for peer, socket in members.items()}
    assert sum(len(members) for members in hub._rooms.values()) == len(seats)
    assert seats.keys() == {socket for socket, believer in believers.items() if believer.room is not None}
    for socket, (room, peer) in seats.items():
        assert believers[socket].room == room
        assert believers[socket].others == hub._rooms[room].keys() - {peer}
        assert len(hub._rooms[room]) <= 2


@given(st.text() | st.binary() | bodies.map(json.dumps))
def test_no_input_raises(data: str | bytes) -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.says(1, data)
    assert 2 not in talk.inbox
