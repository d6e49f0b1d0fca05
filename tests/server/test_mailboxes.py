"""Mailboxes, told as conversations between sockets and a server."""

from __future__ import annotations

import pytest

from p2pchat.protocol.signaling import (
    LAST_MAILBOX,
    Allocate,
    Allocated,
    Claim,
    Error,
    ErrorCode,
    Hello,
    Join,
    Joined,
    Leave,
    PeerBack,
    PeerJoined,
    PeerLeft,
    Pong,
    Relay,
    Relayed,
)
from signaling_server.limits import ServerLimits
from signaling_server.mailboxes import NUMBERS, draw
from signaling_server.requests import OpenMailbox
from tests.server.talk import ANA, BEN, EVA, LIMITS, Talk

FIRST = 5
"""The number that the first mailbox of a `Talk` gets."""

AWAY = max(LIMITS.away_seconds, LIMITS.mailbox_away_seconds)


class Post(Talk):
    """A conversation in which mailboxes are used."""

    def greeted(self, socket: int, peer: str, key: str = "") -> Post:
        self.opens(socket).says(socket, Hello(1, peer, key or peer * 2))
        self.inbox.clear()
        return self

    def waiting(self, socket: int, peer: str) -> Post:
        """Opens a socket and a mailbox, and forgets what was said about it."""
        self.greeted(socket, peer).says(socket, Allocate())
        self.inbox.clear()
        return self

    def alive_for(self, seconds: float, *sockets: int) -> Post:
        """Lets time pass while these sockets answer every ping."""
        end = self.now + seconds
        while self.now < end:
            self.passes(min(20.0, end - self.now))
            for socket in sockets:
                self.says(socket, Pong())
        return self


def test_two_meet_in_a_mailbox_talk_and_part() -> None:
    talk = Post().greeted(1, ANA).greeted(2, BEN)
    talk.says(1, Allocate()).hears(1, Allocated(FIRST))
    talk.says(2, Claim(FIRST)).hears(2, Joined(f"mailbox {FIRST}", [ANA])).hears(1, PeerJoined(BEN))
    talk.says(2, Relay(ANA, "x")).hears(1, Relayed(BEN, "x"))
    talk.says(1, Relay(BEN, "y")).hears(2, Relayed(ANA, "y"))
    talk.says(1, Leave()).hears(2, PeerLeft(ANA, "left"))
    talk.goes(1).goes(2).silence()
    talk.passes(LIMITS.away_seconds)
    assert talk.deadline() is None


def test_a_third_is_refused_and_both_inside_are_told() -> None:
    talk = Post().waiting(1, ANA).greeted(2, BEN).greeted(3, EVA)
    talk.says(2, Claim(FIRST)).inbox.clear()
    talk.says(3, Claim(FIRST)).refused(3, ErrorCode.CROWDED)
    talk.refused(1, ErrorCode.CROWDED)
    talk.refused(2, ErrorCode.CROWDED)
    talk.says(3, Relay(ANA, "let me in")).refused(3, ErrorCode.NOT_JOINED)
    talk.silence()


def test_a_number_that_nobody_has_leads_nowhere() -> None:
    talk = Post().greeted(1, ANA)
    talk.says(1, Claim(7)).refused(1, ErrorCode.NO_SUCH_MAILBOX)
    talk.says(1, Join("lobby")).hears(1, Joined("lobby", []))


@pytest.mark.parametrize("number", [0, -1, LAST_MAILBOX + 1, 1.5, "5", None])
def test_what_is_no_number_is_malformed(number: object) -> None:
    talk = Post().greeted(1, ANA)
    talk.says(1, f'{{"type":"claim","mailbox":{number!r}}}').refused(1, ErrorCode.MALFORMED)


def test_a_mailbox_cannot_be_entered_as_a_room() -> None:
    talk = Post().waiting(1, ANA).greeted(2, EVA)
    talk.says(2, Join(f"mailbox {FIRST}")).hears(2, Joined(f"mailbox {FIRST}", []))
    talk.says(2, Leave()).says(2, f'{{"type":"join","room":"\\u0000mailbox {FIRST} 1"}}')
    talk.refused(2, ErrorCode.MALFORMED)
    talk.silence()


@pytest.mark.parametrize("request_", [Allocate(), Claim(FIRST), Join("lobby")])
def test_a_socket_has_one_seat(request_: Allocate | Claim | Join) -> None:
    talk = Post().waiting(1, ANA)
    talk.says(1, request_).refused(1, ErrorCode.ALREADY_JOINED)


