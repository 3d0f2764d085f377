"""Items and the queries that share them: how many exact lists an item stands in, how many find it.

A measure of items is a mean over the items that stand in enough exact lists. Queries are what is
left to chance, and an item belongs to several of them, so that its statistics leave out one query
(or one cluster of queries) after the other: each changes the counts of its own K items alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.measures.answers import Answers
from vbench.metric import FloatArray

Counts = NDArray[np.integer[Any]]
Eligible = Callable[[Counts], NDArray[np.bool_]]
"""Which items count, (…), by the number of exact lists that they stand in, (…)."""
Worth = Callable[[Counts, Counts], NDArray[Any]]
"""What an item is worth by those numbers (…) and by how often it was found, (builds, …)."""

_FEWEST_GROUPS = 8
_ROUNDS = 8, 25
_WORK = 8_000_000
"""Cells that the pairs of halves may have together."""
_DENSE = 4
"""Ids up to so many times their number are numbered by a table."""
_BLOCK = 1 << 18
"""Cells at a time, which a cache holds."""


class Half(NamedTuple):
    """Half of the queries or clusters, drawn at random, and what their lists have of each item.

    Attributes
    ----------
    inside : bool (groups,)
    listed : integer (I,); found : integer (B, I)
    """

    inside: NDArray[np.bool_]
    listed: Counts
    found: Counts


class Tally:
    """Counts what cells have of each item, of several builds at once where a cell is one list.

    Which of the builds found it is one number then, and a pair of item and number is counted.
    """

    def __init__(
        self, item: Counts, listed: NDArray[Any], found: NDArray[Any], number: int
    ) -> None:
        self._item, self._listed, self._found, self._number = item, listed, found, number
        self._codes: list[tuple[int, Counts]] = []
        if listed.dtype != bool:
            return
        together = max(1, (max(len(item), 1) // max(number, 1)).bit_length() - 1)
        for first in range(0, len(found), together):
            some = found[first : first + together]
            code = item << len(some)
            for bits, each in _pack(some):
                code |= each if not bits else each.astype(code.dtype) << bits
            self._codes.append((len(some), code))

    def count(self, cells: NDArray[np.bool_] | None = None) -> tuple[Counts, Counts]:
        """Sums over some cells: of lists, integer (I,), and of what was found, integer (B, I)."""
        if not self._codes:
            some = slice(None) if cells is None else cells
            item = self._item[some]
            listed = _sum(item, self._listed[some], self._number)
            return listed, np.stack([_sum(item, e[some], self._number) for e in self._found])
        found = []
        for builds, code in self._codes:
            counts = _count(code, self._number << builds, cells).reshape(self._number, -1)
            found.append(_find_bits(builds) @ counts.T)
        return counts.sum(axis=1), np.concatenate(found)


class Halves:
    """Half samples of the queries, each drawn and counted once for all measures and segments."""

    def __init__(self, tally: Tally | None = None) -> None:
        self._rng = np.random.default_rng(0)
        self._drawn: list[Half] = []
        self._tally = tally

    def first(self, number: int, of: SharedItems) -> list[Half]:
        """The first of them, counted among all items."""
        while len(self._drawn) < number:
            inside = np.zeros(of.groups, dtype=bool)
            inside[self._rng.permutation(of.groups)[: of.groups // 2]] = True
            if self._tally is None:
                self._tally = Tally(of.item, of.cell_listed, of.cell_found, len(of.ids))
            listed, found = self._tally.count(np.repeat(inside, of.sizes))
            self._drawn.append(Half(inside, listed.astype(np.int32), found.astype(np.int32)))
        return self._drawn[:number]


class SharedItems(NamedTuple):
    """The items of the exact lists of some queries, and which of them were found.

    A cell is an item in the exact list of a query, or in those of a cluster of queries.

    Attributes
    ----------
    ids : integer (I,)
        Base rows of the items that stand in an exact list, ascending.
    listed : int64 (I,)
        In how many exact lists each stands.
    found : int64 (B, I)
        For how many of these queries each build returned it, or something as near in its place.
    sizes : int64 (groups,)
        Number of cells of each query or cluster; its cells stand together, in their order.
    item : int64 (c,)
        Of each cell the place of its item among `ids`.
    cell_listed : integer or bool (c,); cell_found : integer or bool (B, c)
        What the cell has of `listed` and of `found`; bool where each cell is one list.
    halves
        Half samples of the queries.
    inside : bool (I,)
        Which of the items may count; None where all may.
    """

    ids: NDArray[np.integer[Any]]
    listed: Counts
    found: Counts
    sizes: Counts
    item: Counts
    cell_listed: NDArray[Any]
    cell_found: NDArray[Any]
    halves: Halves
    inside: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, answers: Sequence[Answers], clusters: NDArray[Any] | None = None) -> SharedItems:
        """Count what the builds of one setting answered to the same queries.

        Ties follow the rule of recall: who returned something as near in an item's place found it.

        Parameters
        ----------
        clusters : (m,), optional
            User or session of each query.
        """
        first = answers[0]
        truth = first.truth_ids[:, : first.k]
        # Where a filter leaves fewer than K neighbors, the list ends in pads.
        inside = truth >= 0
        sizes = inside.sum(axis=1)
        there = slice(None) if inside.all() else inside
        ids, item = _number(truth[there].reshape(-1))
        found = np.stack([~each.missed[there].reshape(-1) for each in answers])
        listed = np.ones(len(item), dtype=bool)
        if clusters is not None:
            names, codes = np.unique(clusters, return_inverse=True)
            joined = np.repeat(codes, sizes) * len(ids) + item
            cells, place = np.unique(joined, return_inverse=True)
            group, item = np.divmod(cells, max(len(ids), 1))
            sizes = np.bincount(group, minlength=len(names))
            listed = _sum(place, listed, len(cells))
            found = np.stack([_sum(place, each, len(cells)) for each in found])
        tally = Tally(item, listed, found, len(ids))
        of_items = tally.count()
        return cls(
            ids=ids,
            listed=of_items[0],
            found=of_items[1],
            sizes=sizes,
            item=item,
            cell_listed=listed,
            cell_found=found,
            halves=Halves(tally),
        )

    @property
    def groups(self) -> int:
        """Number of queries, or of clusters."""
        return len(self.sizes)

    def of_items(self, inside: NDArray[np.bool_]) -> SharedItems:
        """Those of which only some items count (I,), in the lists of the same queries."""
        return self._replace(inside=inside)

    def which(self, eligible: Eligible, listed: Counts | None = None) -> NDArray[np.bool_]:
        """Which items count: (I,), by `listed` or else by the lists that there are."""
        counted = eligible(self.listed if listed is None else listed)
        return counted if self.inside is None else counted & self.inside

    def mean(self, eligible: Eligible, worth: Worth) -> FloatArray:
        """The mean worth of the items that count, float64 (B,); NaN where none does."""
        counted = self.which(eligible)
        if not counted.any():
            return np.full(len(self.found), np.nan)
        return np.asarray(worth(self.listed, self.found)[:, counted].mean(axis=1), dtype=float)

    def by_group(self, eligible: Eligible, worth: Worth) -> FloatArray:
        """The same mean as one of values of the queries or clusters, float64 (B, groups).

        The value of a group is what the mean changes by without it, times the number of the
        others, around the mean: Tukey's pseudo-values less their bias, so that their mean is the
        mean of the items. The variance of the jackknife is too large for items that are lost or
        not, so the values are drawn in to the spread of half samples.
        """
        values = self.pseudo_values(eligible, worth)
        mean = values.mean(axis=1, keepdims=True)
        return np.asarray(mean + self.shrinkage(values, eligible, worth) * (values - mean))

    def pseudo_values(self, eligible: Eligible, worth: Worth) -> FloatArray:
        """Those of the jackknife that leaves out one group, around the mean, (B, groups)."""
        counted = self.which(eligible)
        value = np.where(counted, worth(self.listed, self.found), 0.0)
        number, total = self._without_groups(eligible, worth, counted, value)
        mean = self.mean(eligible, worth)[:, np.newaxis]
        without = np.where(number > 0, total / np.maximum(number, 1), mean)
        middle = without.mean(axis=1, keepdims=True)
        return np.asarray(mean + (self.groups - 1) * (middle - without))

    def _without_groups(
        self, eligible: Eligible, worth: Worth, counted: NDArray[np.bool_], value: FloatArray
    ) -> tuple[Counts, FloatArray]:
        """How many items count without each group (groups,), and their worth (B, groups).

        Where no queries are joined, a cell is one list, which found its item or not: both are
        worked out for each item, of which there are fewer, and only cells are looked at whose item
        changes by one of them. For a worth of all builds together that is which of them found it.
        """
        number, total = int(counted.sum()), value.sum(axis=1, keepdims=True)
        builds = 1 if len(value) == len(self.found) else len(self.found)
        if self.cell_listed.dtype != bool or (builds > 1 and self._is_many(1 << builds)):
            fewer, less = np.empty(self.groups, np.int64), np.empty((len(value), self.groups))
            for groups, cells in _in_blocks(self.sizes):
                item = self.item[cells]
                listed = self.listed[item] - self.cell_listed[cells]
                stays = eligible(listed)
                if self.inside is not None:
                    stays &= self.inside[item]
                found = self.found[:, item] - self.cell_found[:, cells]
                left = np.where(stays, worth(listed, found), 0.0) - value[:, item]
                sizes = self.sizes[groups]
                fewer[groups] = _totals(stays.astype(np.int64) - counted[item], sizes)
                less[:, groups] = [_totals(each, sizes) for each in left]
            return number + fewer, total + less
        has = _find_bits(builds)[:, :, np.newaxis]
        listed = np.broadcast_to(self.listed - 1, (has.shape[1], len(self.listed)))
        stays = self.which(eligible, self.listed - 1)
        without = worth(listed, self.found[:, np.newaxis] - has)
        left = np.where(stays, without, 0.0) - value[:, np.newaxis]
        fewer = stays.astype(np.int64) - counted
        item, hits, sizes = self.item, self.cell_found, self.sizes
        changes = (fewer != 0) | left.any(axis=(0, 1))
        if not changes.all():
            changed_at = np.flatnonzero(changes[item]) if changes.any() else np.empty(0, np.intp)
            ends: Counts = changed_at.searchsorted(np.cumsum(sizes))
            item, hits = item[changed_at], hits[:, changed_at]
            sizes = np.diff(ends, prepend=0)
        if builds > 1:
            hits = (1 << np.arange(builds))[np.newaxis] @ hits
        is_fewer = fewer.any()
        changed, less = np.zeros(len(sizes), np.int64), np.empty((len(hits), len(sizes)))
        for groups, cells in _in_blocks(sizes):
            place, own = item[cells], sizes[groups]
            if is_fewer:
                changed[groups] = _totals(fewer[place], own)
            for row, hit, values in zip(less, hits[:, cells], left, strict=True):
                row[groups] = _totals(values.reshape(-1)[place + hit * len(fewer)], own)
        return number + changed, total + less

    def _is_many(self, values: int) -> bool:
        """Whether so many values of each item are more than there are cells."""
        return values * len(self.ids) > len(self.item)

    def shrinkage(self, values: FloatArray, eligible: Eligible, worth: Worth) -> float:
        """How far the mean spreads over half samples, relative to that of such values; at most 1.

        An item that two queries have is lost to both or not, which leaving out one of them hardly
        tells; half samples without replacement do (Shao and Wu 1989). Both spreads are of the same
        halves and of all builds, so that few halves say enough.
        """
        if self.groups < _FEWEST_GROUPS:
            return 1.0
        rounds = int(np.clip(_WORK // max(self._cells, 1), *_ROUNDS))
        actual, linear = [], []
        for half in self.halves.first(rounds, self):
            actual += [each.mean(eligible, worth) for each in self._in_halves(half)]
            # Not `@`: BLAS would start threads for it.
            linear += [
                np.einsum("bg,g->b", values, side.astype(float)) / side.sum()
                for side in (half.inside, ~half.inside)
            ]
        known = np.isfinite(actual).all(axis=1)
        if known.sum() < 2:
            return 1.0
        of_values = float(np.var(np.array(linear)[known], axis=0).sum())
        of_halves = float(np.var(np.array(actual)[known], axis=0).sum())
        return min(math.sqrt(of_halves / of_values), 1.0) if of_values > 0.0 else 1.0

    def _in_halves(self, half: Half) -> Iterator[SharedItems]:
        """The counts in the lists of a half, and of the other; the cells stay as they are."""
        yield self._replace(listed=half.listed, found=half.found)
        yield self._replace(listed=self.listed - half.listed, found=self.found - half.found)

    @property
    def _cells(self) -> int:
        """Cells of the items that may count."""
        if self.inside is None:
            return len(self.item)
        one_by_one = self.cell_listed.dtype == bool
        cells = self.listed if one_by_one else np.bincount(self.item, minlength=len(self.ids))
        return int(cells[self.inside].sum())


def _number(ids: NDArray[np.integer[Any]]) -> tuple[NDArray[np.integer[Any]], Counts]:
    """The different ids, ascending, and the place of each given one among them."""
    if ids.max(initial=0) > _DENSE * len(ids):
        return np.unique(ids, return_inverse=True)
    known = np.zeros(int(ids.max(initial=-1)) + 1, dtype=bool)
    known[ids] = True
    kind = np.int32 if len(ids) <= np.iinfo(np.int32).max else np.int64
    place = np.cumsum(known, dtype=kind) - 1
    return np.flatnonzero(known).astype(ids.dtype), place[ids]


def _pack(found: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Which of some builds found each cell, eight of them as one number: its first, and that."""
    for first in range(0, len(found), 8):
        packed = found[first].astype(np.uint8)
        for bit, each in enumerate(found[first + 1 : first + 8], 1):
            packed |= each.view(np.uint8) << np.uint8(bit)
        yield first, packed


