"""Figures of the tail: by segment, by hardness, by the setting that a query needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from vbench.analysis.gather import gather
from vbench.analysis.hardness import LABELS
from vbench.analysis.tail import explain_panel
from vbench.errors import UnknownNameError, VbenchError
from vbench.render import frames, frames_tail
from vbench.render.figures.base import Runs, line, looks_of, opened, percent_axis, row_label, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    panel, chosen, look = opened(run, k, level)
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
            color=look[index].color,
            elinewidth=0.9,
            label=short(str(shown)),
        )
    names = [f"{column}: {segment}" if several else segment for column, segment in labels]
    ax.set_yticks(range(len(names)), [short(name) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(left=0)
    ax.grid(axis="y", visible=False)
    percent_axis(ax.xaxis)
    row_label(ax, f"queries of the segment with recall@{panel.k} < {delta:g}")


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
    panel, chosen, look = opened(run, k, level)
    told = explain_panel(panel)
    known = told.hardness
    if not known:
        raise VbenchError(f"hardness was never computed for {panel.data}: vbench tail does it")
    name = measure or known[0]
    if name not in known:
        raise UnknownNameError("hardness measure", name, known)
    frame = frames_tail.hardness(panel).filter(pl.col("measure") == name)
    for index, shown in chosen.items():
        rows = frame.filter(pl.col("id") == shown.id)
        line(ax, look[index], rows["tenth"], rows["mean_recall"], short(str(shown)))
    ax.set_xticks(range(1, 11))
    percent_axis(ax.yaxis)
    label, _, _ = LABELS.get(name, name).partition(":")
    row_label(ax, f"tenths by {label}")
    ax.set_ylabel(f"mean recall@{panel.k}")


def effort(run: Runs, ax: Axes, *, k: int | None = None, delta: float = 0.9) -> None:
    """For each sweep, the shares of the queries by the smallest setting that serves them.

    Pale is the narrowest setting, full the widest, gray what no setting serves.

    Raises
    ------
    VbenchError
        When no index has two settings.
    """
    panel = gather(run).panel(k)
    frame = frames_tail.efforts(panel)
    if frame.is_empty():
        raise VbenchError("effort needs an index with two settings")
    frame = frame.filter(pl.col("need") == frames.tenth(delta, panel.k))
    by_id = {shown.id: shown for shown in panel.settings}
    places: dict[str, int] = {}
    ends: dict[str, float] = {}
    for row in frame.iter_rows(named=True):
        shown = by_id[row["id"]]
        place = places.setdefault(str(shown.variant), len(places))
        start = ends.get(str(shown.variant), 0.0)
        strength = 0.2 + 0.8 * row["step"] / max(1, row["steps"] - 1)
        ax.barh(
            place,
            row["share"],
            left=start,
            height=0.66,
            color=looks_of(run)[shown.title].color if row["served"] else "#BBBBBB",
            alpha=min(1.0, strength) if row["served"] else 0.6,
            edgecolor="white",
            linewidth=0.5,
        )
        ends[str(shown.variant)] = start + row["share"]
    ax.set_yticks(range(len(places)), [short(name) for name in places])
    ax.set_ylim(len(places) - 0.5, -0.5)
    ax.set_xlim(0, 1)
    ax.grid(axis="y", visible=False)
    percent_axis(ax.xaxis)
    row_label(ax, f"queries, by the setting from which recall@{panel.k} ≥ {delta:g}")
