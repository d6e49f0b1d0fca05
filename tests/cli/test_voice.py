"""Nobody is interrupted while typing, except by what cannot wait."""

from __future__ import annotations

from p2pchat.cli.voice import QUIET_SECONDS, WAITING_LINES, Voice


class Terminal:
    """A terminal that shows everything in the order in which it was written."""

    def __init__(self) -> None:
        self.shown = ""
        self.voice = Voice(lambda line: self._write(line + "\n"), self._write)

    def _write(self, text: str) -> None:
        self.shown += text


def test_without_keys_a_line_is_written_at_once() -> None:
    terminal = Terminal()
    terminal.voice.say("ben: hello")
    assert terminal.shown == "ben: hello\n"
    assert terminal.voice.deadline() is None


def test_a_line_waits_until_no_key_was_pressed_for_a_while() -> None:
    terminal = Terminal()
    terminal.voice.echo("h", 1.0)
    terminal.voice.say("ben: hello")
    assert terminal.voice.deadline() == 1.0 + QUIET_SECONDS
    terminal.voice.echo("i", 1.5)
    terminal.voice.tick(1.0 + QUIET_SECONDS)
    assert terminal.shown == "hi"
    terminal.voice.tick(1.5 + QUIET_SECONDS)
    assert terminal.shown == "hi\nben: hello\n"
    assert terminal.voice.deadline() is None


def test_what_cannot_wait_is_written_at_once_on_a_line_of_its_own() -> None:
    terminal = Terminal()
    terminal.voice.echo("hi", 1.0)
    terminal.voice.say("ben joined.")
    terminal.voice.interrupt("Alert")
    terminal.voice.echo(" all", 1.1)
    assert terminal.shown == "hi\nAlert\n all"


def test_the_end_of_the_line_lets_everything_be_said_in_order() -> None:
    terminal = Terminal()
    terminal.voice.echo("hi", 1.0)
    terminal.voice.say("one")
    terminal.voice.say("two")
    terminal.voice.end_line()
    terminal.voice.say("three")
    assert terminal.shown == "hi\none\ntwo\nthree\n"


def test_what_waits_is_bounded_and_never_lost() -> None:
    terminal = Terminal()
    terminal.voice.echo("x", 1.0)
    for number in range(WAITING_LINES + 1):
        terminal.voice.say(str(number))
    assert terminal.shown.splitlines() == ["x", *(str(number) for number in range(WAITING_LINES + 1))]
