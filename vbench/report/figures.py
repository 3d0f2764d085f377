"""Figures for print: each a function that draws one chart of a run into a matplotlib Axes.

>>> import vbench
>>> from matplotlib.figure import Figure
>>> from vbench.report import figures
>>> axes = Figure(figsize=figures.SINGLE).subplots()
>>> figures.curves(vbench.open("results/…"), axes)                             # doctest: +SKIP

A run may hold several K: `k` says which, by default the smallest. What is compared at equal mean
recall is compared at the level that the page opens with, or at `level`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from vbench.errors import UnknownNameError, VbenchError
from vbench.measures.hits import threshold
from vbench.report import frames, frames_hardness, frames_tail
from vbench.report.footing import footing, nearest
from vbench.report.gather import Panel, Report, Shown, gather
from vbench.report.palette import Look, looks
from vbench.report.quantities import BY_KEY, spelt
from vbench.results.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SINGLE = (3.4, 2.5)
DOUBLE = (7.0, 2.9)
"""Inches: one column of a paper of two, and both."""
Runs = Run | Report | Sequence[Run]
_REACH = "queries with recall ≥ {delta:g}"
_NAME_LENGTH = 30


def recall_distribution(
    run: Runs, ax: Axes, *, k: int | None = None, level: float | None = None
) -> None:
    """Share of the queries by recall at equal mean recall, on a square-root scale."""
    panel, chosen, look = _opened(run, k, level)
    frame = frames.histogram(panel)
    width = 0.84 / len(chosen)
    for place, (index, shown) in enumerate(chosen.items()):
        rows = frame.filter(pl.col("id") == shown.id)
        offset = (place - (len(chosen) - 1) / 2) * width
        ax.bar(
            rows["bar"].to_numpy() + offset,
            rows["share"].to_numpy(),
            width,
            color=look[index].colour,
            label=short(shown.name),
        )
    names = frame.filter(pl.col("id") == frame["id"][0])["recall_of_query"].to_list()
    ax.set_xticks(range(len(names)), names, rotation=45 if len(names[1]) > 4 else 0)
    ax.set_yscale("function", functions=(np.sqrt, np.square))
    ax.set_ylim(0, 1)
    ax.set_yticks([0.01, 0.1, 0.3, 0.6, 1])
    _percent(ax.yaxis)
    ax.grid(axis="x", visible=False)
    ax.set_xlabel(f"recall@{panel.k} of a query")
    ax.set_ylabel("queries (√ scale)")


def curves(run: Runs, ax: Axes, *, k: int | None = None, level: float | None = None) -> None:
    """Robustness at every δ with its simultaneous 95 % band, at equal mean recall."""
    panel, chosen, look = _opened(run, k, level)
    for index, shown in chosen.items():
        rows = frames.curves(panel).filter(pl.col("id") == shown.id)
        delta = rows["delta"].to_numpy()
        ax.fill_between(
            delta, rows["band_low"], rows["band_high"], color=look[index].colour, alpha=0.13, lw=0
        )
        every = max(1, panel.k // 10)
        _line(ax, look[index], delta, rows["robustness"], short(shown.name), markevery=every)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.01)
    _percent(ax.yaxis)
    ax.set_xlabel("δ")
    ax.set_ylabel(f"queries with recall@{panel.k} ≥ δ")


def robustness_against_recall(
    run: Runs, ax: Axes, *, k: int | None = None, delta: float = 0.9
) -> None:
    """Robustness at δ against mean recall, every setting, with 95 % intervals."""
    panel = gather(run).panel(k)
    frame = _at(panel, delta)
    for family, rows in _families(frame):
        look = _looks(run)[rows["index"][0]]
        errors = [rows["robustness"] - rows["low"], rows["high"] - rows["robustness"]]
        ax.errorbar(
            rows["recall"], rows["robustness"], errors, fmt="none", ecolor=look.colour,
            elinewidth=0.7, alpha=0.6,
        )  # fmt: skip
        _line(ax, look, rows["recall"], rows["robustness"], short(family))
    _percent(ax.yaxis)
    ax.set_xlabel(f"mean recall@{panel.k}")
    ax.set_ylabel(_REACH.format(delta=delta))


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
        Keys of :data:`vbench.report.quantities.QUANTITIES`, or ``robustness`` (at `delta`).

    Raises
    ------
    VbenchError
        When no setting has both.
    """
    panel = gather(run).panel(k)
    frame = _at(panel, delta).drop_nulls([x, y])
    if frame.is_empty():
        raise VbenchError(f"the run holds no setting with both {x} and {y}")
    for family, rows in _families(frame):
        _line(ax, _looks(run)[rows["index"][0]], rows[x], rows[y], short(family))
    _quantity_axis(ax, "x", x, panel.k, delta)
    _quantity_axis(ax, "y", y, panel.k, delta)


