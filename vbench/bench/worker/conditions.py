"""The condition that a worker's searches are under: how the index takes it, and who breaks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.bench.worker import clock
from vbench.indexes.answers import AnswerError
from vbench.indexes.predicate import Predicate
from vbench.indexes.protocol import Filter, Index, can_filter
from vbench.workloads.allowed import Allowed

_MASK_BYTES = 64 << 20
"""Of conditions of single queries, at a time."""


class Condition:
    """What the searches of an index are under, none at first.

    Parameters
    ----------
    original : integer (n,)
        The row of the dataset that each vector of the index is.
    """

    def __init__(self, index: Index, original: NDArray[np.integer[Any]], time: clock.Clock) -> None:
        self._index, self._original, self._time = index, original, time
        self._gone: NDArray[np.bool_] | None = None
        self._file: str | None = None
        self._allowed: Allowed | None = None

    def rebase(self, original: NDArray[np.integer[Any]], gone: NDArray[np.bool_]) -> None:
        """Go on with a base that was changed under no condition: `gone` ids (n,) never pass."""
        self._original, self._gone = original, gone

    def take(self, file: str | None) -> float | None:
        """Put the searches that follow under a condition; seconds where all queries share it."""
        if file != self._file:
            self._allowed = None if file is None else Allowed.load(Path(file))
        if self._file is None and file is None:
            return None
        self._file = file
        if self._allowed is None:
            if can_filter(type(self._index)):
                self._index.allow(None)
            return None
        shared = self.shared()
        if shared is None:
            self._index.allow(self._filters(np.array([0]))[0])
            return None
        began = self._time.wall()
        self._index.allow(shared)
        return (self._time.wall() - began) * 1e-9

    def shared(self) -> Filter | None:
        """The condition that all queries share, in the row numbers of the index."""
        if self._allowed is None or not self._allowed.is_shared:
            return None
        allowed = self._allowed
        return self._filter(allowed.of_code(None), allowed.predicate_of(None), is_shared=True)

    def of_queries(self) -> clock.Conditions | None:
        """The conditions of single queries, where they do not share one."""
        if self._allowed is None or self._allowed.is_shared:
            return None
        chunk = max(1, _MASK_BYTES // max(1, self._allowed.n))
        return clock.Conditions(self._index.allow, self._filters, chunk)

    def check(self, ids: NDArray[np.int64]) -> None:
        """Raise where an id of the index (m, k) does not pass: it is as wrong as one out of range.

        Raises
        ------
        AnswerError
        """
        if self._allowed is None:
            return
        original = np.where(ids < 0, -1, self._original[ids])
        wrong = (ids >= 0) & ~self._allowed.admits(np.arange(len(ids)), original)
        if wrong.any():
            row, place = np.argwhere(wrong)[0].tolist()
            raise AnswerError(
                f"query {row}: id {ids[row, place]} does not pass the filter; "
                f"{int(wrong.sum())} such ids"
            )

    def _filters(self, rows: NDArray[np.integer[Any]]) -> list[Filter]:
        """The condition of each of some queries, in the row numbers of the index."""
        allowed = self._allowed
        assert allowed is not None
        if allowed.excluded is not None:
            masks = map(allowed.of_query, rows.tolist())
            return [self._filter(mask, None, is_shared=False) for mask in masks]
        assert allowed.query_codes is not None
        codes = allowed.query_codes[rows].tolist()
        known = {
            code: self._filter(allowed.of_code(code), allowed.predicate_of(code), is_shared=False)
            for code in set(codes)
        }
        return [known[code] for code in codes]

    def _filter(
        self, mask: NDArray[np.bool_], predicate: Predicate | None, *, is_shared: bool
    ) -> Filter:
        """The vectors that pass, by rows of the dataset, as the index takes them."""
        own = mask[self._original]
        if self._gone is not None:
            own &= ~self._gone
        own.flags.writeable = False
        return Filter(own, is_shared=is_shared, predicate=predicate)
