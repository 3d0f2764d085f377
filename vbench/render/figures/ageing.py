"""Figure of ages: how evenly each index answers while its base is replaced, or grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from vbench.analysis.gather import Panel, gather, match_recall
from vbench.errors import VbenchError
from vbench.numbers import write
from vbench.render.ageing import AXES, UNITS, WORDS, ages, rows_of
from vbench.render.figures.base import Runs, looks_of, percent_axis, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)))


def find_aged(panel: Panel) -> list[str]:
    """What there is to draw of the ages of a panel: `reach_90`, `work` and the like."""
    frame = ages(panel)
    there = () if frame.is_empty() else WORDS
    return [key for key in there if frame[key].null_count() < len(frame)]


def by_age(run: Runs, ax: Axes, *, y: str = "reach_90", k: int | None = None) -> None:
    """One measure of each index at each age, with 95 % intervals; half-lives as dotted lines.

    Of each variant the setting that is nearest to the level of mean recall at the first search.

    Parameters
    ----------
    y
        `reach_90`, `mean_recall`, `zero_recall`, `work`, `fallen` or `recovered`.

    Raises
    ------
    VbenchError
        When no run changes its base, or did not record what is asked for.
    """
    from matplotlib.ticker import MaxNLocator

    panel = gather(run).panel(k)
    there = find_aged(panel)
    if not there:
        raise VbenchError("the run does not change its base; give vbench run --workload")
    if y not in there:
        raise VbenchError(f"y={y!r}; give one of {', '.join(there)}")
    level = match_recall(panel).level
    frame = ages(panel).with_columns(away=(pl.col("recall") - level).abs()).drop_nulls(y)
    nearest = pl.col("away") == pl.col("away").min().over("family", "workload")
    chosen = frame.filter(nearest)
    axis = next(rows_of(panel)).axis
    variants: dict[str, int] = {}
    # The longest workload decides how far apart intervals at one age are drawn.
    span = float(chosen["at"].max() - chosen["at"].min()) or 1.0  # type: ignore[operator, arg-type]
    names = list(dict.fromkeys(chosen.select("name", "workload").iter_rows()))
    for place, (name, workload) in enumerate(names):
        rows = chosen.filter((pl.col("name") == name) & (pl.col("workload") == workload))
        # No interval where all builds are alike, or there is one.
        rows = rows.with_columns(
            pl.col(f"{y}_low", f"{y}_high").cast(pl.Float64).fill_null(pl.col(y))
        )
        index = rows["index"][0]
        number = variants[index] = variants.get(index, -1) + 1
        look, value = looks_of(run)[index], rows[y].to_numpy()
        ends = [value - rows[f"{y}_low"].to_numpy(), rows[f"{y}_high"].to_numpy() - value]
        ax.errorbar(
            rows["at"].to_numpy() + 0.006 * span * (place - (len(names) - 1) / 2),
            value,
            np.maximum(ends, 0),
            ls=_DASHES[number % len(_DASHES)],
            marker=look.marker.matplotlib,
            color=look.color,
            elinewidth=0.8,
            label=short(name),
        )
        life = rows["half_life"][0]
        if y == "reach_90" and life is not None:
            ax.axvline(life, color=look.color, ls=":", lw=0.8)
            ax.annotate(
                f"half-life {write(life, 'share')}",
                (life, 0.98), xycoords=("data", "axes fraction"), rotation=90,
                ha="right", va="top", fontsize="xx-small", color=look.color,
            )  # fmt: skip
    if axis == "replaced":
        percent_axis(ax.xaxis)
    elif axis == "vectors":
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    if UNITS[y] == "share":
        percent_axis(ax.yaxis)
    ax.set_xlabel(AXES[axis])
    ax.set_ylabel(WORDS[y])
