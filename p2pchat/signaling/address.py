"""What a person types for a server, and the WebSocket URL that it means."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from p2pchat.errors import ConfigurationError

PATH: Final = "/v1/ws"
"""Where a server's WebSocket is; `v1` is the version of the signaling protocol."""

_SCHEMES: Final = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_NAME: Final = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?")
"""A host's name, possibly an internationalised one, or an IPv4 address."""

_HINT: Final = "give it as HOST:PORT or URL, such as lab.example:8080 or https://chat.example"


def server_url(text: str) -> str:
    """Returns the WebSocket URL of a server that a person named.

    Without a scheme it is `ws://`; `http` and `https` become `ws` and `wss`. A path is kept as the prefix under which
    a reverse proxy serves it: `https://example.org/chat` becomes `wss://example.org/chat/v1/ws`.

    Raises:
        ConfigurationError: it is no address of a server.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"ws://{text}")
        host, port = parts.hostname or "", parts.port
        if ":" in host:
            ipaddress.IPv6Address(host)
    except ValueError:
        raise ConfigurationError("the server's address cannot be used: host or port is malformed", _HINT) from None
    if parts.scheme not in _SCHEMES:
        raise ConfigurationError("the server's address begins with none of ws, wss, http and https", _HINT)
    if not (":" in host or _NAME.fullmatch(host)) or re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise ConfigurationError("the server's address has no usable host", _HINT)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError("the server's address holds more than scheme, host, port and path", _HINT)
    netloc = f"[{host}]" if ":" in host else host
    if port is not None:
        netloc += f":{port}"
    prefix = parts.path.rstrip("/").removesuffix(PATH)
    return f"{_SCHEMES[parts.scheme]}://{netloc}{prefix}{PATH}"
