"""A STUN server with two addresses, and the questions that tell what a NAT does (RFC 5780).

python -m tests.laboratory.stun serve ADDRESS OTHER     answers on two ports of each; prints a line when it does
python -m tests.laboratory.stun ask ADDRESS OTHER       asks it, and prints what it found as a JSON object
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from dataclasses import asdict, dataclass

from aioice.stun import Class, Message, Method, parse_message

PORT, OTHER_PORT = 3478, 3479

CHANGE_ADDRESS, CHANGE_PORT = 4, 2
"""Bits of CHANGE-REQUEST (RFC 5780 §7.2)."""

NO_ANSWER_SECONDS = 1.5
"""A packet that has not come after this time was filtered: it takes a millisecond, on a busy machine a
hundred."""

SAME = "endpoint-independent"
BY_ADDRESS = "address-dependent"
BY_ADDRESS_AND_PORT = "address-and-port-dependent"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a NAT does, in the words of RFC 4787 §4.1 and §5."""

    mapping: str
    filtering: str
    port_kept: bool
    """Whether the mapping has the port of the socket."""
    address: str
    """The address outside."""


class Answering(asyncio.DatagramProtocol):
    """One of the four sockets of the server."""

    def __init__(self, sockets: dict[tuple[bool, bool], asyncio.DatagramTransport], at: tuple[bool, bool]) -> None:
        self._sockets = sockets
        self._at = at

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """It is open."""
        self._sockets[self._at] = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """A question came."""
        try:
            asked = parse_message(data)
        except ValueError:
            return
        change = asked.attributes.get("CHANGE-REQUEST", 0)
        other_address, other_port = self._at
        answering = (other_address ^ bool(change & CHANGE_ADDRESS), other_port ^ bool(change & CHANGE_PORT))
        answer = Message(Method.BINDING, Class.RESPONSE, asked.transaction_id, {"XOR-MAPPED-ADDRESS": address})
        self._sockets[answering].sendto(bytes(answer), address)


async def serve(address: str, other: str) -> None:
    """Answers until the process is stopped."""
    sockets: dict[tuple[bool, bool], asyncio.DatagramTransport] = {}
    for is_other, host in enumerate((address, other)):
        for is_other_port, port in enumerate((PORT, OTHER_PORT)):
            await _listen(Answering(sockets, (bool(is_other), bool(is_other_port))), host, port)
    print("answering", flush=True)
    await asyncio.Event().wait()


async def _listen(answering: Answering, host: str, port: int) -> None:
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: answering, local_addr=(host, port))


def ask(address: str, other: str) -> Behaviour:
    """Returns what the NAT between here and the server does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind(("", 0))
        asking.settimeout(NO_ANSWER_SECONDS)
        first = _mapped(asking, (address, PORT))
        assert first is not None, "the STUN server does not answer"
        # Filtering first: what is sent to the other address opens the NAT for it.
        if _mapped(asking, (address, PORT), CHANGE_ADDRESS | CHANGE_PORT):
            filtering = SAME
        elif _mapped(asking, (address, PORT), CHANGE_PORT):
            filtering = BY_ADDRESS
        else:
            filtering = BY_ADDRESS_AND_PORT
        if _mapped(asking, (other, PORT)) == first:
            mapping = SAME
        elif _mapped(asking, (other, PORT)) == _mapped(asking, (other, OTHER_PORT)):
            mapping = BY_ADDRESS
        else:
            mapping = BY_ADDRESS_AND_PORT
        return Behaviour(mapping, filtering, first[1] == asking.getsockname()[1], first[0])


def _mapped(asking: socket.socket, server: tuple[str, int], change: int = 0) -> tuple[str, int] | None:
    """Asks once; returns our address as the server sees it, or None when no answer comes."""
    question = Message(Method.BINDING, Class.REQUEST, attributes={"CHANGE-REQUEST": change})
    asking.sendto(bytes(question), server)
    try:
        while True:
            answer = parse_message(asking.recv(1500))
            if answer.transaction_id == question.transaction_id:
                mapped: tuple[str, int] = answer.attributes["XOR-MAPPED-ADDRESS"]
                return mapped
    except TimeoutError:
        return None


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(*sys.argv[2:]))
    else:
        print(json.dumps(asdict(ask(*sys.argv[2:]))))
