"""`vbench runs`: which run folders there are, several as one, and their queries as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vbench.cli.command import Group
from vbench.cli.options import runs_argument
from vbench.cli.values import complete_measure
from vbench.errors import VbenchError
from vbench.render.terminal.output import json_option, print_json, say

if TYPE_CHECKING:
    import polars as pl

    from vbench.runs.run import Run

_EXAMPLES = """
\b
Examples:
  vbench runs list
  vbench runs list results history --json
  vbench runs merge results/monday results/tuesday --out results/both
  vbench runs export results/both --out queries.parquet --measure R0.9@10
"""


@click.group(cls=Group, epilog=_EXAMPLES, short_help="List, merge and export run folders.")
def runs() -> None:
    """List run folders, make one of several, and export what each query got."""


@runs.command("list")
@click.argument("folders", nargs=-1, type=click.Path())
@json_option
def list_folders(folders: tuple[str, ...], as_json: bool) -> None:
    """List the run folders in FOLDERS, by default in results, the latest first."""
    from vbench.analysis.run_list import list_runs

    if not folders and not Path("results").is_dir():
        raise VbenchError("no run in results/ here: vbench run --index hnsw makes one")
    found = list_runs(folders or ["results"])
    if as_json:
        print_json(found)
    else:
        from vbench.render.terminal.run_list import print_runs

        print_runs(found)


@runs.command()
@runs_argument
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="New folder."
)
def merge(runs: tuple[str, ...], out: Path) -> None:
    """Make one run folder of several of the same data and options.

    Such as of indexes that were measured on several days or machines: each trial keeps what it
    was measured on. What several hold is taken from the first.
    """
    from vbench.bench.call import current_call
    from vbench.cli.runs import open_runs
    from vbench.runs.merge import merge as merge_runs

    made = open_runs(runs, lambda opened: merge_runs(opened, out, current_call()))
    say(f"run folder: {out}, with {len(made.builds)} builds and {len(made.trials)} trials")
    say(f"next: vbench report {out}")


@runs.command()
@runs_argument
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A table, .parquet or .csv.",
)
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="MEASURE",
    shell_complete=complete_measure,
    help="Measure of each query, such as nDCG@10. Repeats.  [default: recall at each K]",
)
def export(runs: tuple[str, ...], out: Path, measures: tuple[str, ...]) -> None:
    """Write what each query got at each setting of each build, with its id and segments."""
    from vbench.cli.runs import open_runs
    from vbench.data.files import whole_file

    if out.suffix not in (".parquet", ".csv"):
        raise VbenchError(f"{out}: give a file that ends with .parquet or .csv")
    frame = open_runs(runs, lambda opened: _queries_of(opened, measures))
    with whole_file(out) as file:
        if out.suffix == ".csv":
            frame.write_csv(file)
        else:
            frame.write_parquet(file)
    say(f"{out}: {len(frame):,} rows")


def _queries_of(opened: list[Run], measures: tuple[str, ...]) -> pl.DataFrame:
    """A row for each query of each trial of some runs, with the run's folder."""
    import polars as pl

    frames = []
    for run in opened:
        asked = list(measures) or [f"Recall@{k}" for k in run.manifest.options.k]
        for each in asked:
            found = run.measure([each], per="query")
            frames.append(found.with_columns(pl.lit(str(run.path)).alias("run")))
    return pl.concat(frames, how="diagonal_relaxed")
