"""A way in for those who speak HTTP and no more: an offer is posted, the answer of a peer comes back.

Whoever posts gets a seat in the room, like any client, and keeps it until it is deleted or its time is over, so that
the peer sees who is there. The form is that of WHIP (RFC 9725): 201 with `Location`, and `DELETE` there.

In a room with a secret everything is sealed between two peers by their ids. There the way has two steps: an empty JSON
object takes the seat and learns the ids; what is sealed is posted to the seat, and what the peer sealed comes back.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from signaling_server.http_caller import Caller
from signaling_server.sockets import Signaling

SDP_TYPE: Final = "application/sdp"
JSON_TYPE: Final = "application/json"

SDP_CHARACTERS: Final = 32_768
"""Longest session description: what peers take in a signal (docs/protocol/signaling.md, "Between the peers")."""

_NOBODY: Final = "nobody waits there\n"
_REFUSED_SECONDS: Final = "5"
"""What a caller is told to wait when a peer refused: it has no link to spare at this moment."""


class Offers:
    """All that came over HTTP and still have a seat.

    Args:
        signaling: the server.
    """

    def __init__(self, signaling: Signaling) -> None:
        self._signaling = signaling
        self._seats: dict[str, Caller] = {}
        self._waiting = 0

    async def post(self, request: web.Request) -> web.Response:
        """Takes a seat; an offer is passed on to a peer at once, and answered with its answer."""
        limits = self._signaling.limits
        source = self._signaling.check(request)
        content = await _read(request, limits.http_offer_seconds)
        if len(self._seats) + self._waiting >= limits.http_seats:
            wait = {hdrs.RETRY_AFTER: f"{limits.full_retry_seconds:.0f}"}
            raise web.HTTPServiceUnavailable(text="too many have come over HTTP\n", headers=wait)
        self._waiting += 1
        caller = Caller(self._signaling, source)
        name = secrets.token_urlsafe(16)
        try:
            async with asyncio.timeout(limits.http_offer_seconds):
                callers = {other.peer for other in self._seats.values()}
                present = [peer for peer in await caller.join(request.match_info["room"]) if peer not in callers]
                if isinstance(content, str):
                    answer = await _offer(caller, _chosen(request, present), content)
                else:
                    answer = _json({"peer": caller.peer, "peers": present})
            if request.transport is None:
                raise web.HTTPRequestTimeout(text="whoever asked is gone\n")
            answer.headers[hdrs.LOCATION] = f"{request.rel_url.raw_path}/{name}"
            answer.set_status(201)
            self._seats[name] = caller
            caller.keep(limits.http_seat_seconds, lambda: self._end(name))
        except TimeoutError:
            raise web.HTTPGatewayTimeout(text="no peer has answered in time\n") from None
        finally:
            self._waiting -= 1
            if name not in self._seats:
                caller.leave()
        return answer

    async def ask(self, request: web.Request) -> web.Response:
        """Passes something on to a peer from a seat that is there, and answers with all that the peer relays then."""
        caller = self._seats.get(request.match_info["name"])
        if caller is None:
            raise web.HTTPNotFound(text="there is no such seat any more\n")
        content = await _read(request, self._signaling.limits.http_offer_seconds)
        if isinstance(content, str):
            raise web.HTTPUnsupportedMediaType(text=f"what is posted here is {JSON_TYPE}\n")
        try:
            async with asyncio.timeout(self._signaling.limits.http_offer_seconds):
                answers = await caller.ask(request.query.get("peer", ""), content, lambda _answer: False)
        except TimeoutError:
            raise web.HTTPGatewayTimeout(text="the peer has not answered in time\n") from None
        return _json(answers)

    async def delete(self, request: web.Request) -> web.Response:
        """Gives a seat up. Who knows where it is may do so."""
        if not self._end(request.match_info["name"]):
            raise web.HTTPNotFound(text="there is no such seat any more\n")
        return web.Response()

    def _end(self, name: str) -> bool:
        caller = self._seats.pop(name, None)
        if caller is not None:
            caller.leave()
        return caller is not None


def with_candidates(sdp: str, candidates: list[str]) -> str:
    """Returns a session description with further candidates in its first section, which all channels share."""
    second = sdp.find("\r\nm=", sdp.find("\r\nm=") + 1)
    end = len(sdp) if second < 0 else second + 2
    return sdp[:end] + "".join(f"a={candidate}\r\n" for candidate in candidates) + sdp[end:]


def add_offers(app: web.Application, signaling: Signaling) -> None:
    """Gives an application the way in over HTTP."""
    offers = Offers(signaling)
    app.router.add_post("/v1/rooms/{room}/offer", offers.post)
    app.router.add_post("/v1/rooms/{room}/offer/{name}", offers.ask)
    app.router.add_delete("/v1/rooms/{room}/offer/{name}", offers.delete)


async def _offer(caller: Caller, peer: str, sdp: str) -> web.Response:
    answer, *later = await caller.ask(peer, {"generation": 1, "kind": "offer", "sdp": sdp}, _is_complete)
    match answer:
        case {"kind": "answer", "sdp": str(answered)}:
            candidates = [candidate for body in later for candidate in _candidates_of(body)]
            return web.Response(text=with_candidates(answered, candidates), content_type=SDP_TYPE)
    raise web.HTTPConflict(text="the peer refused\n", headers={hdrs.RETRY_AFTER: _REFUSED_SECONDS})


def _chosen(request: web.Request, present: list[str]) -> str:
    """The peer that was asked for, or the one that has been there longest."""
    peer = request.query.get("peer", present[0] if present else "")
    if peer not in present:
        raise web.HTTPNotFound(text=_NOBODY)
    return peer


async def _read(request: web.Request, seconds: float) -> Any:
    """Returns a session description as text, or a JSON object; waits this long for it at most."""
    try:
        async with asyncio.timeout(seconds):
            data = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body has not come in time\n") from None
    if request.content_type == JSON_TYPE:
        try:
            return msgspec.json.decode(data, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise web.HTTPBadRequest(text="this is no JSON object\n") from None
    if request.content_type != SDP_TYPE:
        raise web.HTTPUnsupportedMediaType(text=f"an offer is {SDP_TYPE}, or {JSON_TYPE} in a room with a secret\n")
    try:
        sdp = data.decode()
    except UnicodeDecodeError:
        raise web.HTTPBadRequest(text="an offer is text in UTF-8\n") from None
    if len(sdp) > SDP_CHARACTERS:
        raise web.HTTPRequestEntityTooLarge(SDP_CHARACTERS, len(sdp))
    if not sdp.startswith("v=0"):
        raise web.HTTPBadRequest(text="an offer is a session description, which begins with v=0 (RFC 8866)\n")
    return sdp


def _is_complete(body: Any) -> bool:
    """Whether no candidates follow: they are all there, or there is no answer that they could belong to."""
    match body:
        case {"kind": "answer", "sdp": str(sdp)}:
            return "a=end-of-candidates" in sdp
        case {"kind": "candidates", "candidates": [_, *_]}:
            return False
    return True


def _candidates_of(body: Any) -> list[str]:
    match body:
        case {"kind": "candidates", "candidates": list(candidates)}:
            return [line for line in candidates if isinstance(line, str) and line.isprintable()]
    return []


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type=JSON_TYPE)
