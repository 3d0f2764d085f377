"""A dataset: base vectors, queries and a metric, with what is known about both sides."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench.data.fingerprint import fingerprint
from vbench.metric import FloatArray, Metric

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Truth:
    """The exact nearest neighbours of every query, nearest first, ties by ascending id.

    Attributes
    ----------
    ids : int32 or int64 (m, depth)
    distances : float64 (m, depth)
        As :func:`vbench.metric.distance` defines them.
    """

    ids: NDArray[np.integer[Any]]
    distances: FloatArray

    @property
    def depth(self) -> int:
        """How many neighbours of each query are known."""
        return int(self.ids.shape[1])


@dataclass(frozen=True, repr=False)
class Dataset:
    """Vectors to search, queries to ask, and a metric.

    Attributes
    ----------
    base : (n, d) float32, float16, int8 or uint8
        Often a read-only memory map; widened to float32 block by block, never as a whole.
    queries : (m, d), the same dtypes
    segments : frame of m rows or None
        Columns that divide the queries, such as `activity`.
    items : frame of n rows or None
        Attributes of the base vectors, such as `popularity`.
    relevance : frame or None
        Judgements: `query` and `item` (row numbers), optionally `grade`.
    given_truth : Truth or None
        Truth that came with the file, already checked against the vectors.
    card : mapping
        Title, licence, citation and terms, as the catalog's card states them.
    source : mapping
        Arguments of :func:`vbench.load` that open it again; empty for vectors made in memory.
    """

    name: str
    base: NDArray[Any]
    queries: NDArray[Any]
    metric: Metric
    segments: pl.DataFrame | None = None
    items: pl.DataFrame | None = None
    relevance: pl.DataFrame | None = None
    given_truth: Truth | None = None
    card: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"<Dataset {self.name}: {self.n} base vectors × {self.d}, "
            f"{self.m} queries, {self.metric}>"
        )

    @property
    def n(self) -> int:
        """Number of base vectors."""
        return int(self.base.shape[0])

    @property
    def m(self) -> int:
        """Number of queries."""
        return int(self.queries.shape[0])

    @property
    def d(self) -> int:
        """Number of dimensions."""
        return int(self.base.shape[1])

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the metric and the bytes of base and queries."""
        return fingerprint(self.base, self.queries, self.metric)
