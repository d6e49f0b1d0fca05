"""The event loop that strangers cannot use to close a link."""

from __future__ import annotations

import asyncio
import socket
import struct

from p2pchat.rtc.loop import RECEIVE_BUFFER, new_event_loop, run


class Listener(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.received.put_nowait(data)


def test_empty_datagrams_are_dropped_and_others_pass() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        transport, listener = await loop.create_datagram_endpoint(Listener, local_addr=("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.connect(transport.get_extra_info("sockname"))
            for data in (b"", b"one", b"", b"two"):
                stranger.send(data)
            received = [await asyncio.wait_for(listener.received.get(), 10) for _ in range(2)]
        transport.close()
        assert received == [b"one", b"two"]
        assert listener.received.empty()

    run(main())


class Unpacking(Listener):
    """Reads each datagram as aioice reads the attributes of STUN."""

    def datagram_received(self, data: bytes, addr: object) -> None:
        struct.unpack("!I", data)
        super().datagram_received(data, addr)


def test_a_datagram_that_cannot_be_read_is_dropped_and_is_no_fault_of_ours() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        faults: list[object] = []
        loop.set_exception_handler(lambda loop, context: faults.append(context))
        transport, listener = await loop.create_datagram_endpoint(Unpacking, local_addr=("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.connect(transport.get_extra_info("sockname"))
            stranger.send(b"short")
            stranger.send(b"four")
        assert await asyncio.wait_for(listener.received.get(), 10) == b"four"
        transport.close()
        assert faults == []

    run(main())


def test_the_receive_buffer_is_larger_than_what_aioice_sets() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Listener, local_addr=("127.0.0.1", 0))
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # as aioice does once it has the transport
        small = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > small
        assert RECEIVE_BUFFER > 256 * 1024
        transport.close()

    run(main())


def test_uvloop_is_used_where_it_is_installed() -> None:
    loop = new_event_loop()
    try:
        assert any(base.__module__.startswith("uvloop") for base in type(loop).__mro__)
    finally:
        loop.close()
