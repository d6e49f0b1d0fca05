"""The rules on time, rate and loss, L-01 to L-12, on a virtual clock: both ends as programs use them.

The clauses: RFC 8865 §4.2.1, §5.3 and §5.4, RFC 4103 §5.1, §6 and §9, RFC 5194 §5.2.3 and §5.2.4, EN 301 549 6.2.4.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from p2pchat.protocol import frames, limits
from p2pchat.protocol.rtt.conversation import LineRead, LiveText
from p2pchat.protocol.rtt.direction import EXTENSIONS
from p2pchat.protocol.rtt.parser import BOM, LOSS_MARK
from p2pchat.protocol.rtt.sender import INTERVAL_MAX
from p2pchat.protocol.session_events import CloseLink
from tests.protocol.pair import Pair, hello

P2PCHAT = "p2pchat"
FOREIGN = "foreign"
KINDS = [P2PCHAT, FOREIGN]

TYPIST = [0.0, 0.04, 0.09, 0.31, 0.32, 0.33, 0.9, 2.0, 2.02, 2.29, 2.31, 2.6, 2.61, 2.9, 3.2, 3.5, 3.51, 3.9, 9.0]
"""When keys are pressed: bursts and pauses, on and around the borders of the intervals."""


class Typist:
    """Somebody types to a partner of some kind; what leaves is kept with its time."""

    def __init__(self, kind: str = P2PCHAT, cps: int = limits.CPS_ADVERTISED) -> None:
        self.text = LiveText()
        self.kind = kind
        self.features = frames.LiveTextFeatures(cps=cps, extensions=EXTENSIONS)
        self.now = 50.0
        self.sent: list[tuple[float, str]] = []
        self.pressed: list[float] = []
        self.opens()

    def opens(self) -> None:
        self.text.channel_opened(self.now)
        if self.kind == FOREIGN:
            self.text.foreign_partner(self.now)
        else:
            self.text.admitted(self.features, self.now)
        self.drain()

    def drain(self) -> None:
        while (step := self.text.poll(self.now)) is not None:
            if isinstance(step, str):
                self.sent.append((self.now, step))

    def until(self, now: float) -> None:
        while (due := self.text.deadline()) is not None and due <= now:
            self.now = max(self.now, due)
            self.drain()
        self.now = now

    def types(self, keys: list[float]) -> Typist:
        """A character at each of these times; each character is another one."""
        start = self.now
        for at in keys:
            self.until(start + at)
            self.pressed.append(self.now)
            line = "".join(chr(0x4E00 + number) for number in range(len(self.pressed)))
            self.text.set_text(line, self.now)
            self.drain()
        self.until(self.now + 60.0)
        return self

    @property
    def delays(self) -> list[float]:
        """From each key to the message that carried it."""
        left = {character: at for at, message in self.sent for character in message if character != BOM}
        return [left[chr(0x4E00 + number)] - at for number, at in enumerate(self.pressed)]

    @property
    def times(self) -> list[float]:
        return [at for at, message in self.sent if message != BOM]


@pytest.mark.parametrize("kind", KINDS)
def test_l01_nothing_is_buffered_longer_than_500_ms(kind: str) -> None:
    assert max(Typist(kind).types(TYPIST).delays) <= INTERVAL_MAX + 1e-9


@pytest.mark.parametrize(("kind", "interval"), [(P2PCHAT, 0.1), (FOREIGN, 0.3)])
def test_l02_messages_leave_every_100_ms_to_a_p2pchat_and_every_300_ms_to_others(kind: str, interval: float) -> None:
    times = Typist(kind).types([number * 0.01 for number in range(200)]).times
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) == pytest.approx(interval)
    assert max(gaps) < interval + 0.011


@pytest.mark.parametrize("kind", KINDS)
def test_l03_the_first_text_after_a_pause_leaves_at_once(kind: str) -> None:
    assert Typist(kind).types([0.0, 1.0, 31.0]).delays == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("kind", KINDS)
def test_l04_no_character_waits_longer_than_300_ms(kind: str) -> None:
    assert max(Typist(kind).types(TYPIST).delays) <= 0.3 + 1e-9


@pytest.mark.parametrize(("kind", "most"), [(P2PCHAT, 0.1), (FOREIGN, 0.3)])
def test_l05_from_key_to_transmission_is_measured_and_within_its_limit(kind: str, most: float) -> None:
    typist = Typist(kind).types(TYPIST)
    spread = typist.text.statistics().key_to_send
    assert spread.count == len(TYPIST)
    assert spread.max == pytest.approx(max(typist.delays))
    assert spread.max <= most + 1e-9
    assert spread.p50 <= spread.p95 <= spread.p99 <= spread.max


def test_l06_from_key_to_the_others_program_is_measured_on_its_clock() -> None:
    pair = Pair(hello("ana", extensions=EXTENSIONS), hello("ben", extensions=EXTENSIONS)).connect()
    pair.now = 7.0
    for side in (pair.ana, pair.ben):
        side.session.tick(pair.now)
        side.drain()
    pair.exchange()
    pair.ana.session.set_live_text("h", pair.now)
    pair.ana.drain()
    pair.now += 0.25  # on its way
    pair.exchange().wait(2.0)
    statistics = pair.ana.session.live_text.statistics()
    assert statistics.key_to_remote.count == 1
    assert statistics.key_to_remote.max == pytest.approx(0.25)
    assert statistics.clock_error == 0.0


@pytest.mark.parametrize("cps", [1, 30, 90])
def test_l07_no_ten_second_window_exceeds_cps_for_every_window_of_a_1000_character_paste(cps: int) -> None:
    typist = Typist(P2PCHAT, cps)
    typist.text.set_text("x" * 1000, typist.now)
    typist.drain()
    typist.until(typist.now + 1100.0 / cps + 60.0)
    assert sum(message.count("x") for _, message in typist.sent) == 1000
    # Whatever window holds most begins with a message, or ends just before one leaves it.
    for start, _ in typist.sent:
        window = sum(len(message) for at, message in typist.sent if start <= at < start + limits.CPS_WINDOW)
        assert window <= cps * limits.CPS_WINDOW


def test_n07_a_partner_of_which_nothing_is_known_gets_what_rfc_8865_assumes() -> None:
    typist = Typist(FOREIGN)
    typist.text.set_text("e\u0301👨\u200d👩", typist.now)
    typist.drain()
    typist.until(typist.now + 1.0)
    typist.text.set_text("x", typist.now)
    typist.drain()
    typist.text.set_text("xy", typist.now)
    typist.until(typist.now + 0.29)
    assert [message for _, message in typist.sent] == [BOM, "é👨\u200d👩", "\b\bx"]
    typist.until(typist.now + 0.02)
    assert typist.sent[-1][1] == "y"


def test_l07_a_foreign_partner_is_sent_30_characters_a_second() -> None:
    typist = Typist(FOREIGN)
    typist.text.set_text("x" * 1000, typist.now)
    typist.drain()
    assert typist.text.backlog == 1000 - 299  # the BOM was the first of 300
    typist.until(typist.now + limits.CPS_WINDOW)
    assert typist.text.backlog == 1000 - 599


def test_l07_a_lower_rate_of_a_later_hello_holds_for_what_had_left_before() -> None:
    typist = Typist(P2PCHAT, 90)
    typist.text.set_text("x" * 500, typist.now)
    typist.drain()
    typist.text.channel_lost(typist.now)
    typist.features = frames.LiveTextFeatures(cps=10)
    typist.opens()
    typist.text.set_text("x" * 500 + "y" * 200, typist.now)
    typist.drain()
    assert typist.text.backlog == 200
    typist.until(typist.now + limits.CPS_WINDOW)
    assert sum(message.count("y") for _, message in typist.sent) == 99  # and the BOM of the new channel


def test_l08_a_peer_that_writes_too_much_for_a_while_is_read() -> None:
    pair = Pair().connect()
    pair.ben.session.receive_text("x" * 20 * limits.CPS_ADVERTISED, pair.now)
    pair.ben.drain()
    assert pair.ben.all(CloseLink) == []
    assert len(pair.ben.all(LineRead)[-1].text) == 20 * limits.CPS_ADVERTISED


def test_l09_what_is_too_long_is_dropped_marked_and_the_conversation_goes_on() -> None:
    pair = Pair().connect()
    for text in ("x" * (limits.LIVE_LINE_CHARACTERS + 5), "\u2028", "next"):
        pair.ben.session.receive_text(text, pair.now)
        pair.ben.drain()
    lines = {read.line: read.text for read in pair.ben.all(LineRead)}
    assert lines == {0: "x" * limits.LIVE_LINE_CHARACTERS + LOSS_MARK, 1: "next"}
    assert pair.ben.session.live_text.statistics().gaps == 1


def test_l09_a_flood_closes_the_link_with_its_reason() -> None:
    pair = Pair().connect()
    for _ in range(10):
        pair.ben.session.receive_text("x" * limits.T140_MESSAGE_BYTES_ACCEPTED, pair.now)
    pair.ben.drain()
    assert [close.code for close in pair.ben.all(CloseLink)] == ["flood"]


def test_l10_the_advertised_rate_is_that_for_several_speakers_and_the_assumed_one_that_of_a_typist() -> None:
    assert limits.CPS_ADVERTISED == 90
    assert frames.LiveTextFeatures().cps == limits.CPS_DEFAULT == 30


def test_l11_what_is_pasted_is_held_and_goes_as_a_message() -> None:
    pair = Pair(hello("ana", extensions=EXTENSIONS), hello("ben", extensions=EXTENSIONS)).connect()
    pasted = "see: " + "x" * (limits.PASTE_CHARACTERS + 1)
    pair.ana.session.set_live_text("see: ", pair.now)
    pair.exchange().wait(0.5)
    pair.ana.session.set_live_text(pasted, pair.now, held=True)
    pair.exchange().wait(0.5)
    assert [read.text for read in pair.ben.all(LineRead)] == ["see: "]
    pair.ana.session.commit_live_text(frames.Message("00000001", pasted, 1.0), pair.now)
    pair.ana.drain()
    assert "x" not in "".join(pair.ana.text)
    pair.exchange().wait(0.5)
    (final,) = [read for read in pair.ben.all(LineRead) if read.state == "final"]
    assert (final.line, final.text, final.corrected) == (0, pasted, False)
    assert pair.ben.session.live_text.statistics().desyncs == 0


@pytest.mark.parametrize("kind", KINDS)
def test_l12_nothing_is_sent_again_on_a_new_channel(kind: str) -> None:
    typist = Typist(kind).types([0.0, 0.5])
    typist.text.channel_lost(typist.now)
    typist.until(typist.now + 5.0)
    line = "一丁"  # what was typed so far, and goes on during the outage
    typist.text.set_text(line + "三", typist.now)
    before = len(typist.sent)
    typist.opens()
    typist.until(typist.now + 5.0)
    assert "".join(message for _, message in typist.sent[before:]) == BOM + "三"
