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
NAMES_ONLY = 0.1
"""Words of which the most frequent hold a smaller share of the queries than this are names."""
NONE = "(none)"
OTHERS = "(others)"


def grouped(values: pl.Series) -> pl.Series:
    """The segment of each query: an Enum of at most a dozen names, which sort as their values.

    A column that gives nearly every query a name of its own divides nothing: one segment.
    """
    if values.n_unique() > MANY and values.dtype.is_numeric():
        return _quarters(values.cast(pl.Float64).fill_null(np.nan).to_numpy())
    words = values.cast(pl.String).fill_null(NONE)
    if words.n_unique() <= MANY:
        return words.cast(pl.Enum(_in_order(values, words)))
    counts = words.value_counts(sort=True, name="queries")[: MANY - 1]
    if counts["queries"].sum() < NAMES_ONLY * len(words):
        return pl.Series(words.name, [OTHERS] * len(words), dtype=pl.Enum([OTHERS]))
    largest = counts[words.name].to_list()
    kept = [word if word in set(largest) else OTHERS for word in words]
    return pl.Series(words.name, kept, dtype=pl.Enum([*sorted(set(largest) - {OTHERS}), OTHERS]))


def _in_order(values: pl.Series, words: pl.Series) -> list[str]:
    """The words once each, in the order of the values they stand for."""
    return words.gather(values.arg_sort(nulls_last=True)).unique(maintain_order=True).to_list()


def _quarters(numbers: NDArray[np.float64]) -> pl.Series:
    """Numbers gathered into quarters, each named by its least and largest."""
    known = ~np.isnan(numbers)
    edges = np.unique(np.quantile(numbers[known], [0.25, 0.5, 0.75], method="higher"))
    place = np.searchsorted(edges, numbers, side="right")
    labels = np.full(len(numbers), NONE, dtype=object)
    names: list[str] = []
    for each in np.unique(place[known]):
        inside = known & (place == each)
        names.append(f"{numbers[inside].min():g} … {numbers[inside].max():g}")
        labels[inside] = names[-1]
    return pl.Series(labels.tolist(), dtype=pl.Enum([*dict.fromkeys(names), NONE]))


def segment_rows(run: Run, under: NDArray[np.bool_], level: float = 0.95) -> list[dict[str, Any]]:
    """Share of each segment's queries in the tail, for every column of the queries.

    Parameters
    ----------
    under : bool (builds, m)
        Whether each query is in the tail of each build.

    Returns
    -------
    list of dict
        `share`, `low`, `high`: of the segment's queries, over builds and queries; `of_tail`: the
        part of the whole tail that lies here; `lift`, `lift_low`, `lift_high`: the share over
        that of all queries, 2 being twice as often.
    """
    everywhere = float(under.mean())
    rows: list[dict[str, Any]] = []
    for column in run.manifest.dataset.segments:
        labels = grouped(run.queries[column])
        if labels.n_unique() < 2:
            continue
        for label in labels.unique().sort().to_list():
            inside = (labels == label).to_numpy()
            found = crossed_mean(under[:, inside], level)
            shares = {"share": found.value, "low": found.low, "high": found.high}
            lifts = dict(zip(("lift", "lift_low", "lift_high"), shares.values(), strict=True))
            rows.append(
                {
                    "column": column,
                    "segment": label,
                    "queries": int(inside.sum()),
                    **shares,
                    "of_tail": _ratio(float(under[:, inside].sum()), float(under.sum())),
                    **{name: _ratio(value, everywhere) for name, value in lifts.items()},
                }
            )
    return rows


def _ratio(value: float, of: float) -> float | None:
    return value / of if of else None
