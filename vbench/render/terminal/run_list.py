"""The table of `vbench runs list`."""

from __future__ import annotations

from vbench.analysis.run_list import FoundRun, RunList
from vbench.numbers import write
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import make_table, style_text


def print_runs(found: RunList) -> None:
    """Print the runs, the latest first."""
    out = console()
    table = make_table(
        "", *("run", "began", "dataset", "indexes", "K", "builds", "trials", "also", "size")
    )
    for each in found.runs:
        table.add_row(
            each.path,
            each.created[:16].replace("T", " "),
            each.dataset,
            ", ".join(each.indexes),
            ", ".join(map(str, each.k)),
            str(each.builds),
            _trials(each),
            ", ".join(each.kept),
            write(each.bytes, "bytes"),
        )
    print_table(out, table)
    for line in found.damaged:
        out.print(style_text(line, style="yellow"))


def _trials(run: FoundRun) -> str:
    failed = f", {run.failed} failed" if run.failed else ""
    return (f"{run.done}" if run.done == run.planned else f"{run.done} of {run.planned}") + failed
