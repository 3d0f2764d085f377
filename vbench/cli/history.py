"""`vbench history`: a measure over versions or commits, and where it changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vbench.cli.command import Command
from vbench.cli.options import setting_option, table_file, view_option
from vbench.cli.values import complete_measure
from vbench.render.terminal.output import json_option, print_json, say

if TYPE_CHECKING:
    from vbench.analysis.history import History
    from vbench.runs.run import Run

_EXAMPLES = """
\b
Examples:
  vbench history history
  vbench history results/v1 results/v2 results/v3 --measure R0.9@10 --measure QPS
  vbench history history --setting ef=64 --where activity=new --table history.csv
"""


@click.command(
    cls=Command, epilog=_EXAMPLES, short_help="Follow a measure over versions or commits."
)
@click.argument("paths", nargs=-1, required=True, metavar="FOLDER|RUN…", type=click.Path())
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="MEASURE",
    shell_complete=complete_measure,
    help="Measure to follow, such as R0.9@10 or QPS. Repeats.  [default: R0.9@K]",
)
@setting_option(
    help="Only settings with this value. Repeats; several values of a parameter are alternatives.",
)
@click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only queries of this segment. Repeats; several values of a column are alternatives.",
)
@view_option(help="Under this filter, as it was given to the runs.  [default: the whole base]")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Path of the page.  [default: history.html, in the one folder that is given, or here]",
)
@table_file(help="Write all points as a table too: .csv, .tex or .parquet. Repeats.")
@json_option
def history(
    paths: tuple[str, ...],
    page: Path | None,
    tables: tuple[Path, ...],
    as_json: bool,
    **asked: Any,
) -> None:
    """Follow a measure over runs of the same data, from the oldest to the latest.

    FOLDER holds run folders, such as one for each commit or version. A change is told where the
    runs from there on differ from those before by more than builds and queries explain, corrected
    for all places that are looked at.
    """
    from vbench._tables import write_table
    from vbench.analysis.history import trace
    from vbench.analysis.run_list import find_folders
    from vbench.cli.runs import open_runs
    from vbench.render.page.history import NAME, write_page

    folders = find_folders(paths)

    def trace_runs(opened: list[Run]) -> History:
        return trace(opened, **asked)

    found = open_runs(folders, trace_runs)
    only = Path(paths[0]) if len(paths) == 1 else Path()
    written = write_page(found, page or only / NAME)
    for path in tables:
        write_table(found.points(), path, None)
    if as_json:
        print_json(found)
        return
    from vbench.render.terminal.history import print_history

    print_history(found)
    say(f"page: {written}")
