"""The DTLS certificates of a link: what the handshake binds two identities to.

A signaling server can put other fingerprints into an SDP, so what counts is the certificate that the peer really
showed. aiortc 1.16 has no public way to ask for it; this module reads it from the DTLS connection and raises when that
is not where it was, rather than trusting anything else.
"""

from __future__ import annotations

from hashlib import sha256

from aiortc import RTCPeerConnection
from cryptography.hazmat.primitives.serialization import Encoding


def fingerprints(connection: RTCPeerConnection) -> tuple[bytes, bytes]:
    """Returns the SHA-256 fingerprints of our certificate and of the peer's, both of the certificates in use.

    Raises:
        RuntimeError: aiortc's internals are others than this module knows.
    """
    dtls = connection.sctp.transport if connection.sctp is not None else None
    session = getattr(dtls, "_ssl", None)
    if dtls is None or session is None:
        raise RuntimeError("the certificates of a connection cannot be read from this version of aiortc")
    ours = next(item.value for item in dtls.getLocalParameters().fingerprints if item.algorithm == "sha-256")
    theirs = session.get_peer_certificate(as_cryptography=True).public_bytes(Encoding.DER)
    return bytes.fromhex(ours.replace(":", "")), sha256(theirs).digest()


def refused(connection: RTCPeerConnection) -> bool:
    """Returns whether the connection failed because of a certificate, or in the DTLS handshake, and not before."""
    return connection.sctp is not None and connection.sctp.transport.state == "failed"
