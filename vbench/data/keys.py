"""Rows that belong together: found by a key that both tables have, not by where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.errors import DataError, VbenchError

if TYPE_CHECKING:
    import polars as pl

Rows = NDArray[np.int64]
On = tuple[tuple[str, str], ...]
"""Pairs of a column of the dataset's own rows and one of the table that is joined."""


class Table(NamedTuple):
    """A table to join: what it is called in messages, and what its rows are."""

    frame: pl.DataFrame
    name: str
    rows: str


class Match(NamedTuple):
    """Rows of one table in the order of another, and the columns of both that say so.

    Attributes
    ----------
    column : of the table whose order it is
    other : of the table whose rows these are
    """

    order: Rows
    column: str
    other: str


def parse_on(given: str | Sequence[str] | None) -> On:
    """Read `on`: a column, or `OURS=THEIRS` where the two tables call it differently; several."""
    pairs = []
    for text in [given] if isinstance(given, str) else (given or ()):
        ours, _, theirs = (part.strip() for part in text.partition("="))
        if not ours:
            raise VbenchError(f"on={text!r}; give a column, or OURS=THEIRS")
        pairs.append((ours, theirs or ours))
    return tuple(pairs)


def as_keys(column: pl.Series) -> pl.Series | None:
    """Give a column as text to compare keys by; None where it can be no key.

    Keys are text or whole numbers in every row: an id of 7 is the same as "7" and as 7.0, which
    a whole number becomes where another row of its file had none.
    """
    import polars as pl

    kind = column.dtype
    if column.null_count() or kind.is_nested():
        return None
    if kind.is_float() or kind.is_decimal():
        whole = column.cast(pl.Int128, strict=False)
        if whole.null_count() or (whole.cast(kind) != column).any():
            return None
        return whole.cast(pl.String)
    if kind.is_integer() or kind in (pl.String, pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    return None


def repeats(keys: pl.Series) -> bool:
    """Whether a key occurs twice."""
    return keys.n_unique() < len(keys)


def unique_keys(column: pl.Series) -> pl.Series | None:
    """Give a column as keys, each there once; None where it tells the rows not apart."""
    keys = as_keys(column)
    return None if keys is None or repeats(keys) else keys


def match(own: Table, other: Table, on: On) -> Match | None:
    """Find for each row of `own` that of `other`; None where no column says whose is whose.

    Parameters
    ----------
    on
        Columns that the caller names. Those that one of the tables lacks are of other tables.
        Without any, a column of both tables is taken that tells the rows of each apart.

    Raises
    ------
    DataError
        The keys differ, repeat, or several columns would join the rows in different ways.
    """
    named = [pair for pair in on if pair[0] in own.frame.columns and pair[1] in other.frame.columns]
    if len(named) > 1:
        raise DataError(
            f"{other.name}: {' and '.join(map(_spelt, named))} both name a key; give one"
        )
    if named:
        return Match(_joined(own, other, named[0]), *named[0])
    common = [name for name in own.frame.columns if name in other.frame.columns]
    return _guessed(own, other, common) if common else None


def _guessed(own: Table, other: Table, common: Sequence[str]) -> Match | None:
    unique, same = [], {}
    for name in common:
        ours, theirs = unique_keys(own.frame[name]), unique_keys(other.frame[name])
        if ours is None or theirs is None:
            continue
        unique.append(name)
        if len(ours) == len(theirs) and ours.is_in(theirs.implode()).all():
            same[name] = _joined(own, other, (name, name))
    if same:
        column, first = next(iter(same.items()))
        if all(np.array_equal(first, order) for order in same.values()):
            return Match(first, column, column)
        raise DataError(
            f"{other.name}: {' and '.join(same)} join its rows with the {own.rows} in different "
            f"ways; say by which: {spell_option('on', column)}"
        )
    if len(unique) == 1:
        _joined(own, other, (unique[0], unique[0]))  # says which value differs
    if not unique and all(own.frame[name].equals(other.frame[name]) for name in common):
        return None  # agreeing row by row, they stand in the same order
    likeliest, names = (unique or common)[0], ", ".join(unique or common)
    problem = (
        f"{names} hold other values there than the {own.rows} of {own.name}"
        if unique
        else f"it has {names} in common with the {own.rows} of {own.name}, by which rows cannot be "
        "told apart"
    )
    raise DataError(
        f"{other.name}: {problem}; say which column joins them: "
        f"{spell_option('on', likeliest)}, or rename what is no key"
    )


def _joined(own: Table, other: Table, pair: tuple[str, str]) -> Rows:
    """Find each row of `own` in `other`, whose keys must be the same and there only once."""
    ours, theirs = (_keys(table, name) for table, name in zip((own, other), pair, strict=True))
    if repeats(theirs):
        twice = theirs.filter(theirs.is_duplicated())[0]
        raise DataError(
            f"{other.name}: {pair[1]} {twice} occurs twice; one row for each of the {own.rows} "
            "is needed"
        )
    order = find(ours, theirs)
    if (order < 0).any():
        missing = ours[int(np.argmax(order < 0))]
        raise DataError(
            f"{other.name}: no row has {pair[1]} {missing}, as one of the {own.rows} of "
            f"{own.name} has ({int((order < 0).sum()):,} of {len(ours):,} are missing); join what "
            f"belongs together, or name another column: {spell_option('on', 'COLUMN')}"
        )
    if len(extra := theirs.filter(~theirs.is_in(ours.implode()))):
        raise DataError(
            f"{other.name}: {pair[1]} {extra[0]} is none of the {own.rows} of {own.name} "
            f"({len(extra):,} of {len(theirs):,} rows are not); leave out what does not belong "
            f"there, or name another column: {spell_option('on', 'COLUMN')}"
        )
    return order


def _keys(table: Table, name: str) -> pl.Series:
    keys = as_keys(table.frame[name])
    if keys is None:
        column = table.frame[name]
        what = "empty rows" if column.null_count() else str(column.dtype)
        raise DataError(
            f"{table.name}: column {name} has {what}; a key is text or a whole number in every row"
        )
    return keys


def _spelt(pair: tuple[str, str]) -> str:
    return pair[0] if pair[0] == pair[1] else "=".join(pair)


def find(wanted: pl.Series, keys: pl.Series) -> Rows:
    """Row of each wanted value among unique keys, both of :func:`as_keys`; -1 where it is none."""
    import polars as pl

    numbered = pl.DataFrame({"key": keys}).with_row_index("row")
    found = pl.DataFrame({"key": wanted}).join(
        numbered, on="key", how="left", maintain_order="left"
    )
    return found["row"].cast(pl.Int64).fill_null(-1).to_numpy().copy()


def rows_of_ids(
    values: pl.Series, ids: pl.Series | None, size: int, where: str, *, partial: bool = False
) -> Rows:
    """Turn a column of ids, or of row numbers, into row numbers.

    Where the dataset has ids and all values are among them, they are ids, even where the same
    numbers would do as row numbers. One thing is not: whole numbers where the ids are text are
    row numbers, if they can be. What is not among the ids must be row numbers, from 0.

    Parameters
    ----------
    ids
        Of the dataset's queries or items, each there once; None where it has none.
    size
        Number of its queries or items.
    partial
        Give -1 for what is not among the ids, if some are, in place of refusing it.
    """
    as_rows = None
    if values.dtype.is_integer() and not values.null_count():
        if ((values >= 0) & (values < size)).all():
            as_rows = values.cast(int).to_numpy().astype(np.int64)
        if as_rows is not None and (ids is None or not ids.dtype.is_numeric()):
            return as_rows
    found = None if ids is None else _find_ids(values, ids)
    if found is not None and (found >= 0).all():
        return found
    if as_rows is not None:
        return as_rows
    if found is not None and partial and (found >= 0).any():
        return found
    raise DataError(f"{where}: {_unknown(values, found, ids, size)}")


def _find_ids(values: pl.Series, ids: pl.Series) -> Rows | None:
    if values.dtype.is_signed_integer() and ids.dtype.is_signed_integer():
        wanted, known = values.to_numpy(), ids.to_numpy()  # many neighbors: faster than as text
        order = np.argsort(known)
        at = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
        return np.where(known[at] == wanted, at, -1)
    keys, own = as_keys(ids), as_keys(values)
    return None if keys is None or own is None else find(own, keys)


def _unknown(values: pl.Series, found: Rows | None, ids: pl.Series | None, size: int) -> str:
    name, whole = values.name, values.dtype.is_integer()
    if ids is not None and found is not None and ((found >= 0).any() or not whole):
        row = int(np.argmax(found < 0))
        return (
            f"row {row}: {name} {values[row]} is not one of the ids ({ids.name}: {ids[0]}, …; "
            f"{int((found < 0).sum()):,} of {len(values):,} are not)"
        )
    if not whole:
        return (
            f"column {name} holds {values.dtype}; row numbers are needed, or ids that stand "
            "beside the vectors"
        )
    wrong = (values.is_null() | (values < 0) | (values >= size)).fill_null(True)
    row = int(np.argmax(wrong.to_numpy()))
    return f"row {row}: {name} {values[row]} is not one of 0 … {size - 1}"
