"""`vbench report`: the page and the figures of one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vbench.cli.command import Command
from vbench.cli.runs import RunArgument
from vbench.render.terminal.output import json_option, print_json, say

if TYPE_CHECKING:
    from vbench.runs.run import Run

_EXAMPLES = """
\b
Examples:
  vbench report results/books-hnsw-1a2b3c4d
  vbench report results/before results/after --html comparison.html --open
  vbench report results/books-hnsw-1a2b3c4d --png figures --svg
"""


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Write the page and the figures of runs.")
@click.argument("runs", cls=RunArgument, nargs=-1, required=True, metavar="RUN…", type=click.Path())
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Path of the page.  [default: report.html in the run folder; for several runs: here]",
)
@click.option(
    "--png",
    "figures",
    type=click.Path(),
    metavar="DIR",
    help="Write the figures there, at 300 dpi.",
)
@click.option("--svg", is_flag=True, help="With --png: also SVG and PDF.")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@json_option
def report(
    runs: tuple[str, ...],
    page: str | None,
    figures: str | None,
    svg: bool,
    show: bool,
    as_json: bool,
) -> None:
    """Write RUN as one self-contained HTML page, and as figures for print.

    The page needs no server and no network, so it can be sent as a file. Runs on the same data
    are compared on one page; with several datasets, the page switches between them.
    """
    if svg and figures is None:
        raise click.UsageError("--svg goes with --png DIR, the folder for the figures")

    from vbench.cli.runs import open_runs
    from vbench.render.page.page import Reported, write

    def made(opened: list[Run]) -> tuple[Path, list[Path]]:
        default = opened[0].path / "report.html" if len(opened) == 1 else Path("report.html")
        written = write(opened, page or default)
        if figures is None:
            return written, []
        from vbench.render.figures import export

        return written, export.write(opened, figures, vector=svg)

    written, drawn = open_runs(runs, made)
    if as_json:
        print_json(Reported(page=str(written), figures=[str(path) for path in drawn]))
    else:
        say(f"page: {written}")
        if figures is not None:
            say(f"figures: {len(drawn)} files in {figures}")
    if show:
        click.launch(written.resolve().as_uri())
