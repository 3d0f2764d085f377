"""The value of a measure for ids that a test has, by the same rules as in a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vbench.bench.score import Scorer
from vbench.data.ground_truth import compute_ground_truth
from vbench.data.load import load
from vbench.errors import VbenchError
from vbench.indexes.answers import AnswerError, check_batch, check_range
from vbench.measures.answers import Answers
from vbench.measures.base import Measure, OfHits
from vbench.measures.hits import Rule
from vbench.measures.recall import CVaR, Percentile
from vbench.stats.intervals import tail_size

_RULE: Rule = "exact-tie"


class Scores:
    """Scores answers to `queries` (m, d) from `base` (n, d) by one measure.

    The exact neighbors are found once, in memory.

    Raises
    ------
    DataError, VbenchError
        Base, queries or metric are not what they must be; there are fewer base vectors than K.
    """

    def __init__(
        self, measure: Measure, base: ArrayLike, queries: ArrayLike, metric: str = "l2"
    ) -> None:
        k = measure.cutoff
        assert k is not None
        self.measure, self.k = measure, k
        vectors = (np.asarray(each) for each in (base, queries))
        self.dataset = load(next(vectors), queries=next(vectors), metric=metric, name="base")
        if k > self.dataset.n:
            raise VbenchError(f"{measure} needs {k} neighbors; base has {self.dataset.n} vectors")
        self._truth = compute_ground_truth(self.dataset, k + 1, cache=False)
        self._scorer = Scorer(self.dataset, self._truth, _RULE)

    @property
    def queries(self) -> NDArray[Any]:
        """The queries, as they are asked."""
        return self.dataset.queries

    @property
    def step(self) -> float:
        """Distance of neighboring values of the measure."""
        measure, m = self.measure, self.dataset.m
        needed = measure.needed if isinstance(measure, OfHits) else self.k
        if measure.kind == "share":
            return 1.0 / m
        if isinstance(measure, Percentile):
            return 1.0 / needed
        counted = tail_size(m, measure.alpha) if isinstance(measure, CVaR) else m
        return 1.0 / (counted * needed)

    def value(self, ids: ArrayLike) -> float:
        """The measure of ids (m, k), -1 pads.

        Raises
        ------
        VbenchError
            They are not ids of so many queries, or not row numbers of the base.
        """
        try:
            padded = check_batch(ids, self.dataset.m, self.k)
            check_range(padded, self.dataset.n)
        except AnswerError as error:
            raise VbenchError(str(error)) from None
        scored = self._scorer.score(padded)
        value = self.measure.value(
            Answers(
                k=self.k,
                ids=padded,
                hits=scored.hits,
                truth_ids=self._truth.ids,
                truth_distances=self._truth.distances,
                metric=self.dataset.metric,
                rule=_RULE,
                ratio=scored.ratio,
                latency_ns=np.empty((self.dataset.m, 0), np.int64),
                place=scored.place,
            )
        )
        if value is None:
            raise VbenchError(f"{self.measure} cannot be computed from ids alone")
        return value
