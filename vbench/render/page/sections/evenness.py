"""Section: how evenly the indexes answer, by bars at δ, curves, a histogram, and builds."""

from __future__ import annotations

from typing import Any

from vbench.analysis.gather import Report
from vbench.render import frames
from vbench.render.page.charts import (
    AT_DELTA,
    AT_LEVEL,
    AT_TENTH,
    HOVER_REACHED,
    LIT,
    Drawing,
    Spec,
    dots,
    first_by,
    hover,
    lit,
    mark,
    name_band,
    nominal,
    number,
    rule,
    share,
)
from vbench.render.page.charts_price import draw_against_recall
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
            draw_bars(draw),
        ),
        Chart(
            "curves",
            "Who is under δ",
            "The share of queries that miss each δ, on a logarithmic scale: one step between two "
            "lines of the grid is a factor of about three. Lines of equal mean recall that differ "
            "must cross. The bottom is no query at all. Shaded: a 95 % band for the whole curve, "
            "of three indexes or more where one is picked out.",
            draw_curves(draw, report),
        ),
        Chart(
            "against-recall",
            "Equal averages, different tails",
            "Robustness at δ against mean recall, one mark per setting. A line above another "
            "serves more queries well at the same average. Shaded: within the tolerance of the "
            "chosen mean recall.",
            draw_against_recall(draw),
        ),
        Chart(
            "histogram",
            "Recall of the queries",
            "How recall is distributed over the queries. The leftmost bar is the zero-recall "
            "queries. Heights are on a square-root scale, so that small bars remain visible.",
            draw_histogram(draw),
        ),
    ]
    if several:
        parts += [
            Chart(
                "builds",
                "Build to build",
                "One mark per build of the same configuration (δ rounded up to a tenth). Where "
                "the ranges overlap, which index is better depends on the build.",
                draw_builds(draw),
            ),
        ]
    data = {
        made.__name__: frames.join_panels(report.panels, made)
        for made in (frames.settings, frames.curves, frames.histogram, frames.builds)
    }
    return Section(
        "evenness",
        "How evenly?",
        "An average hides the queries that an index fails. Drag δ to set the recall at which a "
        "query counts as well served.",
        parts,
        data,
    )


def draw_bars(draw: Drawing) -> Spec:
    """Robustness at δ of each index, at the level of recall, with its interval."""
    title = "share of the queries that reach δ"
    band = {"y": name_band()}
    bar = mark(
        "bar",
        {
            **band,
            "x": share("robustness", title),
            "color": draw.color,
            "opacity": lit(0.25, 0.9),
            "tooltip": hover(*HOVER_REACHED),
        },
        height=16,
        cornerRadiusEnd=3,
    )
    interval = rule(
        {**band, "x": share("low", title), "x2": {"field": "high"}}, strokeWidth=1.6, opacity=0.75
    )
    value = {
        "mark": {"type": "text", "align": "left", "dx": 6},
        "encoding": {
            **band,
            "x": share("high", title),
            "text": number("robustness", format=".1%"),
        },
    }
    return draw.chart(
        "curves",
        [AT_DELTA, *AT_LEVEL],
        [bar, interval, value],
        height=draw.bands,
        padding={"left": 4, "top": 4, "bottom": 4, "right": 52},
    )


def draw_curves(draw: Drawing, report: Report) -> Spec:
    """Queries under δ against δ: faint lines for all settings, strong ones at the recall's level.

    On a logarithmic scale, on which indexes differ by factors; where no query is under δ the line
    is at the bottom, at half a query.
    """
    least = {panel.id: 0.5 / max(1, panel.facts.m) for panel in report.panels}
    x = share("delta", "δ: the recall that a query must reach", whole=False)

    def up(field: str, **more: Any) -> Spec:
        return number(
            field,
            title="share of the queries under it",
            scale={"type": "log", "domainMin": {"expr": "least[panel]"}, "domainMax": 1},
            axis={
                "values": [first * 10.0**-power for power in range(7) for first in (1, 3)],
                "labelExpr": "format(datum.value, '~%')",
                "labelOverlap": True,
            },
            **more,
        )

    line = {"x": x, "y": up("under"), "color": draw.color, "detail": {"field": "id"}}
    every = mark("line", line, strokeWidth=0.7, opacity=0.13)
    few = draw.count <= 2
    band = mark(
        "area",
        {
            **line,
            "y": up("under_low"),
            "y2": {"field": "under_high"},
            "opacity": {
                "condition": {"test": f"pick !== '' && ({LIT})", "value": 0.16},
                "value": 0.1 if few else 0.02,
            },
        },
    )
    strong = mark("line", {**line, "strokeDash": draw.dash, "opacity": lit()}, strokeWidth=2.4)
    here = {
        "transform": [{"aggregate": [{"op": "max", "field": "delta", "as": "delta"}]}],
        **rule({"x": x}, opacity=0.5, strokeDash=[4, 3]),
    }
    point = dots(
        {
            **line,
            "shape": draw.shape,
            "opacity": lit(),
            "tooltip": hover(
                number("delta", title="δ", format=".2f"),
                number("missed", title="under δ", format=".2%"),
                *HOVER_REACHED,
            ),
        },
        90,
    )
    under = [
        {"calculate": f"max(1 - datum.{field}, least[panel])", "as": name}
        for field, name in (
            ("robustness", "under"),
            ("band_high", "under_low"),
            ("band_low", "under_high"),
        )
    ]
    return draw.chart(
        "curves",
        [
            {"filter": "datum.need > 0"},
            {"calculate": "1 - datum.robustness", "as": "missed"},
            *under,
        ],
        [
            every,
            {"transform": AT_LEVEL, "layer": [band, strong]},
            {"transform": [*AT_LEVEL, AT_DELTA], "layer": [here, point]},
        ],
        height=360,
        parameters={"least": least},
    )


