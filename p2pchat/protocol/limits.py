"""Every size, rate and time of the protocol: its unit, and why it is what it is.

Sizes are bytes unless the name says otherwise; times are seconds.
"""

from __future__ import annotations

from typing import Final

# The control channel

PROTOCOL_VERSION: Final = 1
"""The version of the control protocol that this program speaks; also in the channel's subprotocol, `p2pchat.1`."""

FRAME_BYTES: Final = 64 * 1024
"""Largest control frame. One SCTP message; a page of a manifest fits, and a hostile one costs little to refuse."""

FRAME_DEPTH: Final = 6
"""Deepest nesting inside a frame: an offer needs three (frame, entries, entry)."""

FRAME_ITEMS: Final = 4096
"""Most values (keys included) inside a frame: 256 manifest entries of five values each fit twice over."""

NAME_CHARACTERS: Final = 64
"""Longest display name. Longer names push the text off a terminal of 80 columns."""

MESSAGE_CHARACTERS: Final = 16_000
"""Longest message. In UTF-8 (at most 4 bytes a character) it always fits into a frame; longer text is a file."""

MESSAGE_ID_CHARACTERS: Final = 32
"""Longest message id: 128 bits in hexadecimal."""

REASON_CHARACTERS: Final = 200
"""Longest reason that one side gives the other: a sentence."""

UNACKNOWLEDGED_MESSAGES: Final = 1000
"""Messages kept for a peer that has not acknowledged them; further ones are refused with a reason."""

REMEMBERED_MESSAGE_IDS: Final = 4096
"""Ids of received messages kept to recognise one that arrives again: four times what a sender may have open."""

FRAMES_PER_SECOND: Final = 500
"""Control frames a peer may send on average. A 100 MB/s transfer needs about 200 (two per block of 1 MiB)."""

FRAME_BURST: Final = 2000
"""Control frames a peer may send at once, after a pause: a thousand queued messages and their receipts."""

MESSAGES_PER_SECOND: Final = 50
"""Messages a peer may send on average: more than anybody reads."""

MESSAGE_BURST: Final = 2 * UNACKNOWLEDGED_MESSAGES
"""Messages a peer may send at once: all that waited for a link, and as many new ones."""

OFFERS_PER_SECOND: Final = 1
"""Offers of files a peer may make on average. A person answers each of them; checking a nasty one costs 60 ms."""

OFFER_BURST: Final = 64
"""Offers a peer may make at once: as many as may be open (`OPEN_TRANSFERS`)."""

# Identity and the handshake

HANDSHAKE_VERSION: Final = 1
"""The version of the handshake that this program speaks. There is no negotiating: another one is refused."""

KEY_BYTES: Final = 32
"""An Ed25519 public key, and the seed it is made from (RFC 8032 §5.1.5)."""

SIGNATURE_BYTES: Final = 64
"""An Ed25519 signature (RFC 8032 §5.1.6)."""

FINGERPRINT_BYTES: Final = 32
"""A DTLS certificate's fingerprint: SHA-256 (RFC 8122 §5)."""

NONCE_BYTES: Final = 32
"""Fresh randomness of each side in each handshake. It also hides in its commitment, so it is as long as the hash."""

SAFETY_WORDS: Final = 5
"""Words that two people compare, 11 bits each: 55 bits. Each handshake allows one guess; somebody in between who forces
a new one every second for a year has 2^25 guesses, and succeeds once in 2^30. A sixth word to read aloud or to
fingerspell would make that 2^41, which nobody needs."""

# The link

CONNECT_SECONDS: Final = 15.0
"""Time for a link to open before it has failed. ICE on a LAN takes under 1 s; a lost first check costs 0.5 s each."""

CLOSE_SECONDS: Final = 3.0
"""Time for a link to close. aiortc may wait 63 s for an unreachable TURN server (RFC 8489 §6.2.1 timers)."""

PING_EVERY: Final = 2.0
"""Seconds between pings. A ping costs about 100 bytes with its answer: 50 bytes/s."""

SUSPECT_AFTER: Final = 6.0
"""Seconds of silence before a peer is shown as unsure: three pings unanswered, rarely a false alarm on Wi-Fi."""

LOST_AFTER: Final = 10.0
"""Seconds of silence before a link is given up. ICE consent (RFC 7675 §5.1) waits 30 s, and says nothing until then."""

HELLO_SECONDS: Final = 10.0
"""Time for the peer's `hello` once the channels are open."""

