"""Answers that are good and in time: recall and latency of one query together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vbench.errors import VbenchError
from vbench.measures.answers import Answers
from vbench.measures.base import Kind, OfHits, require
from vbench.measures.duration import Duration
from vbench.measures.hits import threshold
from vbench.measures.sample import Estimate, Sample
from vbench.metric import FloatArray
from vbench.stats.certificate import Certificate


@dataclass(frozen=True)
class Served(OfHits):
    """Share of queries with recall ≥ δ whose every timed answer came within the limit.

    Under a load that is how many users were served: at a rate, time counts from when the query
    was due. Passes that other processes disturbed are left out, as far as there are others.
    """

    kind: ClassVar[Kind] = "share"
    is_clocked: ClassVar[bool] = True
    is_of_machine: ClassVar[bool] = True
    spellings: ClassVar[tuple[str, ...]] = (
        r"(?:served|queries with recall ≥) (?P<delta>\d*\.?\d+\s*%?) (?:with)?in "
        r"(?P<within>\d*\.?\d+\s*\w+)",
    )
    labels: ClassVar[tuple[str, str]] = (
        "queries with recall ≥ {0.delta:g} within {0.within}",
        "served {0.delta} in {0.within}",
    )
    delta: float
    within: float | str = field(metadata={"read": Duration})
    """Seconds, or a text such as ``10ms``."""

    def __post_init__(self) -> None:
        require(0 <= self.delta <= 1, self, "delta", self.delta, "a number from 0 to 1")
        object.__setattr__(self, "within", Duration(self.within))
        super().__post_init__()

    def per_query(self, answers: Answers) -> FloatArray:
        good, in_time = self._parts(answers)
        return np.asarray(good & in_time, dtype=float)

    def _parts(self, answers: Answers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which queries are answered well, and which in time, (m,) each."""
        times = answers.quiet_ns
        if not times.size:
            raise VbenchError(f"{self} cannot be computed: no times were recorded")
        good = self.hits(answers) >= threshold(self.delta, self.needed)
        return np.asarray(good), np.asarray(times.max(axis=1) <= Duration(self.within).nanoseconds)

    def is_overdone(self, answers: Answers) -> bool:
        """Whether more queries are too late than are answered too badly."""
        if not answers.latency_ns.size:
            return False
        good, in_time = self._parts(answers)
        return bool(in_time.sum() < good.sum())

    def value(self, answers: Answers) -> float | None:
        return super().value(answers) if answers.latency_ns.size else None

    def estimate(self, sample: Sample) -> Estimate:
        if all(each.latency_ns.size for each in sample.answers):
            return super().estimate(sample)
        return Estimate(None, None, None, None)

    def lower_bound(
        self, answers: Answers, wanted: float, level: float, pivot: Sequence[Answers]
    ) -> Certificate | None:
        if not answers.latency_ns.size:
            return None
        return super().lower_bound(answers, wanted, level, pivot)