def test_a_mailbox_that_nobody_claims_is_gone_after_a_quarter_of_an_hour() -> None:
    talk = Post().waiting(1, ANA).greeted(2, BEN)
    talk.alive_for(LIMITS.mailbox_seconds - 1.0, 1).says(1, Pong()).inbox.clear()
    talk.passes(2.0).refused(1, ErrorCode.MAILBOX_EXPIRED)
    talk.greeted(3, BEN).says(3, Claim(FIRST)).refused(3, ErrorCode.NO_SUCH_MAILBOX)
    talk.says(1, Join("lobby")).hears(1, Joined("lobby", []))


def test_a_claimed_mailbox_stays_while_its_owner_does() -> None:
    talk = Post().waiting(1, ANA).greeted(2, BEN)
    talk.says(2, Claim(FIRST)).goes(2)
    talk.alive_for(2 * LIMITS.mailbox_seconds, 1).inbox.clear()
    talk.greeted(3, BEN).says(3, Claim(FIRST)).hears(3, Joined(f"mailbox {FIRST}", [ANA]))


def test_an_owner_that_leaves_takes_the_mailbox_along() -> None:
    talk = Post().waiting(1, ANA).greeted(2, BEN)
    talk.says(1, Leave()).says(2, Claim(FIRST)).refused(2, ErrorCode.NO_SUCH_MAILBOX)


def test_an_owner_that_was_lost_comes_back_to_its_mailbox() -> None:
    talk = Post().waiting(1, ANA).goes(1).greeted(2, BEN).greeted(3, ANA)
    talk.says(2, Claim(FIRST)).refused(2, ErrorCode.NO_SUCH_MAILBOX)
    talk.says(3, Claim(FIRST)).hears(3, Joined(f"mailbox {FIRST}", []))
    talk.says(2, Claim(FIRST)).hears(2, Joined(f"mailbox {FIRST}", [ANA])).hears(3, PeerJoined(BEN))


def test_an_owner_that_came_back_keeps_its_mailbox() -> None:
    talk = Post().waiting(1, ANA).goes(1).greeted(2, ANA).says(2, Claim(FIRST))
    talk.alive_for(AWAY + 1.0, 2).inbox.clear()
    talk.greeted(3, BEN).says(3, Claim(FIRST)).hears(3, Joined(f"mailbox {FIRST}", [ANA]))


def test_an_owner_that_is_away_has_a_place_on_a_server_that_is_full() -> None:
    talk = Post(ServerLimits(rooms=1)).waiting(1, ANA).goes(1).greeted(2, BEN).greeted(3, ANA)
    talk.says(2, Join("lobby")).refused(2, ErrorCode.TOO_MANY_ROOMS)
    talk.says(3, Claim(FIRST)).hears(3, Joined(f"mailbox {FIRST}", []))


def test_an_owner_finds_who_waited_for_it() -> None:
    talk = Post().waiting(1, ANA).greeted(2, BEN).says(2, Claim(FIRST)).goes(1)
    talk.inbox.clear()
    talk.greeted(3, ANA).says(3, Claim(FIRST)).hears(3, Joined(f"mailbox {FIRST}", [BEN])).hears(2, PeerBack(ANA))


def test_who_claimed_a_mailbox_and_was_lost_comes_back_also_before_its_owner() -> None:
    talk = Post().waiting(1, ANA).greeted(2, BEN).says(2, Claim(FIRST)).goes(1).goes(2)
    talk.inbox.clear()
    talk.greeted(3, BEN).says(3, Claim(FIRST)).hears(3, Joined(f"mailbox {FIRST}", [ANA], [ANA]))
    talk.greeted(4, ANA).says(4, Claim(FIRST)).hears(4, Joined(f"mailbox {FIRST}", [BEN])).hears(3, PeerBack(ANA))


def test_a_server_that_keeps_no_seats_keeps_a_mailbox_for_its_owner() -> None:
    talk = Post(ServerLimits(away_seconds=0)).waiting(1, ANA).greeted(2, BEN).says(2, Claim(FIRST))
    talk.inbox.clear()
    talk.goes(1).hears(2, PeerLeft(ANA, "lost"))
    talk.greeted(3, ANA).says(3, Claim(FIRST)).hears(3, Joined(f"mailbox {FIRST}", [BEN])).hears(2, PeerJoined(ANA))


def test_an_owner_takes_its_seat_over_from_a_socket_that_seems_alive() -> None:
    talk = Post().waiting(1, ANA).greeted(2, ANA)
    talk.says(2, Claim(FIRST)).hears(2, Joined(f"mailbox {FIRST}", [])).refused(1, ErrorCode.REPLACED, closed=True)
    talk.greeted(3, BEN).says(3, Claim(FIRST)).hears(2, PeerJoined(BEN))


def test_nobody_else_comes_back_as_the_owner() -> None:
    talk = Post().waiting(1, ANA).greeted(2, ANA, key="not the key of ana")
    talk.says(2, Claim(FIRST)).refused(2, ErrorCode.PEER_ID_TAKEN)
    talk.goes(1).says(2, Claim(FIRST)).refused(2, ErrorCode.NO_SUCH_MAILBOX)


