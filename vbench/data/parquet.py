"""Parquet with a column of lists, as VectorDBBench writes it, and what stands beside the lists.

Rows keep the order in which they lie, whatever their ids: vectors, ids and other columns of a file
belong together row by row.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from vbench.data import tables
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
from vbench.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_LOOKED_AT = 1000
_LONGEST_TEXT = 200
"""Bytes of a column's texts on average, from which on they are documents."""


def read_parquet(path: Path, columns: tuple[str, ...], *, ids: bool) -> Vectors:
    """Convert a column of lists.

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

    schema = tables.parquet_schema(path)
    lists = [name for name, kind in schema.items() if isinstance(kind, pl.List | pl.Array)]
    column = one_of(columns, lists) or (lists[0] if len(lists) == 1 else None)
    if column is None:
        raise DataError(
            f"{path}: one column of lists is needed, named {columns[0]} where there are "
            f"several; the columns are {', '.join(schema)}"
        )
    frame = tables.scan_parquet(path)
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

    return converted(path, column, shape, target, block)


def scalars(path: Path) -> pl.DataFrame | None:
    """Columns that have one value for each row: ids, segments, attributes; None without any.

    Columns of whole documents are left out: a table of them would take more memory than the
    vectors.
    """
    import polars as pl

    try:
        schema = tables.parquet_schema(path)
        names = [
            name for name, kind in schema.items() if not kind.is_nested() and kind != pl.Binary
        ]
        texts = [name for name in names if schema[name] == pl.String]
        head = tables.scan_parquet(path).select(texts).head(_LOOKED_AT).collect()
        long = [
            name
            for name in texts
            if int(head[name].str.len_bytes().sum()) > _LONGEST_TEXT * len(head)
        ]
        names = [name for name in names if name not in long]
        return tables.read_parquet(path, names) if names else None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, *DAMAGE) as error:
        raise DataError(f"{path}: not a whole Parquet file: {first_line(error)}") from None


def text_lists(path: Path, columns: tuple[str, ...]) -> pl.Series | None:
    """Lists of text ids, one for each row; None where the file has no such column."""
    import polars as pl

    try:
        schema = tables.parquet_schema(path)
        lists = [
            name
            for name, kind in schema.items()
            if isinstance(kind, pl.List | pl.Array) and kind.inner == pl.String
        ]
        name = one_of(columns, lists) or (lists[0] if len(lists) == 1 else None)
        if name is None or one_of(columns, list(schema)) not in (None, name):
            return None
        return tables.read_parquet(path, [name])[name].cast(pl.List(pl.String))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, *DAMAGE) as error:
        raise DataError(f"{path}: not a whole Parquet file: {first_line(error)}") from None
