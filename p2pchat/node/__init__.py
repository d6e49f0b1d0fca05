"""The running peer: conversations, peers and transfers. The API that every front end uses."""
