"""The three metrics, and what "distance" means for each of them everywhere in vbench."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vbench.errors import DataError

Metric = Literal["l2", "ip", "cosine"]
METRICS: tuple[Metric, ...] = get_args(Metric)

FloatArray = NDArray[np.float64]

NO_COSINE = 3.0
"""The distance to a zero vector under `cosine`: farther than the opposite direction, which is 2."""

_WORDS: Mapping[Metric, tuple[str, ...]] = {
    "l2": (
        "euclidean",
        "l2 distance",
        "euclidean distance",
        "l2 squared",
        "squared l2",
        "l2sq",
        "sqeuclidean",
        "squared euclidean",
    ),
    "ip": (
        "dot",
        "dot product",
        "inner product",
        "max inner product",
        "maximum inner product",
        "mips",
    ),
    # VIBE's `normalized`: unit vectors, for which inner product and cosine are one order.
    "cosine": (
        "angular",
        "cos",
        "cosine similarity",
        "cosine distance",
        "cosinesimil",
        "normalized",
    ),
}
"""What other tools call the metrics; case, spaces, hyphens and underscores do not matter."""


def metric_of(word: str) -> Metric | None:
    """The metric that a word of this or another tool stands for, None if it is not known."""
    plain = _plain(word)
    return next(
        (metric for metric, words in _WORDS.items() if plain in map(_plain, (metric, *words))), None
    )


def known_metric(word: Any, where: str) -> Metric:
    """Translate `euclidean`, `angular` and the like."""
    word = word.decode(errors="replace") if isinstance(word, bytes) else str(word)
    found = metric_of(word)
    if found is None:
        others = ", ".join(words[0] for words in _WORDS.values())
        known = [each for metric, words in _WORDS.items() for each in (metric, *words)]
        near = difflib.get_close_matches(word[:40].lower(), known, n=1)
        meant = f" (did you mean {near[0]!r}?)" if near else ""
        raise DataError(
            f"{where}: distance {word[:40]!r} is not supported{meant}; {', '.join(METRICS)} are "
            f"(also words of other tools, such as {others})"
        )
    return found


def _plain(word: str) -> str:
    return re.sub(r"[\s_-]+", "", word).lower()


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
        `cosine`: 1 − cosine similarity; `NO_COSINE` where one of the two is zero.

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
    # A zero vector has no direction: it is farther than every vector that has one.
    similarity = np.full(np.shape(norms), 1.0 - NO_COSINE)
    return np.asarray(1.0 - np.divide(dot, norms, out=similarity, where=norms > 0.0))


def tie_limit(distances: FloatArray, metric: Metric, tolerance: float = 1e-9) -> FloatArray:
    """The largest distance that still counts as tied with `distances`.

    The tolerance is relative: to the distance for `l2`, to the similarity for `ip` and `cosine`.
    """
    if metric == "l2":
        return distances * (1.0 + tolerance)
    similarity = -distances if metric == "ip" else 1.0 - distances
    return np.asarray(distances + tolerance * np.abs(similarity))
