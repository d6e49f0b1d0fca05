"""Command groups in which one command may go without its name."""

from __future__ import annotations

import click


class GroupWithDefault(click.Group):
    """Takes a first argument that is no command as one of the default command, and so the absence of any.

    Subclasses say which command that is.
    """

    default_command = ""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts the default command where none was named."""
        if not args or args[0] not in {*self.commands, *ctx.help_option_names, "--version"}:
            args = [self.default_command, *args]
        return super().parse_args(ctx, args)