SIGNALS_PER_SECOND: Final = 2
"""Signals that one peer may send through the server on average: each offer costs a connection, some 10 ms of work."""

SIGNAL_BURST: Final = 20
"""The same at once: three for each attempt, and all attempts after a link was lost."""

BULK_SECONDS: Final = 0.03
"""File data that may wait in the transport before chat and real-time text, as time at the measured rate."""

BULK_BYTES: Final = 256 * 1024
"""The same as an upper bound in bytes."""

BULK_BYTES_MIN: Final = 64 * 1024
"""The same as a lower bound: less would leave a fast path idle between two turns of the event loop."""

SDP_BYTES: Final = 32 * 1024
"""Longest session description accepted. One with a dozen candidates has about 2 kB."""

CANDIDATES: Final = 32
"""Candidates in one signal: a machine with eight interfaces has as many, with its reflexive and relayed ones."""

CANDIDATE_CHARACTERS: Final = 256
"""Longest candidate: those of RFC 8839 §5.1 with an IPv6 address, a related one and extensions have below 200."""

# Real-time text

CPS_DEFAULT: Final = 30
"""Characters per second, as mean over any ten seconds, to a peer that says nothing else (RFC 8865 §4.2.1)."""

CPS_ADVERTISED: Final = 90
"""What we accept from others (RFC 9071 §3.21 recommends it for several speakers)."""

CPS_WINDOW: Final = 10.0
"""The interval, in seconds, over which characters per second are averaged (RFC 4103 §6)."""

T140_INTERVAL: Final = 0.3
"""Time between two T.140 messages to a peer of unknown kind (RFC 8865 §5.3: 300 ms recommended, 500 ms at most)."""

T140_INTERVAL_P2PCHAT: Final = 0.1
"""The same to a peer that is a p2pchat: three times as fluent for at most ten small messages a second."""

T140_MESSAGE_BYTES: Final = 1000
"""Longest T.140 message that is sent (the size of RFC 8865 §4.3's example)."""

T140_MESSAGE_BYTES_ACCEPTED: Final = 16 * 1024
"""Longest T.140 message accepted (RFC 8831 §6.6: what a sender without interleaving keeps to)."""

T140_PER_SECOND: Final = 1000
"""Real-time text a peer may send on average, characters or bytes: eleven times what we ask for (`CPS_ADVERTISED`)."""

T140_OVERHEAD: Final = 16
"""What each message of real-time text counts beyond its length: an empty one takes as long as so many characters."""

T140_BURST: Final = 4 * T140_MESSAGE_BYTES_ACCEPTED
"""The same at once: what a long pause of the network may hold back, or a text that others paste."""

LIVE_LINE_CHARACTERS: Final = 4000
"""Longest live line kept of a peer; what is beyond is dropped and marked."""

EARLY_TEXTS: Final = 64
"""T.140 messages that may overtake a peer's first frames: six seconds of typing, while one lost packet is repeated."""

PASTE_CHARACTERS: Final = 200
"""Text that is inserted at once and longer is not typed: it is held until its line is sent, and then goes as a message
(RFC 4103 §9: no large text at more than human speed). It is about what a fast typist writes in 20 s."""

ALERT_SECONDS: Final = 3.0
"""Least time between two alerts that are sent or told: enough to call somebody, too little to torment."""

SHOWN_EVERY: Final = 1.0
"""Least time between two frames that say what was shown: one small frame a second at most, for exact delays."""

SHOWN_MESSAGES: Final = 32
"""T.140 messages that one such frame tells of: three times what a p2pchat sends in `SHOWN_EVERY`."""

SNAPSHOT_EVERY: Final = 0.3
"""Least time between two snapshots of a line. Each may hold the whole line, and follows somebody's typing."""

NUDGE_SECONDS: Final = (0.04, 0.08, 0.12)
"""When small frames follow the last T.140 message of a burst. SCTP repeats a lost packet at once when three later ones
were reported (RFC 9260 §7.2.4), and else after a second; apart by 40 ms, they are not lost by the same mishap."""

LANGUAGES: Final = 8
"""Most languages that a side names for reading, and for writing."""

LANGUAGE_CHARACTERS: Final = 35
"""Longest language tag (RFC 5646 §4.4.1: what an implementation should be able to hold)."""

EXTENSIONS: Final = 32
"""Most extensions of real-time text that a side names; there are three."""

