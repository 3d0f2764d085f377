"""Tables that name queries and items by their ids: judgments, interactions, ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.data.arrays import signed_ids
from vbench.data.columns import is_text
from vbench.data.joins import Joins, read_table
from vbench.data.keys import rows_of_ids, unique_keys
from vbench.errors import DataError, warn

if TYPE_CHECKING:
    import polars as pl

    from vbench.data.dataset import Dataset


_USUAL = {
    "query": {"queryid", "qid", "user", "userid", "uid", "customerid", "visitorid", "memberid"},
    "item": {"itemid", "iid", "docid", "documentid", "corpusid", "productid", "sku", "articleid"},
}
"""What other tools call the columns, capitals and punctuation left out."""


class Side(NamedTuple):
    """Queries or items, as judgments and interactions name them.

    Attributes
    ----------
    role : `query` or `item`
    size : number of them
    ids : what each is called, or None
    table : all that is known of them, or None
    """

    role: str
    size: int
    ids: pl.Series | None
    table: pl.DataFrame | None = None

    @classmethod
    def of(cls, role: str, size: int, table: pl.DataFrame | None, key: str | None) -> Side:
        """Take the ids from a table of the side, where it has some."""
        return cls(role, size, None if table is None or key is None else table[key], table)


def sides(dataset: Dataset) -> tuple[Side, Side]:
    """Both sides of a dataset."""
    return (
        Side("query", dataset.m, dataset.query_ids),
        Side("item", dataset.n, dataset.item_ids),
    )


def name_by_rows(
    source: Any, both: Sequence[Side], where: str, joins: Joins, *, partial: bool = False
) -> pl.DataFrame | None:
    """Read a table that names queries and items; ids in it become row numbers from 0.

    The columns are named `query` and `item`, or as the columns of ids of the dataset are, or as is
    usual elsewhere (`user_id`, `corpus-id`); `on` may name others. With `partial`, rows of other
    queries and items than the dataset's are left out, which is reported.
    """
    import polars as pl

    frame = read_table(source, lambda name: any(_is_text(name, side, joins) for side in both))
    if frame is None:
        return None
    known = np.ones(frame.height, dtype=bool)
    for side in both:
        column, ids = _naming(frame, side, joins, where)
        values = frame[column].alias(side.role)
        rows = rows_of_ids(values, ids, side.size, where, partial=partial)
        known &= rows >= 0
        numbers = pl.Series(side.role, rows)
        if values.dtype.is_integer() and (values == numbers).all():
            numbers = values
        rest = frame.drop(column, side.role, strict=False)
        frame = rest.insert_column(0, numbers)
    frame = frame.select(*(side.role for side in both), pl.exclude(*(s.role for s in both)))
    if known.all():
        return frame
    if not known.any():
        raise DataError(f"{where}: no row is of a query and an item of the dataset")
    warn(
        f"{where}: {int((~known).sum()):,} of {len(known):,} rows are of other queries or items "
        "and left out"
    )
    return frame.filter(known)


def _naming(
    frame: pl.DataFrame, side: Side, joins: Joins, where: str
) -> tuple[str, pl.Series | None]:
    """Say which column names the queries, or the items, and by which ids."""
    if side.table is not None:
        for ours, theirs in joins.pairs_of(side.table.columns, frame.columns):
            if unique_keys(side.table[ours]) is None:
                raise DataError(
                    f"{where}: rows of the dataset cannot be told apart by {ours}: it repeats, or "
                    "is neither text nor whole numbers"
                )
            return theirs, side.table[ours]
    if side.role in frame.columns:
        return side.role, side.ids
    if side.ids is not None and side.ids.name in frame.columns:
        return side.ids.name, side.ids
    usual = [name for name in frame.columns if plain_name(name) in _USUAL[side.role]]
    if len(usual) == 1:
        return usual[0], side.ids
    others = [name for name in frame.columns if name not in (*_USUAL, "grade")]
    problem = f"unknown column {others[0]!r}, but " if others else ""
    also, remedy = "", ""
    if side.ids is not None:
        also = f" or {side.ids.name!r}"
        remedy = f"; {spell_option('on', f'{side.ids.name}=COLUMN')} names it"
    columns = ", ".join(frame.columns)
    raise DataError(f"{where}: {problem}no column {side.role!r}{also}; it has {columns}{remedy}")


def _is_text(name: str, side: Side, joins: Joins) -> bool:
    """Whether a column of a CSV file is text, because the ids are that it is compared to."""
    ids = side.ids
    named = ids is not None and (
        name in (side.role, ids.name) or plain_name(name) in _USUAL[side.role]
    )
    return (ids is not None and named and is_text(ids)) or name in joins.texts(side.table)


def plain_name(name: str) -> str:
    """Letters and digits of a column's name, in lower case."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


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
        return _text_neighbors(ids, items, n, where)
    signed = signed_ids(ids)
    if items is None or not items.dtype.is_integer():
        return signed
    # Hashes are ids that may be below 0, or beyond what is signed.
    real = signed >= 0
    real[~real] = np.isin(ids[~real], items.to_numpy())
    values = pl.Series("neighbor", ids[real])
    try:
        rows = rows_of_ids(values, items, n, where)
    except DataError:
        if not np.isin(values.to_numpy(), items.to_numpy()).any():
            return signed  # the check of the ground truth says what is wrong with row numbers
        raise
    out = np.full(ids.shape, -1, dtype=np.int64)
    out[real] = rows
    return out


def _text_neighbors(
    lists: pl.Series, items: pl.Series | None, n: int, where: str
) -> NDArray[np.int64]:
    """Row numbers of neighbors that are named by text; shorter lists end in pads."""
    lengths = lists.list.len().fill_null(0).to_numpy().astype(np.int64)
    flat = lists.filter(lists.list.len().fill_null(0) > 0).explode().rename("neighbor")
    query = np.repeat(np.arange(len(lists)), lengths)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    out = np.full((len(lists), int(lengths.max(initial=0))), -1, dtype=np.int64)
    known = flat.is_not_null().to_numpy()
    out[query[known], place[known]] = rows_of_ids(flat.drop_nulls(), items, n, where)
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


def name_by_ids(frame: pl.DataFrame | None, both: Sequence[Side]) -> pl.DataFrame | None:
    """Name queries and items by their ids, where they have some; :func:`name_by_rows` undoes it."""
    if frame is None:
        return None
    named = [side.ids[frame[side.role]].alias(side.role) for side in both if side.ids is not None]
    return frame.with_columns(named)
