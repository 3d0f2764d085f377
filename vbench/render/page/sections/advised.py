"""A table of the page: changes of a graph that were tried, those that helped first."""

from __future__ import annotations

from vbench.analysis.gather import Panel
from vbench.analysis.tail import explain_panel, settings_of
from vbench.numbers import write, write_difference, write_difference_ends
from vbench.render.page.parts import Cell, Column, Row, Table


def advice_table(panel: Panel) -> Table | None:
    """What ``vbench tail --advise`` tried for the graphs of a panel; None where it did nothing."""
    told = explain_panel(panel)
    rows = []
    for shown, index in zip(settings_of(panel), told.indexes, strict=True):
        tried = () if index.internals is None else index.internals.advice or ()
        for each in sorted(tried, key=lambda change: not change.gained):
            cells = [
                Cell(str(shown.variant)),
                Cell(each.what),
                Cell("yes" if each.gained else "no"),
                *(
                    Cell(
                        write_difference(found.value, "share"),
                        found.value,
                        write_difference_ends(found, "share"),
                    )
                    for found in (each.reached, each.zero)
                ),
                Cell(f"{write(each.work_before, 'count')} → {write(each.work, 'count')}"),
                Cell(each.advice),
            ]
            rows.append(Row(cells, pick=shown.id, index=shown.title))
    if not rows:
        return None
    return Table(
        f"advice-{panel.id}",
        f"What was tried for the graph, and helped at equal work: {panel.name}",
        "One searcher for all graphs, which counts distances, at a width that costs as much; it is "
        "judged by queries that nothing was learned or chosen from.",
        [
            Column("index", number=False),
            Column("change", number=False),
            Column("helps", "Its interval excludes that it does not", number=False),
            Column(f"at {told.delta:g}", "Change of the share of queries at δ"),
            Column("zero-recall", "Change of the share of queries without a hit"),
            Column("distances a query", number=False),
            Column("what to do", number=False),
        ],
        rows,
        panel=panel.id,
    )