WORD_CHARACTERS: Final = 40
"""Longest stable word of the protocol: a code, a direction, the name of an extension."""

# File transfer

CHUNK_BYTES: Final = 16_224
"""File data in one bulk message. With its header of 16 bytes it fills 14 SCTP packets of 1160 bytes exactly."""

CHUNK_BYTES_MAX: Final = 16 * 1024 - 16
"""Most file data accepted in one bulk message (RFC 8831 §6.6: 16 KiB while messages are not interleaved)."""

BLOCK_BYTES: Final = 1024 * 1024
"""The smallest unit of hashing, of acknowledgement and of fetching again."""

BLOCK_BYTES_MAX: Final = 16 * BLOCK_BYTES
"""The largest: what is fetched again when one bit is wrong, and what has to be held until its hash can be checked."""

FILE_BLOCKS: Final = 2000
"""Blocks of one file up to which they stay small; then they double. Their hashes and their journal stay small too."""

CREDIT_BYTES: Final = 4 * 1024 * 1024
"""File data that a sender may have under way beyond one block and what is on the receiver's disk: 40 ms at 100 MB/s.
It is also what is sent twice, at most, when a transfer is interrupted."""

PAGE_ENTRIES: Final = 256
"""Most files and folders in one page of a manifest: checking the names takes a few milliseconds."""

PAGE_PATH_BYTES: Final = 48 * 1024
"""All paths of one page together, in UTF-8: with at most 32 bytes of other values in each entry they fit a frame."""

PAGES_AHEAD: Final = 4
"""Pages of a manifest that a receiver asks for in advance. They are in front of what is said: typically 60 kB."""

MANIFEST_ENTRIES: Final = 1_000_000
"""Most files and folders in one offer, and folders that its paths imply: a home directory fits."""

MANIFEST_BYTES: Final = 160 * 1024 * 1024
"""Memory for all offers of one peer that have not ended: paths in UTF-8, and `ENTRY_BYTES` for each entry."""

ENTRY_BYTES: Final = 32
"""What an entry takes in memory beside its path."""

HASHES: Final = 256
"""Most block hashes in one frame."""

RANGES: Final = 1000
"""Most ranges in one `have` or `without` frame: 3,000 values, and 11 kB."""

PATH_BYTES: Final = 4096
"""Longest relative path in an offer, in UTF-8: what Linux takes. Where less is possible, the disk says so."""

NAME_BYTES: Final = 255
"""Longest component of a path, in UTF-8: what ext4, APFS and NTFS store."""

PATH_DEPTH: Final = 32
"""Most components of a path."""

FILE_BYTES: Final = 1 << 50
"""Largest file: a pebibyte. Every offset in it fits into 64 bits with room to spare."""

OPEN_TRANSFERS: Final = 64
"""Offers and running transfers that one peer may have open in each direction."""

STRAY_BYTES_PER_SECOND: Final = BLOCK_BYTES
"""File data a peer may send on average for transfers that are not there: it was on its way when they ended."""

STRAY_BURST: Final = 4 * CREDIT_BYTES
"""The same at once: what four transfers may have under way when all are cancelled together."""

# The signaling server, as a client sees it

SIGNALING_VERSION: Final = 1
"""The version of the signaling protocol, also in the path `/v1/ws`."""

SIGNALING_MESSAGE_BYTES: Final = 64 * 1024
"""Largest signaling message in either direction: an SDP with many candidates, sealed, fits four times."""

ROOM_CHARACTERS: Final = 64
"""Longest room name."""

PEER_ID_CHARACTERS: Final = 8
"""Length of a peer id: 40 bits in base32, so that two of a thousand peers in a room are alike once in two million."""

# Codes, invite links and sealed signaling

MAILBOXES: Final = 999
"""Highest number of a mailbox: three digits are quickly said, and more people than that do not wait at one server."""

CODE_WORDS: Final = 3
"""Words of a code: 33 bits from 2,048 words, for whoever may guess once."""

ROOM_SECRET_BYTES: Final = 16
"""Length of a room's secret: 128 bits, which nobody can try one after another."""

SEALED_BLOCK_BYTES: Final = 512
"""What is sealed is padded to a multiple of this: an offer and its answer, of 1 to 3 kB, come out much alike."""

SEALED_BYTES: Final = 88 * SEALED_BLOCK_BYTES
"""Longest body that is sealed, with its padding: 45,056 bytes, which in base64 fit a signaling message."""
