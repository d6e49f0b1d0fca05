"""The hub, told as conversations between sockets and a server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from p2pchat.protocol.signaling import (
    MESSAGE_BYTES,
    ErrorCode,
    Hello,
    Join,
    Joined,
    Leave,
    PeerAway,
    PeerJoined,
    PeerLeft,
    Ping,
    Pong,
    Relay,
    Relayed,
    encode,
)
from signaling_server.limits import ServerLimits
from tests.server.talk import ANA, BEN, EVA, LIMITS, WELCOME, Talk


def test_two_peers_meet_talk_and_part() -> None:
    talk = Talk()
    talk.opens(1).says(1, Hello(1, ANA, "a" * 16)).hears(1, WELCOME)
    talk.says(1, Join("lobby")).hears(1, Joined("lobby", []))
    talk.opens(2).says(2, Hello(1, BEN, "b" * 16)).hears(2, WELCOME)
    talk.says(2, Join("lobby")).hears(2, Joined("lobby", [ANA])).hears(1, PeerJoined(BEN))
    talk.says(2, Relay(ANA, {"sdp": "..."})).hears(1, Relayed(BEN, {"sdp": "..."}))
    talk.says(2, Leave()).hears(1, PeerLeft(BEN, "left"))
    talk.says(1, Leave()).silence()


def test_a_seat_that_is_left_is_free() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.says(1, Leave()).hears(2, PeerLeft(ANA, "left"))
    talk.seated(3, ANA, key="another key of 16+").says(3, Leave()).hears(2, PeerLeft(ANA, "left"))


def test_rooms_do_not_hear_each_other() -> None:
    talk = Talk().seated(1, ANA, "red").seated(2, BEN, "blue")
    talk.says(1, Relay(BEN, "hello", id=7))
    assert talk.refused(1, ErrorCode.NO_SUCH_PEER).id == 7
    talk.says(1, Leave()).silence()


def test_nobody_relays_to_themselves() -> None:
    talk = Talk().seated(1, ANA)
    talk.says(1, Relay(ANA, None)).refused(1, ErrorCode.NO_SUCH_PEER)


def test_the_server_writes_the_sender_whatever_the_client_claims() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.says(1, json.dumps({"type": "relay", "to": BEN, "from": EVA, "sender": EVA, "body": 1}))
    talk.hears(2, Relayed(ANA, 1))


def test_the_owner_takes_its_seat_over_and_nobody_notices() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.opens(3).says(3, Hello(1, ANA, ANA * 2)).hears(3, WELCOME)
    talk.says(3, Join("lobby")).hears(3, Joined("lobby", [BEN])).refused(1, ErrorCode.REPLACED, closed=True)
    talk.silence()
    talk.says(2, Relay(ANA, "there?")).hears(3, Relayed(BEN, "there?"))
    talk.says(1, Relay(BEN, "from the grave")).goes(1).silence()


def test_another_key_does_not_get_the_seat() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    talk.opens(3).says(3, Hello(1, ANA, "not the key of ana")).hears(3, WELCOME)
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


def test_in_a_full_room_a_newcomer_gets_the_seat_of_who_has_been_away_longest() -> None:
    talk = Talk(ServerLimits(room_peers=3)).seated(1, ANA).seated(2, BEN).seated(3, EVA)
    talk.goes(3).passes(1.0).goes(2).inbox.clear()
    talk.opens(4).says(4, Hello(1, "idaidaii", "i" * 16)).inbox.clear()
    talk.says(4, Join("lobby")).hears(4, Joined("lobby", [ANA, BEN], [BEN]))
    talk.hears(1, PeerLeft(EVA, "lost"), PeerJoined("idaidaii")).silence()


def test_the_number_of_rooms_is_bounded_and_empty_rooms_are_gone() -> None:
    talk = Talk(ServerLimits(rooms=1)).seated(1, ANA, "red")
    talk.opens(2).says(2, Hello(1, BEN, "b" * 16)).inbox.clear()
    talk.says(2, Join("blue")).refused(2, ErrorCode.TOO_MANY_ROOMS)
    talk.says(1, Leave()).says(2, Join("blue")).hears(2, Joined("blue", []))


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
    talk.hears(2, Ping(1), PeerAway(ANA))


def test_what_waits_for_somebody_who_is_away_is_bounded_for_each_sender() -> None:
    talk = Talk(ServerLimits(kept_bytes=1000)).seated(1, ANA).seated(2, BEN).seated(3, EVA).goes(1)
    talk.says(3, Relay(ANA, "of eva"))
    for number in range(20):
        talk.says(2, Relay(ANA, [number, "x" * 300]))
    talk.inbox.clear()
    talk.opens(4).says(4, Hello(1, ANA, ANA * 2)).says(4, Join("lobby"))
    _, _, *waited = talk.inbox.pop(4)
    assert waited == [Relayed(BEN, [18, "x" * 300]), Relayed(BEN, [19, "x" * 300]), Relayed(EVA, "of eva")]


def test_what_waits_is_lost_with_its_sender() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN).goes(1)
    talk.says(2, Relay(ANA, "old")).says(2, Leave()).says(2, Join("lobby")).inbox.clear()
    talk.seated(4, ANA)
    talk.says(2, Relay(ANA, "new")).hears(4, Relayed(BEN, "new"))


def test_a_socket_that_was_ended_for_its_manners_leaves_no_seat_behind() -> None:
    talk = Talk().seated(1, ANA).seated(2, BEN)
    for _ in range(LIMITS.fault_burst + 1):
        talk.says(1, "{")
    talk.hears(2, PeerLeft(ANA, "malformed"))


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
        assert error.retry_after == LIMITS.shutdown_retry_seconds + LIMITS.shutdown_spread_ms // 2 / 1000
    talk.silence()
    assert talk.hub.deadline() is None