def draw_histogram(draw: Drawing) -> Spec:
    """Share of the queries by recall, one small chart for each index."""
    x = {
        "field": "recall_of_query",
        "type": "ordinal",
        "title": None,
        "sort": first_by("bar"),
        "axis": {"labelAngle": -45, "ticks": False, "labelOverlap": True},
    }
    y = number(
        "share",
        title=None,
        axis={"format": ".0%", "values": [0.01, 0.1, 0.3, 0.6, 1], "domain": False, "ticks": False},
        scale={"type": "sqrt", "domain": [0, 1]},
    )
    bar = mark(
        "bar",
        {
            "x": x,
            "y": y,
            "color": draw.color,
            "opacity": lit(0.25, 0.9),
            "tooltip": hover(
                {"field": "recall_of_query", "type": "ordinal", "title": "recall of a query"},
                number("share", title="share of queries", format=".2%"),
            ),
        },
        cornerRadiusEnd=1.5,
    )
    ends = {
        "transform": [{"filter": "datum.bar === 0 || datum.bar === datum.last"}],
        "mark": {"type": "text", "dy": -7, "fontSize": 11, "fontWeight": "bold"},
        "encoding": {"x": x, "y": y, "text": number("share", format=".1%")},
    }
    header = {"labelLimit": 200, "labelFontWeight": "bold", "labelAnchor": "start"}
    last = {"joinaggregate": [{"op": "max", "field": "bar", "as": "last"}], "groupby": ["id"]}
    return {
        **draw.rows("histogram", [*AT_LEVEL, last]),
        "columns": draw.count,
        "spacing": 14,
        "facet": nominal("name", title=None, sort=first_by("order"), header=header),
        "spec": {"width": 210, "height": 130, "layer": [bar, ends]},
    }


def draw_tails(draw: Drawing) -> Spec:
    """Queries under δ: in every build, and in some of them only."""
    bar = mark(
        "bar",
        {
            "y": name_band(),
            "x": number(
                "share",
                title="share of the queries under δ",
                axis={"format": "~%", "tickCount": 6},
                stack="zero",
            ),
            "order": {"field": "place", "type": "ordinal"},
            "color": draw.color,
            "opacity": {
                "condition": {"test": "datum.tail === 'persistent'", "value": 0.95},
                "value": 0.4,
            },
            "tooltip": hover(
                nominal("kind", title="tail"),
                number("share", title="share of queries", format=".2%"),
            ),
        },
        height=18,
    )
    return draw.chart(
        "curves",
        [
            AT_DELTA,
            *AT_LEVEL,
            {"fold": ["persistent", "build_dependent"], "as": ["tail", "share"]},
            {"calculate": "datum.tail === 'persistent' ? 0 : 1", "as": "place"},
            {"calculate": "replace(datum.tail, '_', '-')", "as": "kind"},
        ],
        [bar],
        height=draw.bands,
    )


def draw_builds(draw: Drawing) -> Spec:
    """Robustness of every build: how far one build may lie from another."""
    title = "queries that reach δ, by build"
    x = share("robustness", title, whole=False, nice=True)
    span = mark(
        "rule",
        {
            "y": name_band(),
            "x": {**x, "aggregate": "min"},
            "x2": {"field": "robustness", "aggregate": "max"},
            "color": draw.color,
        },
        strokeWidth=5,
        opacity=0.22,
        strokeCap="round",
    )
    points = dots(
        {
            "y": name_band(),
            "x": x,
            "color": draw.color,
            "shape": draw.shape,
            "opacity": lit(),
            "tooltip": hover(
                {"field": "build", "type": "ordinal"},
                number("robustness", title="reach δ", format=".2%"),
            ),
        },
        80,
    )
    return draw.chart("builds", [AT_TENTH, *AT_LEVEL], [span, points], height=draw.bands)
