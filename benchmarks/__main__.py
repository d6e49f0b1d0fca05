"""`python -m benchmarks NAME`: runs a benchmark and prints its figures."""

from __future__ import annotations

import click

from benchmarks import large, live_text, lossy_text, signaling, transfer


@click.group()
def main() -> None:
    """Benchmarks. Every figure is a ratio or a difference within one run; run them on a quiet machine."""


main.add_command(transfer.command)
main.add_command(large.command)
main.add_command(live_text.command)
main.add_command(lossy_text.command)
main.add_command(signaling.command)

if __name__ == "__main__":
    main()
