"""A guess at the k-th best score of each query, from a sample of the base: seldom too high.

Whoever takes it for a floor looks at few rows beside the k nearest, and proves in the end that it
was none too high: that k rows are surely not under it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vbench.metric import FloatArray
from vbench.neighbors.space import FLOAT32, TILE_ROWS, ScoreSpace, Vectors

_MOST_ROWS = 8192
_SHARE = 16
"""Of so many rows of the base, one at most is in the sample."""
_FEWEST = 4
"""With fewer of the k nearest in the sample, it says too little."""
_DEVIATIONS = 5.0
"""How far the guess lies under what is expected, so that it seldom is too high."""


class Sample:
    """Every so many-th row of those in `numbers`, prepared."""

    def __init__(self, space: ScoreSpace, numbers: range, k: int) -> None:
        self.space = space
        count = min(_MOST_ROWS, len(numbers) // _SHARE)
        expected = k * count / max(1, len(numbers))
        self.rank = math.ceil(expected + _DEVIATIONS * math.sqrt(expected)) + 1
        self.rows: Vectors | None = None
        if expected < _FEWEST or self.rank > count:
            return
        step = len(numbers) // count
        first, last = numbers.start, numbers.start + step * count
        rows, norms = space.rows(space.base[first:last:step], np.float32, first)
        # What is no number is found where it is.
        if np.isfinite(norms).all():
            self.rows, self.norms = rows, norms

    def guess(self, part: slice) -> FloatArray:
        """A score of each query of the part that its k-th best is likely not under, (queries,)."""
        nothing = np.full(len(self.space.norms[part]), -np.inf)
        if self.rows is None:
            return nothing
        with np.errstate(all="ignore"):
            error = self.space.error(part, float(self.norms.max()), FLOAT32)
            if not self.space.is_safe(error):
                return nothing
            best: NDArray[np.float32] = np.empty((len(nothing), 0), np.float32)
            for first in range(0, len(self.rows), TILE_ROWS):
                tile = slice(first, first + TILE_ROWS)
                scores = self.space.products(part, self.rows[tile])
                self.space.place_zero(scores, self.norms[tile])
                best = np.hstack([best, _largest(scores, self.rank)])
            return np.asarray(_largest(best, self.rank).min(axis=1) - error)


def _largest(scores: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The `count` largest of each row, in any order, or all of them where there are fewer."""
    place = scores.shape[1] - count
    return scores.copy() if place <= 0 else np.partition(scores, place, axis=1)[:, place:]
