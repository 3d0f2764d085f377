"""What a run's dataset tells beside its folder: names of queries and items, their hardness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from vbench._invocation import spell_option
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import HARDNESS_DEPTH, compute_ground_truth
from vbench.data.load import reopen
from vbench.errors import VbenchError
from vbench.measures.hardness import hardness
from vbench.runs import tables
from vbench.runs.run import Run

if TYPE_CHECKING:
    import polars as pl

    from vbench.data.dataset import Dataset


def dataset_of(run: Run, dataset: Dataset | None = None) -> Dataset:
    """The dataset of a run: the one given, or opened again from where the run took it.

    Raises
    ------
    VbenchError
        When it cannot be opened, or its vectors are not those of the run.
    """
    facts = run.manifest.dataset
    if dataset is None:
        if not facts.source:
            raise VbenchError(
                f"{run.path} searched in-memory vectors ({facts.name}); give them with "
                f"{spell_option('dataset')}"
            )
        dataset = reopen(facts.source)
    if dataset.fingerprint != facts.fingerprint:
        raise VbenchError(
            f"the vectors of {dataset.name} ({dataset.fingerprint[:8]}) are not those of "
            f"{run.path} ({facts.fingerprint[:8]}); give the dataset as it was"
        )
    return dataset


def hardness_of(run: Run, k: int, dataset: Dataset | None = None) -> pl.DataFrame:
    """Every hardness measure of every query at K: computed once for a dataset, and kept.

    A frame of m rows with one float64 column for each measure. `dataset` is the run's; default:
    opened again.
    """
    import polars as pl

    fingerprint = run.manifest.dataset.fingerprint
    kept = tables.read_hardness(run.path, fingerprint, k)
    if kept is not None:
        return kept
    dataset = dataset_of(run, dataset)
    truth = compute_ground_truth(dataset, min(dataset.n, max(HARDNESS_DEPTH, 2 * k)))
    columns = hardness(
        dataset.base,
        dataset.queries,
        truth.ids,
        truth.distances,
        dataset.metric,
        k=k,
    )
    frame = pl.DataFrame(columns)
    tables.write_hardness(fingerprint, k, frame)
    return frame


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
