"""What there is to know of a dataset, as tables and JSON show it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import polars as pl

from vbench.data import catalog
from vbench.data.copies import copies
from vbench.data.dataset import Dataset
from vbench.data.documents import ColumnInfo, CopiesInfo, DataInfo, DatasetRow, ShownCard
from vbench.data.fetch import recorded_checksums

_SHOWN_VALUES = 12


def describe_entry(entry: catalog.Entry) -> DatasetRow:
    """One line of `vbench data list`."""
    card = entry.card
    return DatasetRow(
        name=entry.name,
        title=card.title,
        metric=card.metric,
        n=card.n,
        m=card.m,
        d=card.d,
        bytes=sum(file.bytes or 0 for file in card.files) or None,
        status=entry.status,
    )


def describe_card(entry: catalog.Entry) -> ShownCard:
    """All that the card says, where its data lies, and the checksums of what was fetched."""
    return ShownCard(
        **{
            **msgspec.structs.asdict(entry.card),
            "name": entry.name,
            "status": entry.status,
            "folder": str(entry.folder),
            "additions_are_here": entry.additions is not None,
            "recorded_sha256": dict(recorded_checksums(entry)),
        }
    )


def describe_data(dataset: Dataset) -> DataInfo:
    """What is found in the vectors and tables themselves; reads all of them."""
    equal = copies(dataset)
    truth, relevance, more = dataset.given_ground_truth, dataset.relevance, dataset.interactions
    return DataInfo(
        name=dataset.name,
        metric=dataset.metric,
        n=dataset.n,
        m=dataset.m,
        d=dataset.d,
        dtype=dataset.base.dtype.name,
        query_dtype=dataset.queries.dtype.name,
        parts=dataset.parts,
        zero_rows=dataset.zero_rows,
        duplicates=equal.repeats,
        copies=CopiesInfo(share=len(equal.rows) / dataset.n, largest=equal.largest),
        queries_in_base=equal.queries_in_base,
        hold_out=dataset.hold_out,
        fingerprint=dataset.fingerprint,
        ground_truth_depth=None if truth is None else truth.depth,
        relevance=None if relevance is None else relevance.height,
        interactions=None if more is None else more.height,
        query_id=dataset.query_id,
        item_id=dataset.item_id,
        segments=_columns(dataset.segments, dataset.columns),
        items=_columns(dataset.items, {dataset.item_id: "id"} if dataset.item_id else {}),
    )


def _columns(frame: pl.DataFrame | None, roles: Mapping[str, str]) -> dict[str, ColumnInfo]:
    described = {}
    for series in [] if frame is None else frame.get_columns():
        few = series.n_unique() <= _SHOWN_VALUES
        counts = series.value_counts(sort=True).rows() if few else []
        described[series.name] = ColumnInfo(
            type=str(series.dtype),
            role=roles.get(series.name),
            values={str(value): count for value, count in counts},
        )
    return described
