"""What queries and items are called: by the ids of their files, else by their row numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from vbench.runs.run import Run

if TYPE_CHECKING:
    import polars as pl

    from vbench.data.dataset import Dataset


class Names(NamedTuple):
    """Ids of queries and items by row number, as far as they are known.

    Attributes
    ----------
    queries : one for each query, or None
    items : by row number
    """

    queries: pl.Series | None
    items: Mapping[int, Any]

    @classmethod
    def of(cls, run: Run, dataset: Dataset | None = None) -> Names:
        """Take those that a run keeps, else those of its dataset."""
        queries, items = run.query_ids, run.items
        if queries is None and dataset is not None:
            queries = dataset.query_ids
        if items is not None and items.ids is not None:
            return cls(queries, dict(zip(items.numbers.tolist(), items.ids.to_list(), strict=True)))
        ids = None if dataset is None else dataset.item_ids
        return cls(queries, {} if ids is None else dict(enumerate(ids.to_list())))

    def query(self, row: int) -> Any:
        """Give the id of a query, or its row number."""
        return row if self.queries is None else self.queries[row]

    def item(self, row: int) -> Any:
        """Give the id of an item, or its row number."""
        return self.items.get(row, row)


UNNAMED = Names(None, {})
"""Row numbers alone."""
