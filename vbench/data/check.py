"""What data must be before any work is done on it; what is wrong is named by file, row, column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench.data.arrays import blocks
from vbench.errors import DataError, VbenchError
from vbench.metric import Metric

if TYPE_CHECKING:
    import polars as pl

    from vbench.data.dataset import Dataset

Vectors = NDArray[Any]

_RELEVANCE_COLUMNS = ("query", "item", "grade")


def check_vectors(array: Vectors, metric: Metric, where: str) -> None:
    """Refuse NaN, Inf and, under `cosine`, zero vectors; read once, block by block.

    Raises
    ------
    DataError
        Names `where`, the row and the column.
    """
    floats = array.dtype.kind == "f"
    if not floats and metric != "cosine":
        return
    for first, block in blocks(array):
        # One sum per row says both; only rows that it makes suspect are looked at.
        with np.errstate(all="ignore"):
            wide = np.ascontiguousarray(block, np.float32)
            squares = np.einsum("ij,ij->i", wide, wide)
        for row in np.flatnonzero(~(squares > 0) | ~np.isfinite(squares)):
            wrong = ~np.isfinite(block[row])
            if floats and wrong.any():
                column = int(np.argmax(wrong))
                raise DataError(
                    f"{where}: row {first + row}, column {column} is {block[row, column]}; "
                    "every number must be finite: drop or repair the row"
                )
            if metric == "cosine" and not block[row].any():
                raise DataError(
                    f"{where}: row {first + row} is a zero vector, which has no cosine; "
                    "drop it, or use metric ip or l2"
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
    """Refuse judgements with unknown columns, or grades that are no numbers."""
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
    """Refuse K under 1 or over the number of base vectors.

    Raises
    ------
    VbenchError
        Names both numbers.
    """
    if k < 1:
        raise VbenchError(f"K must be at least 1, got {k}")
    if k > dataset.n:
        raise VbenchError(
            f"K={k} is more than the {dataset.n} base vectors of {dataset.name}; "
            f"ask for at most {dataset.n}"
        )


def duplicates(base: Vectors) -> int:
    """Count base rows that are equal, number for number, to a row before them.

    Rows are compared through a 128-bit digest, read block by block; it takes 16 bytes a row.
    """
    generator = np.random.default_rng(0)
    words = -(-base.shape[1] * base.itemsize // 4)
    odd = generator.integers(0, 2**63, size=(words, 2), dtype=np.uint64) * 2 + 1
    digests = np.empty((len(base), 2), np.uint64)
    for first, block in blocks(base):
        padded = np.zeros((len(block), words * 4), np.uint8)
        plain = np.ascontiguousarray(block + block.dtype.type(0))  # −0 becomes 0
        padded[:, : plain.shape[1] * plain.itemsize] = plain.view(np.uint8).reshape(len(plain), -1)
        # Two random linear hashes mod 2⁶⁴.
        digests[first : first + len(block)] = padded.view(np.uint32).astype(np.uint64) @ odd
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    ranked = digests[order]
    return int((ranked[1:] == ranked[:-1]).all(axis=1).sum())
