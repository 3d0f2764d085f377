"""Section: indexes together, and one as the fallback of another, where `vbench combine` looked."""

from __future__ import annotations

import polars as pl

from vbench.analysis.combine import Alone, Combination, Union
from vbench.analysis.gather import Panel, Report
from vbench.numbers import write
from vbench.render.combining import (
    BUILD,
    combination,
    curves,
    names_of,
    pairs_of,
    unit_of,
    write_price,
)
from vbench.render.page.charts import Drawing
from vbench.render.page.charts_combine import draw_gains
from vbench.render.page.parts import Cell, Chart, Choice, Column, Row, Section, Table, number_cell

_KEYS = ("reached", "recall", "worst", "zero")


def section(report: Report, draw: Drawing) -> Section | None:
    """Unions, and gain curves; nothing where nobody asked."""
    found = {panel: told for panel in report.panels if (told := combination(panel)) is not None}
    if not found:
        return None
    first = next(iter(found.values()))
    mean, reach, worst, zero = names_of(first)
    titles = dict(zip(_KEYS, (reach, mean, worst, zero), strict=True))
    pairs = list(dict.fromkeys(pair for told in found.values() for pair in pairs_of(told)))
    # Sent to exact search is what a fallback is at its best.
    pairs.sort(key=lambda pair: not pair.endswith("exact search"))
    chart = Chart(
        "gains",
        "A second one for some of the queries",
        "All queries are asked of the first; some then of the second too, and the nearest of both "
        "answers are kept. Who is sent on is drawn, or looks bad by a score that is learned on one "
        "half of the queries and used for the other, or gains most, which nobody knows.",
        draw_gains(draw, titles, pairs),
        (
            Choice("pair", "first → then", [(pair, pair) for pair in pairs], pairs[0]),
            Choice("gain_y", "y axis", list(titles.items()), _KEYS[0]),
        ),
    )
    return Section(
        "combine",
        "Together",
        "Indexes that fail different queries serve nearly all of them together. Computed from the "
        "stored answers, at the cost of both.",
        [*(_table(panel, told) for panel, told in found.items() if told.unions), chart],
        {"gains": pl.concat([curves(panel) for panel in found])},
    )


def _table(panel: Panel, found: Combination) -> Table:
    names = names_of(found)
    columns = [
        Column("one", number=False),
        Column("other", number=False),
        *map(Column, names),
        Column("a query costs", "Of both, one after the other"),
        Column("the best alone for no more", number=False),
    ]
    rows = [Row(_cells(each, names)) for each in found.unions]
    return Table(
        f"unions-{panel.id}",
        f"Two together: {panel.name}",
        "Both are asked, the nearest of what they return are kept. Beside it the setting of the "
        f"run that alone has the largest {list(names)[1]} for no more.",
        columns,
        rows,
        panel=panel.id,
    )


def _cells(union: Union, names: dict[str, str]) -> list[Cell]:
    return [
        Cell(union.first),
        Cell(BUILD if union.first == union.second else union.second),
        *(number_cell(union.measures[name], unit_of(name)) for name in names.values()),
        Cell(write_price(union.price), union.price.seconds or union.price.work),
        Cell(_rival(union.rival, names)),
    ]


def _rival(rival: Alone | None, names: dict[str, str]) -> str:
    if rival is None:
        return "–"
    values = [
        f"{title} {write(rival.measures[name].value, unit_of(name))}"
        for title, name in list(names.items())[1:]
    ]
    return f"{rival.name}: {', '.join(values)}"
