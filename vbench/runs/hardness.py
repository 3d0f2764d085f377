"""The hardness of a run's queries: computed once from its vectors, kept with the dataset's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth
from vbench.data.load import reopen
from vbench.errors import VbenchError
from vbench.measures.hardness import hardness
from vbench.runs import tables
from vbench.runs.run import Run

if TYPE_CHECKING:
    import polars as pl

_DEPTH = 200
"""`lid` needs 100 neighbors, `expansion` twice K."""


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
                f"{run.path} searched in-memory vectors ({facts.name}); give them with --dataset"
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

    Parameters
    ----------
    dataset
        The run's; default: opened again.

    Returns
    -------
    polars.DataFrame
        m rows, one float64 column for each measure.

    Raises
    ------
    VbenchError
        As :func:`dataset_of`.
    """
    import polars as pl

    fingerprint = run.manifest.dataset.fingerprint
    kept = tables.read_hardness(run.path, fingerprint, k)
    if kept is not None:
        return kept
    dataset = dataset_of(run, dataset)
    truth = compute_ground_truth(dataset, min(dataset.n, max(_DEPTH, 2 * k)))
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
