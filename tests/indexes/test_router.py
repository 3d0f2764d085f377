"""The score that tells bad answers from what they show."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.indexes.router import COORDINATES, Router, signs
from vbench.stats.association import tail_auc


def test_a_score_tells_of_unseen_answers_what_was_learned() -> None:
    """A rule that no single column knows is found, and holds for other rows."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(4_000, 6))
    bad = (table[:, 1] * table[:, 4] > 0) ^ (rng.random(4_000) < 0.05)
    router = Router.learn(table[:2_000], bad[:2_000])
    auc = tail_auc(router.score(table[2_000:]), bad[2_000:]).value[0]
    assert auc > 0.9
    # Each column alone tells nothing.
    assert abs(tail_auc(table, bad).value - 0.5).max() < 0.05


def test_scores_are_logits_of_how_often_it_is_bad() -> None:
    """The mean chance is the share that is bad, and each row has its own score."""
    rng = np.random.default_rng(1)
    table = rng.normal(size=(3_000, 2))
    bad = rng.random(3_000) < 1 / (1 + np.exp(1.5 - table[:, 0]))
    router = Router.learn(table, bad)
    chance = 1 / (1 + np.exp(-router.score(table)))
    assert chance.mean() == pytest.approx(bad.mean(), abs=0.01)
    alone = [router.score(row[np.newaxis])[0] for row in table[:5]]
    assert np.allclose(alone, router.score(table)[:5])


def test_nothing_to_learn_is_one_score_for_all() -> None:
    """Where all answers are good, or none is there, no query stands out."""
    table = np.random.default_rng(2).normal(size=(50, 3))
    assert np.ptp(Router.learn(table, np.zeros(50, dtype=bool)).score(table)) == 0
    assert Router.learn(table[:0], np.zeros(0, dtype=bool)).score(table).shape == (50,)


@pytest.mark.parametrize("k", [1, 2, 10])
def test_answers_of_any_shape_show_finite_or_infinite_signs(k: int) -> None:
    """Pads, ties, empty answers and zero queries leave no NaN, and can be scored."""
    rng = np.random.default_rng(3)
    distances = np.sort(rng.random((6, k)), axis=1)
    distances[1] = np.inf
    distances[2, k // 2 :] = np.inf
    distances[3] = 0.5
    distances[4] = 0.0
    queries = rng.normal(size=(6, 5)).astype(np.float32)
    queries[5] = 0.0
    table = signs(queries, distances)
    assert len(table) == 6
    assert not np.isnan(table).any()
    router = Router.learn(table, np.array([True, False] * 3))
    assert np.isfinite(router.score(table)).all()


def test_long_queries_are_looked_at_by_projections() -> None:
    """However many dimensions, a score looks at as many columns."""
    distances = np.sort(np.random.default_rng(4).random((3, 10)), axis=1)
    short, long = (
        signs(np.ones((3, d), dtype=np.float32), distances) for d in (COORDINATES, 5 * COORDINATES)
    )
    assert short.shape == long.shape
