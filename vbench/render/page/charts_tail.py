"""Charts of the tail: by segment, overlap between indexes."""

from __future__ import annotations

from vbench.render.page.charts import (
    AT_LEVEL,
    AT_TENTH,
    LIT,
    ROW_NAMES,
    Drawing,
    Spec,
    hover,
    mark,
    number,
)


def segments(draw: Drawing, count: int) -> Spec:
    """Share of each segment's queries under δ: `count` bands at most, one mark an index."""
    y = {
        "y": {
            "field": "label",
            "type": "nominal",
            "title": None,
            "sort": {"field": "place", "op": "min"},
            "axis": ROW_NAMES,
            "scale": {"paddingInner": 0.25},
        },
        "yOffset": {"field": "name", "type": "nominal", "sort": {"field": "order", "op": "min"}},
    }
    title = "queries of the segment under δ"
    axis = {"title": title, "axis": {"format": "~%", "tickCount": 6}}
    faded = {"condition": {"test": LIT, "value": 0.9}, "value": 0.15}
    interval = mark(
        "rule",
        {
            **y,
            "x": number("low", **axis),
            "x2": {"field": "high"},
            "color": draw.color,
            "opacity": faded,
        },
        strokeWidth=2,
    )
    point = mark(
        "point",
        {
            **y,
            "x": number("under", **axis),
            "color": draw.color,
            "shape": draw.shape,
            "opacity": faded,
            "tooltip": hover(
                {"field": "label", "type": "nominal", "title": "segment"},
                number("queries", title="queries in it", format=","),
                number("under", title="under δ", format=".2%"),
                number("low", title="95 % interval from", format=".2%"),
                number("high", title="to", format=".2%"),
            ),
        },
        filled=True,
        size=70,
    )
    return draw.chart(
        "segments",
        [
            AT_TENTH,
            *AT_LEVEL,
            {"calculate": "datum.column + ': ' + datum.segment", "as": "label"},
        ],
        [interval, point],
        height=count * (14 * draw.count + 10),
    )


def overlap(draw: Drawing, rows: int) -> Spec:
    """Of the queries under δ with the index of a row, the share under δ with that of a column."""
    x = {
        "field": "other",
        "type": "nominal",
        "title": "… this one leaves too",
        "sort": {"field": "place", "op": "min"},
        "axis": {"labelAngle": -35, "labelLimit": 140, "ticks": False, "domain": False},
    }
    y = {
        "field": "name",
        "type": "nominal",
        "title": "what this index leaves …",
        "sort": {"field": "order", "op": "min"},
        "axis": {"labelLimit": 140, "ticks": False, "domain": False},
    }
    cell = mark(
        "rect",
        {
            "x": x,
            "y": y,
            "color": number(
                "share",
                legend=None,
                scale={"domain": [0, 1], "range": ["#5647FF11", "#5647FFDD"]},
            ),
            "opacity": {"condition": {"test": LIT, "value": 1}, "value": 0.3},
            "tooltip": [
                {"field": "name", "type": "nominal", "title": "under δ with"},
                number("under", title="queries", format=","),
                {"field": "other", "type": "nominal", "title": "also with"},
                number("share", title="share of them", format=".1%"),
            ],
        },
        cornerRadius=3,
    )
    text = {
        "mark": {"type": "text"},
        "encoding": {
            "x": x,
            "y": y,
            "text": number("share", format=".0%"),
            "opacity": {"condition": {"test": "bandwidth('x') > 30", "value": 1}, "value": 0},
            "color": {
                "condition": {"test": "datum.share > 0.6", "value": "#fff"},
                "value": "currentColor",
            },
        },
    }
    return draw.chart("overlap", [AT_TENTH], [cell, text], height=draw.height_of(rows))