def three_way(
    run: Runs,
    ax: Axes,
    *,
    x: str = "recall",
    y: str = "qps",
    floor_of: str = "robustness",
    floor: float = 0.9,
    k: int | None = None,
    delta: float = 0.9,
) -> None:
    """Two quantities, with a third as a floor: settings that do not hold it are hollow and pale.

    Of a quantity that is better when it is lower, `floor` is the largest value allowed.
    """
    panel = gather(run).panel(k)
    frame = _at(panel, delta).drop_nulls([x, y, floor_of])
    if frame.is_empty():
        raise VbenchError(f"the run holds no setting with {x}, {y} and {floor_of}")
    rising = floor_of == "robustness" or BY_KEY[floor_of].higher_is_better
    holds = pl.col(floor_of) >= floor if rising else pl.col(floor_of) <= floor
    for family, rows in _families(frame.with_columns(holds=holds)):
        look = _looks(run)[rows["index"][0]]
        ax.plot(rows[x], rows[y], color=look.colour, alpha=0.25, lw=0.8)
        for held in (False, True):
            part = rows.filter(pl.col("holds") == held)
            ax.plot(
                part[x],
                part[y],
                ls="none",
                marker=look.marker.matplotlib,
                color=look.colour,
                mfc=look.colour if held else "none",
                mew=0.6,
                alpha=1.0 if held else 0.45,
                label=short(family) if held else None,
            )
    _quantity_axis(ax, "x", x, panel.k, delta)
    _quantity_axis(ax, "y", y, panel.k, delta)
    bound = spelt(floor, "share" if floor_of == "robustness" else BY_KEY[floor_of].unit)
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
    """What the swept parameter of one index does to mean recall and to Robustness at some δ.

    Parameters
    ----------
    index
        Its name; by default the first index with at least two values.

    Raises
    ------
    VbenchError
        When the index, or every index, has no numeric parameter with two values.
    """
    panel = gather(run).panel(k)
    knobs = {name: knob for name in panel.indexes if (knob := swept(panel, name))}
    name = index or next(iter(knobs), "")
    if name not in knobs:
        raise VbenchError(
            f"{name or 'no index'} has no numeric search parameter with two values"
            + (f"; these have: {', '.join(knobs)}" if index else "")
        )
    knob = knobs[name]
    settings = sorted(panel.by_index[name], key=lambda shown: shown.setting.setting[knob])
    at = [shown.setting.setting[knob] for shown in settings]
    look = _looks(run)[name]
    for place, delta in enumerate(deltas):
        need = threshold(delta, panel.k)
        reached = np.array([shown.curve.value[need] for shown in settings])
        low = [shown.curve.low[need] for shown in settings]
        high = [shown.curve.high[need] for shown in settings]
        strength = 0.35 + 0.65 * (place + 1) / len(deltas)
        ax.fill_between(at, low, high, color=look.colour, alpha=0.12 * strength, lw=0)
        ax.plot(
            at, reached, color=look.colour, alpha=strength, marker=look.marker.matplotlib,
            label=f"recall ≥ {delta:g}",
        )  # fmt: skip
    ax.plot(at, [shown.recall for shown in settings], color="#333333", ls="--", label="mean recall")
    if min(at) > 0 and max(at) / min(at) >= 4:
        ax.set_xscale("log", base=2)
        ax.set_xticks(at, [f"{value:g}" for value in at])
    _percent(ax.yaxis)
    ax.set_xlabel(f"{knob} of {short(name)}")
    ax.set_ylabel("queries, mean recall")


