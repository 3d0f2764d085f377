"""What rankers make of the candidates: scores of all pairs, and measures of every list."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vbench._plugins import guard
from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.ranking.measures import by_name, find, kendall
from vbench.ranking.protocol import Ranker
from vbench.ranking.stage import Case, Stage
from vbench.runs.run import Run

_BLOCK_NUMBERS = 1 << 22

Progress = Callable[[str, int, int], None]


class ListWise(Protocol):
    """A stage behind a ranker whose scores depend on the whole list."""

    def scores(
        self,
        queries: NDArray[np.integer[Any]],
        items: NDArray[np.integer[Any]],
        score: FloatArray,
        there: NDArray[np.bool_],
    ) -> FloatArray:
        """Scores (m, k) by which each list is ordered anew.

        Parameters
        ----------
        queries : (m,), items : (m, k), score : (m, k), of the ranker
        there : (m, k), False for a pad
        """


@dataclass(frozen=True)
class Ranked:
    """What one ranker made of the candidates: the mean over its seeds, where it has several.

    Attributes
    ----------
    exact : float64 (mj,) by measure, of the exact candidates
    trials : float64 (trials, mj) by measure
    kendall : float64 (trials + 1, up to 1,000)
        τ-b between retrieval and ranker of some queries; the exact candidates first.
    scores : floating (P,), of the pairs of the pool, with the first seed
    seeds : float64 (seeds, mj), the leading measure of the exact candidates with each seed
    facts : what the ranker says of itself, with its first seed
    """

    name: str
    exact: dict[str, FloatArray]
    trials: dict[str, FloatArray]
    kendall: FloatArray
    scores: NDArray[np.floating]
    warnings: tuple[str, ...]
    seeds: FloatArray
    facts: Mapping[str, float] = field(default_factory=dict)


def score(stage: Stage, ranker: Ranker, name: str, progress: Progress | None = None) -> Ranked:
    """Rank every list of candidates with `ranker`, which is fitted already.

    Raises
    ------
    VbenchError
        It returns NaN, an infinity, another shape, or something that is not numbers.
    """
    scores = scores_of(ranker, name, stage, progress)
    with guard(f"ranker {name} failed in warnings"):
        said: Any = ranker.warnings()
        warnings = (said,) if isinstance(said, str) else tuple(map(str, said))
        facts = {str(key): float(value) for key, value in ranker.facts().items()}
    chosen = np.searchsorted(stage.pool.queries, stage.compared)
    taus = []

    def measured(number: int) -> dict[str, FloatArray]:
        places = stage.pool.places[number]
        at = places[chosen]
        taus.append(kendall(scores[at], at >= 0))
        return measure_list(stage, scores[places], places)

    exact, trials = _gather(measured, stage.trials)
    return Ranked(
        name=name,
        exact=exact,
        trials=trials,
        kendall=np.stack(taus),
        scores=scores,
        warnings=warnings,
        seeds=exact[f"nDCG@{stage.ideal.cutoff}"][np.newaxis],
        facts=facts,
    )


def rerank_lists(stage: Stage, ranked: Ranked, stage_behind: ListWise) -> Ranked:
    """What a list-wise stage behind a ranker makes of the same candidates."""

    def measured(number: int) -> dict[str, FloatArray]:
        places = stage.pool.places[number]
        there = places >= 0
        own = np.where(there, ranked.scores[places], 0.0)
        items = np.where(there, stage.pool.item[places], 0)
        anew = stage_behind.scores(stage.pool.queries, items, own, there)
        return measure_list(stage, anew, places)

    exact, trials = _gather(measured, stage.trials)
    return dataclasses.replace(
        ranked,
        exact=exact,
        trials=trials,
        seeds=exact[f"nDCG@{stage.ideal.cutoff}"][np.newaxis],
    )


def _gather(
    measured: Callable[[int], dict[str, FloatArray]], trials: int
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Measures of the exact candidates, and of all trials together, list by list."""
    exact = measured(0)
    found = {name: np.empty((trials, len(values))) for name, values in exact.items()}
    for trial in range(trials):
        for name, values in measured(trial + 1).items():
            found[name][trial] = values
    return exact, found


def average_seeds(ranked: Sequence[Ranked]) -> Ranked:
    """One ranker, with several seeds: the mean of every measure of every query."""
    first = ranked[0]
    if len(ranked) == 1:
        return first
    return dataclasses.replace(
        first,
        exact={
            name: np.mean([each.exact[name] for each in ranked], axis=0) for name in first.exact
        },
        trials={
            name: np.mean([each.trials[name] for each in ranked], axis=0) for name in first.trials
        },
        kendall=np.mean([each.kendall for each in ranked], axis=0),
        warnings=tuple(dict.fromkeys(text for each in ranked for text in each.warnings)),
        seeds=np.concatenate([each.seeds for each in ranked]),
    )


def measure_list(
    stage: Stage, scores: NDArray[np.floating], places: NDArray[np.integer[Any]]
) -> dict[str, FloatArray]:
    """Every measure of one list of candidates: float64 (mj,) by name.

    Parameters
    ----------
    scores, places : (r, K), of the queries that are pooled: the others have nothing to find
    """
    found = find(scores, stage.grades[places], places >= 0)
    rows = np.searchsorted(stage.judged, stage.pool.queries)
    found = found.among(rows, len(stage.judged))
    return {
        name: measure(found, stage.ideal) for name, measure in by_name(stage.ideal.cutoff).items()
    }


def scores_of(
    ranker: Ranker, name: str, stage: Stage, progress: Progress | None = None
) -> NDArray[np.floating]:
    """Scores of all pairs of the pool, checked: floating (P,)."""
    pool = stage.pool
    scores = np.empty(len(pool))
    done = 0
    for block in pool.blocks(ranker.pairs_a_call or max(1, _BLOCK_NUMBERS // stage.dataset.d)):
        with guard(f"ranker {name} failed in score"):
            given = np.asarray(ranker.score(block.queries, block.candidates))
        if given.shape != block.candidates.shape:
            raise VbenchError(
                f"ranker {name} returned scores of shape {given.shape} for candidates of shape "
                f"{block.candidates.shape}; it must return one score for each candidate"
            )
        if given.dtype.kind not in "fiu":
            raise VbenchError(f"ranker {name} returned {given.dtype}; scores must be numbers")
        if not np.isfinite(given).all():
            row, column = np.argwhere(~np.isfinite(given))[0]
            raise VbenchError(
                f"ranker {name} returned {given[row, column]} for query {block.queries[row]} and "
                f"item {block.candidates[row, column]}; every score must be a finite number"
            )
        scores[block.pairs] = given
        done += block.pairs.size
        if progress:
            progress(f"ranking with {name}", min(done, len(pool)), len(pool))
    return scores


def keep_run(stage: Stage, ranked: Sequence[Ranked], run: Run) -> tuple[Stage, list[Ranked]]:
    """The trials of one run alone."""
    cases: list[Case] = []
    trials: list[int] = []
    for case in stage.cases:
        if case.setting.run is run:
            cases.append(dataclasses.replace(case, first=len(trials)))
            trials += range(stage.trials)[case.builds]
    lists = [0, *(trial + 1 for trial in trials)]
    pool = dataclasses.replace(stage.pool, places=stage.pool.places.select(lists))
    own = [
        dataclasses.replace(
            each,
            trials={name: values[trials] for name, values in each.trials.items()},
            kendall=each.kendall[lists],
        )
        for each in ranked
    ]
    return dataclasses.replace(stage, cases=tuple(cases), pool=pool), own
