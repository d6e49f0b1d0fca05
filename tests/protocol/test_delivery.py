"""Messages over several links."""

from __future__ import annotations

from p2pchat.protocol.delivery import Inbox, Outbox
from p2pchat.protocol.frames import Message
from p2pchat.protocol.limits import REMEMBERED_MESSAGE_IDS, UNACKNOWLEDGED_MESSAGES


def message(number: int, line: int | None = None) -> Message:
    return Message(f"{number:08x}", f"text {number}", 0.0, line)


def test_what_is_not_confirmed_is_sent_again_in_order() -> None:
    outbox = Outbox()
    for number in range(3):
        outbox.add(message(number))
    assert outbox.acknowledged("00000001")
    assert [again.text for again in outbox.to_send_again()] == ["text 0", "text 2"]


def test_a_receipt_counts_once() -> None:
    outbox = Outbox()
    outbox.add(message(1))
    assert outbox.acknowledged("00000001")
    assert not outbox.acknowledged("00000001")
    assert not outbox.acknowledged("ffffffff")


def test_line_numbers_of_a_lost_channel_are_left_out() -> None:
    outbox = Outbox()
    for number, line in enumerate([4, None, 5, 6]):
        outbox.add(message(number, line))
    assert [again.line for again in outbox.to_send_again()] == [None, None, None, None]


def test_lines_that_the_new_channel_still_has_to_end_are_numbered_anew() -> None:
    outbox = Outbox()
    for number, line in enumerate([4, None, 5, 6]):
        outbox.add(message(number, line))
    assert [again.line for again in outbox.to_send_again(unfinished_lines=2)] == [None, None, 0, 1]


def test_an_outbox_says_when_it_is_full() -> None:
    outbox = Outbox()
    for number in range(UNACKNOWLEDGED_MESSAGES):
        assert not outbox.full
        outbox.add(message(number))
    assert outbox.full


def test_a_message_is_new_once_and_memory_is_bounded() -> None:
    inbox = Inbox()
    assert inbox.is_new("00000001")
    assert not inbox.is_new("00000001")
    for number in range(2, 3 + REMEMBERED_MESSAGE_IDS):
        assert inbox.is_new(f"{number:08x}")
    assert inbox.is_new("00000001")
