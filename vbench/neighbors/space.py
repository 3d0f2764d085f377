"""One inner product for each metric, with a bound on the error of its float32 value."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vbench.errors import DataError
from vbench.metric import NO_COSINE, FloatArray, Metric, distance

Vectors = NDArray[Any]
Ids = NDArray[np.int64]
Bools = NDArray[np.bool_]

Part = TypeVar("Part")

CHUNK_QUERIES = 1024
TILE_ROWS = 512
"""The sides of a tile: products are the quicker the more queries there are to a row."""
_SLAB_BYTES = 8 << 20
_PAIR_BYTES = 512 << 10
"""Of float64 values at a time: what stays in the cache, and needs no fresh memory."""
_LARGEST = 1e37

FLOAT32 = 2.0**-24
FLOAT64 = 2.0**-53
"""Unit roundoffs."""


class ScoreSpace:
    """Turns each metric into one inner product, the *score*, larger being nearer.

    `ip`: q·x. `cosine`: the same of normalized vectors. `l2`: with q and x taken from the center
    of the data, (‖q‖² − ‖q−x‖²) / 2 = q·x − ‖x‖²/2, a product with one dimension more.

    Parameters
    ----------
    queries, base : (m, d) and (n, d)
        `base` may be a memory map.
    first
        Number of the first query, for messages.

    Raises
    ------
    DataError
        A query holds NaN or Inf, or is zero under `cosine`.
    """

    def __init__(self, queries: Vectors, base: Vectors, metric: Metric, first: int = 0) -> None:
        self.queries, self.base, self.metric = queries, base, metric
        self.d = base.shape[1]
        self._scratch = threading.local()
        wide = queries.astype(np.float64)
        if metric == "l2":
            # Data far from the origin would lose its digits in the product. Any center is right.
            sample = base[:: -(-len(base) // 10_000)]
            center = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
            self.center = np.nan_to_num(center, posinf=0, neginf=0)
            wide -= self.center
        self.norms = np.linalg.norm(wide, axis=1)
        refuse(~np.isfinite(self.norms), "queries", first, "holds NaN or Inf")
        if metric == "l2":
            wide = np.hstack([wide, np.full((len(wide), 1), -1.0)])
        if metric == "cosine":
            refuse(self.norms == 0, "queries", first, "is zero, which has no cosine")
            wide /= self.norms[:, None]
        self.wide = wide
        with np.errstate(over="ignore", under="ignore"):
            self.narrow = wide.astype(np.float32)
        self._turned = np.ascontiguousarray(self.narrow.T)

    def rows(self, block: Vectors, dtype: Any, first: int) -> tuple[Vectors, NDArray[Any]]:
        """Prepare base rows for the product, in `dtype`, and their norms before it.

        Zero rows stay zero under `cosine`, with the norm 0: see :meth:`place_zero`.
        """
        with np.errstate(all="ignore"):
            if self.metric == "l2":
                rows = np.empty((len(block), self.d + 1), dtype)
                plain = rows[:, :-1]
                np.subtract(block, self.center.astype(dtype), out=plain)
                squares = np.einsum("ij,ij->i", plain, plain)
                rows[:, -1] = squares / 2
                return rows, np.sqrt(squares)
            rows = np.ascontiguousarray(block, dtype=dtype)
            norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
            if self.metric == "cosine":
                if not (norms.min() > 1e-15 and norms.max() < 1e15):
                    # Their squares leave float32's range.
                    rows = block.astype(np.float64)
                    norms = np.linalg.norm(rows, axis=1)
                    refuse(~np.isfinite(norms), "base", first, "holds NaN or Inf")
                rows = rows / np.where(norms > 0, norms, 1)[:, None]
                rows = rows.astype(dtype, copy=False)
            return rows, norms

    def place_zero(self, scores: Vectors, norms: NDArray[Any]) -> None:
        """Give base rows without a direction the score that is under all others."""
        if self.metric == "cosine" and not norms.all():
            scores[:, norms == 0] = 1.0 - NO_COSINE

    def products(self, part: slice, rows: Vectors) -> Vectors:
        """Scores of a tile, (queries, rows), in this thread's own buffer."""
        queries = self.narrow[part]
        return np.matmul(queries, rows.T, out=self._buffer(len(queries), len(rows)))

    def products_by_row(self, part: slice, rows: Vectors) -> Vectors:
        """The same, (rows, queries): the quicker way, and so is comparing with one number a query.

        Whoever looks at the scores of a query together has them nearer to each other the other way.
        """
        queries = self._turned[:, part]
        return np.matmul(rows, queries, out=self._buffer(len(rows), queries.shape[1]))

    def _buffer(self, height: int, width: int) -> Vectors:
        """Fresh memory would cost as much again as the product."""
        if not hasattr(self._scratch, "scores"):
            self._scratch.scores = np.empty(CHUNK_QUERIES * TILE_ROWS, np.float32)
        found: Vectors = self._scratch.scores[: height * width].reshape(height, width)
        return found

    def error(self, part: slice, norm: float, unit: float) -> FloatArray:
        """Bound the error of a score against rows of at most `norm`, rounded to `unit`.

        The classical γ = d·u of an inner product summed in any order (Higham, Accuracy and
        Stability of Numerical Algorithms, §3.1), with room for the roundings before it and for
        the float64 distance that decides in the end.
        """
        steps = 2 * (self.d + 16) * (unit + 4 * FLOAT64)
        vanishing = (self.d + 2) * 2.0**-125
        if self.metric == "cosine":
            return np.full(len(self.norms[part]), steps + vanishing)
        size: FloatArray = self.norms[part] * norm
        if self.metric == "l2":
            size += norm * norm / 2
        return np.asarray(steps * size + vanishing)

    def is_safe(self, error: FloatArray) -> bool:
        """Whether float32 holds the sums on the way to scores of such errors.

        Else Inf − Inf, which is NaN, would hide a neighbor.
        """
        return bool(error.max() <= _LARGEST * 2 * (self.d + 16) * FLOAT32)

    def scores(self, queries: NDArray[Any], distances: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bounds of the score that belongs to a float64 distance."""
        slack = 4 * (self.d + 16) * FLOAT64
        if self.metric == "l2":
            near, far = self.norms[queries] ** 2, distances**2
            return (near - far) / 2 - slack * (near + far), (near - far) / 2 + slack * (near + far)
        score = -distances if self.metric == "ip" else 1.0 - distances
        return score - slack * np.abs(score), score + slack * np.abs(score)

    def half_squares(self, largest_norm: float) -> FloatArray:
        """The h of each query with which h − score is half of a squared Euclidean distance, (m,).

        `largest_norm` is that of the base, which the lift of `ip` needs.
        """
        if self.metric == "cosine":
            return np.ones(len(self.norms))
        lifted = largest_norm**2 if self.metric == "ip" else 0.0
        return np.asarray((self.norms**2 + lifted) / 2)

    def distances(self, queries: NDArray[Any], ids: NDArray[Any]) -> FloatArray:
        """Float64 distances of pairs of a query and a base row."""
        return pair_distances(self.queries, self.base, queries, ids, self.metric)


def scan(
    space: ScoreSpace,
    numbers: range,
    parts: Iterable[Part],
    see: Callable[[Part, int, Vectors, NDArray[Any]], None],
    pool: Executor,
    progress: Callable[[int, int], None] | None = None,
    *,
    tile_rows: int = TILE_ROWS,
) -> None:
    """Show the base rows in `numbers` to each part of the queries, tile by tile.

    Parameters
    ----------
    parts
        One for each thread at a time; a part sees its tiles one after the other.
    see
        Called with the part, the number of the tile's first row, its float32 rows and their norms.
    progress
        Called with the base rows finished since the last call, and for how many queries.
    """
    parts = list(parts)
    slab = max(tile_rows, _SLAB_BYTES // (4 * space.d))
    for first in numbers[::slab]:
        block = space.base[first : min(first + slab, numbers.stop)]
        rows, norms = space.rows(block, np.float32, first)

        def show(part: Part, first: int = first, rows: Any = rows, norms: Any = norms) -> None:
            for tile in range(0, len(rows), tile_rows):
                end = tile + tile_rows
                see(part, first + tile, rows[tile:end], norms[tile:end])

        list(pool.map(show, parts))
        if progress:
            progress(len(block), len(space.queries))


def pair_distances(
    queries: Vectors, base: Vectors, rows: NDArray[Any], ids: NDArray[Any], metric: Metric
) -> FloatArray:
    """Float64 distances of the pairs of query ``rows[i]`` and base vector ``ids[i]``, (pairs,)."""
    result = np.empty(len(ids))
    step = max(1, _PAIR_BYTES // (8 * base.shape[1]))
    for first in range(0, len(ids), step):
        pairs = slice(first, first + step)
        result[pairs] = distance(queries[rows[pairs]], base[ids[pairs]], metric)
    return result


def neighbor_distances(
    queries: Vectors, base: Vectors, ids: NDArray[Any], metric: Metric
) -> FloatArray:
    """Float64 distances (m, depth) of the neighbors `ids` of each query; inf where an id is −1."""
    result = np.full(ids.shape, np.inf)
    rows, places = np.nonzero(ids >= 0)
    result[rows, places] = pair_distances(queries, base, rows, ids[rows, places], metric)
    return result


def refuse(wrong: Bools, side: str, first: int, reason: str) -> None:
    """Raise for the first row that is wrong."""
    if wrong.any():
        raise DataError(f"{side}, row {first + int(np.argmax(wrong))}: the vector {reason}")
