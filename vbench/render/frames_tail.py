"""The data behind the charts of the tail: segments, overlap, the worst queries."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench.analysis.gather import Panel
from vbench.analysis.matched import match_recall
from vbench.analysis.segments import grouped, segment_columns, worst_of_each
from vbench.measures.curve import reached
from vbench.render.frames import steps, tenth

_DELTA = 0.9
_WORST = 200


@functools.lru_cache(maxsize=16)
def segments(panel: Panel) -> pl.DataFrame:
    """Share of the worst segments' queries under δ, with its interval, for tenths of δ.

    At most a dozen of each column, ranked by the highest share that an index leaves under δ = 0.9
    at equal footing.
    """
    needs = steps(panel.k)
    worst = worst_of_each(_worst_segments(panel), lambda segment: segment[0])
    parts = []
    for place, (column, label, inside) in enumerate(worst, start=1):
        for shown in panel.settings:
            found = reached(shown.hits[:, inside], panel.k, needs)
            parts.append(
                pl.DataFrame(
                    {
                        "id": shown.id,
                        "column": column,
                        "segment": label,
                        "place": place,
                        "queries": int(inside.sum()),
                        "need": needs,
                        "under": 1.0 - found.value,
                        "low": 1.0 - found.high,
                        "high": 1.0 - found.low,
                    }
                )
            )
    return pl.concat(parts) if parts else pl.DataFrame()


def segments_left_out(panel: Panel) -> int:
    """How many segments there are beside those of :func:`segments`."""
    ranked = _worst_segments(panel)
    return len(ranked) - len(worst_of_each(ranked, lambda segment: segment[0]))


@functools.lru_cache(maxsize=16)
def _worst_segments(panel: Panel) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """Column, name and members (m,) of every segment, the worst first."""
    run, need = panel.settings[0].run, tenth(_DELTA, panel.k)
    chosen = [(shown.hits < need).mean(axis=0) for shown in match_recall(panel).chosen.values()]
    lost = np.stack(chosen or [np.zeros(panel.facts.m)])
    found = []
    for column in segment_columns(run):
        labels, members = grouped(run.columns[column])
        sums = np.stack([np.bincount(members, row, len(labels)) for row in lost])
        shares = (sums / np.bincount(members, minlength=len(labels))).max(axis=0)
        for number, label in enumerate(labels):
            found.append((shares[number], (column, label, members == number)))
    return [segment for _, segment in sorted(found, key=lambda each: -each[0])]


@functools.lru_cache(maxsize=16)
def overlap(panel: Panel) -> pl.DataFrame:
    """Of the queries that one index leaves under δ, the share that another does too.

    At equal footing. A query counts as under δ where it is so in more than half of the builds.
    """
    chosen = list(match_recall(panel).chosen.values())
    rows = []
    for need in steps(panel.k).tolist():
        under = np.array([(shown.hits < need).mean(axis=0) > 0.5 for shown in chosen])
        counts = under.sum(axis=1)
        both = under.astype(np.float64) @ under.T.astype(np.float64)
        for one, shown in enumerate(chosen):
            for other, against in enumerate(chosen):
                if counts[one]:
                    rows.append(
                        {
                            "id": shown.id,
                            "need": need,
                            "under": int(counts[one]),
                            "other": str(against),
                            "place": other,
                            "share": float(both[one, other] / counts[one]),
                        }
                    )
    return pl.DataFrame(rows)


def worst_queries(panel: Panel) -> pl.DataFrame:
    """The queries with the lowest recall at equal footing, worst first.

    Of each index its own worst, so that a query which only one index cannot serve is there too.

    Returns
    -------
    Columns `query`, the segments and hardness, then for each index ``recall: NAME`` (mean over
    builds), ``least: NAME`` and ``most: NAME`` (over builds).
    """
    chosen = match_recall(panel).chosen
    recall = {name: shown.hits / panel.k for name, shown in chosen.items()}
    means = np.stack([each.mean(axis=0) for each in recall.values()])
    each = -(-_WORST // len(means))
    rows = np.unique(np.concatenate([_lowest(row, each) for row in means]))
    rows = rows[np.argsort(means[:, rows].mean(axis=0), kind="stable")]
    columns: dict[str, Any] = {}
    for name, values in recall.items():
        picked = values[:, rows]
        columns[f"recall: {name}"] = picked.mean(axis=0)
        columns[f"least: {name}"] = picked.min(axis=0)
        columns[f"most: {name}"] = picked.max(axis=0)
    return panel.queries[rows].hstack(pl.DataFrame(columns))


def _lowest(values: NDArray[np.float64], number: int) -> NDArray[np.intp]:
    """Rows of the lowest values below 1."""
    order = np.argsort(values, kind="stable")[:number]
    return order[values[order] < 1.0]


def saved(panel: Panel, need: int) -> tuple[int, int]:
    """How many queries some index leaves under the threshold, and how many every index does."""
    chosen = match_recall(panel).chosen.values()
    under = np.array([(shown.hits < need).mean(axis=0) > 0.5 for shown in chosen])
    return int(under.any(axis=0).sum()), int(under.all(axis=0).sum())
