"""The labels and vectors of an index whose base changes, in its worker."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.indexes.answers import AnswerError
from vbench.workloads.steps import Operation

_Vectors = NDArray[np.float32]
_Ids = NDArray[np.int64]


class LabeledChange(NamedTuple):
    """Labels to remove and to add, with the vectors of the latter; None where there are none."""

    gone: _Ids | None
    added: _Ids | None
    vectors: _Vectors | None


class ChangingBase:
    """Labels only grow: what is added again gets another one, and none comes back.

    Attributes
    ----------
    rows : int64 (labels,)
        The row of the dataset that each label is, or was.
    is_gone : bool (labels,)
        Whether it was removed.
    """

    def __init__(
        self, base: _Vectors, order: NDArray[np.integer[Any]], n: int, fitted: str | None
    ) -> None:
        self._base = base
        self._order = order.astype(np.int64)
        self._place = np.full(n, -1, dtype=np.int64)
        self._place[order] = np.arange(len(order))
        self._label = np.full(n, -1, dtype=np.int64)
        self.rows = self._order if fitted is None else self._sorted(np.load(fitted))
        self._label[self.rows] = np.arange(len(self.rows))
        self.is_gone = np.zeros(len(self.rows), dtype=bool)

    def fitted_base(self) -> _Vectors:
        """The vectors that ``fit`` takes, in the order of their labels; not to be written to."""
        return (
            self._base if len(self.rows) == len(self._order) else self._base[self._place[self.rows]]
        )

    def change(self, op: Operation, rows: NDArray[np.integer[Any]]) -> LabeledChange:
        """Give labels to a change of these rows of the dataset.

        Raises
        ------
        AnswerError
            Some are to be removed that are not there, or added that are.
        """
        rows = self._sorted(rows)
        labels = self._label[rows]
        if ((labels >= 0) == (op == "insert")).any():
            raise AnswerError(f"{op} of vectors that are {'' if op == 'insert' else 'not '}there")
        gone = added = vectors = None
        if op != "insert":
            gone = labels
            self.is_gone[labels] = True
            self._label[rows] = -1
        if op != "delete":
            added = np.arange(len(self.rows), len(self.rows) + len(rows))
            vectors = self._base[self._place[rows]]
            self._label[rows] = added
            self.rows = np.concatenate([self.rows, rows])
            self.is_gone = np.concatenate([self.is_gone, np.zeros(len(rows), dtype=bool)])
        return LabeledChange(gone, added, vectors)

    def check(self, ids: _Ids) -> None:
        """Raise where an id was removed; all are known to be labels or −1.

        Raises
        ------
        AnswerError
        """
        wrong = (ids >= 0) & self.is_gone[np.maximum(ids, 0)]
        if wrong.any():
            query, place = np.argwhere(wrong)[0].tolist()
            raise AnswerError(
                f"query {query}: id {ids[query, place]} was removed from the index; "
                f"{int(wrong.sum())} such ids"
            )

    def _sorted(self, rows: NDArray[np.integer[Any]]) -> _Ids:
        """Rows in the build's order of insertion."""
        found: _Ids = rows[np.argsort(self._place[rows])].astype(np.int64)
        return found
