"""Figure of loads: how fast or how late, against clients, batches or a rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from vbench.analysis.gather import Panel, gather, match_recall
from vbench.errors import VbenchError
from vbench.numbers import write
from vbench.render import loads
from vbench.render.figures.base import Runs, line, looks_of, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def find_loads(panel: Panel) -> list[str]:
    """What the loads of a panel differ in: `clients`, `batch`, `rate`."""
    frame = loads.loads(panel)
    there = set() if frame.is_empty() else set(frame["along"].unique())
    return [key for key, _ in loads.ALONG if key in there]


def under_load(
    run: Runs, ax: Axes, *, along: str = "clients", y: str = "qps", k: int | None = None
) -> None:
    """Speed or latency of each index at equal mean recall, against what loads differ in.

    Parameters
    ----------
    along
        `clients`, `batch` or `rate`.
    y
        `qps`, `p50_latency` or `p99_latency`.

    Raises
    ------
    VbenchError
        When nothing was measured under such loads.
    """
    from matplotlib.ticker import FuncFormatter

    panel = gather(run).panel(k)
    if along not in find_loads(panel):
        raise VbenchError(f"the run holds no load by {along}; give vbench run --{along}")
    units = {key: (words, unit) for key, _, words, unit in loads.SHOWN}
    if y not in units:
        raise VbenchError(f"y={y!r}; give one of {', '.join(units)}")
    words, unit = units[y]
    frame = loads.loads(panel).filter(pl.col("along") == along).drop_nulls(y)
    places = sorted(frame["at"].unique())
    for shown in match_recall(panel).chosen.values():
        own = frame.filter(pl.col("id") == shown.id)
        # At a rate, so many clients are a line of their own.
        groups = own.partition_by("clients", maintain_order=True) if along == "rate" else [own]
        for rows in groups:
            clients = int(rows["clients"][0]) if along == "rate" else 1
            more = f", {clients} clients" if clients > 1 else ""
            at = [places.index(each) for each in rows["at"]]
            line(ax, looks_of(run)[shown.title], at, rows[y], short(f"{shown}{more}"))
    ax.set_xticks(range(len(places)), [f"{each:,g}" for each in places])
    ax.set_xlabel(dict(loads.ALONG)[along])
    ax.set_ylabel(words)
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value, unit)))
