"""Relevance judgments of a dataset as sorted arrays, checked against its vectors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset
from vbench.errors import DataError
from vbench.metric import FloatArray
from vbench.workloads.allowed import Allowed

if TYPE_CHECKING:
    import polars as pl

Rows = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Judgments:
    """Which items are relevant to which queries, and how much.

    Attributes
    ----------
    query, item : int64 (J,)
        Row numbers, ascending by query, then by item; no pair twice.
    grade : float64 (J,)
        Gain of each, above 0.
    m, n : number of queries and of items of the dataset
    """

    query: NDArray[np.int64]
    item: NDArray[np.int64]
    grade: FloatArray
    m: int
    n: int

    def among(self, allowed: Allowed | None) -> Judgments:
        """Those of items that may answer their query; None restricts nothing.

        Raises
        ------
        DataError
            No relevant item may.
        """
        if allowed is None:
            return self
        kept = allowed.admits(self.query, self.item[:, np.newaxis])[:, 0]
        if not kept.any():
            raise DataError(
                "no relevant item passes the filter, or is in the index: nothing can be ranked "
                "in this view; choose another one"
            )
        return replace(self, query=self.query[kept], item=self.item[kept], grade=self.grade[kept])

    @property
    def judged(self) -> NDArray[np.int64]:
        """Queries with at least one relevant item, ascending: int64 (mj,)."""
        return np.unique(self.query)

    def grades(self, queries: Rows, items: Rows) -> FloatArray:
        """Grade of each pair, 0 where nothing is known; the two broadcast against each other."""
        keys = np.asarray(queries, dtype=np.int64) * self.n + items
        at, is_known = find_keys(self.query * self.n + self.item, keys)
        return np.where(is_known, self.grade[at], 0.0)

    def relevant(self) -> NDArray[np.int64]:
        """Number of relevant items of each judged query: int64 (mj,)."""
        return np.unique(self.query, return_counts=True)[1]

    def ideal(self, cutoff: int) -> FloatArray:
        """Discounted gain of the best possible list of each judged query: float64 (mj,)."""
        order = np.lexsort((-self.grade, self.query))
        query, grade = self.query[order], self.grade[order]
        _, starts, codes = np.unique(query, return_index=True, return_inverse=True)
        rank = np.arange(len(query)) - starts[codes] + 1
        gains = np.where(rank <= cutoff, grade / np.log2(rank + 1), 0.0)
        return np.bincount(codes, gains, minlength=len(starts)).astype(np.float64)


def find_keys(
    known: NDArray[np.int64], keys: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The place of each key among the `known` ones, which ascend, and whether it is there."""
    if not len(known):
        return np.zeros(keys.shape, dtype=np.intp), np.zeros(keys.shape, dtype=bool)
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return at, known[at] == keys


def read_judgments(dataset: Dataset) -> Judgments:
    """The judgments of `dataset`; a grade of 0 or less is "not relevant" and left out.

    A pair that is judged twice has its higher grade.

    Raises
    ------
    DataError
        The dataset has no judgments, they name queries or items that it does not have, a grade
        is not a number, or nothing is relevant.
    """
    frame = dataset.relevance
    if frame is None:
        raise DataError(
            f"{dataset.name} has no relevance judgments; ranking needs relevance.parquet with "
            "the columns query and item (row numbers from 0), optionally grade"
        )
    query = rows_of(frame, "query", dataset.m, "relevance")
    item = rows_of(frame, "item", dataset.n, "relevance")
    grade = (
        np.ones(len(query))
        if "grade" not in frame.columns
        else read_finite(frame["grade"], "relevance")
    )
    positive = grade > 0
    if not positive.any():
        raise DataError(f"{dataset.name}: no judgment has a grade above 0, nothing is relevant")
    order = np.lexsort((-grade, item, query))
    order = order[positive[order]]
    query, item, grade = query[order], item[order], grade[order]
    first = np.ones(len(query), dtype=bool)
    first[1:] = (np.diff(query) != 0) | (np.diff(item) != 0)
    return Judgments(query[first], item[first], grade[first], dataset.m, dataset.n)


def rows_of(frame: pl.DataFrame, column: str, size: int, what: str) -> NDArray[np.int64]:
    """A column of row numbers as int64, checked to lie in 0 … size − 1.

    Raises
    ------
    DataError
        The column is missing, holds something else, or names a row that does not exist.
    """
    if column not in frame.columns:
        raise DataError(
            f"{what} has no column {column!r} (it has: {', '.join(frame.columns) or 'none'})"
        )
    values = frame[column]
    if not values.dtype.is_integer() or values.null_count():
        raise DataError(
            f"{what}: the column {column!r} must hold row numbers, it holds {values.dtype}"
            f"{' with empty rows' if values.null_count() else ''}"
        )
    rows = values.cast(int).to_numpy()
    outside = (rows < 0) | (rows >= size)
    if outside.any():
        at = int(np.argmax(outside))
        raise DataError(
            f"{what}, row {at}: {column} {rows[at]} is unknown; the dataset has {size:,}, "
            f"numbered from 0 to {size - 1:,} ({int(outside.sum()):,} such rows)"
        )
    return rows


def read_finite(column: pl.Series, where: Path | str) -> FloatArray:
    """A column as float64 (rows,), every value finite; DataError where one is not."""
    if not column.dtype.is_numeric():
        raise DataError(
            f"{where}: the column {column.name!r} must hold numbers, it holds {column.dtype}"
        )
    values = column.cast(float).fill_null(np.nan).to_numpy()
    if not np.isfinite(values).all():
        at = int(np.argmin(np.isfinite(values)))
        raise DataError(
            f"{where}, row {at}: the {column.name} is {values[at]}; it must be a finite number"
        )
    return values
