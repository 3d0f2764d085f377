"""The parts of each network: shapes, permutations, and what each is in its simplest case."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

NETWORKS = ("cross", "mixer", "zenith", "unimixer", "hyformer", "msn")
U, C, D, L = 3, 5, 6, 4
GROUPS = {"similarity": [0, 1], "item": [2, 3], "user": [4], "history": [5, 6], "item.x": [7, 8]}


@pytest.fixture(autouse=True)
def jax(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip what needs the optional packages where they are not installed."""
    if not all(importlib.util.find_spec(name) for name in ("jax", "optax")):
        pytest.skip("the towers extra is not installed")
    from vbench.towers.pipeline import start_jax

    # What is compiled here runs once.
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
    start_jax()


def make(name: str, width: int = 8, depth: int = 2) -> tuple[Any, Any]:
    """A network, and weights that give every part something to say."""
    import jax

    from vbench.ranking.networks.base import Shape, Size
    from vbench.ranking.networks.catalog import NETWORKS

    network = NETWORKS[name](Shape(GROUPS, D, 7, 2), Size(width, depth))
    rng = np.random.default_rng(1)
    weights = jax.tree.map(
        lambda leaf: leaf + rng.normal(0, 0.1, np.shape(leaf)).astype(np.float32), network.draw(0)
    )
    return network, weights


