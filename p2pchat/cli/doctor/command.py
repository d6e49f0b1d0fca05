"""Puts the doctor into a process: its terminal, its clock, its output."""

from __future__ import annotations

import asyncio
import locale
import os
import sys
import time

from p2pchat.cli.doctor import report
from p2pchat.cli.doctor.examination import examine, works
from p2pchat.cli.doctor.findings import Finding
from p2pchat.cli.doctor.machine import terminal
from p2pchat.cli.narration import narrate
from p2pchat.cli.options import Options
from p2pchat.cli.output import standard_output
from p2pchat.errors import NoConnection


def examine_here(chosen: Options) -> None:
    """Tests this machine and writes what was found.

    Args:
        chosen: the options.

    Raises:
        NoConnection: chatting would not work.
    """
    output = standard_output()
    findings: list[Finding] = []

    async def run() -> None:
        async for finding in examine(chosen.settings, _terminal, _begin):
            findings.append(finding)
            if chosen.json:
                output.write_line(report.as_object(finding, time.time()))
            else:
                for line in report.lines(finding):
                    output.write_line(line)

    # Not the loop of a node: its sockets can do without the guard, and asyncio's own can be asked for single datagrams.
    asyncio.run(run())
    if chosen.json:
        output.write_line(report.summary_object(findings, time.time()))
    if not works(findings):
        raise NoConnection(report.verdict(findings), "each fault above says what to do")
    if not chosen.json:
        output.write_line(f"{report.verdict(findings).capitalize()}.")


def _begin(what: str) -> None:
    narrate(f"Testing {what}.")


def _terminal() -> Finding:
    size = os.get_terminal_size(sys.stdout.fileno()) if sys.stdout.isatty() else None
    return terminal(os.environ, sys.stdout.encoding or locale.getpreferredencoding(False), size)
