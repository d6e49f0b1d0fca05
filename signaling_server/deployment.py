"""How one server is run: who may use it, what stands in front of it, and what it tells about itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from signaling_server.addresses import LOOPBACK, ForwardedHeader, Network
from signaling_server.ice import IceConfiguration, IceError
from signaling_server.tls import Certificate, TlsError
from signaling_server.tokens import Tokens, TokensError


@dataclass(frozen=True, slots=True)
class Deployment:
    """What an operator decides besides the limits. The defaults are for a server of one's own, without a proxy."""

    tokens: Tokens = field(default_factory=Tokens)
    """Who may come in."""

    ice: IceConfiguration | None = None
    """Which STUN and TURN servers clients are told."""

    certificate: Certificate | None = None
    """For TLS of the server's own; without it, it speaks plain HTTP."""

    trusted_proxies: tuple[Network, ...] = ()
    """Where the proxies are whose word about a client's address counts."""

    forwarded_header: ForwardedHeader = ForwardedHeader.X_FORWARDED_FOR
    """Which header they write."""

    metrics_from: tuple[Network, ...] = ()
    """Who may read `/metrics`; none: loopback and the trusted proxies."""

    origins: frozenset[str] = frozenset()
    """Origins (RFC 6454), in lower case, whose pages may use this server from a browser, besides its own host's."""

    redis: str = ""
    """The URL of the Redis through which several servers share their rooms; empty for a server that is alone."""

    exempt_loopback: bool = False
    """Whether nobody counts what comes from this machine: for tests, and a proxy that tells no addresses."""

    @property
    def observers(self) -> tuple[Network, ...]:
        """Who may read `/metrics`."""
        return self.metrics_from or (*LOOPBACK, *self.trusted_proxies)

    def reload(self) -> Iterator[str]:
        """Reads all files again: tokens, TURN secret, certificate. What is faulty stays as it was.

        Yields:
            For each that could not be read, a line for the operator.
        """
        for part in (self.tokens, self.ice, self.certificate):
            if part is not None:
                try:
                    part.reload()
                except (TokensError, IceError, TlsError) as problem:
                    yield str(problem)
