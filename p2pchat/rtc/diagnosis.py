"""Why no connection came about: facts in, a sentence and a hint out.

What our own side saw is told as it is. What is known of the peer comes from the candidates that it named: which kinds
there are, and whether two STUN servers saw it at different ports. The words say "seems" where that is a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from p2pchat.rtc.servers import Failure, Server

ROUTERS: Final = (
    "ask whoever runs the signaling server for a TURN server, or name one with --ice turn:USER:PASSWORD@HOST"
)
"""The one thing that helps wherever packets do not get through."""


@dataclass(frozen=True, slots=True)
class Named:
    """One address that a side offered to be reached at."""

    kind: str
    """`host`, `srflx` or `relay`."""
    family: int
    """4 or 6; 0 for a name of mDNS."""
    address: tuple[str, int] = ("", 0)
    base: tuple[str, int] | None = None
    """The socket behind the NAT, when it was told (`raddr`)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking a server; no failure means that it served us."""

    server: Server
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What one attempt has seen."""

    answered: bool
    """Whether the peer's description came."""
    ours: Sequence[Named]
    theirs: Sequence[Named]
    asked: Sequence[Asked] = ()
    relay_only: bool = False
    way_found: bool = False
    """Whether checks got through, so that only what comes after them can have failed."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why there is no connection."""

    sentence: str
    """Without a full stop."""
    hint: str = ""
    """What the user can do; empty when there is nothing."""


def diagnose(facts: Facts, seconds: float) -> Diagnosis:
    """Says why no connection came about.

    Args:
        facts: of the attempt.
        seconds: how long it was tried.
    """
    if not facts.answered:
        return Diagnosis(f"no connection within {seconds:.0f} s: the other side did not answer")
    if facts.way_found:
        return Diagnosis(
            "a way to the other side was found, but no encrypted connection came about over it", "try again"
        )
    return (
        _no_relay(facts)
        or _nothing_in_common(facts)
        or _blocked(facts)
        or _relay_did_not_help(facts)
        or _symmetric(facts)
        or _not_asked(facts)
        or Diagnosis("no route between the two machines was found; a router or a firewall drops the packets", ROUTERS)
    )


def is_symmetric(candidates: Iterable[Named]) -> bool:
    """Whether a NAT gives a socket another port for each destination (address- and port-dependent, RFC 4787 §4.1)."""
    seen: dict[tuple[str, int], set[tuple[str, int]]] = {}
    for candidate in candidates:
        if candidate.kind == "srflx" and candidate.base is not None and candidate.base[1] > 9:
            seen.setdefault(candidate.base, set()).add(candidate.address)
    return any(len(addresses) > 1 for addresses in seen.values())


def why_no_relay(asked: Iterable[Asked]) -> Diagnosis | None:
    """Says why the TURN servers gave no relay; None when one did, or none was asked."""
    refused = [each for each in asked if each.server.relay]
    if not refused or any(each.failure is None for each in refused):
        return None
    # A server that said something tells more than a silent one.
    told = next((each for each in refused if each.failure is not Failure.SILENT), refused[0])
    assert told.failure is not None
    return Diagnosis(f"the {told.server} {told.failure.value}", HINTS.get(told.failure, ""))


HINTS: Final = {
    Failure.SILENT: "check its address; where a firewall drops UDP, name it with ?transport=tcp or as turns:",
    Failure.UNKNOWN_NAME: "check its name, and whether this machine can resolve names",
    Failure.CLOSED: "check its port, and whether it runs",
    Failure.CERTIFICATE: "a certificate authority of your own is named with SSL_CERT_FILE",
    Failure.TLS: "check that the port is the one for TLS, often 5349 or 443",
    Failure.CREDENTIALS: "check user name and password; those that a signaling server mints hold for a limited time",
    Failure.QUOTA: "close other connections, or ask whoever runs the server for a larger quota",
    Failure.FULL: "try again later",
    Failure.FAMILY: "coturn with IPv6 only needs allocation-default-address-family=keep in its configuration",
    Failure.FORBIDDEN: "ask whoever runs the server",
}
"""What to do about a server that is of no use."""


