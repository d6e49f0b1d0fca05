"""STUN servers in the test's own process: one that answers, and those that do something else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aioice.stun import Class, Message, Method, parse_message

Address = tuple[str, int]
Answer = Callable[[Message, Address], bytes | None]


def mapped_to(host: str, port: int | None = None, **attributes: Any) -> Answer:
    """Answers that everybody comes from one address; from the port that it really is, unless one is given."""

    def answer(asked: Message, source: Address) -> bytes:
        seen = (host, source[1] if port is None else port)
        return bytes(
            Message(
                Method.BINDING,
                Class.RESPONSE,
                asked.transaction_id,
                {"XOR-MAPPED-ADDRESS": seen, **{name.replace("_", "-"): value for name, value in attributes.items()}},
            )
        )

    return answer


def truth(asked: Message, source: Address) -> bytes:
    """Answers as a STUN server should."""
    answer = mapped_to(source[0])(asked, source)
    assert answer is not None
    return answer


def silence(asked: Message, source: Address) -> None:
    """Drops the packet."""


def another_transaction(asked: Message, source: Address) -> bytes:
    """Answers what nobody asked."""
    return bytes(Message(Method.BINDING, Class.RESPONSE, bytes(12), {"XOR-MAPPED-ADDRESS": ("198.51.100.9", 9)}))


def no_address(asked: Message, source: Address) -> bytes:
    """Answers without the one thing that counts."""
    return bytes(Message(Method.BINDING, Class.RESPONSE, asked.transaction_id))


def error(asked: Message, source: Address) -> bytes:
    """Refuses."""
    return bytes(Message(Method.BINDING, Class.ERROR, asked.transaction_id, {"ERROR-CODE": (500, "no")}))


def huge(asked: Message, source: Address) -> bytes:
    """Answers as much as fits into a datagram."""
    return bytes(Message(Method.BINDING, Class.RESPONSE, asked.transaction_id, {"SOFTWARE": "x" * 65_000}))


def malformed(asked: Message, source: Address) -> bytes:
    """An attribute is shorter than it has to be."""
    head = bytes(Message(Method.BINDING, Class.RESPONSE, asked.transaction_id))
    return head[:2] + b"\0\x08" + head[4:] + b"\0\x24\0\x02\0\0\0\0"


class _Server(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer, asked: list[Address]) -> None:
        self._answer = answer
        self._asked = asked

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._asked.append(addr)
        if answer := self._answer(parse_message(data), addr):
            self._transport.sendto(answer, addr)


@asynccontextmanager
async def serving(answer: Answer, host: str = "127.0.0.1") -> AsyncIterator[tuple[Address, list[Address]]]:
    """Runs a server; yields its address, and the list of those who asked."""
    asked: list[Address] = []
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Server(answer, asked), local_addr=(host, 0))
    try:
        port = transport.get_extra_info("sockname")[1]
        yield (host, port), asked
    finally:
        transport.close()


def uri(address: Address) -> str:
    """Returns the URI of a server."""
    host, port = address
    return f"stun:[{host}]:{port}" if ":" in host else f"stun:{host}:{port}"
