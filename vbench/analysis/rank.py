"""Rank the candidates of some runs with some rankers, against the exact control."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from vbench._document import Interval
from vbench._plugins import guard
from vbench.analysis.answer import RankingCost
from vbench.analysis.assemble import assemble
from vbench.analysis.losses import estimate_loss
from vbench.analysis.ranking import LEADING, RankingLoss, store_ranking
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.ranking.protocol import Material, Ranker, name_of, resolve
from vbench.ranking.ranked import (
    Progress,
    Ranked,
    average_seeds,
    keep_run,
    measure_list,
    rerank_lists,
    score,
)
from vbench.ranking.simple import known_popularity
from vbench.ranking.source import identity, source_of
from vbench.ranking.stage import Stage, set_up
from vbench.ranking.trained import fit_list_wise
from vbench.runs.run import Run
from vbench.runs.schema import View
from vbench.runs.settings import Setting
from vbench.runs.vectors import dataset_of
from vbench.runs.views import open_view


def rank(
    runs: Sequence[Run],
    rankers: Sequence[str | type | object] = (),
    k: int | None = None,
    *,
    dataset: Dataset | None = None,
    interactions: Path | None = None,
    seed: int = 0,
    seeds: int = 1,
    rerank: bool = False,
    view: str | None = None,
    progress: Progress | None = None,
) -> RankingLoss:
    """Rank, and describe what the model and what the index loses over all runs together.

    What is found of each run, made of its own trials alone, is left in its folder.
    :func:`vbench.rank` says what the arguments mean.
    """
    if not runs:
        raise VbenchError("give at least one run folder")
    runs = [open_view(run, view) for run in runs]
    from threadpoolctl import threadpool_limits

    data = dataset or dataset_of(runs[0])
    # A wrong name should not be found out after the other rankers have worked for a minute.
    usual = ["tower"] if known_popularity(data) is None else ["tower", "popularity"]
    resolved = {name_of(each): resolve(each) for each in rankers or usual}
    # Thousands of small products: threads only wait for each other.
    with threadpool_limits(1, user_api="blas"):
        stage = set_up(runs, data, k)
        source = source_of(data, interactions)
        material = Material(
            dataset=data,
            # A ranker is the same in every view.
            exposed=runs[0].in_view(View()).ground_truth.ids[:, : stage.k],
            interactions=source.read,
            source=identity(source),
            seed=seed,
        )
        made = [
            _ranked(stage, *each, material, seeds, rerank, progress) for each in resolved.items()
        ]
        ranked = [own for own, _ in made]
        behind = [lists for _, lists in made if lists is not None]
        popular = _popular(stage)
        whole = assemble(stage, ranked, popular, behind)
        for run in runs:
            own = whole
            if len(runs) > 1:
                kept, own_ranked = keep_run(stage, ranked, run)
                own = assemble(kept, own_ranked, popular, keep_run(stage, behind, run)[1])
            store_ranking(run.path, own)
        return whole


def rank_setting(setting: Setting, dataset: Dataset) -> RankingCost:
    """What the misses of one setting change in nDCG@10, the candidates ranked by the towers.

    Raises
    ------
    VbenchError
        The dataset has no relevance judgments that fit it.
    """
    from threadpoolctl import threadpool_limits

    run, name = setting.run, "tower"
    with threadpool_limits(1, user_api="blas"):
        stage = set_up([run], dataset, setting.k, [setting])
        source = source_of(dataset)
        ranker = resolve(name)
        material = Material(
            dataset=dataset,
            exposed=run.in_view(View()).ground_truth.ids[:, : stage.k],
            interactions=source.read,
            source=identity(source),
            seed=0,
        )
        ranked, _ = _ranked(stage, name, ranker, material)
    exact = ranked.exact[LEADING]
    loss = estimate_loss(exact, ranked.trials[LEADING])
    scale = float(exact.mean()) or 1.0
    ends = (loss.value, loss.high, loss.low)
    change = Interval(*(None if each is None else -each / scale for each in ends))
    return RankingCost(measure=LEADING, ranker=name, change=change)


def _ranked(
    stage: Stage,
    name: str,
    ranker: Ranker,
    material: Material,
    seeds: int = 1,
    behind: bool = False,
    progress: Progress | None = None,
) -> tuple[Ranked, Ranked | None]:
    """What the ranker makes of the candidates, and a list-wise stage behind it."""
    made, lists = [], []
    for number in range(seeds if ranker.is_seeded else 1):
        if progress:
            progress(f"preparing {name}{f', seed {number}' if number else ''}", 0, 1)
        with guard(f"ranker {name} failed in fit"):
            ranker.fit(dataclasses.replace(material, seed=material.seed + number))
        made.append(score(stage, ranker, name, progress))
        if behind:
            if progress:
                progress(f"re-ranking behind {name}", 0, 1)
            own = dataclasses.replace(material, seed=material.seed + number)
            lists.append(rerank_lists(stage, made[-1], fit_list_wise(own, ranker)))
    return average_seeds(made), average_seeds(lists) if lists else None


def _popular(stage: Stage) -> FloatArray | None:
    """Leading measure of the exact candidates in the order of popularity, where it is known."""
    known = known_popularity(stage.dataset)
    if known is None:
        return None
    exact = stage.pool.places[0]
    return measure_list(stage, known[stage.pool.item[exact]], exact)[LEADING]
