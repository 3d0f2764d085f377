"""Order-aware measures of ranked candidates against relevance judgments.

They agree with trec_eval: linear gains, the ideal list made of all judgments of a query and not
only of those among the candidates, and average precision over all relevant items. A list is never
sorted: only the ranks of its relevant candidates are counted, and those are few.

Two things are ours. Equal scores keep the order in which the index returned the candidates, where
trec_eval would take the larger id first. And a query whose candidates are all relevant or all
irrelevant has no area under the ROC curve (NaN), it is left out of GAUC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.ranking.judgments import Judgments

_BLOCK_COMPARES = 1 << 17
"""Candidates at a time, which a cache holds."""


@dataclass(frozen=True)
class Ideal:
    """What the judgments of m queries allow at best.

    Attributes
    ----------
    cutoff : length of the list that is shown
    relevant : int64 (m,), number of relevant items of each query, at least 1
    gain : float64 (m,), discounted gain of the best list
    """

    cutoff: int
    relevant: NDArray[np.int64]
    gain: FloatArray

    @classmethod
    def of(cls, judged: Judgments, cutoff: int) -> Ideal:
        """Of the judged queries of `judged`, in their order."""
        return cls(cutoff, judged.relevant(), judged.ideal(cutoff))


@dataclass(frozen=True)
class Found:
    """The relevant candidates of m ranked lists: P of them, ascending by query, then by rank.

    Attributes
    ----------
    query : int64 (P,), row of the list
    rank : int64 (P,), from 1
    grade : float64 (P,)
    ahead : float64 (P,), irrelevant candidates with a higher score, equal ones counted half
    relevant, irrelevant : int64 (m,), number of such candidates in each list
    """

    query: NDArray[np.int64]
    rank: NDArray[np.int64]
    grade: FloatArray
    ahead: FloatArray
    relevant: NDArray[np.int64]
    irrelevant: NDArray[np.int64]

    def among(self, rows: NDArray[np.intp], m: int) -> Found:
        """The same lists as these rows of `m`; the others are as if no candidate was there."""
        relevant, irrelevant = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
        relevant[rows], irrelevant[rows] = self.relevant, self.irrelevant
        return replace(self, query=rows[self.query], relevant=relevant, irrelevant=irrelevant)


def find(scores: NDArray[np.floating], grades: FloatArray, present: NDArray[np.bool_]) -> Found:
    """The ranks of the relevant candidates when each list is ordered by falling score.

    Parameters
    ----------
    scores : (m, k)
        Of candidates in the order in which they were retrieved, which decides between equals.
    grades : (m, k), 0 for an irrelevant candidate
    present : (m, k), False for a pad

    Raises
    ------
    VbenchError
        The shapes differ, or a score is NaN.
    """
    if not scores.shape == grades.shape == present.shape or scores.ndim != 2:
        raise VbenchError(
            f"scores, grades and present must have one shape (m, k), got {scores.shape}, "
            f"{grades.shape} and {present.shape}"
        )
    if np.isnan(scores).any():
        row, column = np.argwhere(np.isnan(scores))[0]
        raise VbenchError(f"the score of candidate {column} of query {row} is NaN")
    relevant = (grades > 0) & present
    query, column = np.nonzero(relevant)
    rank = np.empty(len(query), dtype=np.int64)
    ahead = np.empty(len(query))
    position = np.arange(scores.shape[1])
    step = max(1, _BLOCK_COMPARES // max(1, scores.shape[1]))
    for start in range(0, len(query), step):
        part = slice(start, start + step)
        rows, own = query[part], column[part, np.newaxis]
        mine = scores[rows, column[part]][:, np.newaxis]
        others, there = scores[rows], present[rows]
        better, tied = (others > mine) & there, (others == mine) & there
        rank[part] = 1 + better.sum(axis=1) + (tied & (position < own)).sum(axis=1)
        other = ~relevant[rows]
        ahead[part] = (better & other).sum(axis=1) + (tied & other).sum(axis=1) / 2
    order = np.lexsort((rank, query))
    wanted = relevant.sum(axis=1)
    return Found(
        query[order],
        rank[order],
        grades[query, column][order],
        ahead[order],
        wanted,
        present.sum(axis=1) - wanted,
    )


def ndcg(found: Found, ideal: Ideal) -> FloatArray:
    """Discounted cumulative gain, grade / log2(rank + 1), over that of the ideal list: (m,)."""
    gains = found.grade / np.log2(found.rank + 1)
    return _total(found, ideal, gains) / ideal.gain


def reciprocal_rank(found: Found, ideal: Ideal) -> FloatArray:
    """1 / rank of the first relevant candidate, 0 where it is below the cutoff: (m,)."""
    first = np.ones(len(found.query), dtype=bool)
    first[1:] = np.diff(found.query) != 0
    return _total(found, ideal, first / found.rank)


def hit(found: Found, ideal: Ideal) -> FloatArray:
    """1 where a relevant candidate is above the cutoff, else 0: (m,)."""
    return np.minimum(_total(found, ideal, np.ones(len(found.query))), 1.0)


def average_precision(found: Found, ideal: Ideal) -> FloatArray:
    """Sum of the precisions at each relevant rank over the number of relevant items: (m,)."""
    starts = np.cumsum(found.relevant) - found.relevant
    number = np.arange(1, len(found.query) + 1) - starts[found.query]
    return _total(found, ideal, number / found.rank) / ideal.relevant


def auc(found: Found, ideal: Ideal) -> FloatArray:
    """Share of pairs of a relevant and an irrelevant candidate that are in order: (m,).

    Of all candidates, whatever the cutoff. NaN where a list has no such pair.
    """
    behind = np.bincount(found.query, found.ahead, minlength=len(found.relevant))
    pairs = found.relevant * found.irrelevant
    return np.where(pairs > 0, 1.0 - behind / np.maximum(pairs, 1), np.nan)


def _total(found: Found, ideal: Ideal, values: FloatArray) -> FloatArray:
    shown = np.where(found.rank <= ideal.cutoff, values, 0.0)
    return np.bincount(found.query, shown, minlength=len(found.relevant)).astype(np.float64)


def by_name(cutoff: int) -> Mapping[str, Callable[[Found, Ideal], FloatArray]]:
    """The measures that are always computed, by their names.

    `GAUC` is the plain mean over queries of the area under the ROC curve (Zhu et al., "Optimized
    cost per click in Taobao display advertising", KDD 2017): all lists have the same weight.
    """
    return {
        f"nDCG@{cutoff}": ndcg,
        f"MRR@{cutoff}": reciprocal_rank,
        f"Hit@{cutoff}": hit,
        f"MAP@{cutoff}": average_precision,
        "GAUC": auc,
    }


def perfect(name: str, ideal: Ideal) -> FloatArray:
    """What the best possible list scores, of each query: 1, or less for MAP with many relevant."""
    if by_name(ideal.cutoff)[name] is average_precision:
        return np.minimum(ideal.relevant, ideal.cutoff) / ideal.relevant
    return np.ones(len(ideal.relevant))


def kendall(scores: NDArray[np.floating], present: NDArray[np.bool_]) -> FloatArray:
    """Kendall's τ-b between the order of retrieval and the order by falling score: (m,).

    Parameters
    ----------
    scores : (m, k)
    present : (m, k), False for a pad

    Returns
    -------
    float64 (m,)
        NaN where all scores of a list are equal or fewer than two candidates are there.
    """
    m, k = scores.shape
    # As few bytes as hold a rank or a sum of them: many are compared at a time.
    kind = np.min_scalar_type(k + 1)
    rank = _rank_equals_alike(scores, kind)
    # A pad is neither above another nor below it.
    low, high = (np.where(present, rank, pad).astype(kind).T.copy() for pad in (0, k + 1))
    kept, turned = np.zeros(m), np.zeros(m)
    for shift in range(1, k):
        kept += (low[:-shift] > high[shift:]).view(np.uint8).sum(axis=0, dtype=kind)
        turned += (high[:-shift] < low[shift:]).view(np.uint8).sum(axis=0, dtype=kind)
    there = present.sum(axis=1)
    # No two candidates are retrieved at one rank, so only the scores have ties.
    size = np.sqrt((kept + turned) * (there * (there - 1) / 2))
    return np.where(size > 0, (kept - turned) / np.where(size > 0, size, 1.0), np.nan)


def _rank_equals_alike(scores: NDArray[np.floating], kind: Any) -> NDArray[np.integer[Any]]:
    """Ranks of rising scores in each row from 1 on, equal ones for equal scores: (m, k)."""
    order = np.argsort(scores, axis=1)
    ordered = np.take_along_axis(scores, order, axis=1)
    rises = np.ones(scores.shape, dtype=bool)
    rises[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ranks = np.empty(scores.shape, dtype=kind)
    np.put_along_axis(ranks, order, rises.cumsum(axis=1, dtype=kind), axis=1)
    return ranks
