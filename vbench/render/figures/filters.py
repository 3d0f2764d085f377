"""Figure of filters: how evenly each index answers, by the share of the base that passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from vbench.analysis.gather import gather, match_recall
from vbench.errors import VbenchError
from vbench.render.figures.base import Runs, looks_of, percent_axis, short
from vbench.render.filtering import ACROSS, SHOWN, filtered
from vbench.runs.views import WHOLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_APART = 0.012
"""Of the width of the axes, between two indexes under one filter."""


def under_filters(
    run: Runs, ax: Axes, *, y: str = "reach_90", x: str = "selectivity", k: int | None = None
) -> None:
    """One measure of each index under each filter, with 95 % intervals, by what passes.

    Of each index the setting that is nearest to the level of mean recall without a filter.

    Parameters
    ----------
    y
        `reach_90`, `mean_recall` or `zero_recall`.
    x
        `selectivity`, or the `correlation` of filter and query.

    Raises
    ------
    VbenchError
        When nothing was measured under a filter.
    """
    words = {key: text for key, _, text, _ in SHOWN}
    if y not in words:
        raise VbenchError(f"y={y!r}; give one of {', '.join(words)}")
    if x not in ACROSS:
        raise VbenchError(f"x={x!r}; give one of {', '.join(ACROSS)}")
    panel = gather(run).panel(k)
    frame = filtered(panel)
    if frame.is_empty():
        raise VbenchError("the run holds no filter; give vbench run --filter")
    level = match_recall(panel).level
    frame = (
        frame.with_columns(
            away=(pl.col("recall") - level).abs(),
            at=pl.when(pl.col("filter") == WHOLE).then(1.0).otherwise(pl.col(x)),
        )
        .filter(pl.col("at") > 0)
        .drop_nulls(y)
    )
    chosen = frame.sort("away", maintain_order=True).unique(
        ["index", "filter"], keep="first", maintain_order=True
    )
    ax.set_xscale("log")
    least, most = (float(end) for end in (chosen["at"].min(), chosen["at"].max()))  # type: ignore[arg-type]
    span = max(np.log(most / least), 0.1)
    names = list(dict.fromkeys(chosen["index"]))
    for place, index in enumerate(names):
        rows, look = chosen.filter(pl.col("index") == index), looks_of(run)[index]
        shift = np.exp(_APART * span * (place - (len(names) - 1) / 2))
        value = rows[y].to_numpy()
        ends = [
            np.maximum(value - rows[f"{y}_low"].to_numpy(), 0),
            np.maximum(rows[f"{y}_high"].to_numpy() - value, 0),
        ]
        settings = list(dict.fromkeys(rows["name"]))
        ax.errorbar(
            rows["at"].to_numpy() * shift,
            value,
            ends,
            ls="none",
            marker=look.marker.matplotlib,
            color=look.color,
            elinewidth=0.8,
            label=short(settings[0] if len(settings) == 1 else index),
        )
    named = chosen.select("filter", "correlation", "at").unique("filter", maintain_order=True)
    beside: dict[int, int] = {}
    for name, correlation, at in named.iter_rows():
        # Names of filters at one place stand beside each other.
        near = round(float(np.log(at)) / (3 * _APART * span))
        number = beside[near] = beside.get(near, -1) + 1
        told = (
            "" if correlation is None or x == "correlation" else f", correlation {correlation:.2f}"
        )
        ax.annotate(
            "no filter" if name == WHOLE else f"{short(name)}{told}",
            (at, 0.02), xycoords=("data", "axes fraction"), rotation=90,
            ha="right", va="bottom", fontsize="xx-small", color="#666666",
            xytext=(-3 - 6 * number, 0), textcoords="offset points",
        )  # fmt: skip
    ax.set_xlim(least * np.exp(-0.12 * span), most * np.exp(0.06 * span))
    ax.set_ylim(-0.03, 1.03)
    percent_axis(ax.yaxis)
    _logarithmic(ax, is_share=x == "selectivity")
    ax.set_xlabel(ACROSS[x])
    ax.set_ylabel(words[y])


def _logarithmic(ax: Axes, *, is_share: bool) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    def label(value: float, _: int | None) -> str:
        return f"{round(100 * value, 6):g}%" if is_share else f"{value:g}"

    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=6))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(label))
