"""`vbench report`: the page and the figures of one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vbench.cli.command import Command
from vbench.cli.options import runs_argument, table_file, view_option
from vbench.render.terminal.output import json_option, print_json, say

if TYPE_CHECKING:
    from vbench.runs.run import Run

_EXAMPLES = """
\b
Examples:
  vbench report results/books-hnsw-1a2b3c4d
  vbench report results/before results/after --html comparison.html --open
  vbench report results/books-hnsw-1a2b3c4d --png figures --svg --delta 0.8
  vbench report results/books-hnsw-1a2b3c4d --table settings.csv --table settings.tex
"""


_PRINTED = (
    *("name", "k", "Recall@", "Robustness(delta=0.5)", "Robustness(delta=0.9)", "CVaR"),
    *("Failure", "QPS", "Latency(p=99)"),
)
"""Columns that a table for print has, by how they begin."""


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Write the page and the figures of runs.")
@runs_argument
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
@view_option(
    help="Show the settings under this filter, as it was given to the run.  [default: the whole "
    "base, beside a section about all filters]"
)
@table_file(
    help="Write every setting with its measures as a table too: .csv, .tex or .parquet. Repeats."
)
@click.option(
    "--delta",
    type=float,
    default=0.9,
    show_default=True,
    metavar="DELTA",
    help="Recall from which on a query counts as well served when the page opens.",
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@json_option
def report(
    runs: tuple[str, ...],
    page: str | None,
    figures: str | None,
    svg: bool,
    view: str | None,
    tables: tuple[Path, ...],
    delta: float,
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
    from vbench.runs.failed import failed_trials, missing_results
    from vbench.runs.views import open_view

    def write_all(given: list[Run]) -> Reported:
        opened = [open_view(run, view) for run in given]
        default = opened[0].path / "report.html" if len(opened) == 1 else Path("report.html")
        written = write(opened, page or default, delta=delta)
        drawn: list[Path] = []
        if figures is not None:
            from vbench.render.figures import export

            drawn = export.write(opened, figures, vector=svg)
        if tables:
            from vbench._tables import write_table
            from vbench.analysis.summary import summarize

            summed = [summarize(run) for run in opened]
            rows = [{"run": each.run, **row} for each in summed for row in each.records("settings")]
            known = dict.fromkeys(name for row in rows for name in row)
            printed = [name for name in known if name.startswith(_PRINTED)]
            for path in tables:
                write_table(rows, path, printed if path.suffix == ".tex" else None)
        return Reported(
            page=str(written),
            figures=list(map(str, drawn)),
            failed=failed_trials(opened),
            missing=missing_results(opened),
        )

    done = open_runs(runs, write_all)
    if as_json:
        print_json(done)
    else:
        from vbench.analysis.verdict import tell_missing
        from vbench.render.terminal.output import console
        from vbench.render.terminal.tables import print_warnings

        print_warnings(console(), list(tell_missing(done.missing)))
        say(f"page: {done.page}")
        if figures is not None:
            say(f"figures: {len(done.figures)} files in {figures}")
        for path in tables:
            say(f"table: {path}")
    if show:
        click.launch(Path(done.page).resolve().as_uri())