def test_an_owner_that_does_not_come_back_loses_the_mailbox() -> None:
    talk = Post().waiting(1, ANA).goes(1)
    assert talk.deadline() == talk.now + AWAY
    talk.passes(AWAY)
    assert talk.deadline() is None
    talk.greeted(2, ANA).says(2, Claim(FIRST)).refused(2, ErrorCode.NO_SUCH_MAILBOX)


def test_who_stayed_in_a_mailbox_that_is_gone_never_meets_its_next_owner() -> None:
    talk = Post().waiting(1, ANA).greeted(2, BEN).says(2, Claim(FIRST)).says(1, Leave())
    talk.alive_for(LIMITS.mailbox_rest_seconds + 1.0, 2).inbox.clear()
    talk.greeted(3, EVA).says(3, Allocate()).hears(3, Allocated(FIRST))
    talk.says(2, Relay(EVA, "ana?")).refused(2, ErrorCode.NO_SUCH_PEER)
    talk.silence()


def test_a_number_rests_before_somebody_else_gets_it() -> None:
    talk = Post().waiting(1, ANA).says(1, Leave())
    talk.says(1, Allocate())
    [other] = talk.inbox.pop(1)
    assert isinstance(other, Allocated)
    assert other.mailbox != FIRST
    talk.says(1, Leave()).alive_for(LIMITS.mailbox_rest_seconds + 1.0, 1)
    talk.inbox.clear()
    talk.says(1, Allocate()).hears(1, Allocated(FIRST))


def test_short_numbers_go_first_and_every_number_once() -> None:
    drawn: dict[int, None] = {}
    for numbers in NUMBERS:
        while (number := draw(numbers, drawn.keys(), pick=lambda count: count * 2 // 3)) is not None:
            drawn[number] = None
    allocated = list(drawn)
    assert sorted(allocated) == list(range(1, LAST_MAILBOX + 1))
    assert sorted(allocated[:9]) == list(range(1, 10))
    assert allocated[:9] != list(range(1, 10)), "not in order: a number tells nothing about how many there are"
    assert sorted(allocated[9:99]) == list(range(10, 100))


def test_a_server_without_a_free_number_says_when_to_try_again() -> None:
    talk = Post()
    for number in range(LAST_MAILBOX):
        talk.backplane.submit(OpenMailbox(1000 + number, BEN, "k" * 16), 0.0)
    talk.greeted(1, ANA).says(1, Allocate())
    assert talk.refused(1, ErrorCode.TOO_MANY_ROOMS).retry_after == LIMITS.full_retry_seconds


def test_mailboxes_count_as_rooms() -> None:
    talk = Post(ServerLimits(rooms=1)).greeted(1, ANA).greeted(2, BEN)
    talk.says(1, Allocate()).hears(1, Allocated(FIRST))
    talk.says(2, Allocate()).refused(2, ErrorCode.TOO_MANY_ROOMS)
    talk.says(2, Join("lobby")).refused(2, ErrorCode.TOO_MANY_ROOMS)


# Guessing


def test_a_socket_that_tries_numbers_is_slowed_down() -> None:
    talk = Post().greeted(1, EVA)
    for number in range(1, LIMITS.mailbox_request_burst + 1):
        talk.says(1, Claim(number)).refused(1, ErrorCode.NO_SUCH_MAILBOX)
    talk.says(1, Claim(99))
    wait = talk.refused(1, ErrorCode.RATE_LIMITED).retry_after
    assert wait == pytest.approx(1 / LIMITS.mailbox_requests_per_second)
    talk.says(1, Allocate()).refused(1, ErrorCode.RATE_LIMITED)


def test_many_sockets_that_try_numbers_are_slowed_down_together_and_owners_still_come_back() -> None:
    talk = Post(ServerLimits(all_mailbox_request_burst=4)).waiting(1, ANA).goes(1)
    for socket in (2, 3, 4):
        talk.greeted(socket, EVA).says(socket, Claim(99)).refused(socket, ErrorCode.NO_SUCH_MAILBOX)
    talk.greeted(5, BEN).says(5, Claim(FIRST))
    assert talk.refused(5, ErrorCode.RATE_LIMITED).retry_after == pytest.approx(0.1)
    talk.greeted(6, ANA).says(6, Claim(FIRST)).hears(6, Joined(f"mailbox {FIRST}", []))


def test_what_is_said_about_guessers_names_nobody() -> None:
    talk = Post().waiting(1, ANA).greeted(2, BEN).greeted(3, EVA).says(2, Claim(FIRST))
    talk.inbox.clear()
    talk.says(3, Claim(FIRST))
    told = talk.inbox[1]
    assert told == [Error(ErrorCode.CROWDED, "somebody else tried to claim this mailbox")]
