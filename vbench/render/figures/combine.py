"""Figure of gain curves: what it brings to send more and more of the queries on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from vbench.analysis.gather import Panel, gather
from vbench.errors import UnknownNameError, VbenchError
from vbench.render import combining
from vbench.render.figures.base import Runs, line, percent_axis
from vbench.render.palette import looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARES = ("reached", "zero")


def find_pairs(panel: Panel) -> list[str]:
    """The pairs that `vbench combine` looked at, those with exact search first."""
    frame = combining.curves(panel)
    pairs = [] if frame.is_empty() else frame["pair"].unique(maintain_order=True).to_list()
    return sorted(pairs, key=lambda pair: not pair.endswith("exact search"))


def gain_curve(
    run: Runs, ax: Axes, *, pair: str | None = None, y: str = "reached", k: int | None = None
) -> None:
    """A measure against the share of the queries that is sent on to a second index.

    Parameters
    ----------
    pair
        As ``"hnsw ef=64 → exact search"``; default: the first with exact search.
    y
        `reached` (queries at δ), `recall`, `worst` (the worst 5 %) or `zero` (zero-recall queries).

    Raises
    ------
    VbenchError
        When nobody combined the run, or the pair is none of those.
    """
    panel = gather(run).panel(k)
    found = combining.combination(panel)
    pairs = find_pairs(panel)
    if found is None or not pairs:
        raise VbenchError("nobody combined the run; give vbench combine RUN")
    if pair is not None and pair not in pairs:
        raise UnknownNameError("pair", pair, pairs)
    keys = dict(zip(("recall", "reached", "worst", "zero"), combining.names_of(found), strict=True))
    if y not in keys:
        raise UnknownNameError("measure", y, keys)
    frame = combining.curves(panel).filter(pl.col("pair") == (pair or pairs[0]))
    looked = looks(list(combining.ORDERS.values()))
    for (order,), rows in frame.group_by("order", maintain_order=True):
        line(ax, looked[str(order)], rows["share"], rows[y], str(order))
    ax.set_xlabel(f"share of the queries: {pair or pairs[0]}")
    ax.set_ylabel(keys[y])
    percent_axis(ax.xaxis)
    if y in _SHARES:
        percent_axis(ax.yaxis)
