"""Terminal-to-terminal chat, file sharing and real-time text, peer to peer over WebRTC data channels."""

__version__ = "0.1.0"