def inputs(seed: int = 0) -> Any:
    """Three users with five candidates, who had four items, three, and none."""
    from vbench.ranking.networks.base import Inputs

    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    there = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [0, 0, 0, 0]], dtype=np.float32)
    return Inputs(
        normal(U, C, 9),
        normal(U, D),
        normal(U, C, D),
        rng.integers(0, 7, (U, C, 2)).astype(np.int32),
        normal(U, L, D) * there[..., np.newaxis],
        (rng.integers(1, 7, (U, L, 2)) * there[..., np.newaxis]).astype(np.int32),
        there,
        np.array([0, 1, 1], dtype=np.int32),
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_no_score_depends_on_the_other_candidates(name: str) -> None:
    """Scores are (users, candidates), change with the pair, and move with their candidate."""
    from jax import jit

    network, weights = make(name)
    scored, given = jit(network.score), inputs()
    score = np.asarray(scored(weights, given))
    assert score.shape == (U, C)
    assert np.isfinite(score).all()
    assert score.std() > 0
    order = np.array([3, 1, 4, 0, 2])
    turned = given._replace(
        **{key: getattr(given, key)[:, order] for key in ("numbers", "item", "code")}
    )
    np.testing.assert_allclose(scored(weights, turned), score[:, order], atol=1e-5)
    others = given._replace(
        **{key: getattr(given, key)[:, [0, 0, 0, 0, 0]] for key in ("numbers", "item", "code")}
    )
    np.testing.assert_allclose(scored(weights, others)[:, 0], score[:, 0], atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_width_and_depth_scale(name: str) -> None:
    """Both make more parameters, and the seed decides them."""
    import jax

    def count(width: int, depth: int) -> int:
        return sum(leaf.size for leaf in jax.tree.leaves(make(name, width, depth)[0].draw(0)))

    assert count(8, 1) < count(16, 1)
    assert count(8, 1) < count(8, 2)
    draw = make(name)[0].draw
    first, again, other = (jax.tree.leaves(draw(seed)) for seed in (0, 0, 1))
    assert all(np.array_equal(*each) for each in zip(first, again, strict=True))
    assert not all(np.array_equal(*each) for each in zip(first, other, strict=True))


def test_mixing_by_a_permutation_is_the_rule() -> None:
    """Token h becomes what heads h of all tokens are, side by side."""
    from vbench.ranking.networks.unimixer import mixed, permutation

    x = np.random.default_rng(0).normal(size=(4, 7, 12)).astype(np.float32)
    heads = np.split(x, 4, axis=-1)
    rule = np.stack([np.concatenate(list(head), axis=-1) for head in heads])
    np.testing.assert_array_equal(mixed(x, permutation(4), 4), rule)


def test_parts_of_prime_tokens_are_a_set() -> None:
    """Without places, another order of tokens is fused to the same in that order."""
    from vbench.ranking.networks.zenith import fused

    _, weights = make("zenith")
    block = dict(weights["blocks"][0])
    block["place"] = np.zeros_like(block["place"])
    x = np.random.default_rng(0).normal(size=(4, 7, 8)).astype(np.float32)
    order = np.array([2, 0, 3, 1])
    turned = fused(block | {"join": block["join"][order]}, x[order])
    np.testing.assert_allclose(turned, fused(block, x)[order], atol=1e-5)


def test_prime_tokens_hold_every_number_once() -> None:
    """Each column of a pair is in one semantic group."""
    from vbench.ranking.networks.base import Shape
    from vbench.ranking.networks.zenith import PRIME, prime_groups

    found = prime_groups(Shape(GROUPS, D, 1, 1))
    assert tuple(found) == PRIME
    assert sorted(column for each in found.values() for column in each) == list(range(9))


def test_a_memory_of_one_slot_is_a_gate() -> None:
    """Every pair reads it whole, so that the input is multiplied by the same numbers."""
    from jax import jit

    from vbench.ranking.networks.cross import crossed, join
    from vbench.ranking.networks.msn import gate, read

    network, weights = make("msn", width=1)
    given = inputs()

    @jit
    def told(weights: Any, given: Any) -> tuple[Any, ...]:
        first = join(weights, given)
        whole = 1.0 + weights["values"][0]
        gated = network.score(weights, given), crossed(weights, first * whole)
        return read(weights, first).weights, gate(weights, first), whole, *gated

    shares, gates, whole, score, expected = map(np.asarray, told(weights, given))
    np.testing.assert_array_equal(shares, np.ones((U, C, 1)))
    np.testing.assert_allclose(gates, np.broadcast_to(whole, gates.shape), rtol=1e-6)
    np.testing.assert_allclose(score, expected, rtol=1e-4, atol=1e-6)


def test_a_memory_reads_the_best_of_all_slots() -> None:
    """The best sums of two halves are those that scoring every slot would find."""
    from jax import jit

    from vbench.ranking.networks.cross import join
    from vbench.ranking.networks.msn import READ, read

    network, weights = make("msn", width=12)

    @jit
    def told(weights: Any, given: Any) -> tuple[Any, ...]:
        first = join(weights, given)
        return first, read(weights, first), network.describe(weights, given)

    first, found, use = told(weights, inputs())
    ask = np.asarray(first) @ np.asarray(weights["ask"])
    ask = ask - ask.mean(axis=-1, keepdims=True)
    ask = ask / np.sqrt((ask**2).mean(axis=-1, keepdims=True) + 1e-6)
    left, right = np.asarray(weights["keys"]) @ np.asarray(weights["turn"])
    one, two = np.split(ask, 2, axis=-1)
    every = ((one @ left.T)[..., :, np.newaxis] + (two @ right.T)[..., np.newaxis, :]).reshape(
        U, C, -1
    )
    best = np.argsort(-every, axis=-1)[..., :READ]
    np.testing.assert_array_equal(np.sort(found.slots, axis=-1), np.sort(best, axis=-1))
    np.testing.assert_allclose(found.weights.sum(axis=-1), 1.0, rtol=1e-5)
    assert 0 < use["slots used"] <= 1
    assert 0 < use["even use"] <= 1


def test_decoding_looks_at_what_was_had_alone() -> None:
    """Its order and its padding say nothing; a user who had nothing decodes nothing."""
    from jax import jit

    from vbench.ranking.networks.hyformer import decode as eager

    decode = jit(eager)
    _, weights = make("hyformer")
    layer = weights["layers"][0]
    rng = np.random.default_rng(0)
    queries = rng.normal(size=(2, U * C, 8)).astype(np.float32)
    past = rng.normal(size=(U, L, 8)).astype(np.float32)
    there = inputs().had_any
    plain = np.asarray(decode(layer, queries, past, there))
    order = np.array([2, 0, 3, 1])
    turned = decode(layer, queries, past[:, order], there[:, order])
    np.testing.assert_allclose(turned, plain, atol=1e-5)
    padded = past + (1 - there[..., np.newaxis])
    np.testing.assert_allclose(decode(layer, queries, padded, there), plain, atol=1e-5)
    assert (plain[:, 2 * C :] == 0).all()
    assert (np.abs(plain[:, : 2 * C]).sum(axis=-1) > 0).all()


@pytest.mark.parametrize("name", ["cross", "msn"])
def test_tokens_of_segments_are_added_to_any_network(name: str) -> None:
    """At first they say nothing; then each segment has a prediction of its own."""
    from jax import jit

    from vbench.ranking.networks.base import Shape
    from vbench.ranking.networks.segments import with_segments

    network, weights = make(name)
    both = with_segments(network, Shape(GROUPS, D, 7, 2))
    scored, given = jit(both.score), inputs()
    drawn = both.draw(0) | {"network": weights}
    plain = np.asarray(jit(network.score)(weights, given))
    np.testing.assert_allclose(scored(drawn, given), plain, atol=1e-5)
    drawn["out of segment"] = drawn["out of segment"] + 1.0
    other = given._replace(segment=np.array([1, 1, 1], dtype=np.int32))
    changed = np.asarray(scored(drawn, given)) != np.asarray(scored(drawn, other))
    np.testing.assert_array_equal(changed.all(axis=1), [True, False, False])
    assert (both.describe is None) == (network.describe is None)
