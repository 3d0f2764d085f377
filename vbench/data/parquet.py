"""Parquet with a column of lists, as VectorDBBench writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from vbench.data.arrays import (
    DAMAGE,
    Vectors,
    accept,
    converted,
    exactly,
    first_line,
    kept_dtype,
    one_of,
)
from vbench.data.tables import parquet_schema, scan_parquet
from vbench.errors import DataError


def read_parquet(path: Path, columns: tuple[str, ...], *, ids: bool) -> Vectors:
    """Convert a column of lists, the rows in order of `id` where that numbers them.

    Parameters
    ----------
    columns
        Names to look for where there are several columns of lists, the first the best.
    ids
        Whether the lists hold ids or vectors.
    """
    import polars as pl

    try:
        return _table(path, columns, ids)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, *DAMAGE) as error:
        raise DataError(f"{path}: not a whole Parquet file: {first_line(error)}") from None


def _table(path: Path, columns: tuple[str, ...], ids: bool) -> Vectors:
    import polars as pl

    schema = parquet_schema(path)
    lists = [name for name, kind in schema.items() if isinstance(kind, pl.List | pl.Array)]
    column = one_of(columns, lists) or (lists[0] if len(lists) == 1 else None)
    if column is None:
        raise DataError(
            f"{path}: one column of lists is needed, named {columns[0]} where there are "
            f"several; the columns are {', '.join(schema)}"
        )
    frame = scan_parquet(path)
    inner = cast(Any, schema[column]).inner
    head = frame.select(column).head(1).collect()[column]
    first = head.item() if len(head) else None
    n = frame.select(pl.len()).collect().item()
    shape = (n, 0 if first is None else len(first))
    if not (inner.is_float() or inner.is_integer()):
        raise DataError(f"{path}: {column} holds lists of {inner}; numbers are needed")
    dtype = np.dtype(str(inner).lower())
    where = f"{path}: {column}"
    accept(np.zeros((min(n, 1), shape[1]), dtype), where, ids=ids)
    target = kept_dtype(dtype, where, ids=ids)

    def block(start: int, stop: int) -> Vectors:
        # Only this column's row groups are read, a block at a time.
        lists = frame.select(column).slice(start, stop - start).collect()[column]
        lengths = lists.cast(pl.List(inner)).list.len().fill_null(0).to_numpy()
        if (lengths != shape[1]).any():
            at = int(np.argmax(lengths != shape[1]))
            raise DataError(
                f"{path}: {column}, row {start + at}: {lengths[at]} numbers, row 0 has {shape[1]}"
            )
        flat = lists.cast(pl.List(inner)).explode()
        if flat.null_count():
            at = int(np.argmax(flat.is_null().to_numpy()))
            raise DataError(
                f"{path}: {column}, row {start + at // shape[1]}, column {at % shape[1]}: empty"
            )
        return exactly(flat.to_numpy().reshape(-1, shape[1]), target, where, start)

    array = converted(path, column, shape, target, block)
    # After the array: a file that declares far more rows than it holds is refused there.
    order = _parquet_order(frame, n) if "id" in schema else None
    if order is None:
        return array
    return converted(
        path, f"{column} by id", shape, target, lambda start, stop: array[order[start:stop]]
    )


def _parquet_order(frame: Any, n: int) -> NDArray[np.int64] | None:
    """Rows in order of `id` where that holds 0 … n − 1, else None: as they lie."""
    ids = frame.select("id").collect()["id"]
    if not ids.dtype.is_integer() or ids.null_count():
        return None
    order = np.argsort(ids.to_numpy(), kind="stable")
    in_order = np.arange(n)
    if (order == in_order).all() or (ids.to_numpy()[order] != in_order).any():
        return None
    return order
