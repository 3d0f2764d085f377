"""Charts of rows: a share of each segment with its interval, one mark an index."""

from __future__ import annotations

from collections.abc import Sequence

from vbench.render.page.charts import (
    LIT,
    ROW_NAMES,
    Drawing,
    Spec,
    dots,
    first_by,
    hover,
    hover_ends,
    mark,
    nominal,
    number,
)


def draw_rows(
    draw: Drawing,
    data: str,
    transform: Sequence[Spec],
    value: Spec,
    told: Sequence[Spec],
    count: int,
) -> Spec:
    """A share of each segment, the segments as rows in the order of their `place`.

    Parameters
    ----------
    data, transform
        The frame, and what gives it `label`, `place`, `low` and `high`.
    value
        The share, as an encoding with its title.
    told
        What hovering says of a mark beside its segment and interval.
    count
        How many rows there are at most.
    """
    y = {
        "y": nominal(
            "label",
            title=None,
            sort=first_by("place"),
            axis=ROW_NAMES,
            scale={"paddingInner": 0.25},
        ),
        "yOffset": nominal("name", sort=first_by("order")),
    }
    axis = {"title": value["title"], "axis": {"format": "~%", "tickCount": 6}}
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
    point = dots(
        {
            **y,
            "x": {**value, **axis},
            "color": draw.color,
            "shape": draw.shape,
            "opacity": faded,
            "tooltip": hover(
                nominal("label", title="segment"),
                *told,
                *hover_ends(".2%"),
            ),
        },
        70,
    )
    return draw.chart(data, transform, [interval, point], height=count * (14 * draw.count + 10))
