"""Section: which items are never returned where they belong, and how evenly the base is shown."""

from __future__ import annotations

import polars as pl

from vbench.analysis.gather import Panel, Report
from vbench.analysis.items import OFTEN
from vbench.analysis.tail import explain_panel, settings_of
from vbench.numbers import write
from vbench.render import frames
from vbench.render.page.charts import Drawing, Spec, number
from vbench.render.page.charts_rows import draw_rows
from vbench.render.page.parts import Cell, Chart, Column, Row, Section, Table, number_cell


def section(report: Report, draw: Drawing) -> Section | None:
    """Lost items by segment, and the items' side of each index; None without ids."""
    found = [frame for panel in report.panels if len(frame := frames.items(panel))]
    if not found:
        return None
    chart = Chart(
        "items",
        "Lost items",
        "Share of the items in the exact top K of some query that none of these queries gets, with "
        "95 % intervals, at matched recall; by the number of exact lists that have the item, and "
        "by what is known of the items.",
        draw_items(draw, max(frame["label"].n_unique() for frame in found)),
    )
    tables = [table for panel in report.panels if (table := _table(panel)).rows]
    return Section(
        "items",
        "Which items are never shown?",
        "Popular items fill most answers, so that a mean over queries says little of the others. "
        "Here each item counts once: of the queries that should get it, does any?",
        [chart, *tables],
        {"items": pl.concat(found)},
    )


def draw_items(draw: Drawing, count: int) -> Spec:
    """Share of the items that is lost, of all and of each segment: `count` rows at most."""
    return draw_rows(
        draw,
        "items",
        [],
        number("lost", title="lost items"),
        [
            number("items", title="items in it", format=","),
            number("lost", title="lost", format=".2%"),
            number("in_every_build", title="lost in every build", format=".2%"),
        ],
        count,
    )


def _table(panel: Panel) -> Table:
    """The items' side of each index at matched recall."""
    columns = [
        Column("index", number=False),
        Column("lost", "Share of the items that no query gets where they belong"),
        Column("in every build", "Lost in every build: this kind of index does not show them"),
        Column("in some builds", "Lost in some builds: another build would have shown them"),
        Column(f"lost, in ≥ {OFTEN} lists", "Of the items that many queries should get"),
        Column("item recall", "Mean over items of the share of their queries that get them"),
        Column("Gini", "Of how often base vectors are returned: 0 all alike, 1 one alone"),
    ]
    rows, exact, count = [], "", 0
    for shown, told in zip(settings_of(panel), explain_panel(panel).indexes, strict=True):
        if (items := told.items) is None:
            continue
        exact, count = write(items.exposure.exact.value, "score"), items.items
        often = Cell("–") if items.lost_often is None else number_cell(items.lost_often, "share")
        cells = [
            Cell(str(shown.variant)),
            number_cell(items.lost, "share"),
            *(
                Cell(write(part.share, "share"), part.share, f"{part.items:,} items")
                for part in (items.in_every_build, items.in_some_builds)
            ),
            often,
            number_cell(items.recall, "score"),
            number_cell(items.exposure.index, "score"),
        ]
        rows.append(Row(cells, pick=shown.id, index=shown.title))
    return Table(
        f"items-{panel.id}",
        f"The items' side: {panel.name}",
        f"Of the {count:,} items in the exact top {panel.k} of some query; the Gini coefficient of "
        f"exact search is {exact}. Small figures: 95 % intervals over queries and builds, and "
        "numbers of items. vbench tail names the lost items.",
        columns,
        rows,
        panel=panel.id,
    )
