"""The signaling server: a small hub through which peers find each other."""