def _no_relay(facts: Facts) -> Diagnosis | None:
    if not facts.relay_only or _has(facts.ours, "relay"):
        return None
    why = why_no_relay(facts.asked) or Diagnosis("there is no TURN server", ROUTERS)
    return Diagnosis(f"only relays may be used, and {why.sentence}", why.hint)


def _nothing_in_common(facts: Facts) -> Diagnosis | None:
    if not facts.theirs:
        return Diagnosis(
            "the other side named no address at which it can be reached",
            "it may have no network, or be told to use relays only and have none",
        )
    ours, theirs = _families(facts.ours), _families(facts.theirs)
    if not ours:
        return Diagnosis("this machine has no address at which it can be reached", "check its network")
    if 0 in theirs or ours & theirs:
        return None
    return Diagnosis(
        f"this side has only {_words(ours)} and the other only {_words(theirs)}",
        "a TURN server that both can reach joins them",
    )


def _relay_did_not_help(facts: Facts) -> Diagnosis | None:
    if not (_has(facts.ours, "relay") or _has(facts.theirs, "relay")):
        return None
    used = [str(each.server) for each in facts.asked if each.server.relay and each.failure is None]
    whose = f"our {used[0]}" if used else "the relay of the other side"
    return Diagnosis(
        f"no route between the two machines was found, not even through {whose}",
        "the relay may not be allowed to reach the other side; p2pchat doctor tests it",
    )


def _symmetric(facts: Facts) -> Diagnosis | None:
    ours, theirs = is_symmetric(facts.ours), is_symmetric(facts.theirs)
    relay = why_no_relay(facts.asked)
    without = f"and {relay.sentence}" if relay else "and no TURN server to relay"
    hint = relay.hint if relay and relay.hint else ROUTERS
    if ours and theirs:
        return Diagnosis(f"no route: symmetric NAT on both sides {without}", hint)
    if ours:
        return Diagnosis(
            f"no route: your router gives each connection another port (symmetric NAT), {without}",
            hint,
        )
    if theirs:
        return Diagnosis(
            f"no route: the other side's router seems to give each connection another port (symmetric NAT), {without}",
            hint,
        )
    return Diagnosis(f"no direct route was found, {without}", hint) if relay else None


def _blocked(facts: Facts) -> Diagnosis | None:
    over_udp = [each for each in facts.asked if each.server.transport == "udp"]
    if _has(facts.ours, "relay") or not over_udp or any(each.failure is not Failure.SILENT for each in over_udp):
        return None
    names = "no STUN server" if not any(each.server.relay for each in over_udp) else "no STUN or TURN server"
    return Diagnosis(
        f"{names} answers over UDP: this network seems to block UDP",
        "name a TURN server over TCP or TLS with --ice turns:USER:PASSWORD@HOST",
    )


def _not_asked(facts: Facts) -> Diagnosis | None:
    failed = [each for each in facts.asked if not each.server.relay]
    if _has(facts.ours, "srflx") or any(each.failure is None for each in failed):
        return None
    if failed and failed[0].failure is not None:
        first = failed[0]
        return (
            Diagnosis(
                f"no route within the local networks, and the {first.server} {first.failure.value}",
                HINTS[first.failure],
            )
            if first.failure in HINTS
            else None
        )
    return Diagnosis(
        "the two machines are not in the same network, and no STUN server is known that could help",
        "name one with --ice stun:HOST, or join through a signaling server that names one",
    )


def _has(candidates: Iterable[Named], kind: str) -> bool:
    return any(candidate.kind == kind for candidate in candidates)


def _families(candidates: Iterable[Named]) -> set[int]:
    return {candidate.family for candidate in candidates}


def _words(families: set[int]) -> str:
    return " and ".join(f"IPv{family}" for family in sorted(families))
