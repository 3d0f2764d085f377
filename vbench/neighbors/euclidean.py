"""Inner product and cosine as Euclidean distances: lengths, unit vectors and the lift.

Inner product becomes Euclidean with one dimension more: sqrt(M² − ‖x‖²) for each base vector, M
being the largest norm, and 0 for each query. Then ‖q − x‖² = ‖q‖² + M² − 2 q·x (Bachrach et al.,
"Speeding Up the Xbox Recommender System", RecSys 2014).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.metric import FloatArray, Metric
from vbench.neighbors.blocks import blocks


def square_norms(vectors: NDArray[Any]) -> FloatArray:
    """Squared length of each row, summed in float64, (n,)."""
    squares = np.empty(len(vectors))
    for first, block in blocks(vectors, itemsize=8):
        wide = block.astype(np.float64)
        np.einsum("nd,nd->n", wide, wide, out=squares[first : first + len(block)])
    return squares


def largest_norm(vectors: NDArray[Any]) -> float:
    """The largest length of a row; 0 where there is none."""
    found = (square_norms(block).max() for _, block in blocks(vectors, itemsize=8))
    return math.sqrt(max(found, default=0.0))


def normalize(vectors: NDArray[np.floating[Any]]) -> None:
    """Give each row the length 1, in place. A zero row has no direction and stays."""
    for _, block in blocks(vectors, itemsize=8):
        norms = np.sqrt(square_norms(block))
        norms[norms == 0.0] = 1.0
        np.divide(block, norms[:, np.newaxis], out=block, casting="same_kind")


def lift(out: NDArray[np.floating[Any]]) -> None:
    """Fill the last column of base vectors (n, d + 1) with sqrt(M² − ‖x‖²), in place.

    Beside `out`, memory for two float64 values a row and one block is taken.
    """
    squares = square_norms(out[:, :-1])
    np.subtract(squares.max(initial=0.0), squares, out=squares)
    out[:, -1] = np.sqrt(squares, out=squares)


def euclidean(
    distances: FloatArray, queries: NDArray[Any], metric: Metric, largest_norm: float = 0.0
) -> FloatArray:
    """Euclidean distances from those of `metric`: `cosine` as the chord of unit vectors.

    Parameters
    ----------
    distances : float64 (m, depth)
        As :func:`vbench.metric.distance` defines them.
    queries : (m, d)
    largest_norm
        For `ip`: the largest length M of a base vector.
    """
    if metric == "l2":
        return distances
    if metric == "cosine":
        return np.asarray(np.sqrt(np.maximum(2.0 * distances, 0.0)))
    squares = square_norms(queries)[:, np.newaxis] + largest_norm**2 + 2.0 * distances
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))
