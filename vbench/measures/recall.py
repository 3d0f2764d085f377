"""Recall, and how it is spread over the queries."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from vbench.measures.answers import Answers
from vbench.measures.base import Kind, OfHits, require
from vbench.measures.hits import threshold
from vbench.metric import FloatArray


@dataclass(frozen=True, kw_only=True)
class Recall(OfHits):
    """Mean of h_i / K.

    With ``truth=10`` at ``@100``, *survival*: the share of the exact top 10 among the 100
    retrieved. (ir_measures calls recall against judgments ``R``; here the exact neighbors are
    the relevant ones, which is also the precision of a list of K.)
    """

    def per_query(self, answers: Answers) -> FloatArray:
        return np.asarray(self.hits(answers) / self.needed)


@dataclass(frozen=True, kw_only=True)
class Robustness(OfHits):
    """Robustness-δ@K: the share of queries with recall ≥ δ.

    Source: Wang et al., "Towards Robustness: A Critique of Current Vector Database
    Assessments", arXiv 2507.00379.
    """

    kind: ClassVar[Kind] = "share"
    delta: float

    def __post_init__(self) -> None:
        require(0 <= self.delta <= 1, self, "delta", self.delta, "a number from 0 to 1")
        super().__post_init__()

    def per_query(self, answers: Answers) -> FloatArray:
        return np.asarray(self.hits(answers) >= threshold(self.delta, self.needed), dtype=float)


@dataclass(frozen=True, kw_only=True)
class Failure(OfHits):
    """Share of queries with nothing right: 1 − Robustness(delta=1/K)@K."""

    kind: ClassVar[Kind] = "share"
    higher_is_better: ClassVar[bool] = False

    def per_query(self, answers: Answers) -> FloatArray:
        return np.asarray(self.hits(answers) == 0, dtype=float)


@dataclass(frozen=True, kw_only=True)
class CVaR(OfHits):
    """Mean recall of the worst ⌈αm⌉ queries; "the worst 5 %" at α = 0.05.

    The name is finance's conditional value at risk (expected shortfall).
    """

    kind: ClassVar[Kind] = "tail"
    alpha: float = 0.05

    def __post_init__(self) -> None:
        require(0 < self.alpha <= 1, self, "alpha", self.alpha, "a number above 0, up to 1")
        super().__post_init__()

    def value(self, answers: Answers) -> float:
        hits = self.hits(answers)
        worst = math.ceil(Fraction(repr(float(self.alpha))) * len(hits))
        lowest = np.partition(hits, worst - 1)[:worst]
        return float(lowest.mean() / self.needed)


@dataclass(frozen=True, kw_only=True)
class Percentile(OfHits):
    """The p-th percentile of per-query recall, lower, without interpolation."""

    kind: ClassVar[Kind] = "tail"
    p: int | float = 5

    def __post_init__(self) -> None:
        require(0 <= self.p <= 100, self, "p", self.p, "a number from 0 to 100")
        super().__post_init__()

    def value(self, answers: Answers) -> float:
        hits = self.hits(answers)
        return float(np.percentile(hits, self.p, method="lower") / self.needed)