def tail_by_segment(
    run: Runs,
    ax: Axes,
    *,
    k: int | None = None,
    delta: float = 0.9,
    level: float | None = None,
) -> None:
    """Share of each segment's queries under δ with 95 % intervals, at equal mean recall.

    Raises
    ------
    VbenchError
        When the queries have no segments.
    """
    panel, chosen, look = _opened(run, k, level)
    frame = frames_tail.segments(panel)
    if frame.is_empty():
        raise VbenchError(f"the queries of {panel.data} have no segments")
    frame = frame.filter(pl.col("need") == frames.tenth(delta, panel.k))
    several = frame["column"].n_unique() > 1
    labels = frame.select("column", "segment").unique(maintain_order=True).rows()
    for place, (index, shown) in enumerate(chosen.items()):
        rows = frame.filter(pl.col("id") == shown.id)
        offset = (place - (len(chosen) - 1) / 2) * 0.7 / len(chosen)
        ax.errorbar(
            rows["under"],
            np.arange(len(rows)) + offset,
            xerr=[rows["under"] - rows["low"], rows["high"] - rows["under"]],
            fmt=look[index].marker.matplotlib,
            color=look[index].colour,
            elinewidth=0.9,
            label=short(shown.name),
        )
    names = [f"{column}: {segment}" if several else segment for column, segment in labels]
    ax.set_yticks(range(len(names)), [short(name) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(left=0)
    ax.grid(axis="y", visible=False)
    _percent(ax.xaxis)
    ax.set_xlabel(f"queries of the segment with recall@{panel.k} < {delta:g}")


def hardness(
    run: Runs,
    ax: Axes,
    *,
    measure: str | None = None,
    k: int | None = None,
    level: float | None = None,
) -> None:
    """Mean recall of each tenth of the queries, ordered by a hardness measure.

    Parameters
    ----------
    measure
        By default the one that tells most of the tail.

    Raises
    ------
    VbenchError
        When the run holds no hardness, or not this one.
    """
    panel, chosen, look = _opened(run, k, level)
    known = frames_hardness.most_telling(panel)
    if not known:
        raise VbenchError(f"hardness was never computed for {panel.data}: vbench tail does it")
    name = measure or known[0]
    if name not in known:
        raise UnknownNameError("hardness measure", name, known)
    frame = frames_hardness.hardness(panel).filter(pl.col("measure") == name)
    for index, shown in chosen.items():
        rows = frame.filter(pl.col("id") == shown.id)
        _line(ax, look[index], rows["tenth"], rows["mean_recall"], short(shown.name))
    ax.set_xticks(range(1, 11))
    _percent(ax.yaxis)
    ax.set_xlabel(f"tenths of the queries, by {name.replace('_', ' ')}")
    ax.set_ylabel(f"mean recall@{panel.k}")


def effort(run: Runs, ax: Axes, *, k: int | None = None, delta: float = 0.9) -> None:
    """For each sweep, the shares of the queries by the smallest setting that serves them.

    Pale is the narrowest setting, full the widest, grey what no setting serves.

    Raises
    ------
    VbenchError
        When no index has two settings.
    """
    panel = gather(run).panel(k)
    frame = frames_hardness.efforts(panel)
    if frame.is_empty():
        raise VbenchError("effort needs an index with two settings")
    frame = frame.filter(pl.col("need") == frames.tenth(delta, panel.k))
    by_id = {shown.id: shown for shown in panel.settings}
    places: dict[str, int] = {}
    ends: dict[str, float] = {}
    for row in frame.iter_rows(named=True):
        shown = by_id[row["id"]]
        place = places.setdefault(shown.family, len(places))
        start = ends.get(shown.family, 0.0)
        strength = 0.2 + 0.8 * row["step"] / max(1, row["steps"] - 1)
        ax.barh(
            place,
            row["share"],
            left=start,
            height=0.66,
            color=_looks(run)[shown.index].colour if row["served"] else "#BBBBBB",
            alpha=min(1.0, strength) if row["served"] else 0.6,
            edgecolor="white",
            linewidth=0.5,
        )
        ends[shown.family] = start + row["share"]
    ax.set_yticks(range(len(places)), [short(name) for name in places])
    ax.set_ylim(len(places) - 0.5, -0.5)
    ax.set_xlim(0, 1)
    ax.grid(axis="y", visible=False)
    _percent(ax.xaxis)
    ax.set_xlabel(f"queries, by the setting from which recall@{panel.k} ≥ {delta:g}")


def build_spread(
    run: Runs,
    ax: Axes,
    *,
    k: int | None = None,
    delta: float = 0.9,
    level: float | None = None,
) -> None:
    """Robustness of every build at equal mean recall: one mark a build."""
    panel, chosen, look = _opened(run, k, level)
    frame = frames.builds(panel).filter(pl.col("need") == frames.tenth(delta, panel.k))
    for place, (index, shown) in enumerate(chosen.items()):
        values = frame.filter(pl.col("id") == shown.id)["robustness"].to_numpy()
        ax.plot(
            [values.min(), values.max()], [place, place], color=look[index].colour, alpha=0.25,
            lw=4, solid_capstyle="round",
        )  # fmt: skip
        ax.plot(
            values, np.full(len(values), place), ls="none", color=look[index].colour,
            marker=look[index].marker.matplotlib,
        )  # fmt: skip
    ax.set_yticks(range(len(chosen)), [short(shown.name) for shown in chosen.values()])
    ax.set_ylim(len(chosen) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    _percent(ax.xaxis)
    ax.set_xlabel(f"queries with recall@{panel.k} ≥ {delta:g}, each build")


def short(name: str) -> str:
    """A name cut in its middle to what a figure has room for."""
    if len(name) <= _NAME_LENGTH:
        return name
    half = (_NAME_LENGTH - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def _opened(
    run: Runs, k: int | None, level: float | None
) -> tuple[Panel, dict[str, Shown], dict[str, Look]]:
    panel = gather(run).panel(k)
    chosen = footing(panel).chosen if level is None else nearest(panel, level)
    return panel, chosen, _looks(run)


def _looks(run: Runs) -> dict[str, Look]:
    return looks(gather(run).indexes)


def _at(panel: Panel, delta: float) -> pl.DataFrame:
    """Settings with their quantities and Robustness at δ."""
    need = threshold(delta, panel.k)
    at_delta = frames.curves(panel).filter(pl.col("need") == need)
    return frames.settings(panel).join(
        at_delta.select("id", "robustness", "low", "high"), on="id", maintain_order="left"
    )


def _families(frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for (family,), rows in frame.group_by("family", maintain_order=True):
        yield str(family), rows


def swept(panel: Panel, index: str) -> str | None:
    """The numeric search parameter of an index that takes most values, if at least two."""
    values: dict[str, set[Any]] = {}
    for shown in panel.by_index.get(index, ()):
        for name, value in shown.setting.setting.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                values.setdefault(name, set()).add(value)
    most = max(values, key=lambda each: len(values[each]), default=None)
    return most if most is not None and len(values[most]) > 1 else None


def _line(ax: Axes, look: Look, x: Any, y: Any, label: str, **more: Any) -> None:
    ax.plot(
        x,
        y,
        color=look.colour,
        marker=look.marker.matplotlib,
        ls=(0, look.dash) if look.dash else "-",
        label=label,
        **more,
    )


def _quantity_axis(ax: Axes, side: str, key: str, k: int, delta: float) -> None:
    """Label and scale of an axis: shares linear, prices logarithmic with plain numbers."""
    axis = ax.xaxis if side == "x" else ax.yaxis
    if key == "robustness":
        axis.set_label_text(_REACH.format(delta=delta))
        _percent(axis)
        return
    quantity = BY_KEY[key]
    axis.set_label_text(f"mean recall@{k}" if key == "recall" else quantity.title)
    if quantity.unit == "share":
        return
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    (ax.set_xscale if side == "x" else ax.set_yscale)("log")
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: spelt(value, quantity.unit)))


def _percent(axis: Any) -> None:
    from matplotlib.ticker import AutoLocator, FuncFormatter, MaxNLocator

    if isinstance(axis.get_major_locator(), AutoLocator):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(100 * value, 6):g}%"))
