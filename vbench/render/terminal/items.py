"""The tables of the items' side, for a person at a terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from vbench._document import Interval
from vbench.analysis.items import OFTEN, Items, ItemShare
from vbench.analysis.tail import TailReport
from vbench.numbers import write, write_interval
from vbench.render.terminal.tables import make_table

SHOWN = 5
"""Lost items that a table names."""


def tabulate_items(report: TailReport) -> Table | None:
    """One row for each index; None where no ids were recorded."""
    known = [(row, row.items) for row in report.indexes if row.items]
    if not known:
        return None
    table = make_table(
        f"Items: {known[0][1].items:,} of the base are in the exact top {report.k} of some query",
        "index", "lost", "in every build", "in some builds", f"lost, in ≥ {OFTEN} lists",
        "item recall", f"items R-0.5, in ≥ {OFTEN} lists", "Gini of exposure",
    )  # fmt: skip
    for row, items in known:
        table.add_row(
            row.name,
            write_interval(items.lost, "share"),
            *(_share(part) for part in (items.in_every_build, items.in_some_builds)),
            _interval(items.lost_often),
            write_interval(items.recall, "score"),
            _interval(items.robustness),
            write_interval(items.exposure.index, "score"),
        )
    exact = write_interval(known[0][1].exposure.exact, "score")
    table.caption = (
        "lost: no query whose exact list has the item gets it. Gini of how often base vectors are "
        f"returned, 0 where all are alike: {exact} by exact search."
    )
    return table


def tabulate_groups(items: Items) -> Table:
    """What is lost of each segment of the items."""
    table = make_table(
        "Lost items by segment", "column", "segment", "items", "lost", "in every build",
        "of the lost", "lift",
    )  # fmt: skip
    table.columns[1].justify = "left"
    for row in items.groups:
        table.add_row(
            row.column,
            row.segment,
            f"{row.items:,}",
            write_interval(Interval(row.share, row.low, row.high), "share"),
            write(row.in_every_build, "share"),
            write(row.of_lost, "share"),
            write(row.lift, "number"),
        )
    return table


def tabulate_lost(items: Items) -> Table | None:
    """The first of the lost items; None where there is none."""
    if not items.lost_items:
        return None
    columns = list(items.lost_items[0].columns)
    table = make_table(
        "Lost items: those of most builds and exact lists", "item", "exact lists", "builds"
    )
    for name in columns:
        table.add_column(name)
    for each in items.lost_items[:SHOWN]:
        own = (_written(each.columns[name]) for name in columns)
        table.add_row(str(each.id), f"{each.lists:,}", str(each.builds), *own)
    return table


def _share(part: ItemShare) -> str:
    found = write_interval(Interval(part.share, part.low, part.high), "share")
    return f"{part.items:,} = {found}"


def _interval(found: Interval | None) -> str:
    return "–" if found is None else write_interval(found, "share")


def _written(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
