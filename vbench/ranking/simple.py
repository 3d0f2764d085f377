"""Rankers that need no training: the retriever's own similarity, and popularity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.metric import distance
from vbench.ranking.judgments import Judgments
from vbench.ranking.protocol import Material, Ranker, Rows
from vbench.workloads.allowed import Allowed


class Tower(Ranker):
    """The similarity that the vectors themselves give: exact, whatever the index estimated."""

    def fit(self, material: Material) -> None:
        """Keep the vectors."""
        self._dataset: Dataset = material.dataset

    def score(self, queries: Rows, candidates: Rows) -> NDArray[np.floating]:
        data = self._dataset
        return -distance(data.queries[queries][:, np.newaxis], data.base[candidates], data.metric)


class Popularity(Ranker):
    """The number of interactions of each item, the same for every query."""

    def fit(self, material: Material) -> None:
        """Read the column `popularity` of the items."""
        self._popularity = popularity(material.dataset)

    def score(self, queries: Rows, candidates: Rows) -> NDArray[np.floating]:
        return self._popularity[candidates]


def popularity(dataset: Dataset) -> NDArray[np.float64]:
    """Popularity of every item, float64 (n,).

    Raises
    ------
    VbenchError
        The items have no such column, or it is not numbers.
    """
    known = known_popularity(dataset)
    if known is None:
        raise VbenchError(
            "the ranker 'popularity' needs a column popularity with a number in every row in the "
            f"items of {dataset.name} (items.parquet); leave it out with "
            f"{spell_option('rankers', 'tower')}"
        )
    return known


def hold_popular(
    known: NDArray[np.float64], k: int, judgments: Judgments, allowed: Allowed | None
) -> NDArray[np.bool_]:
    """Whether each judged item is one of the `k` most popular that may answer its query: (J,)."""
    order = np.argsort(-known, kind="stable")
    if allowed is None:
        return np.isin(judgments.item, order[:k])
    judged = judgments.judged
    held: list[NDArray[np.int64]] = []
    for code in allowed.codes():
        rows = np.intersect1d(judged, allowed.queries_of(code))
        if not len(rows):
            continue
        most = max(len(allowed.excluded_of(row)) for row in rows.tolist())
        first = order[allowed.of_code(code)[order]][: k + most]
        passes = allowed.admits(rows, np.broadcast_to(first, (len(rows), len(first))))
        at, column = np.nonzero(passes & (passes.cumsum(axis=1) <= k))
        held.append(rows[at] * judgments.n + first[column])
    return np.isin(judgments.query * judgments.n + judgments.item, np.concatenate(held))


def known_popularity(dataset: Dataset) -> NDArray[np.float64] | None:
    """Popularity of every item where the items have it, float64 (n,)."""
    items = dataset.items
    if items is None or "popularity" not in items.columns:
        return None
    column = items["popularity"]
    if not column.dtype.is_numeric() or column.null_count():
        return None
    values: NDArray[np.float64] = column.cast(float).to_numpy()
    return values if np.isfinite(values).all() else None
