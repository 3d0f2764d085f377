"""What there is to know of a dataset, as plain values that a table or JSON can show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from vbench.data import catalog
from vbench.data.copies import copies
from vbench.data.dataset import Dataset
from vbench.data.fetch import recorded_checksums

_SHOWN_VALUES = 12


def summary(entry: catalog.Entry) -> dict[str, Any]:
    """One line of `vbench data list`."""
    card = entry.card
    return {
        "name": entry.name,
        "title": card.title,
        "metric": card.metric,
        "n": card.n,
        "m": card.m,
        "d": card.d,
        "bytes": sum(file.bytes or 0 for file in card.files) or None,
        "status": entry.status,
    }


def card(entry: catalog.Entry) -> dict[str, Any]:
    """All that the card says, where its data lies, and the checksums of what was fetched."""
    return {
        "name": entry.name,
        "status": entry.status,
        **entry.card.facts(),
        "folder": str(entry.folder),
        "additions_are_here": entry.additions is not None,
        "recorded_sha256": dict(recorded_checksums(entry)),
    }


def data(dataset: Dataset) -> dict[str, Any]:
    """What is found in the vectors and tables themselves; reads all of them."""
    equal = copies(dataset)
    return {
        "name": dataset.name,
        "metric": dataset.metric,
        "n": dataset.n,
        "m": dataset.m,
        "d": dataset.d,
        "dtype": dataset.base.dtype.name,
        "query_dtype": dataset.queries.dtype.name,
        "parts": dataset.parts,
        "zero_rows": dataset.zero_rows,
        "duplicates": equal.repeats,
        "copies": {"share": len(equal.rows) / dataset.n, "largest": equal.largest},
        "queries_in_base": equal.queries_in_base,
        "hold_out": dataset.hold_out,
        "fingerprint": dataset.fingerprint,
        "ground_truth_depth": dataset.given_ground_truth.depth
        if dataset.given_ground_truth
        else None,
        "relevance": None if dataset.relevance is None else dataset.relevance.height,
        "interactions": None if dataset.interactions is None else dataset.interactions.height,
        "query_id": dataset.query_id,
        "item_id": dataset.item_id,
        "segments": columns(dataset.segments, dataset.columns),
        "items": columns(dataset.items, {dataset.item_id: "id"} if dataset.item_id else {}),
    }


def columns(frame: pl.DataFrame | None, roles: Mapping[str, str]) -> dict[str, Any]:
    """Each column's type and role, and how often each value occurs where there are few."""
    if frame is None:
        return {}
    described = {}
    for series in frame.get_columns():
        few = series.n_unique() <= _SHOWN_VALUES
        counts = series.value_counts(sort=True).rows() if few else []
        described[series.name] = {
            "type": str(series.dtype),
            "role": roles.get(series.name),
            "values": {str(value): count for value, count in counts},
        }
    return described
