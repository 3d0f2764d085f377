"""What measures of the items' side have in common: intervals, comparisons, which items count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.errors import VbenchError
from vbench.measures.answers import Answers
from vbench.measures.base import Kind, WithCutoff, require
from vbench.measures.sample import Estimate, Sample
from vbench.measures.shared_items import Counts, SharedItems
from vbench.stats import crossed, paired
from vbench.stats.certificate import Certificate
from vbench.stats.paired import Difference


@dataclass(frozen=True, kw_only=True)
class OfItems(WithCutoff):
    """A mean over the items that stand in the exact top K of at least `least` queries.

    A subclass says by :meth:`worth` what an item is worth, and gets intervals and comparisons in
    which queries and builds are what is left to chance: items that share queries are not
    independent of each other.
    """

    kind: ClassVar[Kind] = "tail"
    least: int = 1

    def __post_init__(self) -> None:
        is_whole = isinstance(self.least, int | np.integer) and not isinstance(self.least, bool)
        allowed = "a whole number of queries from 1 on"
        require(is_whole and self.least >= 1, self, "least", self.least, allowed)

    @property
    def label(self) -> str:
        """What a chart says of it."""
        return super().label if self._is_usual else f"{super().label}, in ≥ {self.least} lists"

    @property
    def short(self) -> str:
        """What the head of a table's column says."""
        return super().short if self._is_usual else self._uncut

    @property
    def _is_usual(self) -> bool:
        return self.least == type(self).least

    def worth(self, listed: Counts, found: Counts) -> NDArray[Any]:
        """What items are worth, (builds, …).

        Parameters
        ----------
        listed : int64 (…)
            In how many exact lists each stands.
        found : int64 (builds, …)
            For how many of these queries it was returned.
        """
        raise NotImplementedError

    def value(self, answers: Answers) -> float | None:
        """The measure of one trial; None where its ids were not recorded."""
        items = self._items(Sample([answers]))
        return None if items is None else float(items.mean(self._counts, self.worth)[0])

    def estimate(self, sample: Sample) -> Estimate:
        """The mean over builds, with its interval and its spread."""
        if (items := self._items(sample)) is None:
            return Estimate(None, None, None, None)
        by_group = items.by_group(self._counts, self.worth)
        found = crossed.crossed_linearized(by_group, sample.level)
        value = float(items.mean(self._counts, self.worth).mean())  # to the last digit
        ends = {"low": min(found.low, value), "high": max(found.high, value)}
        return Estimate.of_builds(found._replace(value=value, **ends))

    def difference(self, baseline: Sample, candidate: Sample) -> Difference:
        """Candidate minus baseline, of the same queries and so of the same items."""
        a, b = self._items(baseline), self._items(candidate)
        if a is None or b is None:
            raise VbenchError(f"{self} cannot be compared: ids of answers were not recorded")
        return paired.compare_linearized(
            a.by_group(self._counts, self.worth),
            b.by_group(self._counts, self.worth),
            baseline.level,
            same_builds=bool(baseline.plans) and baseline.plans == candidate.plans,
        )

    def lower_bound(
        self, answers: Answers, wanted: float, level: float, pivot: Sequence[Answers]
    ) -> Certificate | None:
        """None: it is no function of single queries."""
        return None

    def is_attainable(self, wanted: float, n: int, level: float) -> bool:
        """Raise: more queries find more items, so that one half of them certifies nothing."""
        raise VbenchError(
            f"{self} cannot be certified, since it depends on the number of queries; tune to "
            f"Recall@{self.cutoff} or Robustness(delta=0.9)@{self.cutoff}, and bound it by "
            f"{spell_option('at_least')} of vbench compare"
        )

    def _items(self, sample: Sample) -> SharedItems | None:
        """The items of a sample, of which some count.

        Raises
        ------
        VbenchError
            None stands in so many exact lists.
        """
        items = sample.items()
        if items is not None and not self._counts(items.listed).any():
            raise VbenchError(
                f"{self}: no item is in the exact top {self.cutoff} of {self.least} queries, the "
                f"most is {items.listed.max(initial=0)}; give a smaller least"
            )
        return items

    def _counts(self, listed: Counts) -> NDArray[np.bool_]:
        return np.asarray(listed >= self.least)
