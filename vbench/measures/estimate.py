"""A measure over the builds of a setting: mean, interval, spread."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vbench._plugins import guard
from vbench.measures.answers import Answers
from vbench.measures.base import Measure, OfHits
from vbench.measures.recall import CVaR, Percentile, Recall
from vbench.metric import FloatArray
from vbench.stats import bootstrap, crossed, intervals, tail


class Estimate(NamedTuple):
    """A measure of one setting.

    Attributes
    ----------
    value
        Mean over builds; None where the trials did not record what the measure needs.
    low, high
        Ends of the interval. Of one build it covers the choice of queries: Wilson's for a share,
        the bootstrap of the histogram of hits for a mean or a tail, both of whole clusters where
        queries come in clusters. Of several builds it covers builds and queries. None for a cost
        of one build.
    spread
        Standard deviation over builds; None with one build.
    """

    value: float | None
    low: float | None
    high: float | None
    spread: float | None


# With fewer queries the bootstrap's intervals of CVaR cover 83 to 93 % where 95 % is claimed.
_ENOUGH_TO_RESAMPLE = 1000


class Estimator:
    """Estimates measures from the answers of every build of one setting.

    What several measures need — the hits, the resamples — is made once.

    Parameters
    ----------
    cluster : (m,), optional
        User or session of each query; queries of one cluster are not taken as independent.
    """

    def __init__(
        self, answers: Sequence[Answers], level: float = 0.95, cluster: ArrayLike | None = None
    ) -> None:
        self.answers = answers
        self.level = level
        self.cluster = cluster

    def of(self, measure: Measure) -> Estimate:
        """Estimate one measure.

        Raises
        ------
        VbenchError
            When it cannot be computed, as one of a plug-in may not.
        """
        with guard(f"{measure} cannot be computed"):
            return self._of(measure)

    def _of(self, measure: Measure) -> Estimate:
        if measure.kind == "cost":
            return self._over_builds(measure)
        if len(self.answers) == 1 and isinstance(measure, OfHits):
            ends = self._of_one_build(measure)
            if ends is not None:
                return Estimate(measure.value(self.answers[0]), *ends, None)
        if isinstance(measure, CVaR):
            recall = self._hits(measure.truth) / measure.needed
            return _plain(tail.crossed_cvar(recall, measure.alpha, self.level, self.cluster))
        if isinstance(measure, Percentile):
            recall = self._hits(measure.truth) / measure.needed
            return _plain(tail.crossed_percentile(recall, measure.p, self.level, self.cluster))
        if measure.kind == "tail":
            return self._over_builds(measure)
        values = np.stack([measure.per_query(each) for each in self.answers])
        return _plain(crossed.crossed_mean(values, self.level, self.cluster))

    def _of_one_build(self, measure: OfHits) -> intervals.Interval | None:
        """Interval over the queries alone; None where the histogram of hits says too little."""
        if measure.kind == "share" and self.cluster is None:
            passing = measure.per_query(self.answers[0])
            return intervals.wilson(int(passing.sum()), len(passing), self.level)
        if len(self.answers[0].hits) < _ENOUGH_TO_RESAMPLE:
            return None
        resamples = self._resamples(measure.truth)
        if len(resamples.hits) == 1:
            # Every resample of equal queries is equal: the bootstrap would claim certainty.
            return None
        match measure:
            case Recall():
                return resamples.mean(self.level)
            case CVaR(alpha=alpha):
                return resamples.cvar(alpha, self.level)
            case Percentile(p=p):
                return resamples.percentile(p, self.level)
        return None

    def _over_builds(self, measure: Measure) -> Estimate:
        """Student's interval of the mean over builds, for what is no mean over queries."""
        values = [value for value in map(measure.value, self.answers) if value is not None]
        if not values:
            return Estimate(None, None, None, None)
        mean = float(np.mean(values))
        if len(values) == 1:
            return Estimate(mean, None, None, None)
        return Estimate(mean, *intervals.student(values, self.level), float(np.std(values, ddof=1)))

    @functools.lru_cache  # noqa: B019 (an estimator lives for one setting)
    def _hits(self, truth: int | None) -> FloatArray:
        return np.stack([each.hits_against(truth) for each in self.answers])

    @functools.lru_cache  # noqa: B019 (an estimator lives for one setting)
    def _resamples(self, truth: int | None) -> bootstrap.Resamples:
        k = truth or self.answers[0].k
        return bootstrap.resample(self._hits(truth)[0], k, cluster=self.cluster)


def _plain(estimate: crossed.Estimate) -> Estimate:
    spread = None if np.isnan(estimate.spread) else estimate.spread
    return Estimate(estimate.value, estimate.low, estimate.high, spread)
