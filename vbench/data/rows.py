"""Rows of a table that are read a block at a time, be it one file or many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vbench.data.arrays import Block, Vectors, convert_exactly, kept_dtype, map_converted
from vbench.errors import DataError


class Rows(NamedTuple):
    """A table that has not been read yet.

    Attributes
    ----------
    where
        File and column, for messages.
    shape
        Rows and columns; no rows are allowed in a part of a table.
    block
        Gives the rows from one number to another, as `dtype`.
    member
        What tells this table from others of its file.
    """

    where: str
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    block: Block
    member: str = ""


def rows_of(array: Vectors, where: str, *, ids: bool) -> Rows:
    """An array that is open already, such as a map of a file."""
    if array.ndim != 2:
        raise DataError(
            f"{where}: a table of vectors has two dimensions; this has the shape {array.shape}"
        )
    n, d = array.shape
    dtype = kept_dtype(array.dtype, where, ids=ids)
    return Rows(
        where,
        (n, d),
        dtype,
        lambda start, stop: convert_exactly(array[start:stop], dtype, where, start),
    )


def join_rows(parts: Sequence[Rows], where: str) -> Rows:
    """One table of several, in their order; parts without rows are passed over.

    Raises
    ------
    DataError
        They have other dimensions or types than the first one.
    """
    filled = [part for part in parts if part.shape[0]]
    if not filled:
        raise DataError(f"{where}: no part has a row")
    first = filled[0]
    for part in filled[1:]:
        if part.shape[1] != first.shape[1]:
            raise DataError(
                f"{part.where}: rows of {part.shape[1]} numbers, those of {first.where} have "
                f"{first.shape[1]}: parts of one table have the same dimension"
            )
        if part.dtype != first.dtype:
            raise DataError(
                f"{part.where}: holds {part.dtype}, {first.where} holds {first.dtype}: parts of "
                "one table have the same type"
            )
    starts = np.cumsum([0, *(part.shape[0] for part in filled)])

    def block(start: int, stop: int) -> Vectors:
        pieces = []
        number = int(np.searchsorted(starts, start, side="right")) - 1
        while start < stop:
            here = min(stop, int(starts[number + 1]))
            offset = int(starts[number])
            pieces.append(filled[number].block(start - offset, here - offset))
            start, number = here, number + 1
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    return Rows(where, (int(starts[-1]), first.shape[1]), first.dtype, block, first.member)


def keep_rows(rows: Rows, paths: Sequence[Path]) -> Vectors:
    """Write rows once into the converted files, and map them there."""
    if not all(rows.shape):
        raise DataError(
            f"{rows.where}: a table of vectors has two dimensions, none of them empty; this has "
            f"the shape {rows.shape}"
        )
    return map_converted(paths, rows.member, rows.shape, rows.dtype, rows.block)
