"""The report: for people, a line for each finding, and for programs, a JSON object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from p2pchat.cli.doctor.examination import works
from p2pchat.cli.doctor.findings import Finding, State
from p2pchat.protocol.untrusted import safe_line

MESSAGE_CHARACTERS: Final = 400
"""Longest message that is shown; some hold a path or many addresses."""


def lines(finding: Finding) -> list[str]:
    """Returns a finding for people: the state first, in words, so that it is also heard first."""
    message = safe_line(finding.message, MESSAGE_CHARACTERS)
    told = [f"{finding.state:<8} {finding.check:<9} {message}"]
    if finding.hint:
        told.append(f"{'':18} {safe_line(finding.hint, MESSAGE_CHARACTERS)}")
    return told


def verdict(findings: Sequence[Finding]) -> str:
    """Returns the outcome for people."""
    if faults := _faulty(findings):
        return f"chatting would not work as it is configured here: {', '.join(faults)}"
    if warnings := sum(finding.state is State.WARNING for finding in findings):
        return f"chatting would work; {warnings} {'thing' if warnings == 1 else 'things'} could be better"
    return "chatting would work"


def as_object(finding: Finding, now: float) -> str:
    """Returns a finding for programs, as a line of JSON."""
    told = {
        "event": "check",
        "t": round(now, 3),
        "check": finding.check,
        "state": finding.state,
        "message": safe_line(finding.message, MESSAGE_CHARACTERS),
        "hint": finding.hint,
        **finding.facts,
    }
    return json.dumps(told, ensure_ascii=False)


def summary_object(findings: Sequence[Finding], now: float) -> str:
    """Returns the last line for programs."""
    told = {"event": "doctor", "t": round(now, 3), "works": works(findings), "faults": _faulty(findings)}
    return json.dumps(told)


def _faulty(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(each.check for each in findings if each.state is State.FAULT))
