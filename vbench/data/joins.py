"""What describes queries and items, brought into the order of their vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vbench._invocation import spell_option
from vbench.data import tables
from vbench.data.arrays import first_line
from vbench.data.columns import id_column, is_text
from vbench.data.frames import as_frame, is_frame
from vbench.data.keys import Match, On, Table, match, parse_on, unique_keys
from vbench.errors import DataError, VbenchError, warn

if TYPE_CHECKING:
    import polars as pl


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
            texts = self.texts(joined)
            if (frame := read_table(part.source, texts.__contains__)) is None:
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
        if key not in joined.columns or unique_keys(joined[key]) is None:
            key = id_column(joined)
        return joined, key

    def match(self, own: Table, other: Table) -> Match | None:
        """Say which row of `other` belongs to each row of `own`, where a key says it."""
        return match(own, other, self.pairs_of(own.frame.columns, other.frame.columns))

    def texts(self, own: pl.DataFrame | None) -> set[str]:
        """Columns of another table that are compared to text of this one."""
        texts = {c.name for c in ([] if own is None else own.get_columns()) if is_text(c)}
        return texts | {theirs for ours, theirs in self.on if ours in texts}

    def pairs_of(self, own: Sequence[str], other: Sequence[str]) -> On:
        """Pairs of `on` of which each of two tables has its column."""
        found = tuple(pair for pair in self.on if pair[0] in own and pair[1] in other)
        self._used.update(found)
        return found

    def check_used(self) -> None:
        """Refuse a column that joins nothing."""
        for ours, theirs in self.on:
            if (ours, theirs) not in self._used:
                spelt = ours if ours == theirs else f"{ours}={theirs}"
                raise VbenchError(
                    f"on={spelt!r}: of two tables that are joined, none has {ours} and the other "
                    f"{theirs}; give a column that both have"
                )


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
                said = spell_option("on", f"{ours}={theirs}")
                hint = f"; {said} would join them by the values that both hold"
    warn(
        f"{name}: no column that the {side} of {where} have too says whose row is whose; its rows "
        f"are taken in the order in which they stand{hint}"
    )


def _same(one: pl.Series, other: pl.Series) -> bool:
    """Whether both columns hold the same keys, each once."""
    ours, theirs = unique_keys(one), unique_keys(other)
    if ours is None or theirs is None:
        return False
    return len(ours) == len(theirs) and bool(ours.is_in(theirs.implode()).all())


def read_table(source: Any, is_text: Callable[[str], bool]) -> pl.DataFrame | None:
    """Read a table of Parquet or CSV; a frame is taken as it is at this moment.

    `is_text` says whether a column of a CSV file is compared to text: `0042` is not 42 then.
    """
    import polars as pl

    if source is None:
        return None
    if is_frame(source):
        return as_frame(source, "table")
    path = Path(source)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if path.suffix.lower() not in {".parquet", ".csv"}:
        raise DataError(f"{path}: a table is read from .parquet or .csv")
    try:
        if path.suffix.lower() == ".parquet":
            return tables.read_parquet(path)
        names = tables.read_csv(path, n_rows=0).columns
        overrides = {name: pl.String for name in names if is_text(name)}
        return tables.read_csv(path, schema_overrides=overrides)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path}: cannot be read: {first_line(error)}") from None
