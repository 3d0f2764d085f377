"""Charts of the tail: segments, overlap, hardness, and what it takes to serve each query."""

from __future__ import annotations

from vbench.render.page.charts import (
    AT_LEVEL,
    AT_TENTH,
    LIT,
    ROW_NAMES,
    Drawing,
    Spec,
    hover,
    lit,
    mark,
    name_band,
    number,
    share,
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


def against_recall(draw: Drawing, measure: str) -> Spec:
    """Mean recall of each tenth of the queries, ordered by a hardness measure."""
    x = number(
        "tenth",
        type="ordinal",
        title="tenths of the queries, from the smallest value to the largest",
        axis={"labelAngle": 0},
    )
    place = {
        "x": x,
        "y": share("mean_recall", "mean recall", whole=False, padding=8),
        "color": draw.color,
        "detail": {"field": "id"},
        "opacity": lit(),
    }
    line = mark("line", {**place, "strokeDash": draw.dash}, strokeWidth=2)
    point = mark(
        "point",
        {
            **place,
            "shape": draw.shape,
            "tooltip": hover(
                {"field": "measure", "type": "nominal"},
                number("from", format=".4~r"),
                number("to", format=".4~r"),
                number("mean_recall", title="mean recall of these queries", format=".4f"),
            ),
        },
        filled=True,
        size=60,
    )
    return draw.chart(
        "hardness",
        [{"filter": "datum.measure === measure"}, *AT_LEVEL],
        [line, point],
        height=260,
        parameters={"measure": measure},
    )


def efforts(draw: Drawing, rows: int) -> Spec:
    """For each sweep the shares of the queries by their smallest sufficient setting."""
    bar = mark(
        "bar",
        {
            "y": {**name_band(), "field": "family"},
            "x": number(
                "share",
                title="share of the queries",
                stack="zero",
                axis={"format": ".0%", "tickCount": 6},
                scale={"domain": [0, 1], "nice": False},
            ),
            "order": {"field": "step", "type": "quantitative"},
            "color": {
                "condition": {**draw.color, "test": "datum.served === 1"},
                "value": "#88888855",
            },
            "opacity": {"field": "strength", "type": "quantitative", "scale": None, "legend": None},
            "tooltip": [
                {"field": "family", "type": "nominal", "title": "index"},
                {"field": "needs", "type": "nominal", "title": "smallest sufficient setting"},
                number("share", title="share of the queries", format=".2%"),
            ],
        },
        height=20,
        stroke="var(--card)",
        strokeWidth=1,
    )
    text = {
        "mark": {"type": "text", "fontSize": 10, "aria": False},
        "encoding": {
            "y": {**name_band(), "field": "family"},
            "x": number("share", stack="zero", bandPosition=0.5),
            "order": {"field": "step", "type": "quantitative"},
            "text": {"field": "needs", "type": "nominal"},
            "opacity": {"condition": {"test": _HAS_ROOM, "value": 0.9}, "value": 0},
        },
    }
    strength = "datum.served ? 0.25 + 0.7 * datum.step / max(1, datum.steps - 1) : 1"
    return draw.chart(
        "efforts",
        [
            AT_TENTH,
            {"filter": "datum.share > 0"},
            {"calculate": "datum.served ? datum.smallest : 'none here'", "as": "needs"},
            {"calculate": f"({strength}) * ({_LIT_FAMILY})", "as": "strength"},
        ],
        [bar, text],
        height=draw.height_of(rows),
    )


_LIT_FAMILY = "pick === '' || pick === datum.index || pick === datum.id ? 1 : 0.25"
_HAS_ROOM = "datum.share * width > 7 * length(datum.needs)"
