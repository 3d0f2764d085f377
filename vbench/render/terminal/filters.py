"""The tables of a run under filters."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from vbench import numbers
from vbench.analysis.filters import TABLED, FilteredRow, FilterFacts, Filtering
from vbench.analysis.summary import find_extra
from vbench.measures.grammar import parse
from vbench.render.terminal.output import print_table
from vbench.render.terminal.tables import head_of, make_table, parameter_names

_SCAN = "†"


def print_filtering(out: Console, found: Filtering) -> None:
    """Print what each filter leaves, and how evenly each setting answers under it."""
    print_table(out, _filters(found.filters))
    facts = {each.filter: each for each in found.filters}
    for k in sorted({row.k for row in found.settings}):
        rows = [row for row in found.settings if row.k == k]
        print_table(out, _settings(rows, facts, k), 2 + len(parameter_names(rows)))


def _filters(filters: Sequence[FilterFacts]) -> Table:
    table = make_table(
        "Filters",
        *("filter", "masks", "vectors that pass", "share", "correlation", "fewer than K", "none"),
    )
    table.caption = (
        "correlation: share that passes of the nearest without a filter, over that of all; under 1 "
        "the filter keeps away what the queries look for. fewer than K, none: queries that have "
        "so many vectors to find."
    )
    for each in filters:
        table.add_row(
            each.filter,
            str(each.masks),
            f"{each.allowed:,.0f}",
            numbers.write(each.selectivity, "share"),
            "–" if each.correlation is None else f"{each.correlation:.2f}",
            f"{each.short:,}",
            f"{each.empty:,}",
        )
    return table


def _settings(rows: Sequence[FilteredRow], facts: dict[str, FilterFacts], k: int) -> Table:
    measures = [parse(name.format(k=k)) for name in TABLED]
    measures += [each for each in find_extra(rows[0].measures, k) if each not in measures]
    names = parameter_names(rows)
    masks = max(row.masks for row in rows)
    chance = "queries, builds and masks" if masks > 1 else "queries and builds"
    table = make_table(
        f"Under filters: recall of the top {k}; 95 % intervals over {chance}",
        *("index", *names, "filter", *(each.short for each in measures)),
        text=("filter",),
    )
    if any(row.scan_is_cheaper for row in rows):
        table.caption = (
            f"{_SCAN} more distances than there are vectors that pass: to compare the query with "
            "each of these would be cheaper, and exact"
        )
    for row in rows:
        text = None if row.view is None else row.view.filter
        share = "" if text is None else f" ({numbers.write(facts[text].selectivity, 'share')})"
        cells = []
        for measure in measures:
            value = row.measures.get(str(measure))
            if value is None:
                cells.append("")
                continue
            mark = _SCAN if row.scan_is_cheaper and str(measure) == "Work" else ""
            shown = numbers.write(value.value, measure.unit) + mark
            cells.append(f"{shown}\n{numbers.write_ends(value, measure.unit)}".rstrip())
        table.add_row(*head_of(row, names), f"{text or 'none'}{share}", *cells)
    return table
