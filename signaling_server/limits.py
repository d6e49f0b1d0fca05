"""What one server allows, and how long it waits: sizes in bytes, times in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.protocol.signaling import MESSAGE_BYTES, Limits


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The limits of a server. The defaults serve thousands of rooms on a small machine."""

    messages_per_second: float = 20.0
    """Messages a socket may send on average. A person's client sends a few a minute."""

    message_burst: int = 60
    """Messages a socket may send at once after a pause: a newcomer's 15 offers with a few candidates each."""

    refusals_per_second: float = 1.0
    """Messages over the rate that are forgiven on average; a client that honours `retry-after` has hardly any."""

    refusal_burst: int = 40
    """Messages over the rate that are forgiven at once: what was under way when the first refusal arrived."""

    faults_per_second: float = 1 / 60
    """Malformed messages that are forgiven on average: one a minute, so that a small fault never ends a long talk."""

    fault_burst: int = 5
    """Malformed messages answered at once; the next one closes the socket."""

    room_peers: int = 16
    """Peers in one room. Each pair has a connection of its own: 16 make 120."""

    rooms: int = 10_000
    """Rooms that exist at the same time; an empty room is gone. One takes about 1 kB of memory."""

    join_seconds: float = 10.0
    """Time from opening a socket to its first seat in a room. A client needs three messages: under 1 s anywhere."""

    away_seconds: float = 90.0
    """How long the seat of a lost socket is kept: clients come back within seconds, and a laptop that is carried to
    another room within a minute. 0: not at all."""

    kept_messages: int = 32
    """Messages that a socket may have waiting for peers that are away: an offer with candidates for each of a few."""

    kept_bytes: int = 64 * 1024
    """The same in bytes: about ten descriptions."""

    mailbox_seconds: float = 15 * 60.0
    """How long a mailbox waits for its claim: time to make a telephone call and to start the program there."""

    mailbox_away_seconds: float = 60.0
    """How long a mailbox is kept at least for an owner whose socket is lost: several attempts to come back."""

    mailbox_rest_seconds: float = 60.0
    """How long a number is not given out again: who claims too late must not meet a stranger."""

    mailbox_requests_per_second: float = 0.2
    """Mailboxes that a socket may allocate or claim on average. Trying every number would take an hour and a half."""

    mailbox_request_burst: int = 5
    """The same at once: a number that was mistyped and typed again."""

    sockets_per_source: int = 10
    """Sockets of one source, which is an IPv4 address or the /64 of an IPv6 one: a household, each in several rooms."""

    pending_sockets: int = 1_000
    """Sockets in all that have not said a valid `hello` yet. A client says it at once, so a busy server has a few."""

    joins_per_minute: float = 30.0
    """Rooms that one source may join on average, and as many at once: a household after a power failure."""

    room_joins_per_minute: float = 120.0
    """How often one room may be joined on average, and as many at once: more than one source can use up by itself."""

    source_mailbox_requests_per_minute: float = 30.0
    """Mailboxes that one source may allocate or claim on average, and as many at once: an office behind one address."""

    wrong_tokens_per_minute: float = 10.0
    """Wrong tokens that one source may show on average, and as many at once. Then it waits, whatever it shows."""

    sources: int = 20_000
    """Sources and rooms that rates are remembered of, those of late; one takes about 300 bytes of memory."""

    http_offer_seconds: float = 15.0
    """How long an offer over HTTP waits for the answer of a peer."""

    http_seat_seconds: float = 3600.0
    """How long who has come over HTTP keeps its seat, unless it gives it up before. The link does not need the seat."""

    http_seats: int = 1_000
    """Seats of those who came over HTTP, in all."""

    all_mailbox_requests_per_second: float = 10.0
    """Mailboxes that all sockets together may allocate or claim on average: thousands of transfers an hour."""

    all_mailbox_request_burst: int = 100
    """The same at once. With those of the minute that a number rests it is fewer than there are numbers."""

    ping_seconds: float = 25.0
    """Silence after which a socket is pinged. Home routers forget a quiet TCP connection after a minute or more."""

    silent_pings: int = 3
    """The socket is closed after this many times `ping_seconds` without a sign of life."""

    outgoing_messages: int = 256
    """Messages that wait for a slow reader: a full room's traffic for several seconds."""

    outgoing_bytes: int = 1024 * 1024
    """Bytes that wait for a slow reader; one room of slow readers costs 16 MiB at most."""

    close_seconds: float = 2.0
    """Time for a closed socket to take its last messages and say goodbye before it is cut."""

    shutdown_retry_seconds: float = 1.0
    """What clients are told to wait at least when the server stops: enough for a restart, or for another server."""

    shutdown_spread_ms: int = 4000
    """Up to this much longer, each for itself, in milliseconds: thousands do not come back at the same moment."""

    drain_seconds: float = 30.0
    """Time for all sockets together to end when the server stops; those that are left are cut."""

    full_retry_seconds: float = 30.0
    """What clients are told to wait when a room or the server is full: people leave at a human pace."""

    def told(self) -> Limits:
        """The part of it that clients are told in `welcome`."""
        return Limits(
            message_bytes=MESSAGE_BYTES,
            messages_per_second=self.messages_per_second,
            message_burst=self.message_burst,
            room_peers=self.room_peers,
            ping_seconds=self.ping_seconds,
        )
