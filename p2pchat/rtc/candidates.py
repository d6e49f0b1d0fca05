"""Candidates: ours as they are told, the peer's as far as they can be used."""

from __future__ import annotations

import ipaddress
import logging

from aioice import Candidate
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.mdns import is_mdns_hostname

from p2pchat.protocol.limits import CANDIDATE_CHARACTERS
from p2pchat.rtc.diagnosis import Named
from p2pchat.rtc.servers import plausible

logger = logging.getLogger(__name__)

KINDS = ("host", "srflx", "relay")
"""What a peer may name; it learns of a `prflx` candidate, and never tells it (RFC 8445 §5.1.1)."""

NOWHERE = {4: "0.0.0.0", 6: "::"}
"""What stands in place of an address that nobody may see, with port 9 (RFC 8839 §5.1)."""


def parse(text: str) -> Candidate | None:
    """Reads a candidate of the peer: UDP, of the one component, at an address of one host or at a name of mDNS.

    An address with a zone (`fe80::1%eth0`) names an interface of ours, which the peer cannot know (RFC 4007 §11.2).

    Args:
        text: as in SDP, from `candidate:` on; untrusted.

    Returns:
        The candidate, or None when it cannot be used.
    """
    if len(text) > CANDIDATE_CHARACTERS:
        return None
    try:
        candidate = Candidate.from_sdp(text.removeprefix("candidate:"))
        if not (candidate.type == "host" and is_mdns_hostname(candidate.host)):
            candidate.host = str(ipaddress.ip_address(candidate.host))
            if "%" in candidate.host or not plausible(candidate.host, candidate.port):
                raise ValueError("nowhere to send to")
    except ValueError:
        logger.debug("an unusable candidate of the peer")
        return None
    usable = candidate.component == 1 and candidate.transport.lower() == "udp" and candidate.type in KINDS
    return candidate if usable and 0 < candidate.port < 65536 and 0 <= candidate.priority < 2**32 else None


def text_of(candidate: Candidate) -> str:
    """Returns a candidate of ours as the peer is told of it."""
    return f"candidate:{candidate.to_sdp()}"


def found(kind: str, address: tuple[str, int], base: str, related: tuple[str, int] | None) -> Candidate:
    """Returns a candidate that a server gave us.

    Args:
        kind: `srflx` or `relay`.
        address: where the peer is to send.
        base: the address that makes two candidates alike (RFC 8445 §5.1.1.3).
        related: `raddr` and `rport`; None to say nothing there.
    """
    nowhere = (NOWHERE[family(address[0])], 9)
    host, port = related or nowhere
    return Candidate(
        foundation=candidate_foundation(kind, "udp", base),
        component=1,
        transport="udp",
        priority=candidate_priority(1, kind),
        host=address[0],
        port=address[1],
        type=kind,
        related_address=host,
        related_port=port,
    )


def named(candidate: Candidate) -> Named:
    """Returns what a diagnosis needs of a candidate."""
    base = None
    if candidate.related_address is not None and candidate.related_port is not None:
        base = (candidate.related_address, candidate.related_port)
    return Named(candidate.type, family(candidate.host), (candidate.host, candidate.port), base)


def family(host: str) -> int:
    """4 or 6; 0 for a name."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return 0
