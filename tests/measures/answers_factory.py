"""Answers made from hits or ids, for the tests of measures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vbench.measures.answers import Answers


def from_hits(hits: ArrayLike, k: int, **changes: Any) -> Answers:
    """Answers with these hits: the right ids first, then wrong ones."""
    right = np.asarray(hits)
    m = len(right)
    truth = np.tile(np.arange(2 * k), (m, 1))
    places = np.arange(k)
    ids = np.where(places < right[:, np.newaxis], places, places + 10 * k)
    return from_ids(ids, truth, k=k, hits=right, **changes)


def from_ids(ids: ArrayLike, truth_ids: ArrayLike, **changes: Any) -> Answers:
    """Answers with these ids; true distances are 1, 2, 3 … unless given."""
    ids, truth_ids = np.asarray(ids), np.asarray(truth_ids)
    m, k = ids.shape
    given: dict[str, Any] = {
        "k": k,
        "ids": ids,
        "truth_ids": truth_ids,
        "truth_distances": np.tile(np.arange(1.0, truth_ids.shape[1] + 1), (m, 1)),
        "metric": "l2",
        "rule": "exact-tie",
        "ratio": np.ones(m),
        "latency_ns": np.full((m, 2), 1000, dtype=np.int64),
    }
    if "hits" not in changes:
        given["hits"] = np.array(
            [
                len(set(row[row >= 0]) & set(truth[:k]))
                for row, truth in zip(ids, truth_ids, strict=True)
            ]
        )
    return Answers(**given | changes)
