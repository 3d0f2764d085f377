"""Parquet with columns of vectors, as VectorDBBench and others write it, and what stands beside.

Rows keep the order in which they lie, whatever their ids: vectors, ids and other columns of a file
belong together row by row.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vbench.data import tables
from vbench.data.arrays import DAMAGE, Vectors, first_line, one_of
from vbench.data.lists import TRUTH_COLUMNS, choose, dimensions_of, is_list, leaf, open_rows
from vbench.data.rows import join_rows, keep_rows
from vbench.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_LOOKED_AT = 1000
_LONGEST_TEXT = 200
"""Bytes of a column's texts on average, from which on they are documents."""


def read_parquet(
    paths: Sequence[Path], where: str, *, ids: bool, column: str | None = None
) -> Vectors:
    """Convert the column of vectors, or of ids, of a file or of all parts of a table.

    The column is chosen by its name and type, unless one is named; `where` is what the caller gave.
    """
    parts = []
    choice = None
    for path in paths:
        with _damage(path):
            # Warned of once: all parts have the columns of the first one.
            choice = choose(path, ids=ids, column=choice.name if choice else column)
            parts.append(open_rows(path, choice, ids=ids))
    with _damage(paths[0] if len(paths) == 1 else Path(where)):
        return keep_rows(join_rows(parts, where) if len(parts) > 1 else parts[0], paths)


def column_of_neighbors(paths: Sequence[Path]) -> str | None:
    """The column of a table that holds the true neighbors of each row, if its name says so."""
    # Beside vectors `ids` may be anything.
    wanted = [name for name in TRUTH_COLUMNS if name != "ids"]
    kinds = _schema(paths).items()
    return one_of(wanted, [x for x, kind in kinds if is_list(kind) and not leaf(kind).is_float()])


def has_column(paths: Sequence[Path], column: str) -> bool:
    """Whether vectors lie in a column of that name, or in several whose names begin with it."""
    schema = _schema(paths)
    return column in schema or column in dimensions_of(schema)


def _schema(paths: Sequence[Path]) -> dict[str, pl.DataType]:
    """Columns of the first file and their types; none where there is no file."""
    if not paths:
        return {}
    with _damage(paths[0]):
        return tables.parquet_schema(paths[0])


def scalars(paths: Sequence[Path], column: str | None = None) -> pl.DataFrame | None:
    """Columns that have one value for each row: ids, segments, attributes; None without any.

    Columns of whole documents are left out: a table of them would take more memory than the
    vectors. So are columns that hold the dimensions of the vectors. Folders such as `day=1` give
    the parts of a table in them a column.
    """
    import polars as pl

    if not paths:
        return None
    frames = []
    for path in paths:
        with _damage(path):
            frames.append(_scalars(path, column))
    names = [name for name in frames[0].columns if all(name in f.columns for f in frames)]
    with _damage(paths[0]):
        whole = pl.concat([frame.select(names) for frame in frames], how="vertical_relaxed")
    return whole if whole.width else None


def _scalars(path: Path, column: str | None) -> pl.DataFrame:
    import polars as pl

    without: tuple[str, ...] = ()
    with warnings.catch_warnings(), contextlib.suppress(DataError):
        warnings.simplefilter("ignore")  # of a choice that was told when the vectors were read
        without = choose(path, column=column).dimensions
    schema = tables.parquet_schema(path)
    names = [
        name
        for name, kind in schema.items()
        if not (kind.is_nested() or is_list(kind) or kind == pl.Binary or name in without)
    ]
    texts = [name for name in names if schema[name] == pl.String]
    head = tables.collect(tables.scan_parquet(path).select(texts).head(_LOOKED_AT))
    long = [
        name for name in texts if int(head[name].str.len_bytes().sum()) > _LONGEST_TEXT * len(head)
    ]
    names = [name for name in names if name not in long]
    frame = tables.read_parquet(path, names) if names else pl.DataFrame()
    keys = [folder.partition("=")[::2] for folder in path.parts[:-1] if "=" in folder]
    new = [pl.lit(value).alias(key) for key, value in keys if key not in schema]
    if new and not names:
        rows = tables.collect(tables.scan_parquet(path).select(pl.len())).item()
        return pl.select(pl.int_range(rows).alias("_row")).with_columns(new).drop("_row")
    return frame.with_columns(new) if new else frame


def text_lists(paths: Sequence[Path]) -> pl.Series | None:
    """Lists of text ids, one for each row; None where the files have no such column."""
    import polars as pl

    found = []
    for path in paths:
        with _damage(path):
            schema = tables.parquet_schema(path)
            texts = [
                name for name, kind in schema.items() if is_list(kind) and leaf(kind) == pl.String
            ]
            name = one_of(TRUTH_COLUMNS, texts) or (texts[0] if len(texts) == 1 else None)
            if name is None or one_of(TRUTH_COLUMNS, list(schema)) not in (None, name):
                return None
            found.append(tables.read_parquet(path, [name])[name].cast(pl.List(pl.String)))
    return pl.concat(found) if found else None


@contextlib.contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Tell of a file that polars cannot read."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, *DAMAGE) as error:
        raise DataError(f"{path}: not a whole Parquet file: {first_line(error)}") from None
