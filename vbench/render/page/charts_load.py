"""Chart of loads: how fast and how late, against clients, batches or a rate."""

from __future__ import annotations

from vbench.render.loads import ALONG, SHOWN
from vbench.render.page.charts import AT_LEVEL, Drawing, Spec, dots, hover, lit, mark, number
from vbench.render.page.charts_price import spell_value


def draw_loads(draw: Drawing, *, along: str) -> Spec:
    """What is chosen of the setting at the level of recall of each index, along one axis."""
    units = {key: unit for key, _, _, unit in SHOWN}
    titles = {key: words for key, _, words, _ in SHOWN}
    label = spell_value("datum.value", "load_units[load_y]")
    place = {
        "x": {
            "field": "at",
            "type": "ordinal",
            "title": None,
            "axis": {"labelAngle": 0, "labelExpr": "format(datum.value, ',~r')"},
        },
        "y": number("shown", title=None, axis={"labelExpr": label, "tickCount": 6}),
    }
    color = {"color": draw.color}
    line = mark(
        "line",
        {
            **place,
            **color,
            "strokeDash": draw.dash,
            "detail": [{"field": "id"}, {"field": "series"}],
            "opacity": lit(0.12, 0.75),
        },
        strokeWidth=1.8,
    )
    points = dots(
        {
            **place,
            **color,
            "shape": draw.shape,
            "opacity": lit(0.12, 0.95),
            "tooltip": hover(
                {"field": "asked", "type": "nominal"},
                number("qps", title=titles["qps"], format=",.0f"),
                {"field": "median", "type": "nominal", "title": titles["p50_latency"]},
                {"field": "late", "type": "nominal", "title": titles["p99_latency"]},
            ),
        },
        75,
    )
    words = [
        {"calculate": spell_value(f"datum.{field}", "'seconds'"), "as": name}
        for field, name in (("p50_latency", "median"), ("p99_latency", "late"))
    ]
    return draw.chart(
        "loads",
        [
            {"filter": "datum.along === along"},
            {"calculate": "datum[load_y]", "as": "shown"},
            {"filter": "isValid(datum.shown)"},
            {"calculate": "along === 'rate' ? datum.clients : 0", "as": "series"},
            *words,
            *AT_LEVEL,
        ],
        [line, points],
        height=300,
        parameters={
            "along": along,
            "load_y": "qps",
            "load_units": units,
            "load_titles": titles,
            "load_along": dict(ALONG),
        },
        title={
            "text": {"expr": "[load_titles[load_y], 'against ' + load_along[along]]"},
            "anchor": "start",
        },
    )
