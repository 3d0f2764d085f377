"""Section: how evenly the indexes answer."""

from __future__ import annotations

import polars as pl

from vbench.analysis.gather import Report
from vbench.render import frames
from vbench.render.page import charts_evenness as charts
from vbench.render.page.charts import Drawing
from vbench.render.page.charts_price import against_recall
from vbench.render.page.parts import Chart, Section


def section(report: Report, draw: Drawing) -> Section | None:
    """Bars at δ, whole curves, histogram of recall, spread of builds."""
    if not report.panels:
        return None
    several = any(len(shown.trials) > 1 for shown in report.settings)
    parts = [
        Chart(
            "bars",
            "Robustness at δ",
            "Share of the queries for which at least δ of the true neighbors were found, for the "
            "setting of each index that is nearest to the chosen mean recall. Thin lines are 95 % "
            "intervals.",
            charts.bars(draw),
        ),
        Chart(
            "curves",
            "The whole curve",
            "Each line falls from “everybody” to “only those with every neighbor found”. The "
            "area under it is mean recall: two indexes with equal means and different lines must "
            "cross. Shaded: a band that holds the whole curve with 95 % confidence.",
            charts.curves(draw),
        ),
        Chart(
            "against-recall",
            "Equal averages, different floors",
            "Robustness at δ against mean recall, every setting one mark. Where one line lies "
            "above another, it serves more queries at the same average. Shaded: settings that "
            "count as equal at the chosen mean recall.",
            against_recall(draw),
        ),
        Chart(
            "histogram",
            "Recall of the queries",
            "How many queries have which recall. The leftmost bar is zero-recall queries. "
            "Heights are drawn by their square root, so that small bars can be seen.",
            charts.histogram(draw),
        ),
    ]
    if several:
        parts += [
            Chart(
                "builds",
                "Build to build",
                "One mark for each build of the same configuration (δ rounded up to a tenth). "
                "Where spans overlap, which index is better depends on the build.",
                charts.builds(draw),
            ),
        ]
    data = {
        "settings": pl.concat([frames.settings(p) for p in report.panels], how="diagonal_relaxed"),
        "curves": pl.concat([frames.curves(p) for p in report.panels]),
        "histogram": pl.concat([frames.histogram(p) for p in report.panels]),
        "builds": pl.concat([frames.builds(p) for p in report.panels]),
    }
    return Section(
        "evenness",
        "How evenly?",
        "An average hides who pays for it. Drag δ to say how much recall a query must have to be "
        "well served, and see how many are.",
        parts,
        data,
    )
