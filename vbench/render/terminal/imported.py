"""What became of results of another tool, for a person at a terminal."""

from __future__ import annotations

from rich.console import Console

from vbench import numbers
from vbench.analysis.imported import Imported, LeftOut, Means
from vbench.numbers import count
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.run import print_summary
from vbench.render.terminal.tables import make_table
from vbench.runs.settings import spell

_SHOWN = 20


def print_imported(done: Imported) -> None:
    """Print the run, the results of which only means are known, and those that were left out."""
    out = console()
    if done.summary is not None:
        print_summary(done.summary)
    if done.means:
        _print_means(out, done.means)
    if done.left_out:
        _print_left_out(out, done.left_out)


def _print_means(out: Console, means: list[Means]) -> None:
    table = make_table(
        "Only means are known of these: no query's own recall, so no robustness",
        *("index", "dataset", "parameters", "k", "recall", "QPS", "p95", "p99", "build"),
        text=("index", "dataset", "parameters"),
    )
    for each in means[:_SHOWN]:
        table.add_row(
            each.index,
            each.dataset,
            spell(each.parameters),
            "–" if each.k is None else str(each.k),
            numbers.write(each.recall, "score"),
            numbers.write(each.qps, "rate"),
            *(numbers.write(x, "seconds") for x in (each.p95, each.p99, each.build_seconds)),
        )
    print_table(out, table)
    if len(means) > _SHOWN:
        out.print(f"and {count(len(means) - _SHOWN, 'others')}; --json has all", style="dim")
    out.print(
        "A run needs the ids that every query got, or its recall: vector-db-benchmark keeps that "
        "with DETAILED_RESULTS=1 and parallel = 1; of others, vbench import takes a table of "
        "answers."
    )


def _print_left_out(out: Console, left_out: list[LeftOut]) -> None:
    table = make_table(f"Left out: {count(len(left_out), 'results')}", "reason", text=("reason",))
    for each in left_out[:_SHOWN]:
        table.add_row(each.reason)
    print_table(out, table)
    if len(left_out) > _SHOWN:
        out.print(f"and {count(len(left_out) - _SHOWN, 'others')}; --json has all", style="dim")
