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
            "The share of queries that reach each δ. The area under a line is its mean recall: "
            "lines of equal means that differ must cross. Shaded: a 95 % band for the whole "
            "curve.",
            charts.curves(draw),
        ),
        Chart(
            "against-recall",
            "Equal averages, different tails",
            "Robustness at δ against mean recall, one mark per setting. A line above another "
            "serves more queries well at the same average. Shaded: within the tolerance of the "
            "chosen mean recall.",
            against_recall(draw),
        ),
        Chart(
            "histogram",
            "Recall of the queries",
            "How recall is distributed over the queries. The leftmost bar is the zero-recall "
            "queries. Heights are on a square-root scale, so that small bars remain visible.",
            charts.histogram(draw),
        ),
    ]
    if several:
        parts += [
            Chart(
                "builds",
                "Build to build",
                "One mark per build of the same configuration (δ rounded up to a tenth). Where "
                "the ranges overlap, which index is better depends on the build.",
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
        "An average hides the queries that an index fails. Drag δ to set the recall at which a "
        "query counts as well served.",
        parts,
        data,
    )
