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
        return np.asarray(np.where(right.any(axis=1), 1.0 / (right.argmax(axis=1) + 1), 0.0))


@dataclass(frozen=True)
class MAP(WithCutoff):
    """Mean average precision: mean of (1/K) Σ_j precision@j over the ranks j that are right."""

    def per_query(self, answers: Answers) -> FloatArray:
        right = answers.relevance()
        precision = right.cumsum(axis=1) / np.arange(1, self.cutoff + 1)
        return np.asarray((precision * right).sum(axis=1) / self.cutoff)


@dataclass(frozen=True)
class nDCG(WithCutoff):  # noqa: N801 (the field writes it so)
    """Discounted cumulative gain over that of the exact list; gain K for the nearest … 1.

    The gain is the exact rank, linear, and not 0 or 1: with binary gains a reversed list scores
    the same as the exact one. The ideal is the exact list itself, whatever was returned. An id
    that only ties with the K-th neighbor has the K-th gain.
    """

    def per_query(self, answers: Answers) -> FloatArray:
        gains = np.arange(self.cutoff, 0, -1, dtype=np.float64)
        discounts = 1.0 / np.log2(np.arange(2, self.cutoff + 2))
        right = answers.relevance()
        exact = answers.truth_ids[:, : self.cutoff]
        gained = np.where(right, 1.0, 0.0)
        for rank in range(self.cutoff - 1):
            here = right & (answers.ids == exact[:, rank : rank + 1])
            gained[here] = gains[rank]
        return np.asarray((gained * discounts).sum(axis=1) / (gains * discounts).sum())


@dataclass(frozen=True)
class Ratio(WithCutoff):
    """Mean over queries of Σ true distance / Σ returned distance; 1 is exact.

    Source: arXiv 2606.04522, where it is called 1/Ratio@k. `ip` is first made Euclidean by one
    more dimension. A pad or a repeated id contributes nothing: the r ids that are left are
    compared with the r nearest, and the quotient is scaled by r / K.
    """

    def per_query(self, answers: Answers) -> FloatArray:
        return answers.ratio
