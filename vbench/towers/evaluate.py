"""How good a retriever is, by exact search: held-out interactions found, and told from others."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Document
from vbench.metric import Metric
from vbench.towers.features import IntArray
from vbench.towers.interactions import Interactions, Pairs

Scorer = Callable[[IntArray], NDArray[np.floating]]
"""Takes rows of users; gives scores of items 1 … n_items: (users, n_items)."""

Floats = NDArray[np.float64]

USERS_AT_MOST = 5_000
NEGATIVES = 10
_BLOCK = 500


class Quality(msgspec.Struct, frozen=True):
    """What exact search with some scores makes of the held-out interactions.

    Attributes
    ----------
    hit_rate
        HR@100: share of held-out interactions whose item is in their user's top 100.
    ndcg
        nDCG@10, mean over users: gain 1 for each held-out item, discount log2(rank + 1).
    auc
        Share of (held-out item, other item) pairs of one user in the right order, ties half. The
        other items, 10 for each held-out one, are drawn by popularity, so that knowing what is
        popular is worth 0.5.
    log_loss
        Cross-entropy of telling the same pairs apart, by a logistic function of the score that is
        fitted on the validation part. Knowing nothing but their share is worth 0.305.
    """

    hit_rate: float
    ndcg: float
    auc: float
    log_loss: float


class Epoch(msgspec.Struct, frozen=True):
    """What one pass over the interactions brought.

    Attributes
    ----------
    loss : mean over the epoch's batches
    hit_rate : HR@100 on the validation part
    """

    number: int
    loss: float
    hit_rate: float


class TrainedDataset(msgspec.Struct, frozen=True, kw_only=True):
    """The dataset that a training left in a folder."""

    name: str
    folder: str
    metric: Metric
    n: int
    m: int
    d: int


class Training(Document, frozen=True, kw_only=True, tag="vbench.train/2"):
    """What `vbench data train` made.

    Attributes
    ----------
    split, notes
        How the interactions were divided, and what was left out and why, in words.
    best
        Number of the epoch whose vectors the dataset has.
    quality
        Of the `towers`, and of what they are compared with.
    """

    dataset: TrainedDataset
    seed: int
    split: str
    notes: list[str]
    epochs: list[Epoch]
    best: int
    quality: dict[str, Quality]


class Answers(NamedTuple):
    """What one scorer said of some held-out interactions.

    Attributes
    ----------
    hit : bool (count,)
    ndcg : float64 (users,)
    good : float64 (count,)
        Score of the held-out item less the user's log-sum-exp over all items.
    bad : float64 (count, 10)
        The same of the items drawn beside it.
    """

    hit: NDArray[np.bool_]
    ndcg: Floats
    good: Floats
    bad: Floats

    def quality(self, calibration: Answers) -> Quality:
        """Sum up; `calibration` are the same scorer's answers on the validation part."""
        right = (self.good[:, None] > self.bad) + 0.5 * (self.good[:, None] == self.bad)
        slope, offset = _logistic(calibration.good, calibration.bad.ravel())
        loss = np.logaddexp(0, -slope * self.good - offset).sum()
        loss += np.logaddexp(0, slope * self.bad + offset).sum()
        return Quality(
            hit_rate=float(self.hit.mean()),
            ndcg=float(self.ndcg.mean()),
            auc=float(right.mean()),
            log_loss=float(loss / (self.good.size + self.bad.size)),
        )


def popularity_scorer(popularity: NDArray[np.integer]) -> Scorer:
    """Rank items by `popularity` (n_items,), the same for everybody."""
    scores = np.log1p(popularity).astype(np.float32)
    return lambda users: np.tile(scores, (len(users), 1))


def vector_scorer(queries: NDArray[np.floating], items: NDArray[np.floating]) -> Scorer:
    """Rank items by inner product; row r of the scorer is `queries[r - 1]`."""
    wide = items.astype(np.float32).T
    return lambda users: queries[users - 1].astype(np.float32) @ wide


