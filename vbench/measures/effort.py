"""Effort: how wide a search each query needs, and what a perfect setting per query would save."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vbench.errors import VbenchError

NEVER = -1


class Gain(NamedTuple):
    """One setting for all queries against the smallest sufficient setting of each.

    Attributes
    ----------
    setting
        The cheapest setting at which as many queries are served as the widest serves.
    served
        Share of the queries that reach what is asked at some setting and stay there.
    one, each
        Mean cost of a query with that one setting, and with a perfect setting for each query;
        a query that no setting serves is given the cheapest.
    factor
        one / each: how many times cheaper a perfect choice would be.
    """

    setting: int
    served: float
    one: float
    each: float
    factor: float


def effort(hits: NDArray[np.integer[Any]], need: int) -> NDArray[np.int64]:
    """The smallest setting from which on each query has `need` hits at every wider setting.

    Parameters
    ----------
    hits : integer (S, m)
        Hits of m queries at S settings, ordered from narrow to wide.
    need
        Hits that count as served: ⌈δ·K⌉.

    Returns
    -------
    int64 (m,)
        Index of the setting, −1 where even the widest is not enough.

    Raises
    ------
    VbenchError
        `hits` is not a table of at least one setting.
    """
    return np.asarray(efforts(hits, [need])[0])


def efforts(hits: NDArray[np.integer[Any]], needs: Sequence[int]) -> NDArray[np.int64]:
    """The same for several `needs` at once: int64 (needs, m)."""
    table = np.asarray(hits)
    if table.ndim != 2 or len(table) == 0:
        raise VbenchError(f"effort needs hits of shape (settings, queries), got {table.shape}")
    # The fewest hits of each query at a setting and every wider one; they rise with the setting.
    lasting = np.minimum.accumulate(table[::-1])[::-1]
    places = np.stack([(lasting < need).sum(axis=0) for need in needs])
    return np.where(places < len(table), places, NEVER)


def gain(efforts: NDArray[np.int64], costs: ArrayLike) -> Gain:
    """What a perfect per-query choice of setting would bring over one setting for all.

    The bound of adaptive search (DARTH, Ada-ef, LAET): both sides serve the same queries.

    Parameters
    ----------
    efforts : int64 (m,)
        What :func:`effort` returns.
    costs : (S,) or (S, m)
        Cost of a query at each setting, such as its latency or its distance computations, for
        all queries alike or for each.

    Raises
    ------
    VbenchError
        No queries, or no cost for a setting that some query needs.
    """
    price = np.asarray(costs, dtype=np.float64)
    price = price[:, np.newaxis] if price.ndim == 1 else price
    m = len(efforts)
    if m == 0 or price.ndim != 2 or price.shape[1] not in (1, m) or efforts.max() >= len(price):
        raise VbenchError(
            f"costs of shape {np.shape(costs)} do not fit {m} queries whose efforts go up to "
            f"setting {efforts.max() if m else NEVER}: give (settings,) or (settings, queries)"
        )
    price = np.broadcast_to(price, (len(price), m))
    means = price.mean(axis=1)
    cheapest = int(means.argmin())
    chosen = np.where(efforts == NEVER, cheapest, efforts)
    widest = max(int(efforts.max()), 0)
    setting = widest + int(means[widest:].argmin()) if efforts.max() >= 0 else cheapest
    one, each = float(means[setting]), float(price[chosen, np.arange(m)].mean())
    return Gain(
        setting=setting,
        served=float((efforts != NEVER).mean()),
        one=one,
        each=each,
        factor=one / each if each > 0.0 else float("nan"),
    )
