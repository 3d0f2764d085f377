"""Charts of the ranking stage: loss due to the index, which measure predicts it, choosing δ."""

from __future__ import annotations

from vbench.render.page.charts import MEASURE_LABEL, Drawing, Spec, lit, mark, number, rule
from vbench.render.page.parts import Choice

ACROSS = Choice(
    "across",
    "x axis",
    [("recall", "mean recall"), ("survival", "survival of the exact top 10")],
    "recall",
)
_RANKER = {"filter": "datum.ranker === ranker"}
_ROW = 18


def losses(draw: Drawing, ranker: str) -> Spec:
    """Loss of the index against its recall or survival, one mark for each setting."""
    place = {
        "x": number(
            "px",
            title="mean recall, or survival",
            scale={"zero": False, "nice": False, "padding": 12},
            axis={"tickCount": 6},
        ),
        "color": draw.color,
        "opacity": lit(0.12, 0.9),
    }
    title = "nDCG@10 lost by the index"
    interval = mark(
        "rule", {**place, "y": number("low", title=title), "y2": {"field": "high"}}, strokeWidth=1.2
    )
    point = mark(
        "point",
        {
            **place,
            "y": number("loss", title=title),
            "shape": draw.shape,
            "tooltip": [
                {"field": "index", "type": "nominal"},
                {"field": "setting", "type": "nominal", "title": "parameters"},
                number("loss", title=title, format="+.4~r"),
                number("recall", title="mean recall", format=".4f"),
                number("survival", title="survival of the top 10", format=".4f"),
            ],
        },
        filled=True,
        size=75,
    )
    zero = {"data": {"values": [{}]}, **rule({"y": {"datum": 0}}, opacity=0.4)}
    return draw.plain(
        "ranking",
        [_RANKER, {"calculate": "datum[across]", "as": "px"}],
        [zero, interval, point],
        height=320,
        parameters={"ranker": ranker, "across": ACROSS.chosen},
    )


def predictors(draw: Drawing, ranker: str, measures: int) -> Spec:
    """Rank correlation of each measure of the index with ranking quality."""
    y = {
        "field": "measure",
        "type": "nominal",
        "title": None,
        "sort": {"field": "correlation", "order": "descending"},
        "axis": {
            "labelExpr": MEASURE_LABEL,
            "labelLimit": {"expr": "max(110, containerSize()[0] / 2.2)"},
            "ticks": False,
            "domain": False,
        },
    }
    x = {
        "title": "rank correlation",
        "scale": {"domain": [-1, 1], "nice": False, "clamp": True},
        "axis": {"values": [-1, -0.5, 0, 0.5, 1]},
    }
    interval = rule({"y": y, "x": number("low", **x), "x2": {"field": "high"}}, opacity=0.4)
    point = {
        "mark": {"type": "point", "filled": True, "size": 60, "color": "#5647FF"},
        "encoding": {
            "y": y,
            "x": number("correlation", **x),
            "tooltip": [
                {"field": "measure", "type": "nominal"},
                number("correlation", title="rank correlation", format="+.3f"),
                number("misordered", title="pairs misordered", format=".1%"),
            ],
        },
    }
    return draw.plain(
        "ranking_predictors",
        [_RANKER, {"filter": "isValid(datum.correlation)"}],
        [interval, point],
        height=_ROW * max(measures, 3),
        parameters={"ranker": ranker},
    )


def delta(draw: Drawing, ranker: str) -> Spec:
    """Quality relative to exact candidates by the recall of a query."""
    x = number("recall", title="recall of a query", scale={"domain": [0, 1], "nice": False})
    title = "quality relative to exact"
    dashes = {"field": "of", "type": "nominal", "title": None, "legend": {"orient": "top"}}
    line = {
        "mark": {"type": "line", "point": {"color": "#5647FF"}, "color": "#5647FF"},
        "encoding": {
            "x": x,
            "y": number("relative", title=title, axis={"format": ".0%"}),
            "strokeDash": dashes,
            "tooltip": [
                {"field": "of", "type": "nominal", "title": "recall"},
                number("recall", format=".3f"),
                number("queries", format=","),
                number("relative", title=title, format=".1%"),
                number("low", title="95 % interval from", format=".1%"),
                number("high", title="to", format=".1%"),
            ],
        },
    }
    keep = rule(
        {"y": {"aggregate": "max", "field": "keep", "type": "quantitative"}},
        strokeDash=[4, 3],
        opacity=0.5,
    )
    return draw.plain(
        "ranking_delta", [_RANKER], [line, keep], height=300, parameters={"ranker": ranker}
    )
