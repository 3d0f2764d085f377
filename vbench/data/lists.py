"""Which columns of a Parquet file hold the vectors, and their rows.

Vectors lie in a column of lists, of lists of lists or of tensors, which are flattened, or in a
column of numbers for each dimension: `f0`, `f1`, ….
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vbench._invocation import spell_option
from vbench.data.arrays import Vectors, convert_exactly, kept_dtype, one_of
from vbench.data.containers import GROUND_TRUTH_KEYS
from vbench.data.rows import Rows
from vbench.data.tables import collect, parquet_schema, scan_parquet
from vbench.errors import DataError, warn

if TYPE_CHECKING:
    import polars as pl

VECTOR_COLUMNS = ("emb", "embedding", "vector", "vectors", "embeddings")
TRUTH_COLUMNS = ("neighbors_id", *GROUND_TRUTH_KEYS)
_NUMBERED = re.compile(r"^(.*?)(\d+)$", re.DOTALL)


class Frame(NamedTuple):
    """A table in memory, and what it is called in messages."""

    name: str
    table: pl.DataFrame

    def __str__(self) -> str:
        return self.name


Table = Path | Frame


class Choice(NamedTuple):
    """The column of vectors, or what the columns of their dimensions begin with, and these."""

    name: str
    dimensions: tuple[str, ...] = ()


def _schema(path: Table) -> Mapping[str, pl.DataType]:
    return dict(path.table.schema) if isinstance(path, Frame) else parquet_schema(path)


def _scan(path: Table) -> pl.LazyFrame:
    return path.table.lazy() if isinstance(path, Frame) else scan_parquet(path)


def choose(path: Table, *, ids: bool = False, column: str | None = None) -> Choice:
    """Find the vectors of a file, or the ids of true neighbors.

    `column` is what the caller names: a column, or what the names of the dimensions begin with.

    Raises
    ------
    DataError
        No column or more than one may be meant, or it holds no lists of numbers.
    """
    schema = _schema(path)
    dimensions = {} if ids else dimensions_of(schema)
    if column is not None:
        if column in dimensions and column not in schema:
            return _of_dimensions(path, column, dimensions[column])
        return _of_lists(path, column, schema)
    wanted = TRUTH_COLUMNS if ids else VECTOR_COLUMNS
    # A column known to hold true neighbors holds no vectors, unless they are floats.
    lists = [
        name
        for name, kind in schema.items()
        if is_list(kind) and (ids or name not in TRUTH_COLUMNS or leaf(kind).is_float())
    ]
    inner = {name: leaf(schema[name]) for name in lists}
    numbers = [x for x in lists if inner[x].is_integer() or (inner[x].is_float() and not ids)]
    # Bytes and text may be vectors too, which are not decoded.
    raw = [name for name, kind in schema.items() if str(kind) in ("Binary", "String")]
    name = one_of(wanted, [*lists, *raw])
    if name is None and 1 in (len(lists), len(numbers)):
        name = lists[0] if len(lists) == 1 else numbers[0]
    if name is not None:
        chosen = _of_lists(path, name, schema)
        if len(numbers) > 1 and not ids:
            warn(
                f"{path}: the vectors are taken from {name}, one of the columns "
                f"{', '.join(numbers)}; {spell_option('column', 'NAME')} takes another"
            )
        return chosen
    prefix = one_of(wanted, [each.rstrip("_-. ") for each in dimensions]) or ""
    for each, found in dimensions.items():
        if not lists and (len(dimensions) == 1 or each.rstrip("_-. ") == prefix != ""):
            return _of_dimensions(path, each, found)
    raise DataError(_none(path, schema, wanted[0], [*lists, *dimensions], ids))


def open_rows(path: Table, choice: Choice, *, ids: bool) -> Rows:
    """The rows of the chosen column, a block of which is read at a time."""
    return _number_rows(path, choice) if choice.dimensions else _list_rows(path, choice.name, ids)


def is_list(kind: pl.DataType) -> bool:
    """Whether each row of a column is a list, an array or a tensor."""
    import polars as pl

    return isinstance(_storage(kind), pl.List | pl.Array)


def leaf(kind: pl.DataType) -> pl.DataType:
    """What the innermost lists of a column hold."""
    kind = _storage(kind)
    while is_list(kind):
        inner: Any = kind
        kind = _storage(inner.inner)
    return kind


def _storage(kind: pl.DataType) -> pl.DataType:
    """What an extension type such as a tensor is stored as; other types themselves."""
    return kind.ext_storage() if hasattr(kind, "ext_storage") else kind


def _of_lists(path: Table, name: str, schema: Mapping[str, pl.DataType]) -> Choice:
    if name not in schema:
        raise DataError(f"{path}: no column {name!r}; the columns are {', '.join(schema)}")
    kind = schema[name]
    inner = leaf(kind)
    if is_list(kind) and (inner.is_float() or inner.is_integer()):
        return Choice(name)
    if is_list(kind):
        raise DataError(f"{path}: {name} holds lists of {inner}; numbers are needed")
    raise DataError(f"{path}: {name} holds {_told(kind)}; lists of numbers are needed")


def _told(kind: pl.DataType) -> str:
    return "Binary, raw bytes of an unknown type" if str(kind) == "Binary" else str(kind)


def _none(
    path: Table,
    schema: Mapping[str, pl.DataType],
    wanted: str,
    candidates: Sequence[str],
    ids: bool,
) -> str:
    if len(candidates) > 1:
        remedy = "" if ids else f", or {spell_option('column', 'NAME')} chooses"
        return (
            f"{path}: one column of lists is needed, and {', '.join(candidates)} may be meant; "
            f"name it {wanted}{remedy}"
        )
    columns = ", ".join(f"{name} ({_told(kind)})" for name, kind in list(schema.items())[:12])
    more = ", …" if len(schema) > 12 else ""
    return (
        f"{path}: one column of lists is needed, named {wanted} where there are several, or a "
        f"column of numbers for each dimension (f0, f1, …); the columns are {columns}{more}"
    )


def dimensions_of(schema: Mapping[str, pl.DataType]) -> dict[str, list[tuple[int, str]]]:
    """Columns of numbers that are called the same but for the number at the end."""
    found: dict[str, list[tuple[int, str]]] = {}
    for name, kind in schema.items():
        parts = _NUMBERED.match(name)
        if parts and (kind.is_float() or kind.is_integer()):
            found.setdefault(parts[1], []).append((int(parts[2]), name))
    return {prefix: sorted(each) for prefix, each in found.items() if len(each) > 1}


def _of_dimensions(path: Table, prefix: str, found: Sequence[tuple[int, str]]) -> Choice:
    numbers = [number for number, _ in found]
    first = min(numbers[0], 1)
    if numbers != list(range(first, first + len(numbers))):
        missing = sorted({*range(first, min(numbers[-1], first + 10_000))} - {*numbers})
        raise DataError(
            f"{path}: columns {found[0][1]} … {found[-1][1]} look like the dimensions of vectors, "
            + (f"but {prefix}{missing[0]} is missing" if missing else "but one is there twice")
        )
    return Choice(prefix, tuple(name for _, name in found))


def _number_rows(path: Table, choice: Choice) -> Rows:
    """A column for each dimension."""
    import polars as pl

    names = list(choice.dimensions)
    where = f"{path}: {names[0]} … {names[-1]}"
    schema = _schema(path)
    kinds = {np.dtype(str(schema[name]).lower()) for name in names}
    dtype = kept_dtype(kinds.pop() if len(kinds) == 1 else np.dtype("float64"), where)
    frame = _scan(path).select(names)
    n = collect(frame.select(pl.len())).item()

    def block(start: int, stop: int) -> Vectors:
        part = collect(frame.slice(start, stop - start))
        empty = [name for name in names if part[name].null_count()]
        if empty:
            row = int(np.argmax(part[empty[0]].is_null().to_numpy()))
            raise DataError(f"{path}: row {start + row}, column {empty[0]}: empty")
        return convert_exactly(np.ascontiguousarray(part.to_numpy()), dtype, where, start)

    return Rows(where, (n, len(names)), dtype, block, f"{names[0]} … {names[-1]}")


def _list_rows(path: Table, column: str, ids: bool) -> Rows:
    """A column of lists, or of lists of lists; shorter lists of ids end in −1."""
    import polars as pl

    where = f"{path}: {column}"
    kind = _schema(path)[column]
    dtype = kept_dtype(np.dtype(str(leaf(kind)).lower()), where, ids=ids)
    frame = _scan(path).select(column)
    n = collect(frame.select(pl.len())).item()
    widths = _widths(collect(frame.head(1))[column])
    if ids and len(widths) == 1 and isinstance(_storage(kind), pl.List):
        widths = [collect(frame.select(pl.col(column).list.len().max())).item() or 0]
        dtype = np.dtype("int64")

    def block(start: int, stop: int) -> Vectors:
        flat = _stored(collect(frame.slice(start, stop - start))[column])
        inside = 1
        for width in widths:
            inner: Any = flat.dtype
            flat = flat.cast(pl.List(inner.inner))
            lengths = flat.list.len().fill_null(0).to_numpy()
            if ids and (lengths < width).any():
                return _padded(flat, lengths, width)
            if (lengths != width).any():
                at = int(np.argmax(lengths != width))
                raise DataError(
                    f"{where}, row {start + at // inside}: {lengths[at]} numbers, row 0 has {width}"
                )
            flat, inside = _stored(flat.explode()), inside * width
        if flat.null_count():
            at = int(np.argmax(flat.is_null().to_numpy()))
            raise DataError(f"{where}, row {start + at // inside}, column {at % inside}: empty")
        return convert_exactly(flat.to_numpy().reshape(-1, inside), dtype, where, start)

    return Rows(where, (n, int(np.prod(widths))), dtype, block, column)


def _padded(lists: pl.Series, lengths: Vectors, width: int) -> Vectors:
    """Lists of ids (m, width), −1 after the end of each."""
    rows = np.full((len(lists), width), -1, np.int64)
    there = np.arange(width) < lengths[:, np.newaxis]
    rows[there] = lists.filter(lists.list.len() > 0).explode().fill_null(-1).to_numpy()
    return rows


def _widths(first: pl.Series) -> list[int]:
    """How long the lists of the first row are, and those in them."""
    import polars as pl

    widths, value = [], _stored(first)
    while isinstance(value.dtype, pl.List | pl.Array):
        lengths = value.cast(pl.List(value.dtype.inner)).list.len()
        widths.append(int(lengths[0] or 0) if len(lengths) else 0)
        value = _stored(value.head(1).explode())
    return widths


def _stored(column: pl.Series) -> pl.Series:
    """What a column of an extension type is stored as."""
    is_extension = hasattr(column.dtype, "ext_storage")
    return column.ext.storage() if is_extension else column
