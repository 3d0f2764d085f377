"""Hits: how many of the exact K nearest neighbors an answer contains, and the rules for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vbench.measures.blocks import row_blocks
from vbench.metric import FloatArray

Ids = NDArray[np.integer[Any]]
Rule = Literal["exact-tie", "id", "ann-benchmarks"]
RULES: tuple[Rule, ...] = get_args(Rule)
DistancesOf = Callable[[NDArray[np.intp], Ids], FloatArray]
"""`(query rows, ids of the same length) -> float64 distances`, from the stored vectors."""

_BLOCK, _ORDERED_BLOCK = 1 << 16, 1 << 18
"""Entries at a time, which a cache holds."""


def threshold(delta: float, k: int) -> int:
    """Hits that a query needs for a recall of at least `delta`: ceil(δ·K), exactly.

    δ is taken as the decimal that was written. In floats, ``0.07 * 100`` is more than 7 and a
    query with 7 hits would be lost.
    """
    product = Fraction(repr(float(delta))) * k
    return -(-product.numerator // product.denominator)


def thresholds(delta: float, k: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The same for every K of an array."""
    ratio = Fraction(repr(float(delta)))
    if ratio.numerator * int(k.max(initial=0)) <= np.iinfo(np.int64).max:
        counts = k.astype(np.int64)
        return np.asarray(-(-ratio.numerator * counts // ratio.denominator))
    numbers, place = np.unique(k, return_inverse=True)
    return np.array([threshold(delta, number) for number in numbers.tolist()])[place]


def ranks_among(ids: Ids, among: Ids) -> NDArray[np.int32]:
    """The rank from 1 on of each of `ids` (m, a) in the same row of `among` (m, b); else 0."""
    ranks = np.empty(ids.shape, dtype=np.int32)
    for part, asked, columns in _in_blocks(ids, among):
        found = np.zeros(asked.shape, dtype=np.int32)
        for rank, column in enumerate(columns, 1):
            np.copyto(found, rank, where=asked == column)
        ranks[part] = found.T
    # A pad stands in no list, though lists may be padded too.
    ranks[ids < 0] = 0
    return ranks


def relevant(wanted: Ids, among: Ids) -> NDArray[np.bool_]:
    """Which entries of `wanted` (m, a) stand in the same row of `among` (m, b)."""
    there = np.empty(wanted.shape, dtype=bool)
    for part, asked, columns in _in_blocks(wanted, among):
        found = np.zeros(asked.shape, dtype=bool)
        for column in columns:
            found |= asked == column
        there[part] = found.T
    there &= wanted >= 0
    return there


def relevant_in_order(
    wanted: Ids, among: Ids, number: NDArray[np.integer[Any]]
) -> NDArray[np.bool_]:
    """The same as :func:`relevant`, of rows (m, a) and (m, b ≥ a) that mostly have one order.

    What an index returns is ordered by distance as its exact list is, and what does not belong
    there comes last: one look at each entry tells it. That all were found is told by their `number`
    (m,); where it is another, the row is looked through. Where that is the whole row, there is
    nothing to look for.
    """
    there = np.ones(wanted.shape, dtype=bool)
    some = np.flatnonzero(number < wanted.shape[1])
    step = max(1, _ORDERED_BLOCK // max(1, wanted.shape[1]))
    for first in range(0, len(some), step):
        rows = some[first : first + step]
        there[rows] = _look_in_order(wanted[rows], among[rows], number[rows])
    return there


def _look_in_order(wanted: Ids, among: Ids, number: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    asked, entries = np.ascontiguousarray(wanted.T), among.reshape(-1)
    found = np.empty(asked.shape, dtype=bool)
    place = np.arange(len(wanted)) * among.shape[1]
    entry = np.empty(len(wanted), dtype=entries.dtype)
    for each, hit in zip(asked, found, strict=True):
        # No place is out of bounds, which another mode would look for first.
        entries.take(place, out=entry, mode="clip")
        np.equal(entry, each, out=hit)
        np.add(place, hit, out=place)
    there = found.T & (wanted >= 0)
    left = np.flatnonzero(there.sum(axis=1) != number)
    if len(left):
        there[left] = relevant(wanted[left], among[left])
    return there


def _in_blocks(ids: Ids, among: Ids) -> Iterator[tuple[slice, Ids, Ids]]:
    """Some rows of both at a time, turned: what is compared lies side by side."""
    for part in row_blocks(ids, _BLOCK):
        yield part, np.ascontiguousarray(ids[part].T), np.ascontiguousarray(among[part].T)
