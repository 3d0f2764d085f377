"""Users, and items: their vectors, their ids, and what else is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.data.arrays import map_npy
from vbench.data.columns import id_column, named_as_id
from vbench.data.formats import SUFFIXES as VECTOR_SUFFIXES
from vbench.data.formats import read_contents
from vbench.data.id_tables import Side, plain_name
from vbench.data.importing import tables
from vbench.data.importing.document import JoinedTable
from vbench.data.joins import Joins
from vbench.data.keys import as_keys, find, repeats, unique_keys
from vbench.errors import DataError

if TYPE_CHECKING:
    import polars as pl

Name = Literal["user", "item"]


class Source(NamedTuple):
    """Where one side comes from.

    Attributes
    ----------
    vectors : file, folder of parts, or pattern
    ids : names of the rows of an array, in order: a table, `.npy`, or text with one a line
    more : a table to join by the ids
    key : the column of ids, where the caller names it
    column : the column of vectors, where the caller names it
    """

    vectors: Path
    ids: Path | None = None
    more: Path | None = None
    key: str | None = None
    column: str | None = None


class Read(NamedTuple):
    """One side as it was read; `table` has a row for each vector, and may have no column."""

    name: Name
    vectors: NDArray[Any]
    table: pl.DataFrame
    key: str | None
    joined: JoinedTable | None

    def side(self) -> Side:
        """As tables of ids name it."""
        role = "query" if self.name == "user" else "item"
        return Side.of(role, len(self.vectors), self.table, self.key)


def read_side(name: Name, source: Source, joins: Joins, workspace: Path) -> Read:
    """Read the vectors of one side and join what is known of them.

    Parameters
    ----------
    workspace
        A folder for tables that are no Parquet, and are written again as such.

    Raises
    ------
    DataError
        The vectors cannot be read, the ids are not one for each, or a table joins to none.
    """
    import polars as pl

    keys = [word for word in (source.key,) if word]
    keys += [word for pair in joins.on for word in pair]
    path = source.vectors
    first = tables.files_of(path)[0]
    if tables.kind_of(first) in tables.SUFFIXES and first.suffix.lower() not in VECTOR_SUFFIXES:
        path = tables.write_parquet(path, workspace / f"{name}s.parquet", keys=keys)
    try:
        contents = read_contents(path, column=source.column)
    except DataError as error:
        # The user knows the file by its own name.
        raise DataError(str(error).replace(str(path), str(source.vectors))) from None
    rows = len(contents.base)
    table = contents.table if contents.table is not None else pl.DataFrame()
    if source.ids is not None:
        names = _read_ids(source.ids, name, keys)
        if names.height != rows:
            raise DataError(
                f"{source.ids}: {names.height:,} rows for {rows:,} vectors of {source.vectors}; "
                "one for each is needed, in the same order"
            )
        table = pl.DataFrame([*table.drop(names.columns, strict=False), *names])
    key = _key(table, source, name)
    joined = None
    if source.more is not None:
        table, joined = _join(table, key, source.more, name, joins, keys)
    return Read(name, contents.base, table, key, joined)


def _key(table: pl.DataFrame, source: Source, name: Name) -> str | None:
    """The column of ids: the caller's, or the one that is certain."""
    if source.key is None:
        return id_column(table)
    option, columns = f"{name}_id", ", ".join(table.columns) or "none"
    if source.key not in table.columns:
        raise DataError(
            f"{source.vectors}: no column {source.key!r} beside the vectors; the columns are "
            f"{columns}; {spell_option(option, 'COLUMN')} takes one of them"
        )
    keys = as_keys(table[source.key])
    if keys is None:
        raise DataError(
            f"{source.vectors}: column {source.key} holds {table[source.key].dtype}"
            f"{' and empty rows' if table[source.key].null_count() else ''}; ids are text or whole "
            "numbers in every row"
        )
    if repeats(keys):
        twice = keys.filter(keys.is_duplicated())[0]
        raise DataError(
            f"{source.vectors}: {source.key} {twice} occurs twice; an id names one {name}: keep "
            "one of the rows, or take another column"
        )
    return source.key


def _read_ids(path: Path, name: Name, keys: Sequence[str]) -> pl.DataFrame:
    import polars as pl

    column = keys[0] if keys else f"{name}_id"
    suffix = path.suffix.lower()
    if suffix == ".npy":
        values = map_npy(path)
        if values.ndim != 1 or values.dtype.kind not in "iuU":
            raise DataError(
                f"{path}: holds {values.dtype} of shape {values.shape}; ids are one row of whole "
                "numbers or of text"
            )
        return pl.DataFrame({column: np.asarray(values)})
    if suffix == ".txt":
        try:
            lines = path.read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: cannot be read: {error}") from None
        return pl.DataFrame({column: lines})
    return tables.read(path, keys=keys)


def _join(
    own: pl.DataFrame,
    key: str | None,
    source: Path,
    name: Name,
    joins: Joins,
    keys: Sequence[str],
) -> tuple[pl.DataFrame, JoinedTable]:
    """Join a table by the ids; users or items that it lacks have empty columns."""
    import polars as pl

    more = tables.read(source, keys=[*keys, *([key] if key else [])])
    ours, theirs = _columns(own, key, more, source, name, joins)
    for frame, column, where in ((own, ours, f"the {name}s"), (more, theirs, str(source))):
        if unique_keys(frame[column]) is None:
            raise DataError(
                f"{where}: {column} does not tell the rows apart (a value occurs twice, or is "
                f"empty); one row for each {name} is needed"
            )
    known, found = as_keys(own[ours]), as_keys(more[theirs])
    assert known is not None
    assert found is not None
    order = find(known, found)
    here = order >= 0
    if not here.any():
        raise DataError(
            f"{source}: no {theirs} is among the {ours} of the {name}s ({found[0]}, … there, "
            f"{known[0]}, … here); name the column that joins them: "
            f"{spell_option('on', f'{ours}=COLUMN')}"
        )
    places = pl.Series(order).set(pl.Series(~here), None)
    rest = more.drop(theirs).select(pl.all().gather(places))
    table = pl.DataFrame([*own.drop(rest.columns, strict=False), *rest])
    others = more.height - int(here.sum())
    return table, JoinedTable(
        file=str(source), rows=more.height, missing=int((~here).sum()), others=others
    )


def _columns(
    own: pl.DataFrame, key: str | None, more: pl.DataFrame, source: Path, name: Name, joins: Joins
) -> tuple[str, str]:
    """The columns of both tables that say whose row is whose."""
    if pairs := joins.pairs_of(own.columns, more.columns):
        return pairs[0]
    if key is None:
        raise DataError(
            f"{source}: the {name}s have no column of ids to join it by (their columns: "
            f"{', '.join(own.columns) or 'none'}); {spell_option(f'{name}_ids', 'FILE')} gives "
            f"them names, {spell_option(f'{name}_id', 'COLUMN')} takes a column"
        )
    plain = {plain_name(each): each for each in more.columns}
    usual = [each for each in more.columns if named_as_id(each)]
    same = plain.get(plain_name(key))
    found = key if key in more.columns else same or (usual[0] if len(usual) == 1 else None)
    if found is None:
        raise DataError(
            f"{source}: no column {key!r} says whose rows these are; it has "
            f"{', '.join(more.columns)}; {spell_option('on', f'{key}=COLUMN')} names it"
        )
    return key, found
