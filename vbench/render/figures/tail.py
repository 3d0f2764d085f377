"""Figures of the tail: by segment, by hardness, by the setting that a query needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from vbench._plain import in_figure
from vbench.analysis.gather import Panel, gather
from vbench.analysis.hardness import LABELS
from vbench.analysis.tail import explain_panel, settings_of
from vbench.errors import UnknownNameError, VbenchError
from vbench.render import frames
from vbench.render.figures.base import (
    Runs,
    label_rows,
    line,
    looks_of,
    open_panel,
    percent_axis,
    row_label,
    short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE = 7.5
"""Inches: the rows of a figure that fits on a page with its caption."""
_UNSERVED = "#C4C4C4"
_HATCH = "////"
_IN_BAR = 10
"""Characters that a bar has room for."""


def tail_by_segment(
    run: Runs,
    ax: Axes,
    *,
    k: int | None = None,
    delta: float = 0.9,
    level: float | None = None,
) -> None:
    """Share of each segment's queries under δ with 95 % intervals, at matched recall.

    The worst segments, as many as :func:`fitting_segments` says.

    Raises
    ------
    VbenchError
        When the queries have no segments.
    """
    panel, chosen, look = open_panel(run, k, level)
    frame = frames.segments(panel)
    if frame.is_empty():
        raise VbenchError(f"the queries of {panel.data} have no segments")
    frame = frame.filter(pl.col("need") == frames.tenth(delta, panel.k))
    frame = frame.filter(pl.col("place") <= fitting_segments(panel))
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
    ax.set_xlim(left=0)
    label_rows(ax, names, f"queries of the segment with recall@{panel.k} < {delta:g}")


def lost_items(run: Runs, ax: Axes, *, k: int | None = None) -> None:
    """Share of the items that no query gets where they belong, with 95 % intervals.

    Of all items and by segment, at matched recall; as many segments as fit a page.

    Raises
    ------
    VbenchError
        When the ids of the answers were not recorded.
    """
    panel, look = gather(run).panel(k), looks_of(run)
    frame = frames.items(panel)
    if frame.is_empty():
        raise VbenchError(f"the ids of the answers on {panel.data} were not recorded")
    names = frame["label"].unique(maintain_order=True).to_list()[: fitting_items(panel)]
    shown = settings_of(panel)
    for place, setting in enumerate(shown):
        rows = frame.filter((pl.col("id") == setting.id) & pl.col("label").is_in(names))
        at = [names.index(label) for label in rows["label"]]
        ax.errorbar(
            rows["lost"],
            np.array(at) + (place - (len(shown) - 1) / 2) * 0.7 / len(shown),
            xerr=[rows["lost"] - rows["low"], rows["high"] - rows["lost"]],
            fmt=look[setting.title].marker.matplotlib,
            color=look[setting.title].color,
            elinewidth=0.9,
            clip_on=False,
            label=short(str(setting)),
        )
    ax.set_yticks(range(len(names)), [short(name) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(left=0)
    ax.grid(axis="y", visible=False)
    percent_axis(ax.xaxis)
    row_label(ax, f"items that no query gets\nwhere they are in its exact top {panel.k}")


def fitting_items(panel: Panel) -> int:
    """How many rows of :func:`lost_items` a figure has room for that is no higher than a page."""
    held = frames.items(panel)
    there = 0 if held.is_empty() else held["label"].n_unique()
    return min(there, int(PAGE / segment_height(panel)))


def fitting_segments(panel: Panel) -> int:
    """How many segments a figure has room for that is no higher than a page."""
    held = frames.segments(panel)
    there = 0 if held.is_empty() else held["place"].n_unique()
    return min(there, int(PAGE / segment_height(panel)))


def segment_height(panel: Panel) -> float:
    """Inches that one segment needs: its name, or a mark for each index."""
    return max(0.16, 0.07 * len(panel.indexes) + 0.06)


def hardness(
    run: Runs,
    ax: Axes,
    *,
    measure: str | None = None,
    k: int | None = None,
    level: float | None = None,
) -> None:
    """Mean recall of each tenth of the queries, ordered by a hardness measure.

    By default by the one that tells most of the tail.

    Raises
    ------
    VbenchError
        When the run holds no hardness, or not this one.
    """
    panel, chosen, look = open_panel(run, k, level)
    told = explain_panel(panel)
    known = told.hardness
    if not known:
        raise VbenchError(f"hardness was never computed for {panel.data}: vbench tail does it")
    name = measure or known[0]
    if name not in known:
        raise UnknownNameError("hardness measure", name, known)
    frame = frames.hardness(panel).filter(pl.col("measure") == name)
    for index, shown in chosen.items():
        rows = frame.filter(pl.col("id") == shown.id)
        line(ax, look[index], rows["tenth"], rows["mean_recall"], short(str(shown)))
    ax.set_xticks(range(1, 11))
    percent_axis(ax.yaxis)
    label, _, _ = LABELS.get(name, name).partition(":")
    end = "harder →" if told.harder(name) == "larger" else "← harder"
    row_label(ax, f"tenths of the queries, {end}\nby {label}")
    ax.set_ylabel(f"mean recall@{panel.k}")


def effort(run: Runs, ax: Axes, *, k: int | None = None, delta: float = 0.9) -> None:
    """For each sweep, the shares of the queries by their smallest sufficient setting.

    Pale is the narrowest setting, full the widest, gray what no setting serves.

    Raises
    ------
    VbenchError
        When no index has two settings.
    """
    panel = gather(run).panel(k)
    frame = frames.efforts(panel)
    if frame.is_empty():
        raise VbenchError("effort needs an index with two settings")
    frame = frame.filter(pl.col("need") == frames.tenth(delta, panel.k))
    by_id = {shown.id: shown for shown in panel.settings}
    look = looks_of(run)
    names = []
    for place, ((shown_id,), rows) in enumerate(frame.group_by("id", maintain_order=True)):
        shown, start = by_id[str(shown_id)], 0.0
        names.append(str(shown.variant))
        for row in rows.iter_rows(named=True):
            color = look[shown.title].color if row["served"] else _UNSERVED
            strength = _strength(row["step"] / max(1, row["steps"] - 1)) if row["served"] else 1.0
            ax.barh(
                place,
                row["share"],
                left=start,
                height=0.66,
                color=color,
                alpha=strength,
                hatch=None if row["served"] else _HATCH,
                edgecolor="white",
                linewidth=0.5,
            )
            if row["share"] > 0.14 and len(row["smallest"]) <= _IN_BAR:
                ax.text(
                    start + row["share"] / 2,
                    place,
                    in_figure(row["smallest"]),
                    ha="center",
                    va="center",
                    fontsize="xx-small",
                    color="white" if strength > 0.6 else "black",
                )
            start += row["share"]
    ax.set_xlim(0, 1)
    text = f"queries by smallest sufficient setting\n(recall@{panel.k} ≥ {delta:g})"
    label_rows(ax, names, text)
    _key(ax)


def _strength(part: float) -> float:
    """How opaque a bar is, from the narrowest setting (0) to the widest (1)."""
    return min(1.0, 0.2 + 0.8 * part)


def _key(ax: Axes) -> None:
    """What the shades mean."""
    from matplotlib.patches import Rectangle

    for label, color, alpha, hatch in (
        ("narrowest setting", "#444444", _strength(0.0), None),
        ("widest setting", "#444444", _strength(1.0), None),
        ("no setting", _UNSERVED, None, _HATCH),
    ):
        look = Rectangle((0, 0), 0, 0, label=label, fc=color, alpha=alpha, hatch=hatch, ec="white")
        ax.add_patch(look)
