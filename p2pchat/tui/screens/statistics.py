"""How the link to each peer and live text with it work, for people who are no engineers; measured anew each second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen

from p2pchat.errors import P2PChatError
from p2pchat.node.answers import LiveTextStats, PeerStats
from p2pchat.node.events import PeerInfo
from p2pchat.node.link_report import ends, loss, reported, way
from p2pchat.node.live_text_report import Delay, delays, facts, other_unicode
from p2pchat.tui import measures
from p2pchat.tui.asking import Asking
from p2pchat.tui.content import hanging, one_line, pad, speaker_style
from p2pchat.tui.model import Conversation
from p2pchat.tui.people import full_label, peer_state
from p2pchat.tui.widgets.drawn import Drawn
from p2pchat.tui.widgets.keys import Keys

EVERY_SECONDS: Final = 1.0
"""How often it is measured anew, in seconds."""

LABEL_CELLS: Final = 36
"""The width of the column that says what a line is about, in cells: the longest of them with a short name fits."""

SHARE_CELLS: Final = 18
"""The width of the column that says of which keys a time is, where each has a line of its own, in cells."""

WIDE: Final = 76
"""From this width on the report has columns, in cells; below it, a line for each figure."""

FIGURE_CELLS: Final = 9
"""The width of a column of times: `99,999 ms`."""

VERDICTS: Final = {"good": "$success", "usable": "$warning", "too slow": "$error"}
"""The colour of a verdict; the word is there as well."""

SHARES: Final = (("half in", "p50"), ("95 of 100", "p95"), ("99 of 100", "p99"), ("slowest", "max"))
"""What is said of delays, and of which field of a `Spread`."""


class Report(Drawn):
    """Everything that was measured. Its figures stand in columns, so that nothing moves when they change."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation
        self.links: Sequence[PeerStats] = ()
        """What is measured of the links."""
        self.measured: Sequence[LiveTextStats] | None = None
        """What is measured of live text; None until anything was measured."""

    def draw(self, width: int) -> Content:
        """A section for each peer about its link, then one for each about live text."""
        lines = [Content.styled(" Link", "bold")]
        if self.measured is None:
            return lines[0]
        links = {stats.peer: stats for stats in self.links}
        peers = reported(list(self._conversation.peers.values()), links)
        if not peers:
            lines += _wrapped("Nobody else is here.", width)
        for info in peers:
            lines += [*self._link(info, links.get(info.peer), width), Content("")]
        lines += [Content.styled(" How well live text works", "bold")]
        if not self.measured:
            lines += _wrapped("There was no live text with anybody yet. F2 lets others see each key.", width)
        for stats in self.measured:
            lines += [*self._peer(stats, width), Content("")]
        return Content("\n").join(lines)

    def _link(self, info: PeerInfo, stats: PeerStats | None, width: int) -> list[Content]:
        found = [("State", peer_state(info))] if stats is None else _link_facts(stats)
        return [_title(info.peer, info.name), *(_fact(label, value, width) for label, value in found)]

    def _peer(self, stats: LiveTextStats, width: int) -> list[Content]:
        who = one_line(self._conversation.label(stats.peer, stats.name), 16)
        measured = delays(stats, who)
        lines = _table(measured, width) if width >= WIDE else [line for each in measured for line in _list(each, width)]
        lines += [_fact(label, value, width) for label, value in facts(stats, who)]
        if remark := other_unicode(stats, who):
            lines.append(hanging(Content("   "), one_line(remark), width))
        return [_title(stats.peer, stats.name), *lines]


class StatisticsScreen(Screen[None]):
    """Shows it until Esc or F8.

    Args:
        conversation: who is called what.
        asking: the user's requests to the node.
    """

    def __init__(self, conversation: Conversation, asking: Asking) -> None:
        super().__init__()
        self._asking = asking
        self._report = Report(conversation)

    def compose(self) -> ComposeResult:
        """The report, and the keys below it."""
        with VerticalScroll():
            yield self._report
        yield Keys(["Up and Down scroll", "Esc back"])

    def on_mount(self) -> None:
        """Measures, and again and again."""
        self._measure()
        self.set_interval(EVERY_SECONDS, self._measure)

    @work(exclusive=True, group="statistics")
    async def _measure(self) -> None:
        try:
            self._report.links = await self._asking.node.stats()
            self._report.measured = await self._asking.node.live_text_stats(self._asking.conversation)
        except P2PChatError as error:
            self._asking.tell(error)
        else:
            self._report.redraw()


def _title(peer: str, name: str) -> Content:
    return Content.assemble(" ", (one_line(full_label(peer, name)), speaker_style(peer)))


def _link_facts(stats: PeerStats) -> list[tuple[str, str]]:
    """What there is to say of a link: what it is, and how it stands."""
    lost = loss(stats)
    return [
        ("Path", way(stats.path, stats.addresses)),
        ("Round trip", "not measured yet" if stats.rtt_ms is None else f"{stats.rtt_ms:,.0f} ms"),
        ("Loss", "not known yet" if lost is None else f"{lost} %"),
        ("Rate", measures.rate(stats.rate)),
        ("Sent", measures.size(stats.sent)),
        ("Received", measures.size(stats.received)),
        *ends(stats),
    ]


def _table(measured: Sequence[Delay], width: int) -> list[Content]:
    """Delays in columns, with what they come to below."""
    room = min(LABEL_CELLS, width - 4 - len(SHARES) * (FIGURE_CELLS + 2))
    lines = [Content.styled(" " * (room + 3) + "".join(f"{head:>{FIGURE_CELLS + 2}}" for head, _ in SHARES), "$muted")]
    for delay in measured:
        figures = "".join(f"{_milliseconds(delay, field):>{FIGURE_CELLS + 2}}" for _, field in SHARES)
        lines += [Content(f"   {pad(delay.label, room)}{figures}"), _verdict(delay, width)]
    return lines


def _list(delay: Delay, width: int) -> list[Content]:
    """A delay line by line."""
    rows = [Content(f"     {pad(head, SHARE_CELLS)}{_milliseconds(delay, field)}") for head, field in SHARES]
    return [hanging(Content("   "), delay.label, width), *rows, _verdict(delay, width)]


def _verdict(delay: Delay, width: int) -> Content:
    body = Content.assemble((delay.verdict, VERDICTS.get(delay.verdict, "$muted")), (f": {delay.aim}", "$muted"))
    return hanging(Content("     "), body, width)


def _milliseconds(delay: Delay, field: str) -> str:
    return f"{getattr(delay.spread, field) * 1000:,.0f} ms" if delay.spread.count else "–"


def _fact(label: str, value: str, width: int) -> Content:
    if width < WIDE:
        return hanging(Content("   "), f"{label}: {value}", width)
    return hanging(Content(f"   {pad(label, LABEL_CELLS)}  "), value, width)


def _wrapped(text: str, width: int) -> list[Content]:
    return [Content(" ") + line for line in Content.styled(text, "$muted").wrap(max(8, width - 2))]
