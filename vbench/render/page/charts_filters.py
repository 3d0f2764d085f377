"""Chart of filters: how evenly each index answers, by the share of the base that passes."""

from __future__ import annotations

from vbench.render.filtering import SHOWN
from vbench.render.page.charts import Drawing, Spec, dots, lit, mark, nominal, number

_AT_LEVEL: list[Spec] = [
    {"calculate": "abs(datum.recall - level / 100) + 1e-9 * datum.order", "as": "away"},
    {
        "window": [{"op": "dense_rank", "as": "nearness"}],
        "sort": [{"field": "away"}],
        "groupby": ["index", "filter"],
    },
    {"filter": "datum.nearness === 1 || (pick !== '' && pick === datum.id)"},
]
"""Of each index under each filter the setting nearest to the level without one."""


def draw_filters(draw: Drawing, *, across: str) -> Spec:
    """What is chosen of each index under each filter, against its share or its correlation."""
    words = {key: text for key, _, text, _ in SHOWN}
    place = {
        "x": number(
            "at",
            title=None,
            scale={"type": "log", "nice": False, "padding": 24},
            axis={
                "format": "~r",
                "labelExpr": "format(datum.value, filter_x === 'selectivity' ? '.4~%' : '.3~r')",
                "values": [
                    float(f"{step}e{power}") for power in range(-6, 3) for step in (1, 2, 5)
                ],
                "labelOverlap": True,
            },
        ),
    }
    color = {"color": draw.color}
    axis = {"title": None, "axis": {"format": "~%", "tickCount": 6}, "scale": {"domain": [0, 1]}}
    interval = mark(
        "rule",
        {
            **place,
            **color,
            "y": number("low", **axis),
            "y2": {"field": "high"},
            "opacity": lit(0.1, 0.55),
        },
        strokeWidth=2,
    )
    points = dots(
        {
            **place,
            **color,
            "y": number("shown", **axis),
            "shape": draw.shape,
            "opacity": lit(0.12, 0.95),
            "tooltip": [
                nominal("name", title="index"),
                nominal("label", title="filter"),
                number("mean_recall", title=words["mean_recall"], format=".4f"),
                number("reach_90", title=words["reach_90"], format=".2%"),
                number("zero_recall", title=words["zero_recall"], format=".2%"),
                number("recall", title="mean recall without a filter", format=".4f"),
            ],
        },
        80,
    )
    names: Spec = {
        "transform": [
            {"aggregate": [{"op": "min", "field": "at", "as": "at"}], "groupby": ["filter"]},
            {"calculate": "datum.filter === 'none' ? 'no filter' : datum.filter", "as": "label"},
            # Names of filters at one place stand in one line.
            {"calculate": "round(40 * log(datum.at))", "as": "near"},
            {
                "aggregate": [
                    {"op": "values", "as": "every"},
                    {"op": "min", "field": "at", "as": "at"},
                ],
                "groupby": ["near"],
            },
            {"calculate": "join(pluck(datum.every, 'label'), '  ·  ')", "as": "label"},
        ],
        "mark": {
            "type": "text",
            "angle": 270,
            "align": "left",
            "baseline": "bottom",
            "dx": 4,
            "dy": -5,
            "fill": "currentColor",
            "opacity": 0.62,
            "fontSize": 10,
            "limit": 280,
            "aria": False,
        },
        "encoding": {**place, "y": {"value": {"expr": "height"}}, "text": {"field": "label"}},
    }
    return draw.plain(
        "filtered",
        [
            {"filter": "datum.panel === panel"},
            {"calculate": "datum.filter === 'none' ? 1 : datum[filter_x]", "as": "at"},
            {"calculate": "datum[filter_y]", "as": "shown"},
            {"calculate": "datum[filter_y + '_low']", "as": "low"},
            {"calculate": "datum[filter_y + '_high']", "as": "high"},
            {"filter": "isValid(datum.shown) && isValid(datum.at) && datum.at > 0"},
            *_AT_LEVEL,
        ],
        [names, interval, points],
        height=320,
        parameters={
            "filter_x": across,
            "filter_y": SHOWN[0][0],
            "filter_words": words,
        },
    ) | {
        "title": {
            "text": {
                "expr": "[filter_words[filter_y], 'against ' + (filter_x === 'selectivity' ? "
                "'the share of the base that passes' : 'correlation of filter and query')]"
            },
            "anchor": "start",
        }
    }
