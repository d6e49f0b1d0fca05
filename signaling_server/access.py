"""What a request says about where it comes from, and what follows from that."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import hdrs, web

from p2pchat.protocol.signaling import ErrorCode
from signaling_server.addresses import (
    LOOPBACK,
    Address,
    ForwardedHeader,
    client_address,
    counted_as,
    is_in,
    parse_address,
)
from signaling_server.deployment import Deployment
from signaling_server.gate import Refusal
from signaling_server.sources import Source


class Access:
    """Looks at requests with an operator's eyes.

    Args:
        deployment: what the operator decided.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def source(self, request: web.Request) -> Source:
        """Returns where a request comes from, and the token that it shows."""
        address = self._address(request)
        exempt = self._deployment.exempt_loopback and is_in(address, LOOPBACK)
        scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        return Source(
            key="" if exempt else counted_as(address) or "unknown",
            address="" if address is None else str(address),
            token=token.strip() if scheme.lower() == "bearer" else "",
        )

    def may_observe(self, request: web.Request) -> bool:
        """Whether `/metrics` is for whoever asks.

        A request that came through a proxy that nobody named is not, wherever that proxy is: with one on this machine,
        everybody would seem to come from here.
        """
        deployment = self._deployment
        told = any(header in request.headers for header in ForwardedHeader)
        if told and not is_in(parse_address(_peer(request)), deployment.trusted_proxies):
            return False
        return is_in(self._address(request), deployment.observers)

    def check_origin(self, request: web.Request) -> None:
        """Refuses what the page of a stranger asks for in somebody's browser; other programs send no origin.

        Raises:
            HTTPForbidden: the origin is none of those that the operator named, and not that of the server itself.
        """
        origin = request.headers.get(hdrs.ORIGIN)
        if (
            origin is None
            or origin.lower() in self._deployment.origins
            or _host_of(origin) == _host_of(f"//{request.host}") != ""
        ):
            return
        raise web.HTTPForbidden(text="pages of this origin may not use this server (--origin)\n")

    async def let_pages_read(self, request: web.Request, response: web.StreamResponse) -> None:
        """Lets the page of an origin that the operator named see the answer (CORS, the Fetch standard §3.2)."""
        origin = request.headers.get(hdrs.ORIGIN, "")
        if origin.lower() in self._deployment.origins:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = f"{hdrs.LOCATION}, {hdrs.RETRY_AFTER}"
            response.headers[hdrs.VARY] = hdrs.ORIGIN

    def _address(self, request: web.Request) -> Address | None:
        deployment = self._deployment
        values = request.headers.getall(deployment.forwarded_header, [])
        return client_address(_peer(request), deployment.forwarded_header, values, deployment.trusted_proxies)


def refused(refusal: Refusal) -> web.HTTPException:
    """Returns the HTTP answer for a refusal of the gate."""
    headers = {} if refusal.retry_after is None else {hdrs.RETRY_AFTER: f"{max(1.0, refusal.retry_after):.0f}"}
    text = f"{refusal.message}\n"
    if refusal.code is ErrorCode.UNAUTHORIZED:
        return web.HTTPUnauthorized(headers=headers | {hdrs.WWW_AUTHENTICATE: "Bearer"}, text=text)
    return web.HTTPTooManyRequests(headers=headers, text=text)


def _peer(request: web.Request) -> str:
    """The address of the other end of the connection; empty for a socket that has none."""
    peername = request.transport.get_extra_info("peername") if request.transport is not None else None
    return str(peername[0]) if isinstance(peername, tuple) and peername else ""


def _host_of(url: str) -> str:
    """The host of an URL, without its port; empty for what is none, such as the origin `null`."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
