"""The queries divided by a column, such as user activity: how often each part lies in the tail."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench.results.run import Run
from vbench.stats.crossed import crossed_mean

MANY = 12
"""More values than these are gathered: numbers into quarters, words into the largest and others."""
NAMES_ONLY = 0.5
"""Words of which the most frequent hold a smaller share of the queries than this are names."""
NONE = "(none)"
OTHERS = "(others)"


def grouped(values: pl.Series) -> tuple[list[str], NDArray[np.intp]]:
    """The segments that a column divides the queries into, at most a dozen, ordered by value.

    Returns
    -------
    names, members
        Names of the segments, and the number of the segment of each query (m,). No names for a
        column that does not divide the queries, such as one of names that hardly repeat.
    """
    if values.n_unique() > MANY and values.dtype.is_numeric():
        return _quarters(values.cast(pl.Float64).fill_null(np.nan).to_numpy())
    words = values.cast(pl.String).fill_null(NONE)
    order = values.arg_sort(nulls_last=True)
    names = words.gather(order).unique(maintain_order=True).to_list()
    if len(names) > MANY:
        counts = words.value_counts(sort=True, name="queries")[: MANY - 1]
        if counts["queries"].sum() < NAMES_ONLY * len(words):
            return [], np.zeros(len(words), dtype=np.intp)
        largest = set(counts[words.name])
        names = [*(name for name in names if name in largest), OTHERS]
    number = {name: place for place, name in enumerate(names)}
    return names, np.array([number.get(word, len(names) - 1) for word in words], dtype=np.intp)


def _quarters(numbers: NDArray[np.float64]) -> tuple[list[str], NDArray[np.intp]]:
    """Numbers gathered into quarters, each named by its least and largest."""
    known = ~np.isnan(numbers)
    edges = np.unique(np.quantile(numbers[known], [0.25, 0.5, 0.75], method="higher"))
    place = np.where(known, np.searchsorted(edges, numbers, side="right"), len(edges) + 1)
    parts, members = np.unique(place, return_inverse=True)
    names = []
    for part in parts:
        inside = numbers[place == part]
        names.append(NONE if np.isnan(inside[0]) else f"{inside.min():g} … {inside.max():g}")
    return names, members


def segment_rows(
    run: Run,
    under: NDArray[np.bool_],
    level: float = 0.95,
    clusters: NDArray[np.integer[Any]] | None = None,
) -> list[dict[str, Any]]:
    """Share of each segment's queries in the tail, for every column of the queries.

    Parameters
    ----------
    under : bool (builds, m)
        Whether each query is in the tail of each build.
    clusters : integer (m,), optional
        Queries of one cluster, such as of one user, are not taken as independent.

    Returns
    -------
    list of dict
        `share`, `low`, `high`: of the segment's queries, over builds and queries; `of_tail`: the
        part of the whole tail that lies here; `lift`, `lift_low`, `lift_high`: the share over
        that of all queries, 2 being twice as often.
    """
    everywhere = float(under.mean())
    rows: list[dict[str, Any]] = []
    for column, role in run.manifest.dataset.columns.items():
        if role != "segment":
            continue
        names, members = grouped(run.columns[column])
        for number, name in enumerate(names):
            inside = members == number
            own = None if clusters is None else clusters[inside]
            found = crossed_mean(under[:, inside], level, own)
            shares = {"share": found.value, "low": found.low, "high": found.high}
            lifts = dict(zip(("lift", "lift_low", "lift_high"), shares.values(), strict=True))
            rows.append(
                {
                    "column": column,
                    "segment": name,
                    "queries": int(inside.sum()),
                    **shares,
                    "of_tail": _ratio(float(under[:, inside].sum()), float(under.sum())),
                    **{name: _ratio(value, everywhere) for name, value in lifts.items()},
                }
            )
    return rows


def _ratio(value: float, of: float) -> float | None:
    return value / of if of else None
