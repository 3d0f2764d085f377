"""What data must be before any work is done on it; what is wrong is named by file, row, column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench.errors import DataError, VbenchError, warn
from vbench.metric import Metric
from vbench.neighbors.blocks import blocks

if TYPE_CHECKING:
    import polars as pl

    from vbench.data.dataset import Dataset

Vectors = NDArray[Any]

_SMALLEST_SQUARE = np.finfo(np.float32).tiny
_RELEVANCE_COLUMNS = ("query", "item", "grade")


def check_vectors(array: Vectors, metric: Metric, where: str) -> NDArray[np.int64]:
    """Refuse NaN, Inf, and numbers whose squares float32 cannot hold; read once, block by block.

    Gives the numbers of the rows that are zero, under `cosine`; none under other metrics.
    """
    floats = array.dtype.kind == "f"
    if not floats and metric != "cosine":
        return np.empty(0, np.int64)
    lost: list[NDArray[np.int64]] = []
    zero: list[NDArray[np.int64]] = []
    for first, block in blocks(array):
        # One sum per row says all; only rows that it makes suspect are looked at.
        with np.errstate(all="ignore"):
            wide = np.ascontiguousarray(block, np.float32)
            squares = np.einsum("ij,ij->i", wide, wide)
        suspect = np.flatnonzero(~(squares >= _SMALLEST_SQUARE) | ~np.isfinite(squares))
        if not len(suspect):
            continue
        rows = block[suspect]
        if floats and not np.isfinite(rows).all():
            row, column = np.unravel_index(int(np.argmin(np.isfinite(rows))), rows.shape)
            raise DataError(
                f"{where}: row {first + suspect[row]}, column {column} is {rows[row, column]}; "
                "every number must be finite: drop or repair the row"
            )
        empty = ~np.any(rows, axis=1)
        zero.append(first + suspect[empty])
        lost.append(first + suspect[~empty])
    _check_range(array, metric, where, *(_all_of(each) for each in (lost, zero)))
    return _all_of(zero if metric == "cosine" else [])


def _check_range(
    array: Vectors, metric: Metric, where: str, lost: NDArray[np.int64], zero: NDArray[np.int64]
) -> None:
    """Refuse vectors whose squared lengths all leave float32's range, and warn of some."""
    if not len(lost):
        return
    largest = float(np.abs(array[lost[0]].astype(np.float64)).max())
    what = f"row {lost[0]}, whose largest number is {largest:.3g}"
    all_of_them = len(lost) + len(zero) == len(array)
    # Inner products with other vectors may be in range all the same.
    if all_of_them and metric != "ip":
        raise DataError(
            f"{where}: float32, in which indexes compute, cannot hold the squared length of any "
            f"vector (such as {what}); multiply all vectors by one number, which changes no order"
        )
    # A point near the origin is found all the same, and so is a short vector.
    if metric == "cosine" or largest > 1.0 or all_of_them:
        warn(
            f"{where}: float32, in which most indexes compute, cannot hold the squared length of "
            f"{len(lost):,} of {len(array):,} vectors (the first is {what}): answers for "
            "them may be wrong whatever the index"
        )


def _all_of(rows: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(rows) if rows else np.empty(0, np.int64)


def say_zero(zero: NDArray[np.int64], rows: int, side: str, where: str) -> None:
    """Warn once of zero vectors under `cosine`; refuse vectors that are all zero."""
    if len(zero) == rows:
        raise DataError(
            f"{where}: all {side} are zero vectors, which have no cosine; use metric ip or l2"
        )
    if len(zero):
        verb = "is a zero vector" if len(zero) == 1 else "are zero vectors"
        fate = {
            "base vectors": "nobody's neighbors, and no index gets them",
            "queries": "left out, for they have no neighbors",
        }
        warn(
            f"{where}: {len(zero):,} of {rows:,} {side} {verb} (the first is row {zero[0]}), which "
            f"have no direction under cosine: they are {fate[side]}"
        )


def check_same_dimensions(queries: Vectors, base: Vectors, where: str) -> None:
    """Refuse queries of another dimension than the base."""
    if queries.shape[1] != base.shape[1]:
        raise DataError(
            f"{where}: queries have {queries.shape[1]} dimensions, the base has {base.shape[1]}; "
            "they must come from the same model"
        )


def check_columns(frame: pl.DataFrame, described: dict[str, str], where: str) -> None:
    """Refuse a card that describes columns which are not there."""
    unknown = [name for name in described if name not in frame.columns]
    if unknown:
        raise DataError(
            f"{where}: the card describes the column {unknown[0]!r}; "
            f"there are {', '.join(frame.columns)}"
        )


def check_flat(segments: pl.DataFrame, where: str) -> None:
    """Refuse columns that cannot divide queries: lists, arrays, structs."""
    for name, kind in segments.schema.items():
        if kind.is_nested():
            raise DataError(
                f"{where}: column {name!r} holds {kind}; one value for each query is needed, "
                "to divide the queries by"
            )


def check_relevance(frame: pl.DataFrame, where: str) -> None:
    """Refuse judgments with unknown columns, or grades that are no numbers."""
    unknown = [name for name in frame.columns if name not in _RELEVANCE_COLUMNS]
    if unknown:
        raise DataError(
            f"{where}: unknown column {unknown[0]!r}; relevance has query, item and optionally "
            "grade"
        )
    if "grade" in frame.columns:
        grade = frame["grade"]
        if not grade.dtype.is_numeric() or grade.null_count():
            raise DataError(f"{where}: column grade must hold numbers in every row")


def check_k(dataset: Dataset, k: int) -> None:
    """Refuse K under 1 or over the number of base vectors that can be neighbors."""
    if k < 1:
        raise VbenchError(f"K must be at least 1, got {k}")
    most = dataset.n - dataset.zero_rows
    if k > most:
        less = f" that are not zero ({dataset.zero_rows} are)" if dataset.zero_rows else ""
        raise VbenchError(
            f"K={k} is more than the {most} base vectors of {dataset.name}{less}; "
            f"ask for at most {most}"
        )
