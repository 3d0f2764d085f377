"""A dataset with some of its queries: what follows them stays with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset
from vbench.errors import DataError

if TYPE_CHECKING:
    import polars as pl

ROW = "row"
"""Column that holds row numbers of a file, where its rows have no ids."""


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
        relevance=_renumbered(dataset.relevance, kept),
        interactions=_renumbered(dataset.interactions, kept),
        given_ground_truth=None,
    )


def _renumbered(relevance: pl.DataFrame | None, kept: NDArray[Any]) -> pl.DataFrame | None:
    import polars as pl

    if relevance is None:
        return None
    rows = np.cumsum(kept) - 1
    mine = relevance.filter(kept[relevance["query"].to_numpy()])
    if mine.is_empty():
        return None
    return mine.with_columns(pl.Series("query", rows[mine["query"].to_numpy()]))
