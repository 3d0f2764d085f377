"""A dataset with some of its queries, or without them in its base."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench import _paths
from vbench._invocation import spell_option
from vbench._leftovers import sweep_once
from vbench._locks import hold_lock
from vbench.data.arrays import write_npy
from vbench.data.copies import copies
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.files import whole_file
from vbench.errors import DataError
from vbench.neighbors.blocks import blocks

if TYPE_CHECKING:
    import polars as pl

ROW = "row"
"""Column that holds row numbers of a file, where its rows have no ids."""
Vectors = NDArray[Any]
_SEED = 0
"""The queries do not follow the seed of a run: its builds answer the same ones."""
_SAMPLE, _BASE_SAMPLE = 2, 3
"""Of other streams than those that are held out, or learned from."""
_IN_MEMORY_BYTES = 256 << 20


def select_queries(dataset: Dataset, where: Mapping[str, str]) -> Dataset:
    """Keep the queries whose segments have the given values, compared as text.

    Raises
    ------
    DataError
        There is no such column, or no query is left.
    """
    import polars as pl

    segments = dataset.segments
    columns = [] if segments is None else segments.columns
    if segments is None or not set(where) <= set(columns):
        missing = ", ".join(sorted(set(where) - set(columns)))
        raise DataError(f"{dataset.name}: the queries have no column {missing} to select by")
    wanted = [pl.col(name).cast(pl.String) == value for name, value in where.items()]
    kept = segments.select(pl.all_horizontal(wanted)).to_series().to_numpy()
    if not kept.any():
        asked = ", ".join(f"{name} = {value}" for name, value in where.items())
        raise DataError(f"{dataset.name}: no query has {asked}")
    return keep_queries(dataset, kept)


def number_queries(dataset: Dataset) -> Dataset:
    """Give queries without ids their row numbers as such, before some of them are left out."""
    import polars as pl

    if dataset.query_id is not None:
        return dataset
    rows = pl.Series(ROW, np.arange(dataset.m))
    known = dataset.segments
    if known is not None and ROW in known.columns:
        rows = rows.alias(f"{ROW} of the file")
    segments = pl.DataFrame([rows]) if known is None else known.with_columns(rows)
    return replace(dataset, segments=segments, query_id=rows.name)


def keep_queries(dataset: Dataset, kept: NDArray[np.bool_]) -> Dataset:
    """Keep some of the queries, and what belongs to them."""
    segments = dataset.segments
    return replace(
        dataset,
        queries=dataset.queries[kept],
        segments=None if segments is None else segments.filter(kept),
        relevance=_renumbered(dataset.relevance, "query", kept),
        interactions=_renumbered(dataset.interactions, "query", kept),
        given_ground_truth=None,
    )


def _renumbered(
    table: pl.DataFrame | None, side: str, kept: NDArray[np.bool_]
) -> pl.DataFrame | None:
    """Judgments or interactions of the queries, or items, that are left, by their new numbers."""
    import polars as pl

    if table is None:
        return None
    rows = table[side].to_numpy()
    mine = kept[rows]
    if not mine.any():
        return None
    return table.filter(mine).with_columns(pl.Series(side, (np.cumsum(kept) - 1)[rows[mine]]))


def draw(n: int, count: int, where: str) -> NDArray[np.int64]:
    """Draw the base vectors that become queries, ascending."""
    if not 1 <= count < n:
        raise DataError(
            f"{where}: {count} of {n} base vectors cannot be held out; give 1 to {n - 1}"
        )
    chosen = np.random.default_rng(_SEED).choice(n, count, replace=False)
    return np.sort(chosen).astype(np.int64)


def sample_queries(dataset: Dataset, count: int, seed: int) -> Dataset:
    """Keep `count` queries at most, drawn by the seed, in their order.

    Raises
    ------
    DataError
        The count is below 1.
    """
    if count < 1:
        raise DataError(
            f"{spell_option('queries_at_most')}: {count} is not allowed; give a number from 1 on"
        )
    if count >= dataset.m:
        return dataset
    kept = np.zeros(dataset.m, dtype=bool)
    kept[np.random.default_rng([_SAMPLE, seed]).choice(dataset.m, count, replace=False)] = True
    known = dataset.given_ground_truth
    return replace(
        keep_queries(number_queries(dataset), kept),
        given_ground_truth=known and GroundTruth(known.ids[kept], known.distances[kept]),
        queries_at_most={"count": count, "of": dataset.m, "seed": seed},
    )


def sample_base(dataset: Dataset, count: int, seed: int) -> Dataset:
    """Keep `count` base vectors at most, drawn by the seed, in their order.

    Samples of one seed lie in each other, the smaller in the larger. What is known of the items
    goes with them; the exact neighbors of the whole say nothing of a part.

    Raises
    ------
    DataError
        The count is below 1.
    """
    if count < 1:
        raise DataError(
            f"{spell_option('base_at_most')}: {count} is not allowed; give a number from 1 on"
        )
    if count >= dataset.n:
        return dataset
    order: NDArray[Any] = np.arange(
        dataset.n, dtype=np.uint32 if dataset.n < 1 << 32 else np.uint64
    )
    np.random.default_rng([_BASE_SAMPLE, seed]).shuffle(order)
    keep = order < count
    return replace(
        keep_rows(dataset, keep),
        base_at_most={"count": count, "of": dataset.n, "seed": seed},
    )


def keep_rows(dataset: Dataset, keep: NDArray[np.bool_]) -> Dataset:
    """Keep some of the base vectors, and what belongs to them."""
    zero = dataset.zero_row_ids
    items, item_id = _with_ids(dataset)
    return replace(
        dataset,
        base=_rows(dataset, keep),
        items=items.filter(keep),
        relevance=_renumbered(dataset.relevance, "item", keep),
        interactions=_renumbered(dataset.interactions, "item", keep),
        item_id=item_id,
        zero_row_ids=(np.cumsum(keep) - 1)[zero[keep[zero]]],
        given_ground_truth=None,
    )


def without_queries(dataset: Dataset, count: int, own: NDArray[np.int64] | None = None) -> Dataset:
    """Take the base vectors that equal a query out of the base.

    Of the queries that are base vectors, `count` are kept, drawn where there are more; those that
    are none stay. Every base vector that equals a query goes.

    Parameters
    ----------
    own
        Base vectors that have become the queries, (m,): what is known of these items is then
        known of the queries.

    Raises
    ------
    DataError
        No query is a base vector, or no base vector is left.
    """
    found = copies(dataset)
    inside = np.flatnonzero(found.asked >= 0)
    if not inside.size:
        raise DataError(
            f"{dataset.name}: none of the {dataset.m} queries is a base vector, so nothing is to "
            f"be held out; leave {spell_option('hold_out')} away, or give a file of "
            "base vectors only"
        )
    keep_query = found.asked < 0
    if count < inside.size:
        inside = inside[draw(inside.size, count, dataset.name)]
    keep_query[inside] = True
    gone = np.unique(found.asked[inside])
    keep_row = ~np.isin(found.first_of(np.arange(dataset.n)), gone)
    if not keep_row.any():
        raise DataError(f"{dataset.name}: every base vector equals a query; nothing is left")
    if own is not None:
        items, item_id = _with_ids(dataset)
        dataset = replace(dataset, segments=items[own], query_id=item_id)
    left = keep_rows(keep_queries(dataset, keep_query), keep_row)
    return replace(left, hold_out=int(inside.size))


def _with_ids(dataset: Dataset) -> tuple[pl.DataFrame, str]:
    """What is known of the items, with what each is called in the whole base."""
    import polars as pl

    rows = pl.Series(ROW, np.arange(dataset.n))
    if dataset.items is None:
        return pl.DataFrame([rows]), ROW
    if dataset.item_id is not None:
        return dataset.items, dataset.item_id
    free = ROW if ROW not in dataset.items.columns else f"{ROW} of the base"
    return dataset.items.with_columns(rows.alias(free)), free


def _rows(dataset: Dataset, keep: NDArray[np.bool_]) -> Vectors:
    """The base vectors to keep; many of them in a file, which is made once."""
    base = dataset.base
    shape = (int(keep.sum()), dataset.d)
    size = shape[0] * shape[1] * base.itemsize
    if size <= _IN_MEMORY_BYTES:
        return base[keep]
    digest = hashlib.sha256(dataset.fingerprint.encode() + np.packbits(keep).tobytes())
    path = _paths.home() / "held-out" / f"{digest.hexdigest()[:32]}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep_once(path.parent)
    with hold_lock(path, f"holding queries of {dataset.name} out"):
        if not path.is_file():
            parts = (rows[keep[at : at + len(rows)]] for at, rows in blocks(base))
            with whole_file(path) as stream:
                write_npy(stream, base.dtype, shape, parts)
    mapped: Vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped
