"""A signaling server on a thread of the test's own process, for tests of what is not the server.

It is the same server over the same sockets as `tests.server_process` has in a process of its own, which takes half a
second of a processor to start.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from signaling_server.app import listening
from signaling_server.deployment import Deployment
from signaling_server.limits import ServerLimits

START_SECONDS = 20.0
"""Time to start: a few milliseconds on an idle machine, much longer on a busy one."""


@contextmanager
def server_on_a_thread() -> Iterator[str]:
    """Runs a server on loopback for the length of the block, and yields its URL. Nobody counts its sockets."""
    urls: SimpleQueue[str] = SimpleQueue()
    loop = asyncio.new_event_loop()
    stopped = asyncio.Event()

    async def serve() -> None:
        async with listening("127.0.0.1", 0, ServerLimits(), Deployment(exempt_loopback=True)) as url:
            urls.put(url)
            await stopped.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="signaling server", daemon=True)
    thread.start()
    try:
        yield urls.get(timeout=START_SECONDS)
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(START_SECONDS)
        assert not thread.is_alive(), "the server does not end"
