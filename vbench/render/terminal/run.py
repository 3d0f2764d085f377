"""The tables of a run, for a person at a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table

from vbench import numbers
from vbench._document import Estimated
from vbench.analysis.summary import Summary, SummaryRow, find_extra, standard_measures
from vbench.measures.base import Measure
from vbench.measures.hits import threshold
from vbench.measures.usual import DELTAS
from vbench.render.quantities import tell_whose_times
from vbench.render.terminal.ageing import print_ageing
from vbench.render.terminal.filters import print_filtering
from vbench.render.terminal.loads import tabulate_loads
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import (
    head_of,
    lead_with,
    make_table,
    merge_same,
    parameter_names,
    print_failed,
    print_warnings,
    style_text,
)
from vbench.runs.schema import Level
from vbench.runs.settings import spell

_DISTURBED = "*"


def print_summary(summary: Summary) -> None:
    """Print how evenly, at what cost, what failed, the warnings, and what to do next."""
    out = console()
    data = summary.dataset
    every = merge_same([row for row in summary.settings if row.view is None])
    settings = [row for row in every if row.load is None]
    out.print(
        lead_with(
            data.name,
            f": {data.n:,} base vectors × {data.d}, {data.asked}, {data.metric}"
            + (f"; {data.learn.rows:,} other queries to learn from" if data.learn else ""),
        )
    )
    print_levels(out, summary.levels)
    for k in sorted({row.k for row in settings}):
        rows = [row for row in settings if row.k == k]
        heads = 1 + len(parameter_names(rows))
        print_table(out, _evenness(rows, k, summary.cluster), heads)
        print_table(out, _cost(rows, k, summary.options.repeats), heads)
        _print_extra(out, rows, k)
        with_loads = [row for row in every if row.k == k]
        if (table := tabulate_loads(with_loads, k)) is not None:
            print_table(out, table, heads + 1)
    if summary.filtering is not None:
        print_filtering(out, summary.filtering)
    for workload in summary.ageing:
        print_ageing(out, workload)
    print_failed(out, summary.failed)
    print_warnings(out, summary.warnings)
    if overhead := summary.overhead:
        out.print(
            f"harness: {overhead.inside_ns:.0f} ns a query inside the timed call, "
            f"{overhead.outside_ns:.0f} ns outside it",
            style="dim",
        )
    out.print(f"run folder: {summary.run}", soft_wrap=True)
    if summary.report:
        out.print(f"report: {summary.report}", soft_wrap=True)
    if not summary.settings and summary.failed:
        out.print(f"no result: {summary.failed[0].reason}", style="bold red")
        return
    out.print(
        f"next: open the report; vbench tail {shlex.quote(summary.run)} says which queries "
        "fail and why; "
        + (
            "another --index beside this one compares them"
            if summary.origin is None
            else f"vbench compare {shlex.quote(summary.run)} OTHER sets another run beside it"
        ),
        style="dim",
    )


def print_levels(out: Console, levels: Sequence[Level]) -> None:
    """Print how each index was brought to one mean recall."""
    if not levels:
        return
    target, tolerance = levels[0].target, levels[0].tolerance
    columns = ("index", "k", "chosen", "mean recall", "tried", "note")
    table = make_table(
        f"Matched recall: {target:g} ± {tolerance:g}, over all builds", *columns, text=columns
    )
    for level in levels:
        recalls = dict(level.tried)
        chosen = [setting.get(level.tune_parameter or "") for setting in level.chosen]
        table.add_row(
            f"{level.index} {spell({**level.build, **level.fixed})}".strip(),
            str(level.k),
            ", ".join(f"{level.tune_parameter}={value}" for value in chosen if value is not None)
            or "–",
            ", ".join(numbers.write(recalls[each], "score") for each in chosen if each in recalls)
            or "–",
            f"{len(recalls)} settings",
            style_text(level.note or "at the level", style="" if level.reached else "yellow"),
        )
    print_table(out, table)


def _table(
    title: str, rows: Sequence[SummaryRow], columns: Iterable[str], caption: str | None = None
) -> Table:
    table = make_table(title, "index", *parameter_names(rows), *columns)
    table.caption = caption
    return table


def _evenness(rows: Sequence[SummaryRow], k: int, cluster: str | None) -> Table:
    builds = max(row.builds for row in rows)
    chance = f"queries and {builds} builds" if builds > 1 else "queries, one build"
    clustered = f", clustered by {cluster}" if cluster else ""
    spread = "± standard deviation over builds, then " if builds > 1 else ""
    # One neighbor is enough there: all queries but those of zero recall, which have a column.
    redundant = {f"Robustness(delta={each})@{k}" for each in DELTAS if threshold(each, k) == 1}
    measures = [
        each for each in standard_measures(k) if each.kind != "cost" and str(each) not in redundant
    ]
    delta = rows[0].tail.delta
    table = _table(
        f"How evenly: recall of the top {k}; {spread}95 % intervals over {chance}{clustered}",
        rows,
        [*(each.short for each in measures), f"<{delta:g} in every build", "in some builds"],
        "R-δ: share of queries with recall ≥ δ. zero-recall: queries none of whose neighbors was "
        f"found. <{delta:g} in every / in some builds: queries with recall under {delta:g} there, "
        "of these builds (intervals over queries only).",
    )
    names = parameter_names(rows)
    for row in rows:
        parts = (row.tail.persistent, row.tail.build_dependent)
        table.add_row(
            *head_of(row, names),
            *(_cell(row, measure) for measure in measures),
            *(_lines(numbers.write(each.value, "share"), numbers.write_ends(each, "share"))
              for each in parts),
        )  # fmt: skip
    return table


def _cost(rows: Sequence[SummaryRow], k: int, repeats: int) -> Table:
    title = f"Cost (top {k}, one query at a time; batch: one call with all)"
    if max(row.builds for row in rows) > 1:
        title += "; 95 % intervals over builds"
    measures = [each for each in standard_measures(k) if each.kind == "cost"]
    best = f" (best of {repeats})" if repeats > 1 else ""
    table = _table(
        title,
        rows,
        [each.short + (best if str(each) == "QPS" else "") for each in measures],
        " ".join(_notes_on_cost(rows)) or None,
    )
    names = parameter_names(rows)
    for row in rows:
        table.add_row(*head_of(row, names), *(_cell(row, measure) for measure in measures))
    return table


def _notes_on_cost(rows: Sequence[SummaryRow]) -> Iterator[str]:
    if any(row.disturbed for row in rows):
        yield f"{_DISTURBED} other work took the core in every pass of some build."
    if told := tell_whose_times(row.index for row in rows if row.service):
        yield told


def _print_extra(out: Console, rows: Sequence[SummaryRow], k: int) -> None:
    """Measures that were asked for beside the standard ones, with their intervals."""
    measures = find_extra(rows[0].measures, k)
    if not measures:
        return
    table = _table("Asked for (95 % interval)", rows, map(str, measures))
    names = parameter_names(rows)
    for row in rows:
        table.add_row(*head_of(row, names), *(_cell(row, measure) for measure in measures))
    print_table(out, table, 1 + len(names))


def _cell(row: SummaryRow, measure: Measure) -> str:
    """A measure with its spread, the interval under it, and a mark where it was disturbed."""
    found: Estimated = row.measures[str(measure)]
    text = numbers.write_spread(found, found.spread, measure.unit)
    mark = _DISTURBED if row.disturbed and measure.is_clocked else ""
    return _lines(text + mark, numbers.write_ends(found, measure.unit))


def _lines(value: str, ends: str) -> str:
    return f"{value}\n{ends}".rstrip()
