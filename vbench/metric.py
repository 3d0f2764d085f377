"""The three metrics, and what "distance" means for each of them everywhere in vbench."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Metric = Literal["l2", "ip", "cosine"]
METRICS: tuple[Metric, ...] = get_args(Metric)

FloatArray = NDArray[np.float64]


def distance(
    queries: NDArray[np.floating], base: NDArray[np.floating], metric: Metric
) -> FloatArray:
    """Distance between rows that broadcast against each other, in float64; smaller is nearer.

    Parameters
    ----------
    queries, base
        `(..., d)`; the last axis is summed over.
    metric
        `l2`: Euclidean distance (not squared). `ip`: minus the inner product.
        `cosine`: 1 − cosine similarity.

    Returns
    -------
    float64 `(...)`
    """
    q = np.asarray(queries, dtype=np.float64)
    x = np.asarray(base, dtype=np.float64)
    if metric == "l2":
        difference = q - x
        return np.asarray(np.sqrt(np.einsum("...d,...d->...", difference, difference)))
    dot = np.einsum("...d,...d->...", q, x)
    if metric == "ip":
        return np.asarray(-dot)
    norms = np.linalg.norm(q, axis=-1) * np.linalg.norm(x, axis=-1)
    return np.asarray(1.0 - dot / norms)


def tie_limit(distances: FloatArray, metric: Metric, tolerance: float = 1e-9) -> FloatArray:
    """The largest distance that still counts as tied with `distances`.

    The tolerance is relative: to the distance for `l2`, to the similarity for `ip` and `cosine`.
    """
    if metric == "l2":
        return distances * (1.0 + tolerance)
    similarity = -distances if metric == "ip" else 1.0 - distances
    return np.asarray(distances + tolerance * np.abs(similarity))
