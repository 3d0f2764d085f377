"""Charts of what evenness costs: any measure against any price, with the front and a floor."""

from __future__ import annotations

from vbench.measures import usual
from vbench.render.page.charts import (
    AT_DELTA,
    HOVER_REACHED,
    LIT,
    Drawing,
    Spec,
    dots,
    hover,
    lit,
    mark,
    nominal,
    number,
    share,
    single_rule,
)
from vbench.render.quantities import QUANTITIES, Quantity

ROBUSTNESS = Quantity("robustness", "Robustness at the slider's δ", "R-δ", "share")
_LOOSE = {"zero": False, "nice": False, "padding": 12}
CHOICES = (ROBUSTNESS, *QUANTITIES)


def draw_against_recall(draw: Drawing) -> Spec:
    """Robustness at δ against mean recall: equal averages, different floors."""
    up = "share of the queries that reach δ"
    across = number(
        "recall",
        title="mean recall",
        scale=_LOOSE,
        axis={"tickCount": 6},
    )
    point = {
        "x": across,
        "y": share("robustness", up, whole=False, padding=12),
        "color": draw.color,
    }
    line = mark(
        "line",
        {
            **point,
            "strokeDash": draw.dash,
            "detail": {"field": "family"},
            "order": number("order"),
            "opacity": lit(0.12, 0.75),
        },
        strokeWidth=1.8,
    )
    interval = mark(
        "rule",
        {
            **point,
            "y": share("low", up, whole=False, padding=12),
            "y2": {"field": "high"},
            "opacity": lit(0.08, 0.5),
        },
        strokeWidth=1,
    )
    points = dots(
        {
            **point,
            "shape": draw.shape,
            "opacity": lit(0.12, 0.95),
            "tooltip": hover(*HOVER_REACHED),
        },
        70,
    )
    at_level = {"type": "quantitative", "title": "mean recall"}
    equal: Spec = {
        "data": {"values": [{}]},
        "mark": {
            "type": "rect",
            "fill": "currentColor",
            "opacity": 0.06,
            "clip": True,
            "aria": False,
        },
        "encoding": {
            "x": {"datum": {"expr": f"level / 100 - {usual.TOLERANCE}"}, **at_level},
            "x2": {"datum": {"expr": f"level / 100 + {usual.TOLERANCE}"}},
        },
    }
    level = single_rule(
        {"x": {"datum": {"expr": "level / 100"}, **at_level}},
        strokeDash=[4, 3],
        opacity=0.4,
        clip=True,
    )
    room: Spec = {
        "transform": _ROOM,
        "mark": {"type": "rule", "opacity": 0, "aria": False},
        "encoding": {"x": {**across, "field": "from"}, "x2": {"field": "to"}},
    }
    layers: list[Spec] = [equal, room, line, interval, points, level]
    return draw.chart("curves", [AT_DELTA], layers, height=340)


def draw_trade_off(draw: Drawing, *, x: str, y: str, floor_of: str) -> Spec:
    """Any quantity against any other: one point for each setting, the front drawn through.

    `x` and `y` are keys of the quantities at first, which parameters of these names change;
    `floor_of` is the key of what `floor` bounds, from 0 at its worst value to 100 at its best.
    """
    across = number("px", title=None, axis=_axis("x"), scale=_LOOSE)
    up = number("py", title=None, axis=_axis("y"), scale=_LOOSE)
    place = {"x": across, "y": up}
    front = {
        "transform": _FRONT,
        "mark": {
            "type": "line",
            "strokeWidth": 7,
            "opacity": 0.13,
            "stroke": "currentColor",
            "strokeJoin": "round",
            "strokeCap": "round",
        },
        "encoding": {**place, "order": number("px")},
    }
    line = mark(
        "line",
        {
            **place,
            "color": draw.color,
            "strokeDash": draw.dash,
            "detail": [{"field": "family"}, {"field": "kept"}],
            "order": number("order"),
        },
        strokeWidth=1.2,
        opacity=0.35,
    )
    points = dots(
        {
            **place,
            "color": draw.color,
            "shape": draw.shape,
            "opacity": {
                "condition": {"test": f"datum.kept && ({LIT})", "value": 0.95},
                "value": 0.1,
            },
            "tooltip": hover(
                nominal("up"),
                nominal("across"),
                number("robustness", title="reach δ", format=".2%"),
            ),
        },
        75,
    )
    keys = [quantity.key for quantity in QUANTITIES]
    parameters = {
        "x": x,
        "y": y,
        "floor_of": floor_of,
        "floor": 0,
        "units": {each.key: each.unit.replace("score", "share") for each in CHOICES},
        "signs": {each.key: 1 if each.better == "higher" else -1 for each in CHOICES},
        "titles": {each.key: each.title for each in CHOICES},
    }
    return draw.chart(
        "curves",
        [AT_DELTA, *_PLACES, *_FLOOR],
        [front, line, points, _LIMIT],
        height=380,
        known=[key for key in keys if key != "recall"],
        parameters=parameters,
        title={"text": {"expr": "[titles[y], 'against ' + titles[x]]"}, "anchor": "start"},
    )


