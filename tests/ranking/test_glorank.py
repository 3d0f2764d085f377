"""The list-wise stage: codes, decoding within the candidates, and what is learned."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vbench.errors import DataError


@pytest.fixture(autouse=True)
def jax(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip what needs the optional packages where they are not installed."""
    if not all(importlib.util.find_spec(name) for name in ("jax", "optax")):
        pytest.skip("the towers extra is not installed")
    from vbench.towers.pipeline import start_jax

    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
    start_jax()


def lists(there: np.ndarray, seed: int = 0) -> Any:
    """Lists of a ranker, best first."""
    from vbench.ranking.glorank import Lists

    rng = np.random.default_rng(seed)
    b, shown = there.shape
    score = -np.sort(-rng.normal(size=(b, shown)), axis=1).astype(np.float32)
    codes = rng.integers(0, 4, (b, shown, 2)).astype(np.int32)
    return Lists(codes, score, rng.normal(size=(b, 6)).astype(np.float32), there)


def test_codes_come_nearer_level_by_level() -> None:
    """What two codes stand for is nearer to the vector than what one does; a seed decides them."""
    from vbench.ranking.glorank import quantize

    vectors = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    codes = quantize(vectors, 0)
    assert codes.shape == (400, 2)
    np.testing.assert_array_equal(codes, quantize(vectors, 0))

    def spread(keys: np.ndarray) -> float:
        groups = [vectors[keys == key] for key in np.unique(keys)]
        return float(sum(((each - each.mean(axis=0)) ** 2).sum() for each in groups))

    assert spread(codes[:, 0] * 100 + codes[:, 1]) < spread(codes[:, 0]) < spread(np.zeros(400))


def test_chances_are_those_of_the_candidates_that_are_left() -> None:
    """They sum to one, whatever the codes; what is used up or a pad has none."""
    from jax import jit

    from vbench.ranking.glorank import WIDTH, _draw, item_chances

    there = np.ones((5, 30), dtype=bool)
    there[1, 12:] = False
    weights = _draw(6, 0)
    rng = np.random.default_rng(1)
    weights["code"] = rng.normal(size=weights["code"].shape).astype(np.float32)
    state = rng.normal(size=(5, WIDTH)).astype(np.float32)
    left = there.copy()
    left[0, :4] = False
    chance, greedy = map(np.asarray, jit(item_chances)(weights, state, lists(there), left))
    np.testing.assert_allclose(np.exp(chance).sum(axis=1), 1.0, rtol=1e-4)
    assert (np.exp(chance)[~left] == 0).all()
    assert left[np.arange(5), greedy].all()


def test_an_untrained_stage_keeps_the_order() -> None:
    """Of every list, also of one that is shorter than what is generated."""
    from jax import jit

    from vbench.ranking.glorank import _draw, _generate, _put_first

    there = np.ones((3, 30), dtype=bool)
    there[2, 4:] = False
    chosen, _ = jit(lambda weights, given: _generate(weights, given, None))(
        _draw(6, 0), lists(there)
    )
    np.testing.assert_array_equal(chosen[:2], np.tile(np.arange(10), (2, 1)))
    score = np.tile(np.arange(40.0), (3, 1))
    whole = np.ones((3, 40), dtype=bool)
    whole[2, :36] = False
    order = np.argsort(-score, axis=1)[:, :30]
    made = _put_first(score, whole, order, np.asarray(chosen))
    for row in range(3):
        own = np.argsort(-made[row][whole[row]], kind="stable")
        np.testing.assert_array_equal(own, np.argsort(-score[row][whole[row]], kind="stable"))


def test_it_learns_what_a_code_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where what is taken has one code, and the ranker does not know it, it comes up."""
    from vbench.ranking import glorank

    monkeypatch.setattr(glorank, "SUPERVISED", 60)
    monkeypatch.setattr(glorank, "REINFORCED", 10)
    rng = np.random.default_rng(2)
    n, m = 200, 60
    centers = rng.normal(size=(4, 6))
    base = (centers[np.arange(n) % 4] + 0.05 * rng.normal(size=(n, 6))).astype(np.float32)
    queries = rng.normal(size=(m, 6)).astype(np.float32)
    exposed = np.stack([rng.permutation(n)[:30] for _ in range(m)])
    taken = np.array([rng.choice(row[row % 4 == 1]) for row in exposed])
    noise = rng.normal(size=(m, n))
    ranker = SimpleNamespace(score=lambda users, items: noise[users[:, np.newaxis], items])
    data = SimpleNamespace(dataset=SimpleNamespace(base=base, queries=queries, d=6))
    material: Any = SimpleNamespace(dataset=data.dataset, exposed=exposed, seed=0)
    users = np.arange(m)
    stage = glorank.GloRank(material, ranker, users, taken)
    there = np.ones(exposed.shape, dtype=bool)
    score = ranker.score(users, exposed)
    made = stage.scores(users, exposed, score, there)

    def place(of: np.ndarray) -> float:
        order = np.take_along_axis(exposed, np.argsort(-of, axis=1, kind="stable"), axis=1)
        return float((order == taken[:, np.newaxis]).argmax(axis=1).mean())

    assert place(made) < place(score) - 5
    with pytest.raises(DataError, match="only 5 exact lists hold what their user took next"):
        glorank.GloRank(material, ranker, users[:5], taken[:5])
