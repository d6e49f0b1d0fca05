"""The conversation as it is shown: events in, rows out."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from p2pchat.node.events import (
    Direction,
    Event,
    LineState,
    MessageDelivered,
    PeerInfo,
    PeerState,
    Problem,
    Ready,
    ServerChanged,
    TransferProgressed,
    TransferState,
    Trust,
)
from p2pchat.tui.live_lines import INTERRUPTED_SECONDS
from p2pchat.tui.model import ALARMS, REPEATED_SECONDS, Conversation
from p2pchat.tui.rows import DayRow, MessageRow, NoticeRow, TransferRow, UnreadRow
from p2pchat.tui.transfer_book import TRANSFERS
from tests.tui.stage import (
    AT,
    BEN,
    CHANGED_KEY,
    CYD,
    ROOM,
    changed,
    here,
    offered,
    proved,
    said,
    sent,
    transfer,
    typing,
)


class Talk:
    """A conversation that hears events, and what its timeline says."""

    def __init__(self, *peers: PeerInfo) -> None:
        self.conversation = Conversation(ROOM)
        self.hears(Ready(ROOM, "ana", "k7qfm2xd", "ws://127.0.0.1", AT), *here(*peers))

    def hears(self, *events: Event, now: float = 0.0) -> Self:
        for event in events:
            self.conversation.apply(event, now)
        return self

    @property
    def says(self) -> list[str]:
        """Messages with their mark or state, and notices."""
        lines = []
        for row in self.conversation.rows.values():
            match row:
                case MessageRow():
                    lines.append(" ".join(filter(None, [f"{row.label}: {row.text}", row.mark or row.state])))
                case NoticeRow():
                    lines.append(row.text)
                case UnreadRow():
                    lines.append("--- new")
                case _:
                    pass
        return lines

    @property
    def types(self) -> list[str]:
        rows = self.conversation.live.values()
        return [f"{row.label}: {row.text}{'!' if row.interrupted_at is not None else ''}" for row in rows]


def test_an_own_message_waits_until_everybody_who_was_there_has_it() -> None:
    talk = Talk(BEN, CYD).hears(sent("hi"))
    assert talk.says[-1] == "you: hi waiting"
    talk.hears(MessageDelivered(ROOM, "1", BEN.peer, AT))
    assert talk.says[-1] == "you: hi 1 of 2"
    talk.hears(MessageDelivered(ROOM, "1", CYD.peer, AT))
    assert talk.says[-1] == "you: hi delivered"


def test_a_message_sent_to_nobody_is_delivered_with_the_first_who_comes() -> None:
    talk = Talk().hears(sent("hi"), *here(BEN), MessageDelivered(ROOM, "1", BEN.peer, AT))
    assert talk.says[0] == "you: hi delivered"


def test_a_finished_line_leaves_its_live_row_and_becomes_a_message() -> None:
    talk = Talk(BEN).hears(typing(BEN, "hel"), typing(BEN, "hello"))
    assert talk.types == ["ben: hello"]
    talk.hears(typing(BEN, "hello!", LineState.FINAL))
    assert (talk.types, talk.says[-1]) == ([], "ben: hello!")


def test_a_line_finished_twice_is_corrected_in_its_place() -> None:
    talk = Talk(BEN).hears(typing(BEN, "helo", LineState.FINAL), said(BEN, "next"))
    talk.hears(typing(BEN, "hello", LineState.FINAL))
    assert talk.says[-2:] == ["ben: hello corrected", "ben: next"]


def test_a_line_finished_twice_with_the_same_text_is_not_marked() -> None:
    talk = Talk(BEN).hears(typing(BEN, "hello", LineState.FINAL), typing(BEN, "hello", LineState.FINAL))
    assert talk.says[-1] == "ben: hello"


def test_a_retracted_line_leaves_nothing() -> None:
    talk = Talk(BEN).hears(typing(BEN, "oops"), typing(BEN, ""))
    assert (talk.types, talk.says) == ([], ["ben·m2xd joined, connected directly, verified"])


def test_an_interrupted_line_waits_in_its_row_and_then_moves_to_the_timeline_with_its_mark() -> None:
    talk = Talk(BEN).hears(typing(BEN, "I will ad", LineState.INTERRUPTED), now=5.0)
    talk.conversation.tick(5.0 + INTERRUPTED_SECONDS - 0.1)
    assert talk.types == ["ben: I will ad!"]
    talk.conversation.tick(5.0 + INTERRUPTED_SECONDS)
    assert (talk.types, talk.says[-1]) == ([], "ben: I will ad interrupted")


def test_an_interrupted_line_that_is_finished_after_all_loses_its_mark() -> None:
    talk = Talk(BEN).hears(typing(BEN, "I will ad", LineState.INTERRUPTED))
    talk.hears(typing(BEN, "I will add it", LineState.FINAL))
    assert talk.says[-1] == "ben: I will add it"
    talk.hears(typing(BEN, "And th", LineState.INTERRUPTED, line=1))
    talk.conversation.tick(INTERRUPTED_SECONDS)
    talk.hears(typing(BEN, "And then", LineState.FINAL, line=1))
    assert talk.says[-1] == "ben: And then"


def test_the_next_line_sends_an_interrupted_one_to_the_timeline() -> None:
    talk = Talk(BEN).hears(typing(BEN, "I will ad", LineState.INTERRUPTED), typing(BEN, "Aga", line=1))
    assert (talk.types, talk.says[-1]) == (["ben: Aga"], "ben: I will ad interrupted")


def test_what_somebody_typed_who_left_stays() -> None:
    talk = Talk(BEN).hears(typing(BEN, "I must"), *here(replace(BEN, state=PeerState.LEFT)))
    assert (talk.types, talk.says[-2:]) == ([], ["ben: I must interrupted", "ben·m2xd left"])
    assert talk.conversation.peers == {}


def test_peers_come_get_lost_come_back_and_fail_with_reasons() -> None:
    talk = Talk(BEN).hears(*here(replace(BEN, state=PeerState.LOST, reason="silent for 10 s"), BEN))
    talk.hears(*here(replace(CYD, state=PeerState.CONNECTING), replace(CYD, state=PeerState.FAILED, reason="no path")))
    assert talk.says == [
        "ben·m2xd joined, connected directly, verified",
        "ben·m2xd was lost: silent for 10 s",
        "ben·m2xd is back",
        "cyd·p0aw could not be reached: no path",
    ]


SEAT = PeerInfo("seat4711", "seat4711", PeerState.CONNECTING)
"""A peer that has taken a seat, and proved nothing."""


def test_a_peer_that_proves_its_key_is_the_same_peer() -> None:
    connecting = replace(BEN, name=BEN.peer, state=PeerState.CONNECTING)
    talk = Talk(SEAT, CYD).hears(proved(connecting, SEAT.peer), *here(BEN))
    assert list(talk.conversation.peers) == [BEN.peer, CYD.peer]
    assert talk.says == [
        "cyd·p0aw joined, connected through a relay, new key",
        "ben·m2xd joined, connected directly, verified",
    ]


def test_what_was_under_a_seat_moves_to_the_key() -> None:
    seated = replace(BEN, peer=SEAT.peer)
    talk = Talk(seated).hears(said(seated, "hi"), sent("hello"), typing(seated, "what"), offered("t1", peer=seated))
    talk.hears(proved(BEN, SEAT.peer), MessageDelivered(ROOM, "1", BEN.peer, AT), typing(BEN, "whatever"))
    assert (talk.types, talk.says[-1]) == (["ben: whatever"], "you: hello delivered")
    assert [info.peer for info in talk.conversation.offers] == [BEN.peer]
    rows = [row for row in talk.conversation.rows.values() if isinstance(row, MessageRow | TransferRow)]
    assert [row.peer for row in rows] == [BEN.peer, "", BEN.peer]


def test_a_peer_that_starts_again_is_back_and_not_listed_twice() -> None:
    talk = Talk(BEN, CYD).hears(*here(replace(BEN, state=PeerState.LOST, reason="silent for 10 s"), SEAT))
    assert len(talk.conversation.peers) == 3
    talk.hears(proved(replace(BEN, state=PeerState.CONNECTING), SEAT.peer), *here(BEN))
    assert list(talk.conversation.peers) == [BEN.peer, CYD.peer]
    assert talk.says[-2:] == ["ben·m2xd was lost: silent for 10 s", "ben·m2xd is back"]


def test_a_lost_peer_that_is_connected_again_by_way_of_new_attempts_is_back() -> None:
    lost, trying = replace(BEN, state=PeerState.LOST), replace(BEN, state=PeerState.CONNECTING)
    talk = Talk(BEN).hears(*here(lost, trying, BEN))
    assert talk.says[-1] == "ben·m2xd is back"
    talk.hears(*here(replace(BEN, state=PeerState.LEFT), BEN))
    assert talk.says[-1] == "ben·m2xd joined, connected directly, verified"


def test_a_link_that_is_refused_later_is_not_called_one_that_never_was() -> None:
    talk = Talk(BEN).hears(*here(replace(BEN, state=PeerState.FAILED, reason="your key is not known")))
    assert talk.says[-1] == "ben·m2xd is not connected any more: your key is not known"


def test_a_changed_trust_is_told_while_the_peer_is_there() -> None:
    known = replace(CYD, trust=Trust.KNOWN)
    talk = Talk(CYD).hears(*here(known))
    assert len(talk.says) == 1
    talk.hears(*here(replace(CYD, trust=Trust.VERIFIED)))
    assert talk.says[-1] == "cyd·p0aw is verified now"
    talk.hears(*here(known))
    assert talk.says[-1] == "cyd·p0aw is no longer verified"


def test_a_changed_key_waits_until_it_is_dismissed_and_stays_in_the_timeline() -> None:
    talk = Talk().hears(CHANGED_KEY)
    assert talk.conversation.alarms == [CHANGED_KEY]
    assert talk.conversation.take_calls_for_attention() == [CHANGED_KEY.message]
    talk.conversation.dismiss()
    assert (talk.conversation.alarms, talk.says) == ([], [CHANGED_KEY.message])


def test_why_a_link_was_closed_is_told_once() -> None:
    refused = replace(SEAT, state=PeerState.FAILED, reason=CHANGED_KEY.message)
    assert Talk(SEAT).hears(CHANGED_KEY, *here(refused)).says == [CHANGED_KEY.message]


def test_no_other_problem_is_an_alarm() -> None:
    talk = Talk().hears(Problem("forged-signal", "a sealed signal does not open", "", AT))
    assert talk.conversation.alarms == []


def test_alarms_are_each_told_once_and_have_an_end() -> None:
    talk = Talk().hears(CHANGED_KEY, CHANGED_KEY)
    assert len(talk.conversation.alarms) == 1
    talk.hears(*(replace(CHANGED_KEY, message=f"key {number}") for number in range(ALARMS + 5)))
    assert len(talk.conversation.alarms) == ALARMS
    assert talk.conversation.alarms[0] is CHANGED_KEY


def test_the_same_problem_again_and_again_is_one_row_for_a_while() -> None:
    forged = Problem("forged-signal", "a sealed signal does not open", "", AT)
    talk = Talk(BEN).hears(forged, said(BEN, "hi"), *[forged] * 99, said(BEN, "ho", "2"))
    (row,) = [row for row in talk.conversation.rows.values() if isinstance(row, NoticeRow) and row.problem]
    assert row.times == 100
    talk.hears(replace(forged, at=AT + REPEATED_SECONDS))
    assert talk.says.count(forged.message) == 2


def test_that_somebody_is_blocked_is_no_failure() -> None:
    talk = Talk().hears(Problem("blocked", "ben is blocked", "unblock the contact to talk again", AT))
    row = list(talk.conversation.rows.values())[-1]
    assert isinstance(row, NoticeRow)
    assert not row.problem


def test_who_is_lost_and_does_not_come_back_has_not_left() -> None:
    lost, gone = replace(BEN, state=PeerState.LOST), replace(BEN, state=PeerState.LEFT, reason="it did not come back")
    talk = Talk(BEN).hears(*here(lost, gone))
    assert talk.says[-1] == "ben·m2xd is gone: it did not come back"
    talk = Talk(BEN).hears(*here(replace(gone, reason="left the room")))
    assert talk.says[-1] == "ben·m2xd left"


def test_a_new_round_trip_time_is_no_news() -> None:
    talk = Talk(BEN).hears(*here(replace(BEN, rtt_ms=99.0)))
    assert len(talk.says) == 1
    assert talk.conversation.peers[BEN.peer].rtt_ms == 99.0


def test_nobody_is_called_what_another_is_called() -> None:
    twin, liar, me = replace(CYD, name="Ben"), replace(CYD, name="you"), replace(CYD, name="ana")
    assert Talk(BEN, twin).hears(said(twin, "hi")).says[-1] == "Ben·p0aw: hi"
    assert Talk(liar).hears(said(liar, "hi")).says[-1] == "you·p0aw: hi"
    assert Talk(me).hears(said(me, "hi")).says[-1] == "ana·p0aw: hi"


def test_a_name_that_ends_like_a_key_tag_is_not_that_of_its_owner() -> None:
    liar = replace(CYD, name="ben·m2xd")
    talk = Talk(BEN, liar).hears(said(liar, "hi"))
    assert talk.says[1:] == ["ben.m2xd·p0aw joined, connected through a relay, new key", "ben.m2xd: hi"]


def test_a_peer_that_has_not_said_its_name_is_called_by_its_tag_alone() -> None:
    assert Talk(replace(BEN, name=BEN.peer)).says == ["m2xdq7ra joined, connected directly, verified"]


def test_messages_that_nobody_reads_are_counted_below_a_rule() -> None:
    talk = Talk(BEN).hears(said(BEN, "one"))
    talk.conversation.reading = False
    talk.hears(said(BEN, "two", "2"), typing(BEN, "three", LineState.FINAL))
    assert talk.says[-4:] == ["ben: one", "--- new", "ben: two", "ben: three"]
    assert talk.conversation.unread == 2


def test_reading_clears_the_count_and_the_next_absence_moves_the_rule() -> None:
    talk = Talk(BEN)
    talk.conversation.reading = False
    talk.hears(said(BEN, "one"))
    talk.conversation.reading = True
    assert talk.conversation.unread == 0
    talk.conversation.reading = False
    talk.hears(said(BEN, "two", "2"))
    assert talk.says[-3:] == ["ben: one", "--- new", "ben: two"]


def test_an_answer_takes_the_rule_away() -> None:
    talk = Talk(BEN)
    talk.conversation.reading = False
    talk.hears(said(BEN, "one"))
    talk.conversation.reading = True
    talk.hears(sent("two"))
    assert "--- new" not in talk.says


def test_a_transfer_is_one_row_however_it_goes() -> None:
    talk = Talk(BEN).hears(offered("t1"), changed(transfer("t1", TransferState.ACTIVE)))
    talk.hears(TransferProgressed("t1", Direction.RECEIVE, 100, 4_200_000, 50.0, AT))
    rows = [row for row in talk.conversation.rows.values() if isinstance(row, TransferRow)]
    assert [(row.info.state, row.info.confirmed) for row in rows] == [(TransferState.ACTIVE, 100)]
    assert talk.conversation.offers == []


def test_offers_queue_oldest_first() -> None:
    talk = Talk(BEN).hears(offered("t1"), offered("t2"), changed(transfer("t1", TransferState.DECLINED)))
    assert [info.transfer for info in talk.conversation.offers] == ["t2"]


def test_finished_transfers_are_forgotten_in_the_end_and_open_ones_are_not() -> None:
    talk = Talk(BEN).hears(offered("open"))
    for number in range(TRANSFERS + 50):
        talk.hears(changed(transfer(f"t{number}", TransferState.DONE)))
    assert len(talk.conversation.transfers.infos) == TRANSFERS
    assert "open" in talk.conversation.transfers.infos


def test_each_day_begins_with_its_line() -> None:
    talk = Talk().hears(said(BEN, "one", "1"), said(BEN, "two", "2"), said(BEN, "three", "3", at=AT + 86_400))
    days = [row.at for row in talk.conversation.rows.values() if isinstance(row, DayRow)]
    assert days == [AT, AT + 86_400]


def test_other_conversations_change_nothing() -> None:
    talk = Talk().hears(replace(said(BEN, "hi"), conversation="other"), replace(typing(BEN, "h"), conversation="other"))
    talk.hears(replace(offered(), info=replace(offered().info, conversation="other")))
    assert (talk.says, talk.types, talk.conversation.offers) == ([], [], [])


def test_the_server_going_and_coming_back_is_told_once() -> None:
    away, back = ServerChanged(ROOM, False, "connection lost", AT), ServerChanged(ROOM, True, "", AT)
    talk = Talk().hears(back, away, away, back, back)
    assert talk.says == ["The server is away: connection lost", "The server is back"]


def test_changes_name_each_row_once_and_in_order() -> None:
    talk = Talk().hears(said(BEN, "one"), typing(BEN, "two", LineState.FINAL))
    talk.hears(typing(BEN, "two!", LineState.FINAL))
    changes = talk.conversation.take_changes()
    assert list(talk.conversation.rows) == changes.added
    assert changes.changed == set()
    talk.hears(typing(BEN, "two!!", LineState.FINAL))
    assert talk.conversation.take_changes().changed == {f"line:{BEN.peer}:0"}


def test_trimmed_rows_are_reported_and_no_longer_changed() -> None:
    talk = Talk().hears(typing(BEN, "one", LineState.FINAL), said(BEN, "two"), said(BEN, "three", "2"))
    talk.conversation.take_changes()
    talk.hears(typing(BEN, "ONE", LineState.FINAL))
    talk.conversation.trim(1)
    changes = talk.conversation.take_changes()
    assert talk.says == ["ben: three"]
    assert (len(changes.removed), changes.changed) == (3, set())


def test_a_problem_is_a_notice_with_its_hint() -> None:
    talk = Talk().hears(Problem("storage", "The disk is full", "Free some space", AT))
    row = list(talk.conversation.rows.values())[-1]
    assert isinstance(row, NoticeRow)
    assert (row.text, row.hint, row.problem) == ("The disk is full", "Free some space", True)
