"""All (query, item) pairs that any trial or exact search hands to the ranking stage, each once.

Trials of one run return mostly the same items. So each pair is scored once, for all of them: a
score is a function of the pair, and may not depend on the other candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset
from vbench.measures.answers import repeated
from vbench.metric import FloatArray
from vbench.neighbors.space import pair_distances
from vbench.ranking.lists import Ids, Lists

_BLOCK_ENTRIES = 1 << 21


class Block(NamedTuple):
    """Some queries with their candidates, as a rectangle.

    Attributes
    ----------
    queries : int64 (b,), row numbers of the dataset
    candidates : int64 (b, w)
        Row numbers of items; a query with fewer than w repeats its first one.
    pairs : int64 (b, w)
        Number of each pair in the pool.
    """

    queries: NDArray[np.int64]
    candidates: NDArray[np.int64]
    pairs: NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """Pairs sorted by query, then by item.

    Attributes
    ----------
    queries : int64 (m,), row numbers of the dataset
    item : int64 (P,)
    starts : int64 (m + 1,), where the pairs of each query begin
    places : of int32 (m, k), one for each list of candidates: number of the pair, −1 pads
    """

    queries: NDArray[np.int64]
    item: NDArray[np.int64]
    starts: NDArray[np.int64]
    places: Lists

    @classmethod
    def of(
        cls,
        queries: NDArray[np.int64],
        lists: Sequence[Ids] | Lists,
        *,
        repeats: Sequence[bool] | None = None,
    ) -> Pool:
        """Pool lists of candidates, each (m, k) with −1 pads; an id returned twice counts once.

        Over the ids of :class:`Lists` their places are written.

        Parameters
        ----------
        repeats
            Which lists may hold an id twice; default: all.
        """
        places = lists if isinstance(lists, Lists) else Lists.of(lists)
        may_repeat = [True] * len(places) if repeats is None else repeats
        widths = np.cumsum(places.widths)
        m, width = len(queries), int(widths[-1])
        items: list[Ids] = []
        slots = np.empty(0, dtype=places.dtype)
        number = 0
        step = max(1, _BLOCK_ENTRIES // max(1, width))
        for start in range(0, m, step):
            wide = np.concatenate(
                [
                    np.where(repeated(part), -1, part) if twice else part
                    for part, twice in zip(
                        places.rows(start, start + step), may_repeat, strict=True
                    )
                ],
                axis=1,
            )
            if len(slots) < wide.max(initial=0) + 2:
                slots = np.empty(int(wide.max()) + 2, dtype=places.dtype)
            for ids in wide:
                items.append(_number(ids, slots, number))
                number += len(items[-1])
            places.put_rows(start, np.split(wide, widths[:-1], axis=1))
        starts = np.cumsum([0, *map(len, items)])
        return cls(queries, np.concatenate(items), starts, places)

    def __len__(self) -> int:
        return len(self.item)

    @property
    def query(self) -> NDArray[np.int64]:
        """Row number of the query of each pair: int64 (P,)."""
        return np.repeat(self.queries, np.diff(self.starts))

    def blocks(self, pairs: int) -> Iterator[Block]:
        """The pool in rectangles of up to `pairs` pairs, queries with few candidates first."""
        sizes = np.diff(self.starts)
        order = np.argsort(sizes, kind="stable")
        order = order[sizes[order] > 0]
        start = 0
        while start < len(order):
            # The last row is the widest, so the rectangle is as wide as that.
            fits = np.arange(1, len(order) - start + 1) * sizes[order[start:]] <= pairs
            rows = order[start : start + max(1, int(fits.sum()))]
            column = np.arange(sizes[rows].max())
            number = self.starts[rows, np.newaxis] + np.where(
                column < sizes[rows, np.newaxis], column, 0
            )
            yield Block(self.queries[rows], self.item[number], number)
            start += len(rows)

    def similarity(self, dataset: Dataset) -> FloatArray:
        """Minus the distance of each pair, from the stored vectors: float64 (P,)."""
        return similarity(dataset, self.query, self.item)


def _number(row: Ids, slots: Ids, number: int) -> Ids:
    """The distinct ids of a row, ascending.

    Each entry of `row` (w,) becomes the number of its id, counted on from `number`; −1 is a pad.

    Parameters
    ----------
    slots : (n + 1,)
        A place to write to for each id, the last one for pads: what is in it does not matter.
    """
    ids = row.astype(np.intp)  # else each look-up does so
    columns = np.arange(len(row), dtype=slots.dtype)
    slots[ids] = columns
    own: Ids = row[slots[ids] == columns]
    own.sort()
    own = own[np.searchsorted(own, 0) :]
    slots[-1] = -1
    slots[own] = np.arange(number, number + len(own))
    row[:] = slots[ids]
    return own


def similarity(dataset: Dataset, query: NDArray[np.int64], item: NDArray[np.int64]) -> FloatArray:
    """Minus the distance of each pair (P,), from the stored vectors, block by block: (P,)."""
    return -pair_distances(dataset.queries, dataset.base, query, item, dataset.metric)
