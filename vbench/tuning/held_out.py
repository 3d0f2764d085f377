"""Held-out queries of a dataset, asked of one index at several settings, and what that costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.analysis.claims import ClaimCost, wanted_recall
from vbench.analysis.tuning import Tuning
from vbench.bench.journal import Progress
from vbench.bench.reach import Target as Reached
from vbench.bench.score import Scorer
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth
from vbench.indexes.answers import check_range
from vbench.indexes.claims import read_estimates
from vbench.measures.answers import Answers
from vbench.measures.effort import effort, gain
from vbench.measures.hits import threshold
from vbench.measures.targets import Target
from vbench.metric import FloatArray
from vbench.runs.settings import spell
from vbench.tuning.trials import split_queries

PASSES = 3


class Asked(NamedTuple):
    """Queries, asked at one setting: ids (m, k), estimates (m,), seconds of a query."""

    ids: NDArray[np.int64]
    estimates: FloatArray | None
    seconds: float


class HeldOut:
    """The halves of the queries of a dataset, and the index that is asked them.

    Attributes
    ----------
    warm, queries
        The half that it is warmed up with, and the one that judges.
    """

    def __init__(self, dataset: Dataset, reached: Reached, windows: int, seed: int) -> None:
        first, rows = split_queries(dataset.m, seed)
        self.warm, self.queries = dataset.queries[first], dataset.queries[rows]
        self._index, self._windows, self._n = reached, windows, dataset.n
        truth = compute_ground_truth(dataset, reached.k + 1)
        some = replace(truth, ids=truth.ids[rows], distances=truth.distances[rows])
        self._scorer = Scorer(replace(dataset, queries=self.queries), some, "exact-tie")

    def sizes(self, m: int) -> list[int]:
        """Numbers of queries of each of the calls that `m` are asked in, in order."""
        return [len(each) for each in np.array_split(np.arange(m), min(self._windows, m))]

    def ask(self, queries: NDArray[Any]) -> Asked:
        """Ask queries window by window, each in one call, and what is estimated of each."""
        ids, estimates = [], []
        index = self._index.index
        clock = time.process_time if type(index).local else time.perf_counter
        begun = clock()
        for part in np.array_split(queries, len(self.sizes(len(queries)))):
            ids.append(self._index.search_batch(part))
            estimates.append(read_estimates(index, len(part)))
        spent = clock() - begun
        known = [each for each in estimates if each is not None]
        found = np.concatenate(ids)
        check_range(found, self._n)
        told = np.concatenate(known) if len(known) == len(ids) else None
        return Asked(found, told, spent / len(queries))

    def judge(self, ids: NDArray[np.int64]) -> Answers:
        """Answers (m, k) to the half that judges, scored."""
        scored, truth = self._scorer.score(ids), self._scorer.ground_truth
        return Answers(
            k=ids.shape[1],
            ids=ids,
            hits=scored.hits,
            truth_ids=truth.ids,
            truth_distances=truth.distances,
            metric=self._scorer.dataset.metric,
            rule=self._scorer.rule,
            ratio=scored.ratio,
            latency_ns=np.empty((len(ids), 0), np.int64),
            place=scored.place,
        )

    def price(
        self,
        target: Target,
        proposed: Mapping[str, Any],
        seconds: float,
        answers: Answers,
        tuned: Tuning,
        progress: Progress,
    ) -> tuple[ClaimCost, ...]:
        """What the claim costs, the best setting that tuning tried, and the oracle among those.

        Parameters
        ----------
        seconds, answers
            Of the claim.
        """
        settings = list({spell(each.setting): each.setting for each in tuned.tried}.values())
        spent: dict[str, list[float]] = {}
        found: dict[str, Answers] = {}
        for number in range(PASSES):
            for done, setting in enumerate(settings):
                progress(
                    "asking at each setting", number * len(settings) + done, PASSES * len(settings)
                )
                self._index.index.set(**setting)
                asked = self.ask(self.queries)
                spent.setdefault(spell(setting), []).append(asked.seconds)
                if not number:
                    found[spell(setting)] = self.judge(asked.ids)
        cost = {key: statistics.median(each) for key, each in spent.items()}
        need = threshold(wanted_recall(target), answers.k)
        order = sorted(found, key=lambda key: float(found[key].hits.mean()))
        prices = [cost[key] for key in order]
        table = np.stack([found[key].hits for key in order])
        places = effort(table, need)
        # A query that no setting serves is given the cheapest.
        chosen = np.where(places < 0, int(np.argmin(prices)), places)
        oracle = replace(answers, hits=table[chosen, np.arange(len(chosen))], place=None)

        def row(
            way: Literal["claimed", "fixed", "oracle"],
            setting: Mapping[str, Any] | None,
            each: float,
            of: Answers,
            certified: bool | None = None,
        ) -> ClaimCost:
            return ClaimCost(
                way=way,
                setting=setting,
                certified=certified,
                seconds=each,
                value=float(target.measure.value(of) or 0.0),
                reached=float((of.hits >= need).mean()),
            )

        best = spell(tuned.best.setting)
        return (
            row("claimed", proposed, seconds, answers),
            row("fixed", tuned.best.setting, cost[best], found[best], tuned.certified),
            row("oracle", None, gain(places, prices).each, oracle),
        )
