"""Batches of positives, histories and negatives."""

from __future__ import annotations

import numpy as np

from vbench.towers.batches import History, epoch_batches, steps
from vbench.towers.interactions import Interactions, Pairs
from vbench.towers.recipe import Recipe


def test_an_epoch_shows_every_interaction_at_most_once(data: Interactions, recipe: Recipe) -> None:
    """Positives are the training pairs, shuffled; only a short last batch is missing."""
    history = History(data.train, data.n_users)
    seen = [
        pair
        for batch in epoch_batches(data, history, recipe, seed=0, epoch=1)
        for pair in zip(batch.users.tolist(), batch.items[: recipe.batch].tolist(), strict=True)
    ]
    assert len(set(seen)) == len(seen) == steps(data, recipe) * recipe.batch
    assert set(seen) <= set(zip(data.train.user.tolist(), data.train.item.tolist(), strict=True))


def test_a_batch_depends_on_its_number_alone(data: Interactions, recipe: Recipe) -> None:
    """An epoch that is entered in the middle goes on with the same batches."""
    history = History(data.train, data.n_users)
    whole = list(epoch_batches(data, history, recipe, 0, 2))
    rest = list(epoch_batches(data, history, recipe, 0, 2, first=3))
    for one, other in zip(whole[3:], rest, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_history_is_the_users_own_without_the_positive(data: Interactions) -> None:
    """Nobody is shown the answer, or somebody else's items."""
    history = History(data.train, data.n_users)
    starts = data.train.starts(data.n_users)
    rng = np.random.default_rng(0)
    found = history.sample(data.train.user, data.train.item, 6, rng)
    for user, item, sample in zip(data.train.user, data.train.item, found, strict=True):
        mine = set(data.train.item[starts[user] : starts[user + 1]].tolist()) - {int(item)}
        assert set(sample.tolist()) - {0} <= mine


def test_short_histories_are_whole() -> None:
    """A user with fewer items than asked for gives all of them, once."""
    train = Pairs(np.array([1, 1, 1, 3], dtype=np.int32), np.array([4, 5, 6, 7], dtype=np.int32))
    found = History(train, 3).sample(
        np.array([1, 2, 3, 0], dtype=np.int32),
        np.zeros(4, dtype=np.int32),
        5,
        np.random.default_rng(0),
    )
    assert found.tolist() == [[4, 5, 6, 0, 0], [0] * 5, [7, 0, 0, 0, 0], [0] * 5]


def test_expected_counts_are_those_that_come(data: Interactions, recipe: Recipe) -> None:
    """LogQ is the logarithm of how often an item is among the candidates, on average."""
    history = History(data.train, data.n_users)
    came = np.zeros(data.n_items + 1)
    expected = np.full(data.n_items + 1, np.nan)
    count = 0
    for epoch in range(30):
        for batch in epoch_batches(data, history, recipe, 0, epoch):
            came += np.bincount(batch.items, minlength=data.n_items + 1)
            expected[batch.items] = np.exp(batch.log_expected)
            count += 1
    mean = came[1:] / count
    assert np.abs(mean - expected[1:]).max() < 0.1
    assert np.corrcoef(mean, expected[1:])[0, 1] > 0.95
