"""The data behind the charts of evenness and price; page, CSV and figures all draw from it."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench.analysis.gather import Panel
from vbench.analysis.summary import summarize_setting
from vbench.measures.curve import at_least
from vbench.measures.hits import threshold
from vbench.measures.usual import DELTAS
from vbench.render.quantities import QUANTITIES
from vbench.runs.settings import Setting

FINE = 20
"""Up to this K every number of hits has its own bar and its own step."""


@functools.lru_cache(maxsize=16)
def settings(panel: Panel) -> pl.DataFrame:
    """One row per setting: every quantity with its interval, and Robustness at the usual δ."""
    rows = [_setting(panel, shown) for shown in panel.settings]
    return pl.DataFrame(rows, infer_schema_length=None)


def _setting(panel: Panel, shown: Setting) -> dict[str, Any]:
    found = summarize_setting(shown).measures
    row: dict[str, Any] = {
        "id": shown.id,
        "panel": panel.id,
        "data": panel.data,
        "index": shown.title,
        "setting": shown.label,
        "family": str(shown.variant),
        "parameters": shown.parameters,
        "k": shown.k,
        "builds": len(shown.trials),
    }
    for quantity in QUANTITIES:
        of = found[quantity.name(shown.k)]
        row[quantity.key] = of.value
        row[f"{quantity.key}_low"], row[f"{quantity.key}_high"] = of.low, of.high
        row[f"{quantity.key}_spread"] = of.spread
    for delta in DELTAS:
        row[f"r{delta}"] = found[f"Robustness(delta={delta})@{shown.k}"].value
    return row


@functools.lru_cache(maxsize=16)
def curves(panel: Panel) -> pl.DataFrame:
    """Robustness of each setting at every threshold, with intervals, band, and the two tails."""
    parts: list[dict[str, Any]] = []
    for shown in panel.settings:
        curve = shown.curve
        parts.append(
            {
                "id": shown.id,
                "need": np.arange(shown.k + 1),
                "delta": np.arange(shown.k + 1) / shown.k,
                "robustness": curve.value,
                "low": curve.low,
                "high": curve.high,
                "band_low": curve.band_low,
                "band_high": curve.band_high,
                "persistent": curve.persistent,
                "build_dependent": curve.build_dependent,
            }
        )
    return join_parts(parts)


@functools.lru_cache(maxsize=16)
def histogram(panel: Panel) -> pl.DataFrame:
    """Share of the queries by recall. None right and all right always have bars of their own."""
    edges = hit_edges(panel.k)
    parts: list[dict[str, Any]] = []
    for shown in panel.settings:
        reached = shown.curve.value
        beyond = np.append(reached, 0.0)
        parts.append(
            {
                "id": shown.id,
                "bar": np.arange(len(edges) - 1),
                "recall_of_query": _bar_names(edges, panel.k),
                "share": reached[edges[:-1]] - beyond[edges[1:]],
            }
        )
    return join_parts(parts)


def hit_edges(k: int) -> NDArray[np.int64]:
    """Edges of the bars in hits; bar b holds edges[b] ≤ hits < edges[b + 1]."""
    if k <= FINE:
        return np.arange(k + 2)
    # (0, 0.1], (0.1, 0.2] … (0.9, 1) between the two ends.
    inner = [k * tenth // 10 + 1 for tenth in range(1, 10)]
    return np.array([0, 1, *inner, k, k + 1])


def _bar_names(edges: NDArray[np.int64], k: int) -> list[str]:
    names = []
    for first, after in itertools.pairwise(edges.tolist()):
        low, high = first / k, (after - 1) / k
        names.append(f"{low:g}" if after == first + 1 else f"{low:.2f}–{high:.2f}")
    return names


def steps(k: int) -> NDArray[np.int64]:
    """Thresholds in hits at which what is too large for every threshold is kept."""
    return np.unique([threshold(tenth / 10, k) for tenth in range(1, 11)])


@functools.lru_cache(maxsize=16)
def builds(panel: Panel) -> pl.DataFrame:
    """Robustness of each build of each setting, at the thresholds of the tenths of δ."""
    wanted = steps(panel.k)
    parts: list[dict[str, Any]] = []
    for shown in panel.settings:
        for trial, hits in zip(shown.trials, shown.hits, strict=True):
            parts.append(
                {
                    "id": shown.id,
                    "build": shown.run.build_of(trial).number + 1,
                    "need": wanted,
                    "robustness": at_least(hits, panel.k)[wanted] / len(hits),
                    "recall": float(hits.mean()) / panel.k,
                }
            )
    return join_parts(parts)


def join_parts(parts: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """One frame of many small ones: of each a dict of its columns.

    A column is an array or a list; any other value stands in every row of its part. Joined before
    polars sees them, which takes a tenth of the time of a frame for each.
    """
    columns: dict[str, list[Any]] = {name: [] for name in (parts[0] if parts else ())}
    for part in parts:
        rows = max(len(each) for each in part.values() if isinstance(each, np.ndarray | list))
        for name, value in part.items():
            values = value.tolist() if isinstance(value, np.ndarray) else value
            columns[name] += values if isinstance(values, list) else [values] * rows
    return pl.DataFrame(columns)


def rounded(frame: pl.DataFrame) -> list[pl.Expr]:
    """The columns with the digits that a reader or a chart can use: six, of Robustness ten."""
    return [
        pl.col(name).round_sig_figs(10 if name == "robustness" else 6)
        for name in frame.columns
        if frame[name].dtype.is_float()
    ]


def tenth(delta: float, k: int) -> int:
    """The step of :func:`steps` for δ rounded up to a tenth."""
    return threshold(math.ceil(round(10 * delta, 9)) / 10, k)
