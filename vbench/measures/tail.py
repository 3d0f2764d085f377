"""The tail over several builds: queries that fail in every build, and those that fail in some."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.measures.hits import threshold


class Tail(NamedTuple):
    """Queries under δ, as masks of shape (m,). With one build, all of them are persistent."""

    persistent: NDArray[np.bool_]
    build_dependent: NDArray[np.bool_]


def tail(hits: NDArray[np.integer[Any]], k: int, delta: float) -> Tail:
    """Split the queries under δ by whether they are so in every build.

    Parameters
    ----------
    hits : integer (builds, m)
    k, delta
        A query is under δ when its hits are fewer than ceil(δ·k).
    """
    under = np.atleast_2d(hits) < threshold(delta, k)
    persistent = np.asarray(under.all(axis=0))
    return Tail(persistent, np.asarray(under.any(axis=0) & ~persistent))
