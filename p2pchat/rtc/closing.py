"""Closing a connection of aiortc, which may otherwise take a minute."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Final

from aiortc import RTCDataChannel, RTCPeerConnection

from p2pchat.protocol.limits import CLOSE_SECONDS
from p2pchat.rtc.channels import emptied

logger = logging.getLogger(__name__)

FLUSH_SECONDS: Final = 1.0
"""Time for the last control frames to leave before a link closes."""


async def shut_down(connection: RTCPeerConnection, last: RTCDataChannel | None) -> None:
    """Lets what was sent last leave, then closes; takes at most `FLUSH_SECONDS` + `CLOSE_SECONDS`.

    aioice asks each TURN server to take its relay back, and one that is gone would be asked for 63 s.

    Args:
        connection: what to close.
        last: the channel on which the last words were said, if there is one.
    """
    if last is not None and last.readyState == "open" and last.bufferedAmount:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(emptied(last), FLUSH_SECONDS)
    try:
        await asyncio.wait_for(connection.close(), CLOSE_SECONDS)
    except TimeoutError:
        logger.debug("closing took longer than %s s", CLOSE_SECONDS)
    except Exception as error:  # aiortc's close runs through every transport, and any of them may be half made
        logger.debug("closing failed: %r", error)