def spell_value(value: str, unit: str, digits: int = 3) -> str:
    """An expression that writes a value with its unit."""
    few = f"'.{digits}~r'"
    small = f"{value} === 0 ? '0' : format({value}, {few})"

    def scale(*steps: tuple[float, float, str]) -> str:
        written = [
            f"{value} < {under} ? format({value} * {factor}, {few}) + ' {name}'"
            for under, factor, name in steps[:-1]
        ]
        _, factor, name = steps[-1]
        return " : ".join([*written, f"format({value} * {factor}, {few}) + ' {name}'"])

    return (
        f"{unit} === 'share' ? format({value}, '.4~f') : "
        f"{unit} === 'seconds' ? ({scale((1e-3, 1e6, 'µs'), (1, 1e3, 'ms'), (0, 1, 's'))}) : "
        f"{unit} === 'bytes' ? ({scale((1e6, 1e-3, 'kB'), (1e9, 1e-6, 'MB'), (0, 1e-9, 'GB'))}) : "
        f"{value} >= 100 ? format({value}, ',.0f') : {small}"
    )


def _place(axis: str) -> str:
    """An expression for where a value lies: shares on a linear scale, prices on a logarithm."""
    return (
        f"units[{axis}] === 'share' ? datum[{axis}] : "
        f"datum[{axis}] > 0 ? log(datum[{axis}]) / LN10 : null"
    )


def _axis(axis: str) -> Spec:
    unit = f"units[{axis}]"
    label = f"{unit} === 'share' ? format(datum.value, '.4~f') : " + spell_value(
        "toNumber(format(pow(10, datum.value), '.4r'))", unit, 4
    )
    values = f"roundValues(domain('{axis}'), {unit} !== 'share')"
    return {"labelExpr": label, "values": {"expr": values}, "labelOverlap": True}


_PLACES: list[Spec] = [
    {"calculate": _place("x"), "as": "px"},
    {"calculate": _place("y"), "as": "py"},
    {"filter": "isValid(datum.px) && isValid(datum.py)"},
    {"calculate": "signs[x] * datum.px", "as": "sx"},
    {"calculate": "signs[y] * datum.py", "as": "sy"},
    {"calculate": f"titles[x] + ': ' + ({spell_value('datum[x]', 'units[x]')})", "as": "across"},
    {"calculate": f"titles[y] + ': ' + ({spell_value('datum[y]', 'units[y]')})", "as": "up"},
]
_FLOOR: list[Spec] = [
    {"calculate": "signs[floor_of] * datum[floor_of]", "as": "sf"},
    {
        "joinaggregate": [
            {"op": "min", "field": "sf", "as": "worst"},
            {"op": "max", "field": "sf", "as": "best"},
        ]
    },
    {"calculate": "datum.worst + floor / 100 * (datum.best - datum.worst)", "as": "limit"},
    {"calculate": "!floor || datum.sf >= datum.limit - 1e-12", "as": "kept"},
]
_ROOM: list[Spec] = [
    {
        "aggregate": [
            {"op": "min", "field": "recall", "as": "least"},
            {"op": "max", "field": "recall", "as": "most"},
        ]
    },
    {"calculate": "(datum.least + datum.most) / 2 - 0.01", "as": "from"},
    {"calculate": "(datum.least + datum.most) / 2 + 0.01", "as": "to"},
]
"""Two percent of recall, which an axis shows at least: what is equal shall not look far apart."""
_BEST_FIRST = [{"field": "sx", "order": "descending"}, {"field": "sy", "order": "descending"}]
_FRONT: list[Spec] = [
    {"filter": "datum.kept"},
    {
        "window": [{"op": "max", "field": "sy", "as": "so_far"}],
        "frame": [None, 0],
        "ignorePeers": True,
        "sort": _BEST_FIRST,
    },
    {"window": [{"op": "lag", "field": "so_far", "as": "before"}], "sort": _BEST_FIRST},
    {"filter": "!isValid(datum.before) || datum.sy > datum.before"},
]
"""Keeps what no other setting beats in both quantities."""
_LIMIT: Spec = {
    "transform": [
        {"aggregate": [{"op": "max", "field": "limit", "as": "limit"}]},
        {"calculate": "signs[floor_of] * datum.limit", "as": "bound"},
        {"calculate": spell_value("datum.bound", "units[floor_of]"), "as": "spelt"},
        {
            "calculate": "!floor ? '' : titles[floor_of] + "
            "(signs[floor_of] > 0 ? ' ≥ ' : ' ≤ ') + datum.spelt",
            "as": "words",
        },
    ],
    "mark": {"type": "text", "align": "left", "baseline": "top", "fontWeight": "bold"},
    "encoding": {
        "x": {"value": 8},
        "y": {"value": 8},
        "text": nominal("words"),
    },
}
