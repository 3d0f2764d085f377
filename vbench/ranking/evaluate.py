"""Rank the candidates of some runs with some rankers, against the exact control."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vbench._plugins import guard
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.ranking.document import LEADING, document, write_document
from vbench.ranking.interactions import identity, source_of
from vbench.ranking.protocol import Material, Ranker
from vbench.ranking.registry import resolve
from vbench.ranking.simple import Popularity, known_popularity
from vbench.ranking.stage import (
    Progress,
    Ranked,
    Stage,
    measured,
    part,
    score,
    scores_of,
    set_up,
)
from vbench.runs.failed import failed_trials
from vbench.runs.run import Run


def evaluate(
    runs: Sequence[Run],
    rankers: Sequence[str] = (),
    k: int | None = None,
    *,
    dataset: Dataset | None = None,
    interactions: Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Rank, and describe what the model and what the index loses.

    The document of each run, made of its own trials alone, is left in its folder.

    Parameters
    ----------
    runs : of one dataset
    rankers
        As :func:`vbench.ranking.registry.resolve` takes them; by default `tower`, and
        `popularity` where the items have it.
    k : number of candidates; by default the largest K that all runs hold
    dataset : by default the one that the first run names
    interactions : file that trained rankers learn from; by default that of the dataset's recipe

    Returns
    -------
    dict
        The document (schema ``vbench.rank/1``) of all runs together.

    Raises
    ------
    VbenchError
    """
    if not runs:
        raise VbenchError("give at least one run folder")
    from threadpoolctl import threadpool_limits

    # Thousands of small products: threads only wait for each other.
    with threadpool_limits(1, user_api="blas"):
        return _evaluate(runs, rankers, k, dataset, interactions, seed, progress)


def _evaluate(
    runs: Sequence[Run],
    rankers: Sequence[str],
    k: int | None,
    dataset: Dataset | None,
    interactions: Path | None,
    seed: int,
    progress: Progress | None,
) -> dict[str, Any]:
    data = dataset or dataset_of(runs[0])
    # A wrong name should not be found out after the other rankers have worked for a minute.
    resolved = {name: resolve(name) for name in rankers or _usual(data)}
    stage = set_up(runs, data, k)
    source = source_of(data, interactions)
    material = Material(
        dataset=data,
        exposed=runs[0].ground_truth.ids[:, : stage.k],
        interactions=source.read,
        source=identity(source),
        seed=seed,
    )
    ranked = [_ranked(stage, *each, material, progress) for each in resolved.items()]
    popular = _popular(stage, material)
    lost = [each for run in runs for each in failed_trials(run) if each["k"] == stage.k]
    made = document(stage, ranked, popular, lost)
    for run in runs:
        own = made
        if len(runs) > 1:
            lost = [each for each in failed_trials(run) if each["k"] == stage.k]
            own = document(*part(stage, ranked, run), popular, lost)
        write_document(run.path, own)
    return made


def dataset_of(run: Run) -> Dataset:
    """Open the dataset that a run searched.

    Raises
    ------
    VbenchError
        The run was made of vectors in memory, or its files are not there any more.
    """
    from vbench.data.load import reopen

    facts = run.manifest.dataset
    if not facts.source:
        raise VbenchError(
            f"{run.path} searched vectors in memory ({facts.name}); give them with --dataset"
        )
    return reopen(facts.source)


def _usual(dataset: Dataset) -> list[str]:
    return ["tower"] if known_popularity(dataset) is None else ["tower", "popularity"]


def _ranked(
    stage: Stage, name: str, ranker: Ranker, material: Material, progress: Progress | None
) -> Ranked:
    if progress:
        progress(f"preparing {name}", 0, 1)
    with guard(f"ranker {name} failed in fit"):
        ranker.fit(material)
    return score(stage, ranker, name, progress)


def _popular(stage: Stage, material: Material) -> FloatArray | None:
    """Leading measure of the exact candidates in the order of popularity, where it is known."""
    if known_popularity(stage.dataset) is None:
        return None
    ranker = Popularity()
    ranker.fit(material)
    scores = scores_of(ranker, "popularity", stage)
    return measured(stage, scores, stage.pool.places[0])[LEADING]
