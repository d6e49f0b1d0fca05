"""Routers with the network address translation that homes and providers have, as nftables rules.

The words are those of RFC 4787: what decides which address a packet leaves with (mapping, §4.1), and who may answer it
(filtering, §5). `tests/laboratory/test_nats.py` asks the routers with STUN whether they are what they say.
"""

from __future__ import annotations

from enum import Enum

MAPPING_SECONDS = 300
"""How long a mapping lasts without traffic: the recommended default (RFC 4787 §4.3, REQ-5)."""


class Nat(Enum):
    """A kind of home connection, by the name it has in docs/connectivity.md."""

    ENDPOINT_INDEPENDENT = "endpoint-independent"
    """One mapping for all destinations, and everybody may answer ("full cone")."""
    ADDRESS_RESTRICTED = "address-restricted"
    """One mapping for all destinations; hosts that were sent to may answer, from any port ("restricted cone")."""
    CARRIER_GRADE = "carrier-grade"
    """Two routers in a row, 100.64.0.0/10 (RFC 6598) between them. One mapping for all destinations; only the address
    and port that were sent to may answer ("port-restricted cone")."""
    SYMMETRIC = "symmetric"
    """Another mapping, at a random port, for each destination; only that destination may answer."""


_SHUT = """
table ip shut {
  # A router that let strangers' packets reach itself would keep a state for them, in the place of the mapping that a
  # packet to the same stranger needs: its port would change.
  chain input { type filter hook input priority filter; iifname "wan" ct state new drop; }
  chain forward {
    type filter hook forward priority filter
    iifname "wan" ct status dnat accept
    iifname "wan" ct state new drop
  }
}
"""

_NOTED = f"""
  map mapped {{ type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout {MAPPING_SECONDS}s; }}
  set contacted {{ type inet_service . ipv4_addr; flags dynamic,timeout; timeout {MAPPING_SECONDS}s; }}
  chain note {{
    type filter hook postrouting priority mangle;
    oifname "wan" udp sport != 0 update @mapped {{ udp sport : ip saddr . udp sport }}
    oifname "wan" udp sport != 0 update @contacted {{ udp sport . ip daddr }}
  }}
"""
"""What leaves is noted, so that strangers can be let in. Linux keeps the port of a mapping as long as it is free."""

_PLAIN = """
table ip nat {
  chain before { type nat hook prerouting priority dstnat; }
  chain after { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
}
"""

_TRANSLATION = {
    Nat.ENDPOINT_INDEPENDENT: f"""
table ip nat {{ {_NOTED}
  chain before {{
    type nat hook prerouting priority dstnat;
    iifname "wan" dnat ip to udp dport map @mapped
  }}
  chain after {{ type nat hook postrouting priority srcnat; oifname "wan" masquerade; }}
}}
""",
    Nat.ADDRESS_RESTRICTED: f"""
table ip nat {{ {_NOTED}
  chain before {{
    type nat hook prerouting priority dstnat;
    iifname "wan" udp dport . ip saddr @contacted dnat ip to udp dport map @mapped
  }}
  chain after {{ type nat hook postrouting priority srcnat; oifname "wan" masquerade; }}
}}
""",
    Nat.CARRIER_GRADE: _PLAIN,
    Nat.SYMMETRIC: """
table ip nat {
  chain before { type nat hook prerouting priority dstnat; }
  chain after {
    type nat hook postrouting priority srcnat;
    oifname "wan" meta l4proto udp masquerade random,fully-random
    oifname "wan" masquerade
  }
}
""",
}


def rules(nat: Nat) -> str:
    """Returns the rules of a router whose device to the outside is `wan`."""
    return _SHUT + _TRANSLATION[nat]
