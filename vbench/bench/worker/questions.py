"""The vectors that an index is asked about, timed or not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.bench import wire
from vbench.bench.worker.files import read_rows
from vbench.indexes.space import Space

_UNSEEN = 100
"""About how many queries beside the timed ones are asked."""
_SHIFT = 1e-5
"""How far they are shifted, relative to each coordinate."""


class Unseen(NamedTuple):
    """Vectors near queries, and the queries' row numbers."""

    vectors: NDArray[np.float32]
    rows: NDArray[np.intp]


class Questions:
    """The queries in the index's space, and others that are like them.

    Parameters
    ----------
    queries
        Shape (m, width).
    order
        Whose base is drawn from, and by which seed.
    copied
        The index writes to what it is given: each pass has a copy.
    """

    def __init__(
        self, queries: NDArray[np.float32], order: wire.Open, space: Space, *, copied: bool
    ) -> None:
        self.queries = read_only(queries)
        self._order, self._space, self._is_copied = order, space, copied
        self._noise = np.random.default_rng([order.order_seed, 3])
        self._warm: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.queries)

    def given(self) -> NDArray[np.float32]:
        """The queries as the index gets them."""
        return self._given(self.queries)

    def warm_up(self, count: int) -> NDArray[np.float32]:
        """Rows of the base, drawn by the build's seed, that are none of the queries."""
        if self._warm is None:
            n, d = self._order.base.shape
            rng = np.random.default_rng([self._order.order_seed, 2])
            raw = np.empty((min(n, count), d), dtype=np.float32)
            read_rows(self._order.base, raw, rng.choice(n, len(raw), replace=False))
            # A vector without a direction is no query.
            drawn = self._space.queries(raw[raw.any(axis=1)])
            alike = np.isin(self.queries[:, 0], drawn[:, 0])
            asked = {query.tobytes() for query in self.queries[alike]}
            others = [row for row in range(len(drawn)) if drawn[row].tobytes() not in asked]
            self._warm = read_only(drawn[others])
        return self._given(self._warm)

    def unseen(self) -> Unseen:
        """Queries as hard as the timed ones, but new to whatever is remembered.

        They are some of them, shifted a little, and otherwise at each setting: an index that
        remembers from one setting to the next knows the others.
        """
        rows = np.arange(0, len(self.queries), max(1, len(self.queries) // _UNSEEN))
        some = self.queries[rows]
        shift = 1.0 + _SHIFT * self._noise.standard_normal(some.shape)
        return Unseen(self._given(read_only((some * shift).astype(np.float32))), rows)

    def _given(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return vectors.copy() if self._is_copied else vectors


def read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """A view that cannot be made writeable again."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array.view()