def _count(numbers: Counts, length: int, among: NDArray[np.bool_] | None) -> Counts:
    """How often each number occurs, int64 (length,), of all or of some: block by block."""
    counts = np.zeros(length, dtype=np.int64)
    for first in range(0, len(numbers), max(length, _BLOCK)):
        part = slice(first, first + max(length, _BLOCK))
        own = numbers[part] if among is None else numbers[part][among[part]]
        counts += np.bincount(own, minlength=length)
    return counts


def _sum(place: NDArray[np.integer[Any]], values: NDArray[Any], length: int) -> Counts:
    """Sums of whole numbers by place, int64 (length,): exact in the floats of `bincount`."""
    if values.dtype == bool:
        return np.bincount(place if values.all() else place[values], minlength=length)
    return np.bincount(place, values, minlength=length).astype(np.int64)


def _totals(values: NDArray[Any], sizes: Counts) -> NDArray[Any]:
    """Sums of the values of each group, which stand together: (groups,)."""
    total = np.zeros(len(sizes), dtype=np.int64 if values.dtype == bool else values.dtype)
    filled = sizes > 0
    starts = np.cumsum(sizes) - sizes
    if filled.any():
        total[filled] = np.add.reduceat(values, starts[filled], dtype=total.dtype)
    return total


def _find_bits(builds: int) -> NDArray[np.int64]:
    """Whether each build is in each number that says which are: 0 or 1, (builds, 2**builds)."""
    return np.arange(1 << builds) >> np.arange(builds)[:, np.newaxis] & 1


def _in_blocks(sizes: Counts) -> Iterator[tuple[slice, slice]]:
    """Some groups at a time, and their cells, which stand together."""
    ends = np.concatenate([[0], np.cumsum(sizes)])
    first = 0
    while first < len(sizes):
        last = int(np.searchsorted(ends, ends[first] + _BLOCK, side="right")) - 1
        last = max(last, first + 1)
        yield slice(first, last), slice(int(ends[first]), int(ends[last]))
        first = last
