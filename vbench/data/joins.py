"""What describes queries and items, brought into the order of their vectors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.data import tables
from vbench.data.arrays import first_line, signed_ids
from vbench.data.columns import id_column
from vbench.data.keys import Match, Table, as_keys, match, parse_on, repeats, rows_of_ids
from vbench.errors import DataError, VbenchError, VbenchWarning

if TYPE_CHECKING:
    import polars as pl

    from vbench.data.dataset import Dataset


class Part(NamedTuple):
    """A table of a dataset, before it is read.

    Attributes
    ----------
    source : path, frame or None
    name : what it is called in messages
    in_order
        Whether it is plain that its rows lie in the order of the vectors: by the layout of the
        dataset they come with, or because the vectors are an array of the caller's.
    """

    source: Any
    name: str
    in_order: bool


class Joins:
    """Joins tables to the vectors of a dataset; remembers which columns of `on` were of use."""

    def __init__(self, on: str | Sequence[str] | None) -> None:
        self.on = parse_on(on)
        self._used: set[tuple[str, str]] = set()

    def side(
        self,
        own: pl.DataFrame | None,
        where: str,
        parts: Sequence[Part],
        rows: int,
        what: str,
        ids: str = "",
    ) -> tuple[pl.DataFrame | None, str | None]:
        """Join tables of queries, or of items, to the columns that stand beside their vectors.

        Where two have a column, the later one's is kept.

        Parameters
        ----------
        own
            One row for each vector, or None.
        rows, what
            Number of vectors, and what they are.
        ids
            The column of ids, where the dataset's card says it.

        Returns
        -------
        The table, or None, and the name of its column of ids, if it has one.
        """
        import polars as pl

        joined, key = own, ids or None
        for part in parts:
            if (frame := read_table(part.source, joined)) is None:
                continue
            found = None
            if joined is not None:
                found = self.match(Table(joined, where, what), Table(frame, part.name, what))
            if found is None:
                _check_rows(frame, rows, what, part.name)
                if not part.in_order and isinstance(part.source, str | Path):
                    _say_position(joined, where, frame, part.name, what)
            else:
                key = found.column
                frame = frame[found.order].drop(found.other)
            old = [] if joined is None else joined.get_columns()
            kept = [column for column in old if column.name not in frame.columns]
            joined = pl.DataFrame([*kept, *frame.get_columns()])
        if joined is None:
            return None, None
        if key not in joined.columns or not _is_key(joined[key]):
            key = id_column(joined)
        return joined, key

    def match(self, own: Table, other: Table) -> Match | None:
        """Say which row of `other` belongs to each row of `own`, where a key says it."""
        columns = own.frame.columns, other.frame.columns
        self._used.update(p for p in self.on if p[0] in columns[0] and p[1] in columns[1])
        return match(own, other, self.on)

    def check_used(self) -> None:
        """Refuse a column that joins nothing."""
        for ours, theirs in self.on:
            if (ours, theirs) not in self._used:
                spelt = ours if ours == theirs else f"{ours}={theirs}"
                raise VbenchError(
                    f"on={spelt!r}: of two tables that are joined, none has {ours} and the other "
                    f"{theirs}; give a column that both have"
                )


def _is_key(column: pl.Series) -> bool:
    keys = as_keys(column)
    return keys is not None and not repeats(keys)


def _check_rows(frame: pl.DataFrame, rows: int, side: str, where: str) -> None:
    if frame.height != rows:
        raise DataError(
            f"{where}: {frame.height} rows for {rows} {side}; one row for each is needed, in the "
            "same order or with a key that both files have"
        )


def _say_position(
    own: pl.DataFrame | None, where: str, frame: pl.DataFrame, name: str, side: str
) -> None:
    """Warn that nothing but their order says whose rows these are."""
    hint = ""
    for ours in [] if own is None else own.columns:
        for theirs in frame.columns:
            if own is not None and _same(own[ours], frame[theirs]) and not hint:
                hint = f"; --on {ours}={theirs} would join them by the values that both hold"
    warnings.warn(
        f"{name}: no column that the {side} of {where} have too says whose row is whose; its rows "
        f"are taken in the order in which they stand{hint}",
        VbenchWarning,
        stacklevel=5,
    )


def _same(one: pl.Series, other: pl.Series) -> bool:
    """Whether both columns hold the same keys, each once."""
    ours, theirs = as_keys(one), as_keys(other)
    if ours is None or theirs is None or repeats(ours) or repeats(theirs):
        return False
    return len(ours) == len(theirs) and bool(ours.is_in(theirs.implode()).all())


def read_table(source: Any, beside: pl.DataFrame | None = None) -> pl.DataFrame | None:
    """Read a table of Parquet or CSV; a frame is taken as it is at this moment.

    Parameters
    ----------
    beside
        What it will be joined to. Of a CSV file, columns that are text there stay text, so that
        an id of `0042` is not read as 42.
    """
    import polars as pl

    if source is None:
        return None
    if isinstance(source, pl.DataFrame):
        return source.clone()
    path = Path(source)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if path.suffix.lower() not in {".parquet", ".csv"}:
        raise DataError(f"{path}: a table is read from .parquet or .csv")
    try:
        if path.suffix.lower() == ".parquet":
            return tables.read_parquet(path)
        texts = (
            [] if beside is None else [c for c in beside.columns if beside[c].dtype == pl.String]
        )
        overrides = dict.fromkeys(
            set(texts) & set(tables.read_csv(path, n_rows=0).columns), pl.String
        )
        return tables.read_csv(path, schema_overrides=overrides)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path}: cannot be read: {first_line(error)}") from None


class Side(NamedTuple):
    """Queries or items, as judgements and interactions name them."""

    role: str
    size: int
    ids: pl.Series | None

    @classmethod
    def of(cls, role: str, size: int, table: pl.DataFrame | None, key: str | None) -> Side:
        """Take the ids from a table of the side, where it has some."""
        return cls(role, size, None if table is None or key is None else table[key])


def sides(dataset: Dataset) -> tuple[Side, Side]:
    """Both sides of a dataset."""
    return (
        Side("query", dataset.m, dataset.query_ids),
        Side("item", dataset.n, dataset.item_ids),
    )


def by_rows(
    source: Any, both: Sequence[Side], where: str, *, partial: bool = False
) -> pl.DataFrame | None:
    """Read a table that names queries and items; ids in it become row numbers from 0.

    The columns are named `query` and `item`, or as the columns of ids of the dataset are.

    Parameters
    ----------
    partial
        Leave out rows of other queries and items than the dataset's, and say how many.
    """
    import polars as pl

    texts = {
        name: side.ids
        for side in both
        if side.ids is not None
        for name in (side.role, side.ids.name)
    }
    frame = read_table(source, pl.DataFrame(_heads(texts)))
    if frame is None:
        return None
    known = np.ones(frame.height, dtype=bool)
    for side in both:
        ids = side.ids
        if side.role not in frame.columns and ids is not None and ids.name in frame.columns:
            frame = frame.rename({ids.name: side.role})
        if side.role not in frame.columns:
            raise DataError(
                f"{where}: no column {side.role!r}; it has {', '.join(frame.columns)}"
                f"{'' if ids is None else f' (a column {ids.name!r} would do too)'}"
            )
        values = frame[side.role]
        rows = rows_of_ids(values, ids, side.size, where, partial=partial)
        kind = values.dtype if values.dtype.is_integer() else pl.Int64
        frame = frame.with_columns(pl.Series(side.role, rows).cast(kind, strict=False))
        known &= rows >= 0
    if known.all():
        return frame
    if not known.any():
        raise DataError(f"{where}: no row is of a query and an item of the dataset")
    warnings.warn(
        f"{where}: {int((~known).sum()):,} of {len(known):,} rows are of other queries or items "
        "and left out",
        VbenchWarning,
        stacklevel=4,
    )
    return frame.filter(known)


def _heads(texts: dict[str, pl.Series]) -> dict[str, pl.Series]:
    return {name: ids[:0] for name, ids in texts.items()}


def neighbor_rows(
    ids: NDArray[np.integer[Any]] | pl.Series, items: pl.Series | None, n: int, where: str
) -> NDArray[np.integer[Any]]:
    """Turn ground truth of item ids into row numbers of the base; pads below 0 stay.

    Parameters
    ----------
    ids : integer (m, depth), or a series of m lists of text, which may end earlier
    items
        Ids of the items; None where there are none.
    """
    import polars as pl

    if isinstance(ids, pl.Series):
        lengths = ids.list.len().fill_null(0).to_numpy()
        there = np.arange(lengths.max(initial=0)) < lengths[:, np.newaxis]
        flat = ids.filter(ids.list.len() > 0).explode().rename("neighbor")
        there[there] = flat.is_not_null().to_numpy()
        out = np.full(there.shape, -1, dtype=np.int64)
        out[there] = rows_of_ids(flat.drop_nulls(), items, n, where)
        return out
    ids = signed_ids(ids)
    if items is None or not items.dtype.is_integer():
        return ids
    real = ids >= 0
    values = pl.Series("neighbor", ids[real])
    try:
        rows = rows_of_ids(values, items, n, where)
    except DataError:
        if not np.isin(values.to_numpy(), items.to_numpy()).any():
            return ids  # the check of the ground truth says what is wrong with row numbers
        raise
    out = np.full(ids.shape, -1, dtype=np.int64)
    out[real] = rows
    return out


def neighbor_ids(
    rows: NDArray[np.integer[Any]], items: pl.Series | None
) -> NDArray[np.integer[Any]]:
    """Ground truth as a file that stands beside the items has it; :func:`neighbor_rows` undoes it.

    These are the items' ids where they are whole numbers, else row numbers; pads below 0 stay.
    """
    if items is None or not items.dtype.is_integer():
        return rows
    ids = items.to_numpy()
    return np.where(rows < 0, -1, ids[np.maximum(rows, 0)])


def by_ids(frame: pl.DataFrame | None, both: Sequence[Side]) -> pl.DataFrame | None:
    """Name queries and items by their ids, where they have some; :func:`by_rows` undoes it."""
    if frame is None:
        return None
    named = [side.ids[frame[side.role]].alias(side.role) for side in both if side.ids is not None]
    return frame.with_columns(named)
