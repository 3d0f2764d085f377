"""The tables of a study, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from vbench.analysis.study import StudyResult, StudyRow
from vbench.analysis.verdict import tell_missing
from vbench.numbers import write
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import make_table, print_warnings
from vbench.runs.settings import spell

_TOLD = ("failed-trials", "random-recall", "level-not-reached", "busy-machine")
_HEADS = ("part", "dataset", "k", "index", "build", "setting")
_SHOWN = {
    "Recall": "Recall",
    "Robustness(delta=0.1)": "R-0.1",
    "Robustness(delta=0.5)": "R-0.5",
    "Robustness(delta=0.9)": "R-0.9",
}


def print_study(result: StudyResult) -> None:
    """Print the tables, what to know of the runs, and where the files lie."""
    out = console()
    out.print(result.title, style="bold")
    for name, rows in result.tables.items():
        if rows:
            print_table(out, _table(name, rows), len(_HEADS))
    for run in result.runs:
        for warning in run.warnings:
            if warning.code in _TOLD:
                about = f"{run.part} {run.dataset}: {warning.about}"
                out.print(f"! {about}: {warning.message}", style="yellow")
    print_warnings(out, list(tell_missing(result.missing)))
    for reason in result.undrawn:
        out.print(f"! not drawn: {reason}", style="yellow")
    out.print(f"figures: {len(result.figures)} files in {result.folder}/figures")
    out.print(f"tables: {len(result.tables)} files in {result.folder}/tables")
    out.print(f"page: {result.page}")


def _table(name: str, rows: Sequence[StudyRow]) -> Table:
    table = make_table(name, *_HEADS, *_SHOWN.values(), text=_HEADS)
    settings: dict[tuple[str, ...], dict[str, float | None]] = {}
    for row in rows:
        parameters = (spell(row.build), spell(row.setting))
        heads = (row.part, row.dataset, str(row.k), row.index, *parameters)
        settings.setdefault(heads, {})[row.measure] = row.value
    for key, values in settings.items():
        table.add_row(*key, *(write(values.get(measure), "score") for measure in _SHOWN))
    return table
