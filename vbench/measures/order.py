"""Measures that see the order of an answer, with the exact list as relevance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vbench.measures.answers import Answers
from vbench.measures.base import WithCutoff
from vbench.metric import FloatArray


@dataclass(frozen=True)
class MRR(WithCutoff):
    """Mean over queries of 1 / (rank of the first returned id that is in the exact top K)."""

    def per_query(self, answers: Answers) -> FloatArray:
        right = answers.relevance()
        first = np.where(right.any(axis=1), 1.0 / (right.argmax(axis=1) + 1), 0.0)
        return np.where(answers.possible() > 0, first, np.nan)


@dataclass(frozen=True)
class MAP(WithCutoff):
    """Mean average precision: mean of (1/K) Σ_j precision@j over the ranks j that are right."""

    def per_query(self, answers: Answers) -> FloatArray:
        right = answers.relevance()
        precision = right.cumsum(axis=1) / np.arange(1, self.cutoff + 1)
        with np.errstate(invalid="ignore"):
            return np.asarray((precision * right).sum(axis=1) / answers.possible())


@dataclass(frozen=True)
class nDCG(WithCutoff):  # noqa: N801 (the field writes it so)
    """Discounted cumulative gain over that of the exact list; gain K for the nearest … 1.

    The gain is the exact rank, linear, and not 0 or 1: with binary gains a reversed list scores
    the same as the exact one. The ideal is the exact list itself, whatever was returned. Base
    vectors of equal distance have the mean gain of their ranks, so that their order is all one.
    """

    def per_query(self, answers: Answers) -> FloatArray:
        discounts = 1.0 / np.log2(np.arange(2, self.cutoff + 2))
        _, gain, ideal = answers.worth
        with np.errstate(invalid="ignore"):
            return np.asarray((gain * discounts).sum(axis=1) / (ideal * discounts).sum(axis=1))


@dataclass(frozen=True)
class Ratio(WithCutoff):
    """Mean over queries of Σ true distance / Σ returned distance; 1 is exact.

    Source: arXiv 2606.04522, where it is called 1/Ratio@k. Distances are Euclidean under each
    metric: of unit vectors (chords) for `cosine`, and of vectors with one more dimension for
    `ip`, see :mod:`vbench.neighbors.euclidean`. A pad or a repeated id contributes nothing: the r
    ids that are left are compared with the r nearest, and the quotient is scaled by r / K.
    """

    def per_query(self, answers: Answers) -> FloatArray:
        return answers.ratio
