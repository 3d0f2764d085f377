"""Chart of gain curves: what it brings to send more and more of the queries on."""

from __future__ import annotations

from collections.abc import Sequence

from vbench.render.combining import ORDERS
from vbench.render.page.charts import Drawing, Spec, dots, mark, nominal, number
from vbench.render.palette import looks


def draw_gains(draw: Drawing, titles: dict[str, str], pairs: Sequence[str]) -> Spec:
    """One measure of one pair against the share that is sent on, a line for each order.

    `titles` are the measures by key, the first of them chosen, and `pairs` those to choose from.
    """
    looked = looks(list(ORDERS.values()))

    def scaled(values: Sequence[object]) -> Spec:
        scale = {"domain": list(looked), "range": list(values)}
        return nominal("order", scale=scale, title=None, legend={"orient": "bottom"})

    place = {
        "x": number("share", title="share of the queries that is sent on", axis={"format": ".0%"}),
        "y": number("shown", title=None, scale={"zero": False}, axis={"tickCount": 6}),
        "color": scaled([look.css for look in looked.values()]),
    }
    line = mark(
        "line",
        {**place, "strokeDash": scaled([list(look.dash) or [1, 0] for look in looked.values()])},
        strokeWidth=2,
    )
    points = dots(
        {
            **place,
            "shape": scaled([look.marker.vega for look in looked.values()]),
            "tooltip": [
                nominal("pair"),
                nominal("order", title="first"),
                number("share", title="sent on", format=".0%"),
                *(number(key, title=title, format=".4f") for key, title in titles.items()),
            ],
        },
        70,
    )
    return draw.plain(
        "gains",
        [{"filter": "datum.pair === pair"}, {"calculate": "datum[gain_y]", "as": "shown"}],
        [line, points],
        height=300,
        parameters={"pair": pairs[0], "gain_y": next(iter(titles))},
    )
