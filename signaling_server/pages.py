"""What operators, load balancers and programs read over HTTP: health, readiness, metrics, ICE servers."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import hdrs, web

from signaling_server.access import refused
from signaling_server.metrics import CONTENT_TYPE
from signaling_server.sockets import Signaling


class Pages:
    """The pages of one server."""

    def __init__(self, signaling: Signaling) -> None:
        self._signaling = signaling

    async def health(self, _request: web.Request) -> web.Response:
        """The process runs: restart it when this fails."""
        return web.Response(text="ok\n")

    async def readiness(self, _request: web.Request) -> web.Response:
        """Clients may be sent here: send them elsewhere while this is 503."""
        reason = self._signaling.unready
        return web.Response(status=503 if reason else 200, text=f"{reason or 'ready'}\n")

    async def metrics(self, request: web.Request) -> web.Response:
        """What can be measured, for those whom the operator lets see it."""
        signaling = self._signaling
        if not signaling.access.may_observe(request):
            raise web.HTTPForbidden(text="metrics are not for this address (--metrics-from)\n")
        text = signaling.metrics.text(signaling.gauges(), signaling.gate.limited)
        return web.Response(body=text.encode(), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})

    async def ice_servers(self, request: web.Request) -> web.Response:
        """The ICE servers as in `welcome`, for whoever may use this server."""
        signaling = self._signaling
        signaling.access.check_origin(request)
        source = signaling.access.source(request)
        refusal = signaling.gate.greeted(source, "", asyncio.get_running_loop().time())
        if refusal is not None:
            raise refused(refusal)
        # One of those behind an address is as good as another: their allocations count together.
        answer = signaling.gate.ice_servers(f"source {source.key}")
        body = msgspec.json.encode({"servers": answer.servers, "seconds": answer.seconds})
        return web.Response(body=body, content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"})

    async def permissions(self, request: web.Request) -> web.Response:
        """What the page of another origin may send: a browser asks before it posts an offer for it."""
        self._signaling.access.check_origin(request)
        return web.Response(
            status=204,
            headers={
                hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST, DELETE",
                hdrs.ACCESS_CONTROL_ALLOW_HEADERS: f"{hdrs.AUTHORIZATION}, {hdrs.CONTENT_TYPE}",
                hdrs.ACCESS_CONTROL_MAX_AGE: "3600",
            },
        )


def add_pages(app: web.Application, signaling: Signaling) -> None:
    """Gives an application the pages of a server."""
    pages = Pages(signaling)
    app.router.add_get("/healthz", pages.health)
    app.router.add_get("/readyz", pages.readiness)
    app.router.add_get("/metrics", pages.metrics)
    app.router.add_get("/v1/ice-servers", pages.ice_servers)
    app.router.add_route("OPTIONS", "/v1/{path:.*}", pages.permissions)
    app.on_response_prepare.append(signaling.access.let_pages_read)
