"""`python -m p2pchat` does what the command `p2pchat` does."""

from __future__ import annotations

from p2pchat.cli.main import main

if __name__ == "__main__":
    main()
