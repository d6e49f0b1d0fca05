"""What is tested of the network that this machine is in: its interfaces and addresses, and a way out."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import ifaddr

from p2pchat.cli.doctor.findings import Finding, fault, ok, warning
from p2pchat.protocol.untrusted import safe_line

INTERFACES_SHOWN: Final = 6
"""Most interfaces that a sentence names; `--json` has all."""

_VPN: Final = re.compile(r"tun|tap|wg|ppp|utun|ipsec|tailscale|zt|nordlynx|proton|mullvad|warp", re.IGNORECASE)
_VIRTUAL: Final = re.compile(
    r"docker|br-|veth|virbr|vnet|cni|flannel|cali|lxc|lxd|podman|vmnet|vboxnet|vethernet|kube", re.IGNORECASE
)
"""How the interfaces of tunnels, and of containers and virtual machines, are called on Linux, macOS and Windows."""

_CARRIER: Final = ipaddress.ip_network("100.64.0.0/10")
"""Shared address space (RFC 6598): carrier-grade NAT, and Tailscale."""

_ELSEWHERE: Final = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses that are nowhere (RFC 5737, RFC 3849). Connecting UDP sends nothing; it asks for the route."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address of this machine."""

    interface: str
    """Safe to show."""
    address: str
    role: str
    """What the interface is: `network`, `vpn`, `container` or `loopback`."""
    reach: str
    """How far the address reaches: `public`, `private`, `carrier`, `link-local` or `loopback`."""

    @property
    def shown(self) -> str:
        """Both in words."""
        role = "" if self.role == "network" else f"{self.role}, "
        return f"{self.interface} {self.address} ({role}{self.reach})"


def own_addresses() -> list[Address]:
    """Returns all addresses of this machine."""
    found = []
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            text = each.ip if isinstance(each.ip, str) else each.ip[0]
            found.append(described(safe_line(adapter.nice_name), text))
    return found


def described(interface: str, text: str) -> Address:
    """Returns what an address of an interface is good for."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if address.is_loopback:
        return Address(interface, str(address), "loopback", "loopback")
    role = "vpn" if _VPN.match(interface) else "container" if _VIRTUAL.match(interface) else "network"
    if address.is_link_local:
        reach = "link-local"
    elif address.version == 4 and address in _CARRIER:
        reach = "carrier"
    else:
        reach = "public" if address.is_global else "private"
    return Address(interface, str(address), role, reach)


def interfaces(addresses: Sequence[Address]) -> Finding:
    """Says with which addresses others can reach this machine, and which lead nowhere."""
    usable = [each for each in addresses if each.role != "loopback" and each.reach != "link-local"]
    facts = {"addresses": [each.shown for each in addresses]}
    if not usable:
        only = "link-local ones" if any(each.role != "loopback" for each in addresses) else "that of itself"
        hint = "connect to a network: Wi-Fi, a cable or a mobile phone"
        return fault("network", f"No network: this machine has no address but {only}", hint, **facts)
    shown = ", ".join(each.shown for each in usable[:INTERFACES_SHOWN])
    if more := len(usable) - INTERFACES_SHOWN:
        shown += f" and {more} more" if more > 0 else ""
    if all(each.role == "container" for each in usable):
        hint = "others are reached only if the host passes it on; connect the machine itself to a network"
        return warning("network", f"Only addresses for containers and virtual machines: {shown}", hint, **facts)
    return ok("network", shown, **facts)


def route() -> Finding:
    """Says whether there is a way out of the local network. Nothing is sent."""
    ways = {name: _has_route(family) for name, family in (("IPv4", socket.AF_INET), ("IPv6", socket.AF_INET6))}
    facts = {"ipv4": ways["IPv4"], "ipv6": ways["IPv6"]}
    there = [name for name, found in ways.items() if found]
    if not there:
        hint = "on this network only others on the same network can be reached; for more, it needs a router"
        return warning("route", "No route beyond the local network", hint, **facts)
    return ok("route", f"A route beyond the local network over {' and '.join(there)}", **facts)


def _has_route(family: socket.AddressFamily) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((_ELSEWHERE[family], 9))
            return True
    except OSError:
        return False
