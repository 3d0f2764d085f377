"""Exposure: how unevenly the items of a base share the places in answers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.measures.blocks import row_blocks
from vbench.metric import FloatArray


class Exposure(NamedTuple):
    """How unevenly some lists show the items of a base.

    Attributes
    ----------
    gini
        Gini coefficient of how often each base vector is shown: 0 where all are shown equally
        often, near 1 where a few fill all lists. Base vectors that are never shown count.
    by_query : float64 (m,)
        The same as a mean over queries: their mean is `gini`, and their variance that of its
        linearization.
    items
        How many base vectors are shown at all.
    """

    gini: float
    by_query: FloatArray
    items: int


_BLOCK = 1 << 19
"""Places in lists at a time, which a cache holds."""


def expose(ids: NDArray[np.integer[Any]], n: int) -> Exposure:
    """What the lists of some queries show of n base vectors.

    With c the counts in ascending order, the coefficient is Σ (2i − n − 1) c_i / (n Σ c): linear
    in the counts as long as their order stays, so that a query adds what its own items do.

    Parameters
    ----------
    ids : integer (m, k), −1 pads
        No id stands twice in a list.
    """
    counts = np.zeros(n + 1, dtype=np.int64)
    for part in row_blocks(ids, max(n, _BLOCK)):  # each block has a count of all n
        counts += np.bincount(ids[part].reshape(-1) + 1, minlength=n + 1)
    counts = counts[1:]
    total = int(counts.sum())
    if not total:
        return Exposure(0.0, np.zeros(len(ids)), 0)
    # Of equal counts each has the middle of their ranks.
    by_count = np.bincount(counts)
    levels = np.flatnonzero(by_count)
    sizes = by_count[levels]
    above = 2.0 * np.cumsum(sizes) - sizes - n
    weight = np.zeros(len(by_count))
    weight[levels] = above / (n * total)
    gini = float((levels * sizes) @ above) / (n * total)
    own = np.append(weight[counts] - gini / total, 0.0)  # the last one for pads
    added = np.zeros(len(ids))
    for part in row_blocks(ids, _BLOCK):
        # One place of all lists after the other, as they are few.
        for item in np.ascontiguousarray(ids[part].T):
            added[part] += own[item]
    return Exposure(gini, np.asarray(gini + len(ids) * added), int((counts > 0).sum()))
