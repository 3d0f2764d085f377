"""Frames in memory as datasets: vectors in a column of lists, other columns beside it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from vbench.data.containers import Contents
from vbench.data.lists import Frame, choose, is_list, open_rows
from vbench.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def is_frame(given: object) -> bool:
    """Whether this is a table of polars, pandas or Arrow; none of them is imported for it."""
    known = (("polars", "DataFrame"), ("polars", "LazyFrame"), ("pandas", "DataFrame"))
    for module, name in (*known, ("pyarrow", "Table")):
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type) and isinstance(given, kind):
            return True
    return False


def as_frame(given: Any, where: str) -> pl.DataFrame:
    """The table as polars has it; of pandas, columns are read one by one, without Arrow.

    Raises
    ------
    DataError
        A column of pandas holds values of several kinds.
    """
    import polars as pl

    if isinstance(given, pl.DataFrame):
        return given.clone()
    if isinstance(given, pl.LazyFrame):
        return given.collect()
    if type(given).__module__.partition(".")[0] == "pandas":
        return pl.DataFrame([_series(str(name), given[name], where) for name in given.columns])
    return pl.DataFrame(given)


def read_frame(given: Any, where: str, column: str | None = None) -> Contents:
    """The vectors of a table, called `where` in messages, and its columns of one value a row.

    `column` is that of vectors, or what the columns of their dimensions begin with.

    Raises
    ------
    DataError
        No column or more than one may be meant, or the lists are not alike.
    """
    import polars as pl

    frame = Frame(where, as_frame(given, where))
    choice = choose(frame, column=column)
    rows = open_rows(frame, choice, ids=False)
    if not all(rows.shape):
        raise DataError(f"{rows.where}: holds no vectors")
    beside = [
        name
        for name, kind in frame.table.schema.items()
        if not (kind.is_nested() or is_list(kind) or kind == pl.Binary or kind == pl.Object)
        and name not in choice.dimensions
    ]
    table = frame.table.select(beside) if beside else None
    return Contents(rows.block(0, rows.shape[0]), table=table)


def _series(name: str, column: Any, where: str) -> pl.Series:
    """A column of pandas; what is missing there is null."""
    import polars as pl

    values = column.to_numpy()
    if values.dtype.kind in "iufbM":
        return pl.Series(name, values)
    missing = column.isna().to_numpy()
    listed = [None if gone else each for each, gone in zip(values, missing, strict=True)]
    first = next((each for each in listed if each is not None), None)
    if isinstance(first, np.ndarray | list | tuple):
        listed = [None if each is None else np.asarray(each) for each in listed]
    try:
        return pl.Series(name, listed, strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        raise DataError(
            f"{where}: column {name!r} holds values of several kinds; leave it out, or give "
            "them one type"
        ) from None
