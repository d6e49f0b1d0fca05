"""Chromium without a window, driven over its DevTools protocol, with a page of ours in it."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

PAGE = Path(__file__).parents[2] / "docs" / "interoperability" / "t140.html"

PATIENCE = 60.0
"""Seconds until a wait has failed: Chromium takes two to start on an idle machine."""

SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # it needs one when it runs as root, as in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--proxy-server=direct://",
    # Candidates with addresses instead of names of mDNS; and loopback ones, for machines without a network.
    "--disable-features=WebRtcHideLocalIpsWithMdns,Translate,OptimizationHints,MediaRouter",
    "--allow-loopback-in-peer-connection",
    "--remote-debugging-port=0",
)


def chromium() -> str | None:
    """The browser's path, or None when it is not installed."""
    return next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)


class Browser:
    """One browser with one page. Use it as an asynchronous context manager: it never outlives the block."""

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._session = aiohttp.ClientSession()
        self._ids = itertools.count(1)
        self._runner = await _serve_page()
        command = chromium()
        assert command is not None
        self._process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", command),  # it must not outlive a test run that is killed
            *SWITCHES,
            f"--user-data-dir={self._folder.name}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                self._devtools = await self._attach()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._devtools.close()
        await self._close()

    async def _close(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._session.close()
        await self._runner.cleanup()
        self._folder.cleanup()

    async def _attach(self) -> aiohttp.ClientWebSocketResponse:
        file = Path(self._folder.name) / "DevToolsActivePort"
        while not file.exists() or len(file.read_text().splitlines()) < 2:
            assert self._process.returncode is None, "Chromium has ended"
            await asyncio.sleep(0.05)
        port = file.read_text().splitlines()[0]
        while True:
            async with self._session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [target for target in await answer.json(content_type=None) if target["type"] == "page"]
            if pages:
                return await self._session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0)
            await asyncio.sleep(0.05)

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        async with asyncio.timeout(PATIENCE):
            await self._devtools.send_json({"id": number, "method": method, "params": parameters})
            while True:
                message = await self._devtools.receive_json()
                if message.get("id") == number:
                    assert "error" not in message, message
                    return dict(message["result"])

    async def open(self, server: str, room: str, **options: str) -> None:
        """Opens the page, which joins a room; see there for the options."""
        port = self._runner.addresses[0][1]
        query = urlencode({"server": server, "room": room, **options})
        await self._call("Page.navigate", url=f"http://127.0.0.1:{port}/t140.html?{query}")
        await self.until("document.readyState === 'complete' && typeof partners === 'object'")

    async def run(self, script: str) -> Any:
        """Returns what a piece of JavaScript evaluates to; a promise is waited for."""
        result = await self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, condition: str) -> Any:
        """Waits until a piece of JavaScript gives something true, and returns it."""
        value = None
        try:
            async with asyncio.timeout(PATIENCE):
                while not (value := await self.run(condition)):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError:
            status = await self.run("document.body.innerText")
            raise AssertionError(f"the page waits for {condition}; it shows {status!r}") from None
        return value

    async def write(self, text: str) -> None:
        """Puts text into the page's line, as typing or pasting does."""
        await self.run("document.getElementById('line').focus()")
        await self._call("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        """Presses and releases a key: `Enter`, `Backspace`."""
        code = {"Enter": 13, "Backspace": 8}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            await self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    async def shown(self) -> str:
        """What the page shows of its partner."""
        return str(await self.run("[...partners.values()][0]?.view.textContent ?? ''"))

    async def until_shown(self, text: str) -> None:
        """Waits until that is the partner's text."""
        try:
            async with asyncio.timeout(PATIENCE):
                while await self.shown() != text:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"the page shows {await self.shown()!r}, not {text!r}") from None


async def _serve_page() -> web.AppRunner:
    async def page(request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE)

    application = web.Application()
    application.router.add_get("/t140.html", page)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner
