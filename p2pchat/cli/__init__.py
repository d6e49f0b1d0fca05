"""The command line: chat, demo and what they share."""
