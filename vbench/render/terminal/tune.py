"""The tables of tuning, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Collection

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vbench.analysis.answer import say_answer
from vbench.analysis.document import SettingRow
from vbench.analysis.tuning import Bounded, TargetResult, Tuning, command_of
from vbench.measures.targets import head_of, measure_named
from vbench.numbers import write
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import (
    lead_with,
    make_table,
    merge_same,
    print_failed,
    print_warnings,
    style_text,
)
from vbench.runs.settings import spell
from vbench.runs.views import WHOLE

_MARKS = {True: "✓", False: ""}


def print_tuning(tuning: Tuning) -> None:
    """Print what was tried, what the held-out queries say, and the verdict."""
    out = console()
    data, queries = tuning.dataset, tuning.queries
    out.print(
        lead_with(
            data.name,
            f": {data.n:,} base vectors × {data.d}, {data.metric}; "
            f"{queries.calibration:,} queries choose, {queries.held_out:,} certify",
        )
    )
    print_table(out, _tried(tuning))
    if len(tuning.views) > 1:
        print_table(out, _in_views(tuning))
    print_table(out, _held_out(tuning))
    for view in tuning.views:
        if view.without:
            out.print(
                f"{view.name}: {view.without:,} of the queries: no neighbor to find; served in "
                "Robustness, left out of Recall",
                style="dim",
            )
    print_failed(out, tuning.failed)
    print_warnings(out, tuning.warnings)
    _print_verdict(out, tuning)


def _tried(tuning: Tuning) -> Table:
    names = list(tuning.tried[0].measures)
    weakest = ", in the weakest view" if len(tuning.views) > 1 else ""
    table = make_table(
        "Tried on the calibration half: value, and in brackets the bound of the worst build"
        f"{weakest} ({tuning.level:.0%} confidence)",
        *("setting", *map(head_of, names), "targets met", "passes"),
    )
    common = _common(tuning)
    for row in merge_same(tuning.tried):
        shown = [(name, row.measures[name]) for name in names]
        table.add_row(
            _setting(row, common),
            *(_bounded(name, each) for name, each in shown),
            _MARKS[row.met],
            _MARKS[row.passes],
        )
    table.caption = (
        "passes: the bound of every build meets all targets that so many queries can certify."
    )
    return table


def _bounded(name: str, found: Bounded) -> str:
    bound = "" if found.bound is None else f" ({_write(name, found.bound)})"
    return f"{_write(name, found.value)}{bound}"


def _in_views(tuning: Tuning) -> Table:
    """Every target of every setting in each view: what each of them needs."""
    names = [name for name in tuning.tried[0].measures if name != tuning.best.objective.measure]
    table = make_table(
        "The same view by view",
        "setting",
        *(f"{view.name}\n{head_of(name)}" for view in tuning.views for name in names),
    )
    common = _common(tuning)
    for row in merge_same(tuning.tried):
        views = {each.view: each for each in row.views}
        cells = [
            _bounded(name, views[view.name].measures[name]) if view.name in views else ""
            for view in tuning.views
            for name in names
        ]
        table.add_row(_setting(row, common), *cells)
    table.caption = "A setting that misses a target in one view is not asked in the others."
    return table


def _held_out(tuning: Tuning) -> Table:
    best = tuning.best
    several = [view.name for view in tuning.views] != [WHOLE]
    columns = ("target", "value", "bound", "builds", "verdict")
    table = make_table("On the held-out half", "setting", *(["view"] if several else []), *columns)
    for each in best.targets:
        found = each.held_out
        table.add_row(
            _setting(best),
            *([each.view] if several else []),
            each.target,
            _write(each.measure, found.value),
            "none" if found.bound is None else _write(each.measure, found.bound),
            ", ".join(_write(each.measure, value) for value in found.builds),
            _certificate(each),
        )
    objective = best.objective
    value = _write(objective.measure, objective.held_out)
    mean = ["mean of views" if len(tuning.views) > 1 else ""] if several else []
    table.add_row(_setting(best), *mean, f"({tuning.objective})", value, "", "", "")
    return table


def _certificate(target: TargetResult) -> Text:
    if target.certified:
        return style_text("certified", style="green")
    needed = f", {target.more_queries:,} more queries needed" if target.more_queries else ""
    return style_text(f"not certified{needed}", style="yellow")


def _print_verdict(out: Console, tuning: Tuning) -> None:
    out.print(style_text(tuning.verdict, style="bold green" if tuning.certified else "bold yellow"))
    if tuning.answer is not None and tuning.met:
        out.print(f"{say_answer(tuning.answer)}.", style="bold")
    out.print(f"{len(tuning.tried)} settings tried, each on {tuning.builds} builds", style="dim")
    out.print(f"run folder: {tuning.run}", soft_wrap=True)
    out.print(f"next: {command_of(tuning)}", style="dim", soft_wrap=True)
    out.print(f"again: {tuning.again}", style="dim", soft_wrap=True)


def _common(tuning: Tuning) -> set[tuple[str, str]]:
    """Build parameters of each index that all of its settings share: they tell none from others."""
    values: dict[tuple[str, str], set[str]] = {}
    for row in tuning.tried:
        for name, value in row.build.items():
            values.setdefault((row.index, name), set()).add(str(value))
    return {key for key, found in values.items() if len(found) == 1}


def _setting(row: SettingRow, common: Collection[tuple[str, str]] = ()) -> str:
    space = f" ({row.space})" if row.space else ""
    build = {name: each for name, each in row.build.items() if (row.index, name) not in common}
    return f"{row.index}{space} {spell({**build, **row.setting})}".strip()


def _write(measure: str, value: float | None) -> str:
    return write(value, measure_named(measure).unit)
