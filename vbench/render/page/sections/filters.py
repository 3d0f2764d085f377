"""Section: under filters, of which only a part of the base may be an answer."""

from __future__ import annotations

from vbench._document import Estimated
from vbench.analysis.filters import TABLED
from vbench.analysis.gather import Panel, Report
from vbench.measures.grammar import parse
from vbench.numbers import UNKNOWN, write
from vbench.render import frames
from vbench.render.filtering import ACROSS, SHOWN, Filtered, filtered, rows_of
from vbench.render.page.charts import Drawing
from vbench.render.page.charts_filters import draw_filters
from vbench.render.page.parts import Cell, Chart, Choice, Column, Row, Section, Table, number_cell
from vbench.runs.views import WHOLE

_NOTHING = Estimated(None)


def section(report: Report, draw: Drawing) -> Section | None:
    """Evenness against what filters leave, and a table; nothing where none was asked under."""
    panels = [panel for panel in report.panels if not filtered(panel).is_empty()]
    if not panels:
        return None
    chart = Chart(
        "filters",
        "Filters",
        "The setting of each index that is nearest to the chosen mean recall without a filter, as "
        "it answers under each, with 95 % intervals over queries, builds and masks. Correlation: "
        "the share that passes of the nearest without a filter, over that of all; under 1 the "
        "filter keeps away what the queries look for.",
        draw_filters(draw, across="selectivity"),
        (
            Choice("filter_x", "x axis", list(ACROSS.items()), "selectivity"),
            Choice("filter_y", "y axis", [(key, text) for key, _, text, _ in SHOWN], SHOWN[0][0]),
        ),
    )
    return Section(
        "filters",
        "Under filters",
        "Where only a part of the base may be an answer, an index walks past what does not pass: "
        "one finds less at the same setting, another works more. Compare at equal work or time.",
        [chart, *map(_table, panels)],
        {"filtered": frames.join_panels(panels, filtered)},
    )


def _table(panel: Panel) -> Table:
    measures = [parse(name.format(k=panel.k)) for name in TABLED]
    columns = [
        Column("index", number=False),
        Column("setting", number=False),
        Column("filter", number=False),
        Column("passes", "Share of the base that passes"),
        Column(
            "correlation", "Share that passes of the nearest without a filter, over that of all"
        ),
        *(Column(each.short, each.label) for each in measures),
    ]

    def cells(each: Filtered) -> list[Cell]:
        row, facts = each.row, each.facts
        share = None if facts is None else facts.selectivity
        correlation = None if facts is None else facts.correlation
        masks = f"over {row.masks} masks" if row.masks > 1 else ""
        return [
            Cell(each.title),
            Cell(each.label or UNKNOWN),
            Cell(WHOLE if facts is None else facts.filter, note=masks),
            Cell(UNKNOWN if share is None else write(share, "share"), share),
            Cell(UNKNOWN if correlation is None else f"{correlation:.2f}", correlation),
            # A filter takes no time where there is none.
            *(number_cell(row.measures.get(str(of), _NOTHING), of.unit) for of in measures),
        ]

    return Table(
        f"filters-{panel.id}",
        f"Under filters: {panel.name}",
        "Means over masks, with 95 % intervals over queries, builds and masks. Recall is of the "
        "neighbors that pass; queries for which none passes are left out of it.",
        columns,
        [
            Row(cells(each), pick="" if each.shown is None else each.shown.id, index=each.title)
            for each in rows_of(panel)
        ],
        panel=panel.id,
        filterable=True,
    )
