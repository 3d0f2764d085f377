"""The table of a run under load: how fast, how late, of several clients, at a rate, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from vbench import numbers
from vbench.analysis.summary import SummaryRow, standard_measures
from vbench.measures.base import Measure
from vbench.measures.grammar import parse
from vbench.render.loads import ALONE
from vbench.render.terminal.tables import head_of, make_table, parameter_names
from vbench.runs.loads import label_load

_SHOWN = ("QPS", "Latency(p=50)", "Latency(p=99)")


def tabulate_loads(rows: Sequence[SummaryRow], k: int) -> Table | None:
    """The settings of K that were asked under some load, each beside itself alone."""
    loaded = [row for row in rows if row.load is not None]
    if not loaded:
        return None
    usual = {str(measure) for measure in standard_measures(k)}
    more = [each for each in map(parse, loaded[0].measures) if str(each) not in usual]
    measures = [parse(f"Recall@{k}"), *map(parse, _SHOWN), *more]
    table = make_table(
        f"Under load (top {k})",
        "index",
        *(names := parameter_names(rows)),
        "asked",
        *(str(each) if each in more else each.short for each in measures),
        text=["asked"],
    )
    table.caption = (
        f"{ALONE}: one query after another, QPS of each query's fastest call. clients: each asks "
        "its next query when the last is answered. rate: queries a second come at random moments, "
        "latency from then on. QPS: answers / wall time."
    )
    for row in _beside(rows):
        asked = label_load(row.load) or ALONE
        table.add_row(*head_of(row, names), asked, *(_cell(row, each) for each in measures))
    return table


def _beside(rows: Sequence[SummaryRow]) -> Iterator[SummaryRow]:
    """Each setting alone, then under its loads."""
    groups: dict[str, list[SummaryRow]] = {}
    for row in rows:
        groups.setdefault(repr((row.index, row.build, row.setting)), []).append(row)
    for group in groups.values():
        if any(row.load for row in group):
            yield from sorted(group, key=lambda row: row.load is not None)


def _cell(row: SummaryRow, measure: Measure) -> str:
    found = row.measures[str(measure)]
    text = numbers.write_spread(found, found.spread, measure.unit)
    return f"{text}\n{numbers.write_ends(found, measure.unit)}".rstrip()
