"""A dataset: base vectors, queries and a metric, with what is known about both sides."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench._document import html_table
from vbench.data.arrays import make_unchangeable
from vbench.data.columns import Role, id_column, roles
from vbench.errors import DataError
from vbench.metric import FloatArray, Metric, known_metric
from vbench.neighbors.blocks import blocks

if TYPE_CHECKING:
    import polars as pl

_FIRST = 1000
"""Base vectors that nobody knows who does not know the order of all."""


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The exact nearest neighbors of every query, nearest first, ties by ascending id.

    Attributes
    ----------
    ids : int32 or int64 (m, depth)
    distances : float64 (m, depth)
        As :func:`vbench.metric.distance` defines them.
    allowed : int64 (m,), optional
        How many base vectors may answer each query, where that is not all of them. Where fewer
        than `depth` may, −1 and nan stand behind the last.
    """

    ids: NDArray[np.integer[Any]]
    distances: FloatArray
    allowed: NDArray[np.int64] | None = None

    @property
    def depth(self) -> int:
        """How many neighbors of each query are known."""
        return int(self.ids.shape[1])


@dataclass(frozen=True, eq=False)
class Learn:
    """Queries that an index may learn from while it is built; none of them is asked.

    Attributes
    ----------
    vectors : (l, d), of the dtypes of queries
    was_asked_for
        Whether the call named them. Else they came with the files.
    """

    vectors: NDArray[Any]
    was_asked_for: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", make_unchangeable(np.asanyarray(self.vectors)))

    @property
    def rows(self) -> int:
        """Number of queries."""
        return len(self.vectors)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 over dtype, shape and bytes, read in blocks."""
        return _digest(b"", self.vectors)


@dataclass(frozen=True, repr=False, eq=False)
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
        Judgments: `query` and `item` (row numbers), optionally `grade`.
    interactions : frame or None
        What each query's user had already: `query` and `item` (row numbers).
    given_ground_truth : GroundTruth or None
        Ground truth that came with the file, already checked against the vectors.
    card : mapping
        Title, license, citation and terms, as the catalog's card states them.
    source : mapping
        Arguments of :func:`vbench.load` that open it again; empty for in-memory vectors.
    query_id, item_id : str or None
        Columns of `segments` and of `items` that tell the rows apart; by default the one that
        does so by its name and its values, if any.
    parts : int or None
        Number of files of the base vectors, where they lie in several.
    zero_row_ids : int64 (zero_rows,)
        Base vectors without a direction, under `cosine`: nobody's neighbors, given to no index.
    hold_out : int or None
        Queries that were base vectors and are none any more; :mod:`vbench.data.select`.
    queries_at_most : mapping or None
        Where a part of the queries was drawn: its size (`count`), of how many (`of`), by which
        `seed`.
    base_at_most : mapping or None
        The same of the base vectors.
    learn : Learn or None
        Further queries, for indexes that learn from some; :mod:`vbench.data.learn`.

    Notes
    -----
    Nobody can change the arrays of a dataset: those that somebody else could write to are copied.
    Datasets are equal only to themselves; equal vectors have an equal `fingerprint`.
    """

    name: str
    base: NDArray[Any]
    queries: NDArray[Any]
    metric: Metric
    segments: pl.DataFrame | None = None
    items: pl.DataFrame | None = None
    relevance: pl.DataFrame | None = None
    given_ground_truth: GroundTruth | None = None
    card: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    interactions: pl.DataFrame | None = None
    query_id: str | None = None
    item_id: str | None = None
    parts: int | None = None
    zero_row_ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    hold_out: int | None = None
    learn: Learn | None = None
    queries_at_most: Mapping[str, int] | None = None
    base_at_most: Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", known_metric(self.metric, self.name))
        if not isinstance(self.learn, Learn | None):
            raise DataError(f"{self.name}: learn is a Learn, which vbench.load makes of queries")
        # The fingerprint is computed once: it must stay that of the vectors.
        for name in ("base", "queries"):
            object.__setattr__(self, name, make_unchangeable(np.asanyarray(getattr(self, name))))
        if (truth := self.given_ground_truth) is not None:
            fixed = GroundTruth(make_unchangeable(truth.ids), make_unchangeable(truth.distances))
            object.__setattr__(self, "given_ground_truth", fixed)
        for name, frame in (("query_id", self.segments), ("item_id", self.items)):
            given = getattr(self, name)
            if given is None or frame is None or given not in frame.columns:
                object.__setattr__(self, name, id_column(frame))

    def __repr__(self) -> str:
        return (
            f"<Dataset {self.name}: {self.n} base vectors × {self.d}, "
            f"{self.m} queries, {self.metric}>"
        )

    def _repr_html_(self) -> str:
        rows = [
            ("base vectors", f"{self.n:,} × {self.d}, {self.base.dtype.name}"),
            ("queries", f"{self.m:,}"),
            *([("queries to learn from", f"{self.learn.rows:,}")] if self.learn else []),
            ("metric", self.metric),
            *((f"column {name}", role) for name, role in self.columns.items()),
            *((f"{name}", text) for name in ("title", "license") if (text := self.card.get(name))),
        ]
        return html_table(f"Dataset {self.name}", ("", ""), rows)

    @property
    def zero_rows(self) -> int:
        """Number of base vectors without a direction, under `cosine`."""
        return len(self.zero_row_ids)

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

    @property
    def query_ids(self) -> pl.Series | None:
        """What the queries are called in their files, named as the column there."""
        return _column(self.segments, self.query_id)

    @property
    def item_ids(self) -> pl.Series | None:
        """What the base vectors are called in their files, named as the column there."""
        return _column(self.items, self.item_id)

    @functools.cached_property
    def columns(self) -> Mapping[str, Role]:
        """What each column of the queries is good for; :func:`vbench.data.columns.role`."""
        known = roles(self.segments)
        return known | ({self.query_id: "id"} if self.query_id else {})

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 over metric, dtypes, shapes and bytes of base and queries, read in blocks.

        Equal for the same vectors whatever file they came from.
        """
        return _digest(self.metric.encode(), self.base, self.queries)

    @functools.cached_property
    def base_digest(self) -> str:
        """The same over metric and base alone."""
        return _digest(self.metric.encode(), self.base)

    @functools.cached_property
    def queries_digest(self) -> str:
        """The same over the queries alone."""
        return _digest(b"queries", self.queries)

    @property
    def order_digest(self) -> str:
        """SHA-256 of the first base vectors, the same under each metric.

        An index gets them in an order that is drawn from this, and so cannot know which they are.
        """
        first = np.ascontiguousarray(self.base[:_FIRST])
        return hashlib.sha256(
            f"{first.dtype.str}{self.base.shape}|".encode() + first.tobytes()
        ).hexdigest()


def _digest(head: bytes, *arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256(head)
    for array in arrays:
        digest.update(f"|{array.dtype.str}{array.shape}|".encode())
        for _, rows in blocks(array):
            digest.update(np.ascontiguousarray(rows).data)
    return digest.hexdigest()


def _column(frame: pl.DataFrame | None, name: str | None) -> pl.Series | None:
    return None if frame is None or name is None else frame[name]
