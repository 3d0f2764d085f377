"""Section: at what price, and the table of everything."""

from __future__ import annotations

from vbench.analysis.gather import Report
from vbench.render import frames
from vbench.render.page import charts_price as charts
from vbench.render.page.charts import Drawing
from vbench.render.page.parts import Chart, Choice, Section, Slider, Table
from vbench.render.page.tables import settings_table

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
            charts.trade_off(draw, x=price, y="robustness", floor_of="recall"),
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
