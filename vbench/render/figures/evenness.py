"""Figures of how evenly the indexes answer: recall, curves, robustness, spread of the builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from vbench.analysis.gather import gather
from vbench.render import frames
from vbench.render.figures.base import (
    REACH,
    Runs,
    at_delta,
    families,
    label_rows,
    line,
    looks_of,
    open_panel,
    percent_axis,
    share_under_axis,
    short,
    widen_axis,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_BANDS = 2
"""Bands of more indexes hide each other."""


def recall_distribution(
    run: Runs, ax: Axes, *, k: int | None = None, level: float | None = None
) -> None:
    """Share of the queries by recall at equal mean recall, on a square-root scale."""
    panel, chosen, look = open_panel(run, k, level)
    frame = frames.histogram(panel)
    width = 0.84 / len(chosen)
    for place, (index, shown) in enumerate(chosen.items()):
        rows = frame.filter(pl.col("id") == shown.id)
        offset = (place - (len(chosen) - 1) / 2) * width
        ax.bar(
            rows["bar"].to_numpy() + offset,
            rows["share"].to_numpy(),
            width,
            color=look[index].color,
            label=short(str(shown)),
        )
    names = frame.filter(pl.col("id") == frame["id"][0])["recall_of_query"].to_list()
    ax.set_xticks(range(len(names)), names, rotation=45 if len(names[1]) > 4 else 0)
    ax.set_yscale("function", functions=(np.sqrt, np.square))
    ax.set_ylim(0, 1)
    ax.set_yticks([0.01, 0.1, 0.3, 0.6, 1])
    percent_axis(ax.yaxis)
    ax.grid(axis="x", visible=False)
    ax.set_xlabel(f"recall@{panel.k} of a query")
    ax.set_ylabel("queries (√ scale)")


def curves(run: Runs, ax: Axes, *, k: int | None = None, level: float | None = None) -> None:
    """Queries under every δ, at equal mean recall; of two indexes at most with a 95 % band.

    On a logarithmic scale, on which indexes differ by factors; no query is half a query.
    """
    panel, chosen, look = open_panel(run, k, level)
    least = 0.5 / max(1, panel.facts.m)
    for index, shown in chosen.items():
        rows = frames.curves(panel).filter((pl.col("id") == shown.id) & (pl.col("need") > 0))
        delta = rows["delta"].to_numpy()
        under, low, high = (
            np.maximum(1.0 - rows[name].to_numpy(), least)
            for name in ("robustness", "band_high", "band_low")
        )
        if len(chosen) <= _BANDS:
            ax.fill_between(delta, low, high, color=look[index].color, alpha=0.1, lw=0)
        every = max(1, panel.k // 10)
        line(ax, look[index], delta, under, short(str(shown)), markevery=every)
    ax.set_xlim(0, 1)
    share_under_axis(ax, least)
    ax.set_xlabel("δ")
    ax.set_ylabel(f"queries with recall@{panel.k} < δ")


def robustness_against_recall(
    run: Runs, ax: Axes, *, k: int | None = None, delta: float = 0.9
) -> None:
    """Robustness at δ against mean recall, every setting, with 95 % intervals."""
    panel = gather(run).panel(k)
    frame = at_delta(panel, delta)
    for family, rows in families(frame):
        look = looks_of(run)[rows["index"][0]]
        errors = [rows["robustness"] - rows["low"], rows["high"] - rows["robustness"]]
        ax.errorbar(
            rows["recall"], rows["robustness"], errors, fmt="none", ecolor=look.color,
            elinewidth=0.7, alpha=0.6,
        )  # fmt: skip
        line(ax, look, rows["recall"], rows["robustness"], short(family))
    widen_axis(ax, "x")
    percent_axis(ax.yaxis)
    ax.set_xlabel(f"mean recall@{panel.k}")
    ax.set_ylabel(REACH.format(delta=delta))


def build_spread(
    run: Runs,
    ax: Axes,
    *,
    k: int | None = None,
    delta: float = 0.9,
    level: float | None = None,
) -> None:
    """Robustness of every build at equal mean recall: one mark a build."""
    panel, chosen, look = open_panel(run, k, level)
    frame = frames.builds(panel).filter(pl.col("need") == frames.tenth(delta, panel.k))
    for place, (index, shown) in enumerate(chosen.items()):
        values = frame.filter(pl.col("id") == shown.id)["robustness"].to_numpy()
        ax.plot(
            [values.min(), values.max()], [place, place], color=look[index].color, alpha=0.25,
            lw=4, solid_capstyle="round",
        )  # fmt: skip
        ax.plot(
            values, np.full(len(values), place), ls="none", color=look[index].color,
            marker=look[index].marker.matplotlib,
        )  # fmt: skip
    text = f"queries with recall@{panel.k} ≥ {delta:g}, each build"
    label_rows(ax, list(map(str, chosen.values())), text)
