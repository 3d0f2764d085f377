"""Whether the tails of several settings hold the same queries."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.stats.intervals import wilson


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one setting's tail another would have served.

    Attributes
    ----------
    tail, saved
        Queries in the tail of `index`, and those of them that `other` serves.
    share, low, high
        saved / tail; None without a tail.
    lift
        How many times as often as any query those of the tail fail with `other` too.
    """

    index: str
    other: str
    tail: int
    saved: int
    share: float | None
    low: float | None
    high: float | None
    lift: float | None


class Everywhere(msgspec.Struct, frozen=True, kw_only=True):
    """Queries in the tail of some setting, and of every one."""

    some: int
    every: int


def in_most_builds(under: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Queries (m,) that are under δ in more than half of the builds (builds, m)."""
    return np.asarray(under.mean(axis=0) > 0.5)


def count_shared(tails: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Queries in the tails of each two settings: (settings, m) → int64 (settings, settings)."""
    numbers = tails.astype(np.float64)
    return np.asarray(numbers @ numbers.T, dtype=np.int64)


def overlap_of(names: Sequence[str], tails: NDArray[np.bool_]) -> tuple[Overlap, ...]:
    """A row for each two settings, whose tails are masks (settings, m)."""
    shared, shares = count_shared(tails), tails.mean(axis=1)
    rows = []
    for one, name in enumerate(names):
        size = int(shared[one, one])
        for other, against in enumerate(names):
            if one == other:
                continue
            both, anyone = int(shared[one, other]), float(shares[other])
            ends = wilson(size - both, size) if size else None
            rows.append(
                Overlap(
                    index=name,
                    other=against,
                    tail=size,
                    saved=size - both,
                    share=(size - both) / size if size else None,
                    low=None if ends is None else ends.low,
                    high=None if ends is None else ends.high,
                    lift=both / size / anyone if size and anyone else None,
                )
            )
    return tuple(rows)


def everywhere_of(tails: NDArray[np.bool_]) -> Everywhere:
    """Count the queries in some tail, and in every one."""
    return Everywhere(some=int(tails.any(axis=0).sum()), every=int(tails.all(axis=0).sum()))
