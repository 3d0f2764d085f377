"""`vbench compare`: whether one index is better than another, or only luckier."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vbench.cli.command import Command
from vbench.cli.options import (
    cluster_option,
    runs_argument,
    setting_option,
    table_file,
    view_option,
)
from vbench.cli.values import complete_measure
from vbench.errors import VbenchError
from vbench.render.terminal.output import json_option, print_json, say

if TYPE_CHECKING:
    from vbench.runs.run import Run

_EXAMPLES = """
\b
Examples:
  vbench compare results/books-hnsw-ivf-flat-1a2b3c4d
  vbench compare RUN --baseline 'hnsw ef=64' --candidate 'ivf-flat nprobe=16'
  vbench compare before after --setting ef=64 --measure 'Robustness(delta=0.9)@10'
  vbench compare RUN --setting ef=64 --at-least 'Recall@10>=0.95'
  vbench compare before after --fail-if-worse 1% --junit compare.xml --badge recall.svg
  vbench compare before after --fail-if-worse 1% --markdown >> "$GITHUB_STEP_SUMMARY"
"""


_PRINTED = (
    *("measure", "baseline", "candidate", "baseline_value", "candidate_value"),
    *("difference", "low", "high", "p_holm"),
)
"""Columns that a table for print has."""


@click.command(
    cls=Command,
    epilog=_EXAMPLES,
    short_help="Compare two indexes, or two runs.",
)
@runs_argument
@click.option(
    "--baseline",
    metavar="INDEX",
    help="An index, with parameters where needed, as in 'hnsw ef=64'.  "
    "[default: the first index of the first run]",
)
@click.option(
    "--candidate",
    metavar="INDEX",
    help="Likewise.  [default: the other indexes; across runs, the same index]",
)
@setting_option(
    help="Only settings with this value. Repeats; several values of a parameter are alternatives.",
)
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="MEASURE",
    shell_complete=complete_measure,
    help="Measure to compare, such as R0.9@10 or QPS. Repeats.  "
    "[default: recall, robustness at 0.9, the worst 5 %, zero-recall queries]",
)
@cluster_option
@click.option(
    "--fail-if-worse",
    metavar="LOSS",
    help="Exit with 1 if a measure is significantly worse, by LOSS or more, such as 0.01 or 1% "
    "(for a cost: by this share of the baseline).",
)
@click.option(
    "--fail-if-blind",
    is_flag=True,
    help="Exit with 3 if --fail-if-worse could not have detected such a loss.",
)
@click.option(
    "--at-least",
    multiple=True,
    metavar="FLOOR",
    help="Exit with 1 unless the candidate, or each setting of one run, reaches this by its 95 % "
    "bound, such as 'Recall@10>=0.95' or 'Failure@10<=0.1%'. Repeats.",
)
@click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only queries of this segment. Repeats; several values of a column are alternatives.",
)
@view_option(
    help="Only under this filter, as it was given to the run; none: under none.  "
    "[default: every view that both sides have]"
)
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the verdicts as JUnit's XML too, a case for each.",
)
@click.option(
    "--badge",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.svg",
    help="Write a badge too: the first measure of the candidate, and whether it passed.",
)
@table_file(help="Write every comparison as a table too: .csv, .tex or .parquet. Repeats.")
@click.option("--markdown", is_flag=True, help="GitHub-flavored Markdown on standard output.")
@json_option
def compare(
    runs: tuple[str, ...],
    junit: Path | None,
    badge: Path | None,
    tables: tuple[Path, ...],
    markdown: bool,
    as_json: bool,
    **asked: Any,
) -> int:
    """Tell whether a candidate differs from a baseline, by how much, and for which queries.

    With one run, its first index is the baseline; with several, the first run is. An index with
    the same settings on both sides is compared at each of them; different indexes are compared
    where their mean recall is closest. A gate exits with 1 where it fails, and with 3 where it
    cannot be judged here, as times on unlike machines.
    """
    from vbench._tables import write_table
    from vbench.analysis.compare import compare as compared
    from vbench.analysis.comparison import Comparison, store_comparison
    from vbench.cli.runs import open_runs
    from vbench.data.files import write_whole

    if markdown and as_json:
        raise click.UsageError("give --markdown or --json, not both")

    def compare_runs(opened: list[Run]) -> tuple[Run, Comparison]:
        return opened[-1], compared(opened, **asked)

    last, comparison = open_runs(runs, compare_runs)
    try:
        if comparison.comparisons:  # floors alone are no comparison for a report
            store_comparison(last, comparison)
    except VbenchError as error:
        # A run from elsewhere may lie in a folder that cannot be written; the verdict stands.
        say(f"vbench: warning: {error}; the report will not show this comparison", err=True)
    if junit:
        from vbench.render.junit import junit_of

        write_whole(junit, junit_of(comparison).encode())
    if badge:
        from vbench.render.badge import badge_of

        write_whole(badge, badge_of(comparison).encode())
    for path in tables:
        rows = comparison.records("comparisons")
        write_table(rows, path, _PRINTED if path.suffix == ".tex" and rows else None)
    if as_json:
        print_json(comparison)
    elif markdown:
        from vbench.render.markdown import markdown_of

        say(markdown_of(comparison))
    else:
        from vbench.render.terminal.compare import print_comparison

        print_comparison(comparison)
    return comparison.exit_code