def validation_hit_rate(data: Interactions, scorer: Scorer, seed: int) -> float:
    """HR@100 on the validation part, over at most 5,000 users drawn by seed."""
    users = np.unique(data.validation.user)
    if len(users) > USERS_AT_MOST:
        rng = np.random.default_rng([seed, 4])
        users = np.sort(rng.choice(users, USERS_AT_MOST, replace=False))
    return float(answers(users, data.validation, data.train, scorer, seed).hit.mean())


def answers(users: IntArray, held: Pairs, seen: Pairs | None, scorer: Scorer, seed: int) -> Answers:
    """Ask a scorer about some users, each with at least one pair in `held`.

    Items of the pairs in `seen` are left out of their user's ranking.
    """
    held = held.of(users)
    rng = np.random.default_rng([seed, 7])
    drawn = rng.choice(held.item, (len(held), NEGATIVES))
    starts = np.append(np.searchsorted(held.user, users), len(held))
    hit, gains, good, bad = [], [], [], []
    for begin in range(0, len(users), _BLOCK):
        block = users[begin : begin + _BLOCK]
        scores = np.array(scorer(block), dtype=np.float32)
        normal = _log_sum_exp(scores)
        top = _top(scores.copy(), block, seen)
        for row in range(len(block)):
            mine = slice(starts[begin + row], starts[begin + row + 1])
            wanted = held.item[mine]
            hit.append(np.isin(wanted, top[row]))
            gains.append(_ndcg(np.isin(top[row, :10], wanted), len(wanted)))
            good.append(scores[row, wanted - 1] - normal[row])
            bad.append(scores[row, drawn[mine] - 1] - normal[row])
    parts = (np.concatenate(part).astype(np.float64) for part in (good, bad))
    return Answers(np.concatenate(hit), np.array(gains), *parts)


def _top(scores: NDArray[np.float32], users: IntArray, seen: Pairs | None) -> NDArray[np.intp]:
    """Rows of the 100 best items of each user, best first; -1 where there are fewer."""
    if seen is not None:
        first, last = (np.searchsorted(seen.user, users, side=s) for s in ("left", "right"))
        for row, (begin, end) in enumerate(zip(first, last, strict=True)):
            scores[row, seen.item[begin:end] - 1] = -np.inf
    depth = min(100, scores.shape[1])
    top = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
    values = np.take_along_axis(scores, top, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    ranked = np.take_along_axis(top, order, axis=1) + 1
    return np.where(np.isneginf(np.take_along_axis(values, order, axis=1)), -1, ranked)


def _ndcg(relevant: NDArray[np.bool_], wanted: int) -> float:
    discount = 1 / np.log2(np.arange(2, 12))
    return float(relevant @ discount[: len(relevant)] / discount[:wanted].sum())


def _log_sum_exp(scores: NDArray[np.float32]) -> Floats:
    highest = scores.max(axis=1, keepdims=True)
    return np.asarray(highest[:, 0] + np.log(np.exp(scores - highest).sum(axis=1)))


def _logistic(good: Floats, bad: Floats) -> tuple[float, float]:
    """Fit the logistic regression that tells two samples apart: its slope and its offset."""
    x = np.concatenate([good, bad])
    wanted = np.concatenate([np.ones(len(good)), np.zeros(len(bad))])
    center, scale = x.mean(), x.std() or 1.0
    columns = np.stack([(x - center) / scale, np.ones(len(x))])
    weights = np.zeros(2)
    for _ in range(25):
        share = 1 / (1 + np.exp(-weights @ columns))
        # A little ridge keeps the step finite where the samples do not overlap.
        curvature = (columns * (share * (1 - share))) @ columns.T + 1e-3 * np.eye(2)
        weights += np.linalg.solve(curvature, columns @ (wanted - share) - 1e-3 * weights)
    return float(weights[0] / scale), float(weights[1] - weights[0] * center / scale)
