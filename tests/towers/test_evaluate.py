"""Quality of exact search, on answers that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.towers.evaluate import Answers, answers, popularity_scorer, vector_scorer
from vbench.towers.interactions import Interactions, Pairs


def _pairs(*pairs: tuple[int, int]) -> Pairs:
    users, items = np.array(sorted(pairs), dtype=np.int32).T
    return Pairs(users, items)


def _fixed(*rows: list[float]):  # type: ignore[no-untyped-def] # a scorer of users 1, 2, …
    table = np.array(rows)
    return lambda users: table[users - 1]


def test_hits_need_the_top_100() -> None:
    """An item at rank 100 is found, one at rank 101 is not."""
    scores = list(-np.arange(300.0))
    said = answers(
        np.array([1], dtype=np.int32), _pairs((1, 100), (1, 101)), None, _fixed(scores), 0
    )
    assert said.hit.tolist() == [True, False]


def test_seen_items_leave_the_ranking() -> None:
    """What a user had in training makes room for the next."""
    scores = list(-np.arange(300.0))
    held, seen = _pairs((1, 101)), _pairs((1, 7))
    assert answers(np.array([1], dtype=np.int32), held, seen, _fixed(scores), 0).hit.all()


def test_ndcg_by_hand() -> None:
    """Held-out items at ranks 2 and 3 of two: (1/log2 3 + 1/log2 4) / (1 + 1/log2 3)."""
    scores = [5.0, 4.0, 3.0, 2.0, 1.0]
    said = answers(np.array([1], dtype=np.int32), _pairs((1, 2), (1, 3)), None, _fixed(scores), 0)
    wanted = (1 / np.log2(3) + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    assert said.ndcg[0] == pytest.approx(wanted)


def test_auc_and_log_loss_by_hand() -> None:
    """Three of four pairs in order; without a signal the loss is that of the share alone."""
    others = np.array([[0.0, 2.0], [0.0, 2.0]])
    said = Answers(np.ones(2, dtype=bool), np.ones(1), np.array([3.0, 1.0]), others)
    assert said.quality(said).auc == 0.75
    flat = Answers(np.ones(50, dtype=bool), np.ones(1), np.zeros(50), np.zeros((50, 10)))
    share = 1 / 11
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert flat.quality(flat).auc == 0.5
    assert flat.quality(flat).log_loss == pytest.approx(entropy, rel=1e-3)


def test_calibration_ignores_the_scale_of_scores() -> None:
    """Scores of another unit have the same loss, because they are fitted first."""
    rng = np.random.default_rng(0)
    good, bad = rng.normal(1, 1, 400), rng.normal(0, 1, (400, 10))
    losses = [
        Answers(np.ones(400, dtype=bool), np.ones(1), good * scale + 5, bad * scale + 5)
        for scale in (1.0, 40.0)
    ]
    one, other = (each.quality(each).log_loss for each in losses)
    assert one == pytest.approx(other, rel=1e-6)


def test_popularity_is_worth_half_an_auc(data: Interactions) -> None:
    """The other items are drawn by popularity, so that popularity cannot tell them apart."""
    scorer = popularity_scorer(data.popularity()[1:])
    said = answers(np.unique(data.test.user), data.test, data.train, scorer, 0)
    assert said.quality(said).auc == pytest.approx(0.5, abs=0.05)


def test_vectors_are_ranked_by_inner_product() -> None:
    """Row r of the users is scored against every item."""
    queries, items = np.eye(2), np.array([[1.0, 0.0], [3.0, 1.0], [0.0, 2.0]])
    scores = vector_scorer(queries, items)(np.array([2, 1], dtype=np.int32))
    assert scores.tolist() == [[0.0, 1.0, 2.0], [1.0, 3.0, 0.0]]
