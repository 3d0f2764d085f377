"""The command line: one file per command, each imported only when it is called."""

from __future__ import annotations

import contextlib
import signal
from typing import IO, Any

import click

import vbench
from vbench._invocation import within_command
from vbench._plain import plain
from vbench.cli.command import Group
from vbench.cli.signals import Stopped, stopping
from vbench.errors import VbenchError
from vbench.render.terminal.output import say, setup_output

_COMMANDS = {
    "run": "vbench.cli.run:run",
    "report": "vbench.cli.report:report",
    "compare": "vbench.cli.compare:compare",
    "tail": "vbench.cli.tail:tail",
    "combine": "vbench.cli.combine:combine",
    "tune": "vbench.cli.tune:tune",
    "verify": "vbench.cli.verify:verify",
    "watch": "vbench.cli.watch:watch",
    "skew": "vbench.cli.skew:skew",
    "data": "vbench.cli.data:data",
    "index": "vbench.cli.index:index",
    "rank": "vbench.cli.rank:rank",
    "import": "vbench.cli.importing:import_results",
    "doctor": "vbench.cli.doctor:doctor",
    "history": "vbench.cli.history:history",
    "runs": "vbench.cli.folders:runs",
    "site": "vbench.cli.site:site",
}


_EXAMPLES = """
\b
Examples:
  vbench run --index hnsw
  vbench run --index hnsw --index ivf-flat --at-recall 0.9 --out both
  vbench compare both
"""


class Stop(click.ClickException):
    """An error for a person, in one line."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        # After a hangup there is no terminal to be told.
        with contextlib.suppress(OSError):
            say(f"vbench: {self.message}", err=True)


def _interrupted(error: KeyboardInterrupt) -> int:
    """Say what ended the command; the exit code."""
    number = error.number if isinstance(error, Stopped) else signal.SIGINT
    how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    Stop(f"{how}; the same command resumes").show()
    return 128 + number


class MainGroup(Group):
    """Turns errors into `Stop`."""

    elsewhere = _COMMANDS

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Read the arguments, and do what they ask."""
        setup_output()
        with stopping(), within_command(args[0] if args else kwargs.get("args")):
            return super().main(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what no JSON can hold, before anything is measured."""
        for text in args:
            if not _is_unicode(text):
                raise Stop(f"{text}: is not UTF-8; rename the file, or link to it by another name")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; the number it returns is the exit code."""
        try:
            code = super().invoke(ctx)
        except (VbenchError, OSError) as error:
            if ctx.params["debug"] or isinstance(error, BrokenPipeError):
                raise
            raise Stop(str(error)) from error
        except KeyboardInterrupt as error:
            code = _interrupted(error)
        except click.ClickException as error:
            vars(error)["message"] = plain(error.message)  # typed as final
            raise
        except (click.Abort, click.exceptions.Exit, SystemExit):
            raise
        # The last resort: a fault of ours is one line too, and says how to see more. (Polars
        # panics with what is no Exception.)
        except BaseException as error:
            if ctx.params["debug"]:
                raise
            raise Stop(
                f"internal error: {type(error).__name__}: {error}; "
                "vbench --debug … shows where, please report it"
            ) from error
        ctx.exit(code or 0)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@click.group(
    cls=MainGroup,
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(vbench.__version__, prog_name="vbench")
@click.option("--debug", is_flag=True, help="Show the full traceback of an error.")
def main(debug: bool) -> None:
    """Measure how evenly a vector index answers, not only how well on average."""
