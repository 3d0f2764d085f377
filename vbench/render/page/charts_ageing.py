"""Chart of ages: how evenly each index answers while its base is replaced, or grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vbench.render.ageing import AXES, UNITS, WORDS, Axis
from vbench.render.page.charts import Drawing, Spec, dots, lit, mark, nominal, number
from vbench.render.page.charts_price import spell_value

_AT_LEVEL: list[Spec] = [
    {"calculate": "abs(datum.recall - level / 100) + 1e-9 * datum.order", "as": "away"},
    {
        "joinaggregate": [{"op": "min", "field": "away", "as": "least"}],
        "groupby": ["name", "workload"],
    },
    {
        "window": [{"op": "dense_rank", "as": "nearness"}],
        "sort": [{"field": "least"}],
        "groupby": ["family", "workload"],
    },
    {"filter": "datum.nearness === 1 || (pick !== '' && pick === datum.id)"},
]
"""Of each variant the setting nearest to the level at its first search."""
_DASHES = ([1, 0], [6, 3], [2, 3], [8, 3, 2, 3])


def draw_ages(
    draw: Drawing, families: Mapping[str, int], axes: Mapping[str, Axis | None], *, y: str
) -> Spec:
    """What is chosen of each variant at each age, against what happened to the base.

    Parameters
    ----------
    families
        The variants by name, with their number among those of their index.
    axes
        Of each panel what orders its ages; None where it has one age alone.
    """
    told = {
        panel: {
            "words": "age: this was searched at one alone" if axis is None else AXES[axis],
            "unit": "share" if axis == "replaced" else "number",
        }
        for panel, axis in axes.items()
    }
    place: Spec = {
        "x": number(
            "at",
            title=None,
            scale={"zero": False, "nice": False, "padding": 16},
            axis={
                "tickCount": 6,
                "labelExpr": "age_axes[panel].unit === 'share' ? format(datum.value, '~%') "
                ": format(datum.value, ',~r')",
            },
        ),
        "color": draw.color,
    }
    axis: Spec = {
        "title": None,
        "axis": {
            "labelExpr": "age_units[age_y] === 'share' ? format(datum.value, '~%') "
            ": format(datum.value, ',~r')",
            "tickCount": 6,
        },
        "scale": {"zero": False, "nice": False, "padding": 12},
    }
    shown = {**place, "y": number("shown", **axis)}
    line = mark(
        "line",
        {
            **shown,
            "strokeDash": _dash(families),
            "detail": [{"field": "name"}, {"field": "workload"}],
            "order": number("at"),
            "opacity": lit(0.12, 0.75),
        },
        strokeWidth=1.8,
    )
    interval = mark(
        "rule",
        {
            **place,
            "y": number("low", **axis),
            "y2": {"field": "high"},
            "opacity": lit(0.1, 0.45),
        },
        strokeWidth=1.4,
    )
    words = [nominal("name", title="index"), nominal("age"), nominal("value", title="shown")]
    points = dots(
        {
            **shown,
            "shape": draw.shape,
            "opacity": lit(0.12, 0.95),
            "tooltip": [
                *words,
                number("mean_recall", title=WORDS["mean_recall"], format=".4f"),
                number("reach_90", title=WORDS["reach_90"], format=".2%"),
                number("fallen", title="fallen", format=".2%"),
                number("recovered", title="recovered", format=".2%"),
            ],
        },
        75,
    )
    return draw.plain(
        "ages",
        [
            {"filter": "datum.panel === panel"},
            *_AT_LEVEL,
            {"calculate": "datum[age_y]", "as": "shown"},
            {"calculate": "datum[age_y + '_low']", "as": "low"},
            {"calculate": "datum[age_y + '_high']", "as": "high"},
            {"filter": "isValid(datum.shown)"},
            {"calculate": spell_value("datum.shown", "age_units[age_y]"), "as": "value"},
            {
                "calculate": "format(datum.replaced_share, '.0%') + ' replaced, ' + "
                "format(datum.live, ',') + ' vectors'",
                "as": "age",
            },
        ],
        [interval, line, points, *_half_life(place)],
        height=320,
        parameters={"age_y": y, "age_units": dict(UNITS), "age_words": dict(WORDS),
                    "age_axes": told},
    ) | {
        "title": {
            "text": {"expr": "[age_words[age_y], 'against ' + age_axes[panel].words]"},
            "anchor": "start",
        }
    }  # fmt: skip


def _dash(families: Mapping[str, int]) -> Spec:
    """Dashes that tell the variants of one index apart, with their key where there are any."""
    dashes: Sequence[Sequence[int]] = [
        _DASHES[number % len(_DASHES)] for number in families.values()
    ]
    several = any(families.values())
    legend = {
        "orient": "bottom", "title": None, "columns": {"expr": "width < 500 ? 1 : 2"},
        "labelLimit": 340, "symbolType": "stroke", "symbolSize": 500, "symbolStrokeColor": "gray",
    }  # fmt: skip
    return nominal(
        "family",
        scale={"domain": list(families), "range": list(dashes)},
        legend=legend if several else None,
    )


def _half_life(place: Spec) -> list[Spec]:
    """Where Robustness had lost 0.05: a line down to the axis, and its share."""
    once: list[Spec] = [
        {"filter": "age_y === 'reach_90' && isValid(datum.half_life)"},
        {
            "aggregate": [{"op": "max", "field": "half_life", "as": "half_life"}],
            "groupby": ["id", "index", "name"],
        },
        {"calculate": "'half-life ' + format(datum.half_life, '.0%')", "as": "told"},
    ]
    across = {**place["x"], "field": "half_life"}
    color = {"color": place["color"], "opacity": lit(0.1, 0.8)}
    return [
        {
            "transform": once,
            **mark("rule", {"x": across, **color}, strokeDash=[2, 2], strokeWidth=1.2),
        },
        {
            "transform": once,
            **mark(
                "text",
                {"x": across, "y": {"value": 4}, "text": nominal("told"), **color},
                angle=270, align="right", baseline="bottom", dx=0, dy=-4, fontSize=11,
            ),
        },
    ]  # fmt: skip
