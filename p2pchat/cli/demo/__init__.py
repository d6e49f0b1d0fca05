"""`p2pchat demo`: two real peers on this machine, with a signaling server of their own."""
