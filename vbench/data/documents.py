"""The documents of `vbench data`: what there is to know of datasets, as tables and JSON show it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import polars as pl

from vbench._document import Document
from vbench.data import catalog
from vbench.data.card import Card
from vbench.data.copies import copies
from vbench.data.dataset import Dataset
from vbench.data.fetch import recorded_checksums
from vbench.metric import Metric

_SHOWN_VALUES = 12


class DatasetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `vbench data list`."""

    name: str
    title: str
    metric: Metric | None
    n: int | None
    m: int | None
    d: int | None
    bytes: int | None
    status: str


class DatasetList(Document, frozen=True, kw_only=True, tag="vbench.data-list/2"):
    """Every dataset that has a name."""

    datasets: list[DatasetRow]


class ShownCard(Card, frozen=True, kw_only=True):
    """A card, where its data lies, and the checksums of what was fetched."""

    name: str
    status: str
    additions_are_here: bool
    recorded_sha256: dict[str, str]


class ColumnInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A column's type and role, and how often each value occurs where there are few."""

    type: str
    role: str | None
    values: dict[str, int]


class CopiesInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Base vectors that equal another one: their share, and the size of the largest group."""

    share: float
    largest: int


class DataInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is found in the vectors and tables themselves."""

    name: str
    metric: Metric
    n: int
    m: int
    d: int
    dtype: str
    query_dtype: str
    parts: int | None
    zero_rows: int | None
    duplicates: int
    copies: CopiesInfo
    queries_in_base: int
    hold_out: int | None
    queries_at_most: dict[str, int] | None
    base_at_most: dict[str, int] | None
    learn: int | None
    fingerprint: str
    ground_truth_depth: int | None
    relevance: int | None
    interactions: int | None
    query_id: str | None
    item_id: str | None
    segments: dict[str, ColumnInfo]
    items: dict[str, ColumnInfo]


class DataShown(Document, frozen=True, kw_only=True, tag="vbench.data-show/2"):
    """A dataset's card, where it has one, and what is in its vectors, where they are here."""

    card: ShownCard | None
    data: DataInfo | None


class FetchedDataset(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset that is here now."""

    name: str
    folder: str
    n: int
    m: int


class DataFetched(Document, frozen=True, kw_only=True, tag="vbench.data-fetch/2"):
    """What was fetched."""

    datasets: list[FetchedDataset]


class DataConverted(Document, frozen=True, kw_only=True, tag="vbench.data-convert/2"):
    """The files that were written."""

    files: list[str]


class DataGenerated(Document, frozen=True, kw_only=True, tag="vbench.data-generate/1"):
    """A dataset that was made."""

    folder: str
    n: int
    m: int
    d: int


class GroundTruthInfo(Document, frozen=True, kw_only=True, tag="vbench.data-truth/2"):
    """Of which dataset, and how deep, the ground truth was computed or found."""

    dataset: str
    fingerprint: str
    queries: int
    depth: int
    seconds: float
    file: str | None


class PrunableItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept and no longer needed."""

    kind: str
    reason: str
    path: str
    bytes: int


class DataPruned(Document, frozen=True, kw_only=True, tag="vbench.data-prune/2"):
    """What is no longer needed, and what was removed of it."""

    items: list[PrunableItem]
    bytes: int
    removed: bool
    freed: int
    swept: list[str]


def describe_entry(entry: catalog.Entry) -> DatasetRow:
    """One line of `vbench data list`."""
    card = entry.card
    same = {name: getattr(card, name) for name in ("title", "metric", "n", "m", "d")}
    size = sum(file.bytes or 0 for file in card.files) or None
    return DatasetRow(name=entry.name, bytes=size, status=entry.status, **same)


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
    same = ("name", "metric", "n", "m", "d", "parts", "zero_rows", "hold_out", "fingerprint")
    return DataInfo(
        **{each: getattr(dataset, each) for each in (*same, "query_id", "item_id")},
        dtype=dataset.base.dtype.name,
        query_dtype=dataset.queries.dtype.name,
        duplicates=equal.repeats,
        copies=CopiesInfo(share=len(equal.rows) / dataset.n, largest=equal.largest),
        queries_in_base=equal.queries_in_base,
        queries_at_most=None if dataset.queries_at_most is None else {**dataset.queries_at_most},
        base_at_most=None if dataset.base_at_most is None else {**dataset.base_at_most},
        learn=None if dataset.learn is None else dataset.learn.rows,
        ground_truth_depth=None if truth is None else truth.depth,
        relevance=None if relevance is None else relevance.height,
        interactions=None if more is None else more.height,
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
