"""The wire protocol, sans-I/O: bytes and events in, bytes and events out, time passed in."""
