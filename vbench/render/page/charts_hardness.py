"""Charts of hardness and effort: which queries an index misses, and what it takes to serve them."""

from __future__ import annotations

from vbench.render.page.charts import (
    AT_LEVEL,
    AT_TENTH,
    Drawing,
    Spec,
    hover,
    lit,
    mark,
    name_band,
    number,
    share,
)


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
