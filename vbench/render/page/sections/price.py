"""Section: cost, and the table of everything."""

from __future__ import annotations

from vbench.analysis.gather import Panel, Report
from vbench.analysis.summary import standard_measures, summarize_setting
from vbench.measures.usual import DELTA
from vbench.numbers import write
from vbench.render import frames
from vbench.render.page import charts_price as charts
from vbench.render.page.charts import Drawing
from vbench.render.page.parts import Cell, Chart, Choice, Column, Row, Section, Slider, Table
from vbench.render.quantities import tell_whose_times

_PREFERRED = ("qps", "batch_qps", "work", "size", "build_time", "recall")


def section(report: Report, draw: Drawing) -> Section | None:
    """Trade-off charts with a choice of axes, and the table of all settings."""
    if not report.panels:
        return None
    known = _known(report)
    price = next(key for key in _PREFERRED if key in known)
    options = [(each.key, each.title) for each in charts.CHOICES if each.key in known]
    parts: list[Chart | Table] = [
        Chart(
            "trade-off",
            "Trade-offs",
            "One mark per setting; the broad gray line is the Pareto front. Raise the minimum to "
            "keep only the settings that reach it.",
            charts.draw_trade_off(draw, x=price, y="robustness", floor_of="recall"),
            (
                Choice("y", "y axis", options, "robustness"),
                Choice("x", "x axis", options, price),
                Choice("floor_of", "at least", options, "recall"),
                Slider("floor", "minimum"),
            ),
        )
    ]
    parts += [settings_table(panel) for panel in report.panels]
    return Section(
        "price",
        "Cost",
        "More time and memory buy more evenness. Choose the axes; click a mark to highlight its "
        "setting in every chart.",
        parts,
    )


def _known(report: Report) -> set[str]:
    """Keys of the quantities that at least one setting has."""
    known = {"robustness"}
    for panel in report.panels:
        frame = frames.settings(panel)
        known |= {
            each.key
            for each in charts.CHOICES
            if each.key in frame.columns and frame[each.key].null_count() < len(frame)
        }
    return known


def settings_table(panel: Panel) -> Table:
    """Every setting of a panel with everything that was measured."""
    summaries = {shown: summarize_setting(shown) for shown in panel.settings}
    rows = {shown: each.measures for shown, each in summaries.items()}
    served = [shown.title for shown, each in summaries.items() if each.service]
    live = f"Robustness(delta={DELTA})@{panel.k}"
    measures = [
        measure
        for measure in standard_measures(panel.k)
        # The live column shows it until the slider is moved.
        if str(measure) != live and any(of[str(measure)].value is not None for of in rows.values())
    ]
    columns = [
        Column("index", number=False),
        Column("setting", number=False),
        Column("R-δ", "Share of the queries that reach the δ of the slider", live="robustness"),
        *(Column(each.short, each.label) for each in measures),
    ]
    table = []
    for shown, of in rows.items():
        values = [(of[str(each)].value, each.unit) for each in measures]
        cells = [
            Cell(shown.title),
            Cell(shown.label or "–"),
            Cell(write(of[live].value, "share"), of[live].value),
            *(Cell(write(value, unit), value) for value, unit in values),
        ]
        table.append(Row(cells, pick=shown.id, index=shown.title))
    return Table(
        f"settings-{panel.id}",
        f"Every setting: {panel.name}",
        "Means over builds. Click a heading to sort, a row to pick the setting out in all charts. "
        f"Intervals and spreads are in the download. {tell_whose_times(served)}".rstrip(),
        columns,
        table,
        panel=panel.id,
        filterable=True,
    )
