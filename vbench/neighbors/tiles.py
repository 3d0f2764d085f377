"""Scores of a tile of base rows: made and compared block by block, while a cache holds them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.neighbors.space import Bools, Ids, ScoreSpace, Vectors

TILE_ROWS = 2048
"""What is done once for a tile costs little beside so many."""
_BLOCK_ROWS = 256
_BLOCK_SCORES = 1 << 18
"""A block has the rows that bring it to so many scores, or at least some."""
_WORD = 8
"""Truth values that are compared with zero at once."""


class Hits(NamedTuple):
    """What reaches the threshold of its query: position of the query, column, score; by query."""

    queries: Ids
    columns: Ids
    scores: NDArray[np.float32]

    def where(self, kept: Bools) -> Hits:
        """Those that are kept, bool (hits,)."""
        return Hits(self.queries[kept], self.columns[kept], self.scores[kept])


class Tile:
    """Scores of a part of the queries against up to `TILE_ROWS` prepared rows.

    They lie in this thread's own memory: another tile of the thread takes their place.
    """

    def __init__(self, space: ScoreSpace, part: slice, rows: Vectors, norms: NDArray[Any]) -> None:
        self.space, self.rows, self.norms = space, rows, norms
        self.queries = space.narrow[part]
        m = max(1, len(self.queries))
        width = min(len(rows), max(_BLOCK_ROWS, _BLOCK_SCORES // m))
        width += -width % _WORD
        self.starts = range(0, len(rows), width)
        self.shape = len(self.starts), m, width
        self.scores = space.scratch("scores", self.shape, np.float32)
        self.is_scored = False

    def score(self) -> None:
        """Make all scores, to be looked at before it is known which are asked for."""
        for block in range(len(self.starts)):
            self._score(block)
        self.is_scored = True

    def _score(self, block: int) -> None:
        first, width = self.starts[block], self.shape[2]
        rows, norms = self.rows[first : first + width], self.norms[first : first + width]
        scores = self.scores[block]
        np.matmul(self.queries, rows.T, out=scores[:, : len(rows)])
        scores[:, len(rows) :] = -np.inf
        self.space.place_zero(scores[:, : len(rows)], norms)

    def hits(self, least: NDArray[np.float32]) -> Hits:
        """Scores that are no less than the `least` of their query, (queries,)."""
        reached = self.space.scratch("reached", self.shape, np.bool_)
        for block in range(len(self.starts)):
            if not self.is_scored:
                self._score(block)
            np.greater_equal(self.scores[block], least[:, np.newaxis], out=reached[block])
        self.is_scored = True
        # Few are: of eight at a time most are none.
        words = np.flatnonzero(reached.reshape(-1).view(np.uint64) != 0)
        places = np.flatnonzero(reached.reshape(-1, _WORD)[words])
        places = words[places // _WORD] * _WORD + places % _WORD
        _, m, width = self.shape
        row, column = np.divmod(places, width)
        query = row % m
        column += row // m * width
        # Of so short a type by digits.
        order = np.argsort(query.astype(np.uint16), kind="stable")
        found = Hits(query[order], column[order], self.scores.reshape(-1)[places[order]])
        return found if len(self.rows) % width == 0 else found.where(found.columns < len(self.rows))

    def scores_of(self, chosen: NDArray[Any]) -> NDArray[np.float32]:
        """All scores of some queries, by their position, (chosen, rows)."""
        return np.hstack(list(self.scores[:, chosen]))[:, : len(self.rows)]
