"""Commands that refuse an option which is given twice, and groups that know near names."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import ClassVar

import click

_INSTEAD = {
    "dataset": "one dataset a run; a study takes several: vbench run --study FILE",
    "metric": "one metric a run",
    "queries": "one file of queries a run",
}


_LAST_COUNTS = ("out",)
"""Where a result goes changes none: a call is made again elsewhere by adding an --out."""


class Command(click.Command):
    """A command whose options that hold one value are given once."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, after a look at what is given twice."""
        if not ctx.resilient_parsing:
            _refuse_repeats(self, ctx, args)
        return super().parse_args(ctx, args)


class Group(click.Group):
    """A group of such commands.

    Those of `elsewhere` (``module:function`` by name) are imported when they are looked up.
    """

    command_class = Command
    elsewhere: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *self.elsewhere]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.elsewhere[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; the nearest name is told where there is none."""
        known = self.list_commands(ctx)
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            ctx.fail(f"no such command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)


def _refuse_repeats(command: click.Command, ctx: click.Context, args: list[str]) -> None:
    # Callbacks are called later: reading the arguments twice does nothing twice.
    values, _, order = command.make_parser(ctx).parse_args(args=list(args))
    # Several options may set one value, such as --ground-truth and --no-truth.
    single = [
        option
        for option in order
        if isinstance(option, click.Option)
        and not (option.multiple or option.count or option.is_bool_flag)
        and option.name not in _LAST_COUNTS
    ]
    for option in single:
        times = sum(each.name == option.name for each in single)
        if times > 1:
            name = max(option.opts, key=len)
            raise click.UsageError(
                f"{name} is given {'twice' if times == 2 else f'{times} times'}, the last time as "
                f"{values.get(option.name)!r}; {_INSTEAD.get(option.name or '', 'give it once')}",
                ctx,
            )
