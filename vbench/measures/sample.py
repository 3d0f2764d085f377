"""What a measure is estimated from: the answers of every build of one setting."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from vbench._plugins import guard
from vbench.measures.answers import Answers
from vbench.measures.curve import Counts
from vbench.measures.shared_items import SharedItems
from vbench.metric import FloatArray
from vbench.stats import bootstrap, crossed

if TYPE_CHECKING:
    from vbench.measures.base import Measure


T = TypeVar("T")


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

    @classmethod
    def of_builds(cls, found: crossed.Estimate) -> Estimate:
        """What statistics say of builds and queries, with None for what one build cannot tell."""
        spread = None if np.isnan(found.spread) else found.spread
        return cls(found.value, found.low, found.high, spread)


class Sample:
    """The answers of every build of one setting; what several measures need is made once.

    Parameters
    ----------
    answers
        Of each build, to the same queries.
    level
        Confidence of every interval.
    clusters : (m,), optional
        User or session of each query; queries of one cluster are not taken as independent.
    plans
        What made each build, such as its seed and insertion order; empty where nobody knows.
    """

    def __init__(
        self,
        answers: Sequence[Answers],
        level: float = 0.95,
        clusters: NDArray[Any] | None = None,
        plans: Sequence[Hashable] = (),
    ) -> None:
        self.answers = answers
        self.level = level
        self.clusters = clusters
        self.plans = list(plans)
        self._made: dict[tuple[str, int | None], Any] = {}

    def once(self, what: str, make: Callable[[], T], truth: int | None = None) -> T:
        """What is asked for often. No cached method: that would keep the sample, and all arrays."""
        if (what, truth) not in self._made:
            self._made[what, truth] = make()
        made: T = self._made[what, truth]
        return made

    def estimate(self, measure: Measure) -> Estimate:
        """Estimate one measure.

        Raises
        ------
        VbenchError
            When it cannot be computed, as one of a plug-in may not.
        """
        with guard(f"{measure} cannot be computed"):
            return measure.estimate(self)

    def per_query(self, measure: Measure) -> tuple[FloatArray, NDArray[Any] | None]:
        """The measure of every query in every build, float64 (builds, m), and their clusters."""
        return self.drop_gaps(np.stack([measure.per_query(each) for each in self.answers]))

    def drop_gaps(self, values: FloatArray) -> tuple[FloatArray, NDArray[Any] | None]:
        """Values (builds, m) and clusters of the queries that have one: elsewhere it is nan."""
        gaps = np.isnan(values).any(axis=0)
        if not gaps.any():
            return values, self.clusters
        return values[:, ~gaps], None if self.clusters is None else self.clusters[~gaps]

    def values(self, measure: Measure) -> list[float]:
        """The measure of each build that recorded what it needs."""
        return [value for value in map(measure.value, self.answers) if value is not None]

    def hits(self, truth: int | None = None) -> NDArray[np.integer[Any]]:
        """Hits against the exact top `truth` (None: K), integer (builds, m)."""
        return self.once(
            "hits", lambda: np.stack([each.hits_against(truth) for each in self.answers]), truth
        )

    def counts(self, truth: int | None = None) -> Counts:
        """How many queries reach each number of hits."""
        k = truth or self.answers[0].k
        return self.once("counts", lambda: Counts.of(self.hits(truth), k), truth)

    def resamples(self, truth: int | None = None) -> bootstrap.Resamples:
        """Resampled hits of the first build."""
        k = truth or self.answers[0].k
        return self.once(
            "resamples",
            lambda: bootstrap.resample(self.hits(truth)[0], k, cluster=self.clusters),
            truth,
        )

    def items(self) -> SharedItems | None:
        """The items of the exact lists and how often they were found; None without ids."""
        return self.once("items", self._items)

    def _items(self) -> SharedItems | None:
        if any(each.ids.shape[1] == 0 for each in self.answers):
            return None
        return SharedItems.of(self.answers, self.clusters)
