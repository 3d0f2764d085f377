"""Figures of what evenness costs: any quantity against any, and what a parameter does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from vbench.analysis.gather import Panel, gather
from vbench.errors import VbenchError
from vbench.measures.hits import threshold
from vbench.numbers import write
from vbench.render.figures.base import (
    Runs,
    at_delta,
    families,
    line,
    looks_of,
    percent_axis,
    quantity_axis,
    short,
)
from vbench.render.quantities import BY_KEY

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def trade_off(
    run: Runs,
    ax: Axes,
    *,
    x: str = "recall",
    y: str = "qps",
    k: int | None = None,
    delta: float = 0.9,
) -> None:
    """One quantity against another, every setting.

    Parameters
    ----------
    x, y
        Keys of :data:`vbench.render.quantities.QUANTITIES`, or ``robustness`` (at `delta`).

    Raises
    ------
    VbenchError
        When no setting has both.
    """
    panel = gather(run).panel(k)
    frame = at_delta(panel, delta).drop_nulls([x, y])
    if frame.is_empty():
        raise VbenchError(f"the run holds no setting with both {x} and {y}")
    for family, rows in families(frame):
        line(ax, looks_of(run)[rows["index"][0]], rows[x], rows[y], short(family))
    quantity_axis(ax, "x", x, panel.k, delta)
    quantity_axis(ax, "y", y, panel.k, delta)


def three_way(
    run: Runs,
    ax: Axes,
    *,
    x: str = "recall",
    y: str = "qps",
    floor_of: str = "robustness",
    floor: float | None = None,
    k: int | None = None,
    delta: float = 0.9,
) -> None:
    """Two quantities, with a third as a floor: settings that do not hold it are hollow and pale.

    Of a quantity that is better when it is lower, `floor` is the largest value allowed. By default
    it is the median of the settings, so that some hold it and some do not.
    """
    panel = gather(run).panel(k)
    frame = at_delta(panel, delta).drop_nulls([x, y, floor_of])
    if frame.is_empty():
        raise VbenchError(f"the run holds no setting with {x}, {y} and {floor_of}")
    if floor is None:
        floor = float(frame[floor_of].quantile(0.5, "higher") or 0.0)
    rising = floor_of == "robustness" or BY_KEY[floor_of].better == "higher"
    holds = pl.col(floor_of) >= floor if rising else pl.col(floor_of) <= floor
    for family, rows in families(frame.with_columns(holds=holds)):
        look = looks_of(run)[rows["index"][0]]
        ax.plot(rows[x], rows[y], color=look.color, alpha=0.25, lw=0.8)
        for held in (False, True):
            part = rows.filter(pl.col("holds") == held)
            ax.plot(
                part[x],
                part[y],
                ls="none",
                marker=look.marker.matplotlib,
                color=look.color,
                mfc=look.color if held else "none",
                mew=0.6,
                alpha=1.0 if held else 0.45,
                label=short(family) if held else None,
            )
    quantity_axis(ax, "x", x, panel.k, delta)
    quantity_axis(ax, "y", y, panel.k, delta)
    bound = write(floor, "share" if floor_of == "robustness" else BY_KEY[floor_of].unit)
    name = f"Robustness-{delta:g}" if floor_of == "robustness" else BY_KEY[floor_of].title
    ax.set_title(f"filled: {name} {'≥' if rising else '≤'} {bound}", loc="left")


def parameter_effect(
    run: Runs,
    ax: Axes,
    *,
    index: str | None = None,
    k: int | None = None,
    deltas: Sequence[float] = (0.1, 0.5, 0.9, 1.0),
) -> None:
    """What the swept parameter of an index does to mean recall and to Robustness at some δ.

    `index` is its name, with or without the space that it searches, as in ``ivf-flat
    (normalize)``; by default it is the first index with at least two values.

    Raises
    ------
    VbenchError
        When the index, or every index, has no numeric parameter with two values.
    """
    panel = gather(run).panel(k)
    parameters = {
        name: parameter for name in panel.indexes if (parameter := find_swept(panel, name))
    }
    name = index or next(iter(parameters), "")
    if name not in parameters:
        name = next((each for each in parameters if each.startswith(f"{name} (")), name)
    if name not in parameters:
        raise VbenchError(
            f"{name or 'no index'} has no numeric search parameter with two values"
            + (f"; these have: {', '.join(parameters)}" if index else "")
        )
    parameter = parameters[name]
    settings = sorted(panel.by_index[name], key=lambda shown: shown.search[parameter])
    at = [shown.search[parameter] for shown in settings]
    look = looks_of(run)[name]
    for place, delta in enumerate(deltas):
        need = threshold(delta, panel.k)
        reached = np.array([shown.curve.value[need] for shown in settings])
        low = [shown.curve.low[need] for shown in settings]
        high = [shown.curve.high[need] for shown in settings]
        strength = 0.35 + 0.65 * (place + 1) / len(deltas)
        ax.fill_between(at, low, high, color=look.color, alpha=0.12 * strength, lw=0)
        ax.plot(
            at, reached, color=look.color, alpha=strength, marker=look.marker.matplotlib,
            label=f"recall ≥ {delta:g}",
        )  # fmt: skip
    ax.plot(at, [shown.recall for shown in settings], color="#333333", ls="--", label="mean recall")
    if min(at) > 0 and max(at) / min(at) >= 4:
        ax.set_xscale("log", base=2)
        ax.set_xticks(at, [f"{value:g}" for value in at])
    percent_axis(ax.yaxis)
    ax.set_xlabel(f"{parameter} of {short(name)}")
    ax.set_ylabel("queries, mean recall")


def find_swept(panel: Panel, index: str) -> str | None:
    """The numeric search parameter of an index that takes most values, if at least two."""
    values: dict[str, set[Any]] = {}
    for shown in panel.by_index.get(index, ()):
        for name, value in shown.search.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                values.setdefault(name, set()).add(value)
    most = max(values, key=lambda each: len(values[each]), default=None)
    return most if most is not None and len(values[most]) > 1 else None
