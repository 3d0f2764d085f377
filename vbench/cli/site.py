"""`vbench site`: a static site of runs on several datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vbench.cli.command import Command
from vbench.cli.options import runs_argument
from vbench.render.terminal.output import json_option, print_json, say

if TYPE_CHECKING:
    from vbench.analysis.field import Field
    from vbench.runs.run import Run

_EXAMPLES = """
\b
Examples:
  vbench run --study field
  vbench site results/study-field/runs/* --out site
"""


@click.command(cls=Command, epilog=_EXAMPLES, short_help="Write a static site of runs.")
@runs_argument
@click.option("--out", type=click.Path(), required=True, metavar="DIR", help="Folder of the site.")
@click.option(
    "--at-recall",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=0.9,
    show_default=True,
    metavar="RECALL",
    help="Mean recall at which indexes are compared.",
)
@json_option
def site(runs: tuple[str, ...], out: str, at_recall: float, as_json: bool) -> None:
    """Write a map of indexes on datasets: matrix, curves, who is not told apart, each command.

    index.html needs no server and no script; each dataset has a page as of vbench report. A row is
    ranked with three builds and a setting at the recall; every two indexes of a dataset are
    compared, p adjusted by Holm.
    """
    from vbench.cli.runs import open_runs
    from vbench.render.site import write_site

    def write(given: list[Run]) -> Field:
        return write_site(given, Path(out), at_recall)

    done = open_runs(runs, write)
    if as_json:
        print_json(done)
        return
    for entry in done.entries:
        ranked = [row for row in entry.rows if row.letters]
        say(f"{entry.name}: {len(entry.rows)} indexes, {len(ranked)} of them ranked")
    say(f"site: {Path(out) / 'index.html'}")
