"""The tables of a study, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from vbench.analysis.scaling import ScalingLine
from vbench.analysis.study import StudyResult, StudyRow
from vbench.analysis.verdict import tell_missing
from vbench.errors import VbenchError
from vbench.measures.base import Measure
from vbench.measures.grammar import parse
from vbench.numbers import Unit, write
from vbench.render.ageing import label_age
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import make_table, print_warnings
from vbench.runs.loads import label_load
from vbench.runs.settings import spell

_TOLD = ("failed-trials", "random-recall", "level-not-reached", "busy-machine")
_HEADS = ("part", "dataset", "k", "index", "build", "setting")
_LINE_HEADS = ("part", "dataset", "k", "index", "at", "measure")


def print_study(result: StudyResult) -> None:
    """Print the tables, what to know of the runs, and where the files lie."""
    out = console()
    out.print(result.title, style="bold")
    for name, rows in result.tables.items():
        if rows:
            print_table(out, _table(name, rows), len(_HEADS))
    for name, lines in result.scaling.items():
        if lines:
            print_table(out, _lines(name, lines), len(_LINE_HEADS))
    for run in result.runs:
        for warning in run.warnings:
            if warning.code in _TOLD:
                about = f"{run.part} {run.dataset}: {warning.about}"
                out.print(f"! {about}: {warning.message}", style="yellow")
    print_warnings(out, list(tell_missing(result.missing)))
    for reason in result.undrawn:
        out.print(f"! not drawn: {reason}", style="yellow")
    out.print(f"figures: {len(result.figures)} files in {result.folder}/figures", soft_wrap=True)
    tables = len(result.tables) + len(result.scaling)
    out.print(f"tables: {tables} files in {result.folder}/tables", soft_wrap=True)
    if result.page is not None:
        out.print(f"page: {result.page}", soft_wrap=True)


def _table(name: str, rows: Sequence[StudyRow]) -> Table:
    """What the table asks for of every setting, and under which condition where there is one."""
    conditions = [_condition(row) for row in rows]
    heads = (*_HEADS, "under") if any(conditions) else _HEADS
    measures = {row.measure: _parse(row) for row in rows}
    shorts = [of.short.removesuffix(f"@{of.cutoff}") for of in measures.values()]
    table = make_table(name, *heads, *shorts, text=heads)
    settings: dict[tuple[str, ...], dict[str, float | None]] = {}
    for row, condition in zip(rows, conditions, strict=True):
        parameters = (spell(row.build), spell(row.setting))
        of = (row.part, row.dataset, str(row.k), row.index, *parameters, condition)
        settings.setdefault(of, {})[row.measure] = row.value
    for key, values in settings.items():
        cells = [write(values.get(each), measures[each].unit) for each in measures]
        table.add_row(*key[: len(heads)], *cells)
    return table


def _lines(name: str, lines: Sequence[ScalingLine]) -> Table:
    """What each line says of a doubling, of the size that was asked for, and of itself."""
    told = [tell_line(line) for line in lines]
    table = make_table(name, *_LINE_HEADS, *told[0], text=_LINE_HEADS)
    for line, cells in zip(lines, told, strict=True):
        index = f"{line.index} {spell(line.build)}".strip()
        named = (line.part, line.dataset, str(line.k), index, line.at, line.measure)
        table.add_row(*named, *cells.values())
    return table


def tell_line(line: ScalingLine) -> dict[str, str]:
    """By column: the change with a doubling, the forecast, and what it said of the largest size."""
    unit: Unit = "number" if line.is_factor else "score"
    step, ends, out = line.per_doubling, line.forecast, line.left_out
    change = f"× {step.value:.3f}" if line.is_factor else f"{step.value:+.3f}"
    told = write(ends.value, unit)
    if ends.low is not None and ends.high is not None:
        told += f" [{write(ends.low, unit)}, {write(ends.high, unit)}]"
    judged = "–"
    if out is not None:
        judged = f"{write(out.value, unit)}, was {write(out.found, unit)}"
        if out.is_within is not None:
            judged += ": holds" if out.is_within else ": does not hold"
    return {
        "a doubling": change,
        f"at {ends.n:,}": told,
        "largest size, foretold": judged,
    }


def _parse(row: StudyRow) -> Measure:
    try:
        return parse(f"{row.measure}@{row.k}")
    except VbenchError:
        return parse(row.measure)


def _condition(row: StudyRow) -> str:
    """Filter, age or load of a row; "" where it is the usual."""
    filter_ = row.view.filter if row.view else None
    age = "" if row.age is None else f"{row.workload}: {label_age(row.age)}"
    return " ".join(filter(None, (filter_, age, label_load(row.load))))
