"""Rankers that need no training: the retriever's own similarity, and popularity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.metric import distance
from vbench.ranking.protocol import Material, Ranker, Rows


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
    items = dataset.items
    if items is None or "popularity" not in items.columns:
        raise VbenchError(
            f"the ranker 'popularity' needs a column popularity in the items of {dataset.name} "
            "(items.parquet); leave it out with --ranker tower"
        )
    column = items["popularity"]
    if not column.dtype.is_numeric() or column.null_count() or column.is_nan().any():
        raise VbenchError(
            f"the items of {dataset.name}: the column popularity must hold a number in every row"
        )
    return column.cast(float).to_numpy()
