"""What every figure for print builds on: the rows it draws, lines, axes, names cut to size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from vbench._plain import in_figure
from vbench.analysis.gather import Panel, Report, gather, match_recall, nearest
from vbench.measures.hits import threshold
from vbench.numbers import write
from vbench.render import frames
from vbench.render.palette import Look, looks
from vbench.render.quantities import BY_KEY
from vbench.runs.run import Run
from vbench.runs.settings import Setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SINGLE = (3.4, 2.5)
DOUBLE = (7.0, 2.9)
"""Inches: one column of a paper of two, and both."""
Runs = Run | Report | Sequence[Run]
REACH = "queries with recall ≥ {delta:g}"
_NAME_LENGTH = 30
_SPAN = 0.02


def short(name: str) -> str:
    """A name cut in its middle to what a figure has room for; a dollar in it begins no formula."""
    if len(name) > _NAME_LENGTH:
        half = (_NAME_LENGTH - 1) // 2
        name = f"{name[:half]}…{name[-half:]}"
    return in_figure(name)


def open_panel(
    run: Runs, k: int | None, level: float | None
) -> tuple[Panel, dict[str, Setting], dict[str, Look]]:
    """A panel, its settings at equal mean recall by index, and how each index looks."""
    panel = gather(run).panel(k)
    chosen = match_recall(panel).chosen if level is None else nearest(panel, level)
    return panel, chosen, looks_of(run)


def looks_of(run: Runs) -> dict[str, Look]:
    """How each index of the report looks."""
    return looks(gather(run).indexes)


def at_delta(panel: Panel, delta: float) -> pl.DataFrame:
    """Settings with their quantities and Robustness at δ."""
    need = threshold(delta, panel.k)
    at_delta = frames.curves(panel).filter(pl.col("need") == need)
    return frames.settings(panel).join(
        at_delta.select("id", "robustness", "low", "high"), on="id", maintain_order="left"
    )


def families(frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows that one line connects, with its name."""
    for (family,), rows in frame.group_by("family", maintain_order=True):
        yield str(family), rows


def line(ax: Axes, look: Look, x: Any, y: Any, label: str, **more: Any) -> None:
    """A line with markers, as its index looks."""
    ax.plot(
        x,
        y,
        color=look.color,
        marker=look.marker.matplotlib,
        ls=(0, look.dash) if look.dash else "-",
        label=label,
        **more,
    )


def quantity_axis(ax: Axes, side: str, key: str, k: int, delta: float) -> None:
    """Label and scale of an axis: shares linear, prices logarithmic with plain numbers."""
    axis = ax.xaxis if side == "x" else ax.yaxis
    if key == "robustness":
        axis.set_label_text(REACH.format(delta=delta))
        widen_axis(ax, side)
        percent_axis(axis)
        return
    quantity = BY_KEY[key]
    axis.set_label_text(f"mean recall@{k}" if key == "recall" else quantity.title)
    if quantity.unit in ("share", "score"):
        widen_axis(ax, side)
        return
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    (ax.set_xscale if side == "x" else ax.set_yscale)("log")
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value, quantity.unit)))


def label_rows(ax: Axes, names: Sequence[str], text: str) -> None:
    """Names of the rows of a chart of shares, the first on top, and what the shares are of."""
    ax.set_yticks(range(len(names)), [short(name) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    percent_axis(ax.xaxis)
    row_label(ax, text)


def row_label(ax: Axes, text: str) -> None:
    """Label of the x axis of a chart of rows; their names leave less room than it needs."""
    ax.set_xlabel(text, loc="right")


def widen_axis(ax: Axes, side: str) -> None:
    """Give an axis of shares a span of two percent at least: what is equal shall not look apart."""
    low, high = (ax.get_xlim if side == "x" else ax.get_ylim)()
    if high - low < _SPAN:
        middle = (low + high) / 2
        (ax.set_xlim if side == "x" else ax.set_ylim)(middle - _SPAN / 2, middle + _SPAN / 2)


def share_under_axis(ax: Axes, least: float) -> None:
    """A logarithmic axis of shares up to 100 %, whose bottom is no query at all."""
    from matplotlib.ticker import FixedLocator, NullLocator

    ax.set_yscale("log")
    ax.set_ylim(least, 1.15)
    steps = [first * 10.0**-power for power in range(1, 8) for first in (1, 3)]
    ax.yaxis.set_major_locator(FixedLocator([1.0, *(each for each in steps if each >= least)]))
    ax.yaxis.set_minor_locator(NullLocator())
    percent_axis(ax.yaxis)


def percent_axis(axis: Any) -> None:
    """Shares as percents, at round values."""
    from matplotlib.ticker import AutoLocator, FuncFormatter, MaxNLocator

    if isinstance(axis.get_major_locator(), AutoLocator):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(100 * value, 6):g}%"))
