"""The command line: one file per command, each imported only when it is called."""

from __future__ import annotations

import importlib
from typing import Any

import click

import vbench
from vbench.errors import VbenchError

_COMMANDS = {
    "run": "vbench.cli.run:run",
    "data": "vbench.cli.data:data",
    "index": "vbench.cli.index:index",
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is looked up."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(vbench.__version__, prog_name="vbench")
@click.option("--debug", is_flag=True, help="Show the full traceback of an error.")
def cli(debug: bool) -> None:
    """Measure how evenly a vector index answers, not only how well on average."""


def main() -> None:
    """Run the command line; an error that a person can mend is one line and an exit code."""
    raise SystemExit(_run(cli))


def _run(command: click.Command, **extra: Any) -> int:
    debug = False
    try:
        with command.make_context("vbench", _arguments(), **extra) as ctx:
            debug = bool(ctx.params.get("debug"))
            result = command.invoke(ctx)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except VbenchError as error:
        if debug:
            raise
        click.echo(f"vbench: {error}", err=True)
        return error.exit_code


def _arguments() -> list[str]:
    import sys

    return sys.argv[1:]
