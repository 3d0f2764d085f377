"""How good a retriever is: held-out interactions found by exact search, beside popularity."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.towers.features import IntArray
from vbench.towers.interactions import Interactions, Pairs

Scorer = Callable[[IntArray], NDArray[np.floating]]
"""Takes rows of users; gives scores of items 1 … n_items: (users, n_items)."""

USERS_AT_MOST = 5_000
_BLOCK = 500


class Quality(NamedTuple):
    """What exact search with some scores finds of the held-out interactions.

    Attributes
    ----------
    hit_rate
        HR@100: share of held-out interactions whose item is in their user's top 100.
    ndcg
        nDCG@10, mean over users: gain 1 for each held-out item, discount log2(rank + 1).
    """

    hit_rate: float
    ndcg: float


def popularity_scorer(popularity: NDArray[np.integer]) -> Scorer:
    """Rank items by `popularity` (n_items,), the same for everybody."""
    counts = popularity.astype(np.float32)
    return lambda users: np.tile(counts, (len(users), 1))


def vector_scorer(queries: NDArray[np.floating], items: NDArray[np.floating]) -> Scorer:
    """Rank items by inner product; row r of the scorer is `queries[r - 1]`."""
    wide = items.astype(np.float32).T
    return lambda users: queries[users - 1].astype(np.float32) @ wide


def judge_validation(data: Interactions, scorer: Scorer, seed: int) -> Quality:
    """Quality on the validation part, over at most 5,000 users drawn by seed."""
    users = np.unique(data.validation.user)
    if len(users) > USERS_AT_MOST:
        rng = np.random.default_rng([seed, 4])
        users = np.sort(rng.choice(users, USERS_AT_MOST, replace=False))
    return judge(users, data.validation, data.train, scorer)


def judge(users: IntArray, held: Pairs, seen: Pairs | None, scorer: Scorer) -> Quality:
    """Quality over some users, each with at least one pair in `held`.

    Parameters
    ----------
    seen
        Pairs whose items are left out of their user's ranking; None leaves out nothing.
    """
    last = int(users[-1])
    starts = held.starts(last)
    hit, gains = [], []
    for begin in range(0, len(users), _BLOCK):
        block = users[begin : begin + _BLOCK]
        top = _top(np.array(scorer(block), dtype=np.float32), block, seen, last)
        for user, ranking in zip(block, top, strict=True):
            wanted = held.item[starts[user] : starts[user + 1]]
            hit.append(np.isin(wanted, ranking))
            gains.append(_ndcg(np.isin(ranking[:10], wanted), len(wanted)))
    return Quality(float(np.concatenate(hit).mean()), float(np.mean(gains)))


def _top(
    scores: NDArray[np.float32], users: IntArray, seen: Pairs | None, last: int
) -> NDArray[np.intp]:
    """Rows of the 100 best items of each user, best first; -1 where there are fewer."""
    if seen is not None:
        starts = seen.starts(last)
        for row, user in enumerate(users):
            scores[row, seen.item[starts[user] : starts[user + 1]] - 1] = -np.inf
    depth = min(100, scores.shape[1])
    top = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
    values = np.take_along_axis(scores, top, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    ranked = np.take_along_axis(top, order, axis=1) + 1
    return np.where(np.isneginf(np.take_along_axis(values, order, axis=1)), -1, ranked)


def _ndcg(relevant: NDArray[np.bool_], wanted: int) -> float:
    discount = 1 / np.log2(np.arange(2, 12))
    return float(relevant @ discount[: len(relevant)] / discount[:wanted].sum())
