"""`p2pchat doctor`: tests each part that chatting needs, and says what to do about what does not work."""
