"""From rows of queries and items to what a network sees: standardized, with what users had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset
from vbench.errors import DataError, UnknownNameError
from vbench.ranking.features import Features, Floats, IntRows, Past
from vbench.ranking.protocol import Rows

if TYPE_CHECKING:
    from vbench.ranking.networks.base import Inputs, Shape

HAD_AT_MOST = 50
"""Items of a user's history that a network reads, from popular to rare evenly spaced."""
CODES_AT_MOST = 2_000
"""Values of a feature that have a code, the commonest ones."""
SEGMENTS_AT_MOST = 20


@dataclass(frozen=True)
class Encoder:
    """Encodes pairs of one dataset.

    Attributes
    ----------
    center, spread : float32 (F,), of the numbers of pairs that are learned from
    codes : int32 (n, G), the commonest value of each feature of each item, 0 for none
    had : int64 (m, HAD_AT_MOST), items that each user had; −1 pads
    segments : int32 (m,), numbers of the segments of queries
    """

    features: Features
    past: Past
    center: Floats
    spread: Floats
    codes: NDArray[np.int32]
    had: IntRows
    segments: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        past: Past,
        exposed: Rows,
        sample: tuple[Rows, Rows],
        column: str = "",
    ) -> Encoder:
        """Standardize over a sample of pairs, queries (P,) and items (P,).

        Raises
        ------
        DataError, UnknownNameError
            A number of a pair is not finite; the queries have no such segment column.
        """
        features = Features(dataset, past, exposed)
        numbers = features.of(*sample)
        wrong = ~np.isfinite(numbers).all(axis=0)
        if wrong.any():
            at = int(wrong.argmax())
            group = next(name for name, each in features.groups.items() if at in each)
            raise DataError(
                f"the feature {group!r} of {dataset.name} is NaN or infinite for some pair; every "
                "number of vectors, popularity and item features must be finite"
            )
        spread = numbers.std(axis=0)
        return cls(
            features,
            past,
            numbers.mean(axis=0),
            np.where(spread > 1e-6, spread, 1.0),
            _codes(past, dataset.n),
            _had(past, dataset.m),
            _segments(dataset, column),
        )

    @property
    def shape(self) -> Shape:
        """What a network must know of it."""
        from vbench.ranking.networks.base import Shape

        return Shape(
            self.features.groups,
            self.features.d,
            int(self.codes.max(initial=0)) + 1,
            int(self.segments.max(initial=0)) + 1,
        )

    def inputs(self, queries: Rows, items: Rows, *, reads_past: bool) -> Inputs:
        """What a network sees of queries (U,) with candidates (U, C)."""
        from vbench.ranking.networks.base import Inputs

        pairs = np.broadcast_to(queries[:, np.newaxis], items.shape).ravel()
        numbers = (self.features.of(pairs, items.ravel()) - self.center) / self.spread
        length = np.float32(np.sqrt(self.features.d))
        query, item = self.features.vectors(queries, items.ravel())
        had = self.had[queries][:, : HAD_AT_MOST if reads_past else 0]
        there = (had >= 0).astype(np.float32)
        _, known = self.features.vectors(queries[:0], np.maximum(had, 0).ravel())
        return Inputs(
            numbers=numbers.reshape(*items.shape, -1),
            query=query * length,
            item=(item * length).reshape(*items.shape, -1),
            code=self.codes[items],
            had=known.reshape(*had.shape, self.features.d) * there[..., np.newaxis] * length,
            had_code=np.where(there[..., np.newaxis] > 0, self.codes[np.maximum(had, 0)], 0),
            had_any=there,
            segment=self.segments[queries],
        )


def _codes(past: Past, n: int) -> NDArray[np.int32]:
    """The commonest value of each feature of each item, numbered over all features from 1 on."""
    columns, first = [], 1
    for tokens in past.tokens.values():
        counts = np.bincount(tokens[tokens > 0], minlength=int(tokens.max(initial=0)) + 1)
        often = np.where(tokens > 0, counts[tokens], 0)
        own = np.take_along_axis(tokens, often.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
        ranked = np.argsort(-counts, kind="stable")[:CODES_AT_MOST]
        ranked = ranked[counts[ranked] > 0]
        code = np.zeros(len(counts), dtype=np.int32)
        code[ranked] = first + np.arange(len(ranked))
        columns.append(code[own])
        first += len(ranked)
    return np.stack(columns, axis=1) if columns else np.zeros((n, 1), dtype=np.int32)


def _had(past: Past, m: int) -> IntRows:
    """Items of each query's past, evenly spaced over those by falling popularity; −1 pads."""
    order = np.lexsort((-past.popularity[past.item], past.query))
    item = past.item[order]
    size = np.bincount(past.query, minlength=m)[:, np.newaxis]
    start = (np.cumsum(size) - size[:, 0])[:, np.newaxis]
    column = np.arange(HAD_AT_MOST)
    at = np.where(size > HAD_AT_MOST, column * size // HAD_AT_MOST, column)
    there = at < size
    if not len(item):
        return np.full(there.shape, -1, dtype=np.int64)
    return np.where(there, item[np.where(there, start + at, 0)], -1)


def _segments(dataset: Dataset, column: str) -> NDArray[np.int32]:
    if not column:
        return np.zeros(dataset.m, dtype=np.int32)
    frame = dataset.segments
    if frame is None or column not in frame.columns:
        raise UnknownNameError(
            f"segment column of {dataset.name}", column, [] if frame is None else frame.columns
        )
    values, numbers = np.unique(
        frame[column].cast(str).fill_null("").to_numpy().astype(str), return_inverse=True
    )
    if len(values) > SEGMENTS_AT_MOST:
        raise DataError(
            f"the column {column!r} divides the queries of {dataset.name} into {len(values):,} "
            f"segments; a ranker takes {SEGMENTS_AT_MOST} at most"
        )
    return numbers.astype(np.int32)
