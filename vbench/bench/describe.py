"""What describes the queries and items of a dataset, as its run folder keeps it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from vbench.data.dataset import Dataset
from vbench.errors import DamagedFileError
from vbench.runs import files, tables
from vbench.runs.run import Run

if TYPE_CHECKING:
    import polars as pl


def write_described_queries(folder: Path, dataset: Dataset) -> None:
    """Write queries.parquet: the ids of the queries, and their other columns."""
    columns = other_columns(dataset.segments, dataset.query_id)
    tables.write_queries(folder, dataset.m, columns, dataset.query_ids)


def redescribe(run: Run, dataset: Dataset) -> Run:
    """Bring a run's tables up to its dataset: the same vectors may be described otherwise now.

    The items are those that stand in some exact list or some answer.
    """
    write_described_queries(run.path, dataset)
    if dataset.items is None:
        (run.path / files.ITEMS).unlink(missing_ok=True)
    else:
        seen = _seen(run)
        columns = other_columns(dataset.items, dataset.item_id)
        ids = dataset.item_ids
        tables.write_items(
            run.path,
            seen,
            None if columns is None else columns[seen],
            None if ids is None else ids[seen],
        )
    old, facts = run.manifest.dataset, describe_dataset(dataset)
    # Vectors in memory can be those of a file that the run knows how to open.
    facts["source"] = facts["source"] or old.source
    new = msgspec.structs.replace(old, **facts)
    if new != old:
        files.write_manifest(run.path, msgspec.structs.replace(run.manifest, dataset=new))
    return Run(run.path, set_aside=run.set_aside)


def describe_dataset(dataset: Dataset) -> dict[str, Any]:
    """Fields of `DatasetFacts`: where a dataset comes from, and what its columns are."""
    attributes = other_columns(dataset.items, dataset.item_id)
    return {
        "source": dict(dataset.source),
        "card": dict(dataset.card),
        "columns": dict(dataset.columns),
        "attributes": [] if attributes is None else attributes.columns,
        "query_id": dataset.query_id,
        "item_id": dataset.item_id,
    }


def other_columns(table: pl.DataFrame | None, ids: str | None) -> pl.DataFrame | None:
    """Columns of a table beside its ids; None where there are none."""
    rest = table if table is None or ids is None else table.drop(ids)
    return None if rest is None or not rest.columns else rest


def _seen(run: Run) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Items in the exact lists and the answers that a run holds, ascending."""
    seen = np.zeros(run.manifest.dataset.n, dtype=bool)
    lists = [run.ground_truth.ids]
    for trial in run.done:
        # A damaged file is told of where its trial is shown or measured again.
        with contextlib.suppress(DamagedFileError):
            ids = run.rows(trial, ("ids",)).ids
            lists += [] if ids is None else [ids]
    for ids in lists:
        seen[ids[ids >= 0]] = True
    return np.flatnonzero(seen)
