"""Batches: shuffled positives, a sample of each user's history, and mixed negatives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.towers.features import IntArray
from vbench.towers.interactions import Interactions, Pairs
from vbench.towers.recipe import Recipe


class Batch(NamedTuple):
    """One step's work.

    Attributes
    ----------
    users : int32 (batch,)
    items : int32 (batch + negatives,)
        The positives, then items drawn uniformly.
    history : int32 (batch, length)
        Items of each user other than the positive; 0 pads.
    activity : float32 (batch, 1)
        Logarithm of how many others there are.
    log_expected : float32 (batch + negatives,)
        Logarithm of how often the item is expected among the candidates: logQ correction.
    kept : float32 (batch,)
        0 where the user's id is dropped.
    """

    users: IntArray
    items: IntArray
    history: IntArray
    activity: NDArray[np.float32]
    log_expected: NDArray[np.float32]
    kept: NDArray[np.float32]


class History:
    """Every user's training items, and samples of them."""

    def __init__(self, train: Pairs, n_users: int) -> None:
        self.items = train.item
        self.starts = train.starts(n_users)
        self.counts = np.diff(self.starts, append=len(train))

    def sample(
        self, users: IntArray, without: IntArray, length: int, rng: np.random.Generator
    ) -> IntArray:
        """Give up to `length` items of each user, except one: int32 (count, length), 0 pads.

        A history longer than `length` is sampled with replacement.
        """
        counts = self.counts[users][:, None]
        place = np.broadcast_to(np.arange(length), (len(users), length))
        drawn = (rng.random((len(users), length), dtype=np.float32) * counts).astype(np.int64)
        offset = np.where(counts <= length, place, np.minimum(drawn, counts - 1))
        inside = offset < counts
        found = self.items[np.where(inside, self.starts[users][:, None] + offset, 0)]
        return np.where(inside & (found != without[:, None]), found, 0).astype(np.int32)

    def activity(self, users: IntArray, less: int = 0) -> NDArray[np.float32]:
        """Logarithm of the number of training items: float32 (count, 1)."""
        counts = np.maximum(self.counts[users] - less, 0)
        return np.asarray(np.log1p(counts)[:, None] / 5, dtype=np.float32)


def epoch_batches(
    data: Interactions, history: History, recipe: Recipe, seed: int, epoch: int, first: int = 0
) -> Iterator[Batch]:
    """Go once over the training interactions, from batch `first` on.

    What a batch holds depends on seed, epoch and its number alone, so that a training that was
    interrupted goes on as if it had not been. A last, short batch is left for the next epoch.
    """
    popularity = data.popularity() / len(data.train)
    size = batch_size(data, recipe)
    order = np.random.default_rng([seed, 3, epoch]).permutation(len(data.train))
    for number in range(first, steps(data, recipe)):
        rng = np.random.default_rng([seed, 3, epoch, number])
        chosen = order[number * size : (number + 1) * size]
        users, positives = data.train.user[chosen], data.train.item[chosen]
        drawn = rng.integers(1, data.n_items + 1, recipe.negatives, dtype=np.int32)
        items = np.concatenate([positives, drawn])
        expected = size * popularity[items] + recipe.negatives / data.n_items
        yield Batch(
            users=users,
            items=items,
            history=history.sample(users, positives, recipe.history, rng),
            activity=history.activity(users, less=1),
            log_expected=np.log(expected).astype(np.float32),
            kept=(rng.random(size) >= recipe.user_dropout).astype(np.float32),
        )


def batch_size(data: Interactions, recipe: Recipe) -> int:
    """Size of a batch: the recipe's, or fewer where there are few interactions."""
    return min(recipe.batch, len(data.train))


def steps(data: Interactions, recipe: Recipe) -> int:
    """Count the batches of an epoch."""
    return len(data.train) // batch_size(data, recipe)
