"""Real-time text: ITU-T T.140 over a data channel (RFC 8865)."""
