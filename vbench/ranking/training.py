"""Trains a ranking network on what users took next, against exposed and random items.

Imports jax and optax.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from vbench.ranking.features import Features, Floats, Past
from vbench.ranking.networks import Network, Weights
from vbench.ranking.protocol import Rows

BATCH = 256
EPOCHS = 8
STEPS = (100, 400)
RATE = 3e-3
DECAY = 0.1
EXPOSED = 16
RANDOM = 8
_SAMPLE = 20_000
_BLOCK = 1 << 15


@dataclass(frozen=True)
class Learner:
    """A network over the features of one dataset.

    Attributes
    ----------
    center, spread : float32 (F,), of the numbers of pairs it learned from
    """

    network: Network
    features: Features
    center: Floats
    spread: Floats
    _score: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_score", jax.jit(self.network.score))

    def score(self, weights: Weights, queries: Rows, items: Rows) -> Floats:
        """Scores of pairs: float32 (P,); compiled for blocks of one size."""
        made = np.empty(len(queries), dtype=np.float32)
        for start in range(0, len(queries), _BLOCK):
            part = slice(start, start + _BLOCK)
            size = len(queries[part])
            full = np.zeros((2, _BLOCK), dtype=np.int64)
            full[:, :size] = queries[part], items[part]
            made[part] = np.asarray(self._score(weights, *self.inputs(*full)))[:size]
        return made

    def inputs(self, queries: Rows, items: Rows) -> tuple[Floats, Floats, Floats]:
        """Standardized numbers and both vectors of pairs, as the network takes them."""
        numbers = (self.features.of(queries, items) - self.center) / self.spread
        length = np.float32(np.sqrt(self.features.d))
        query, item = self.features.vectors(queries, items)
        return numbers, query * length, item * length


def learner(
    network: Network, features: Features, past: Past, exposed: Rows, n: int, seed: int
) -> Learner:
    """Set up a network: standardize the numbers over a sample of pairs to learn from."""
    rng = np.random.default_rng([seed, 12])
    chosen = rng.integers(0, len(past.next_query), max(1, _SAMPLE // (1 + EXPOSED + RANDOM)))
    queries, items, _ = _candidates(past, exposed, n, chosen, rng)
    numbers = features.of(queries.ravel(), items.ravel())
    spread = numbers.std(axis=0)
    return Learner(network, features, numbers.mean(axis=0), np.where(spread > 1e-6, spread, 1.0))


def fit(made: Learner, past: Past, exposed: Rows, n: int, seed: int) -> Weights:
    """Learn to tell what a user took next from what retrieval put beside it.

    The loss is a softmax over all items, estimated from the one that was taken, exposed items and
    items drawn at random, each corrected by how often it is expected among them: so an item that
    retrieval did not expose is a fair example too.

    Parameters
    ----------
    exposed : integer (m, K), exact candidates of every query
    """
    weights = made.network.draw(seed)
    steps = int(np.clip(EPOCHS * len(past.next_query) / BATCH, *STEPS))
    adam = optax.adamw(optax.cosine_decay_schedule(RATE, steps), weight_decay=DECAY)
    state = adam.init(weights)

    def loss(weights: Weights, numbers: Any, query: Any, item: Any, expected: Any) -> Any:
        scores = made.network.score(weights, numbers, query, item) - expected
        return (jax.nn.logsumexp(scores, axis=1) - scores[:, 0]).mean()

    @jax.jit
    def step(weights: Weights, state: Any, *batch: Any) -> tuple[Weights, Any]:
        change, state = adam.update(jax.grad(loss)(weights, *batch), state, weights)
        return optax.apply_updates(weights, change), state

    rng = np.random.default_rng([seed, 13])
    order = np.empty(0, dtype=np.int64)
    for _ in range(steps):
        while len(order) < BATCH:
            order = np.concatenate([order, rng.permutation(len(past.next_query))])
        chosen, order = order[:BATCH], order[BATCH:]
        queries, items, expected = _candidates(past, exposed, n, chosen, rng)
        inputs = made.inputs(queries.ravel(), items.ravel())
        shaped = [jnp.asarray(each.reshape(*items.shape, -1)) for each in inputs]
        weights, state = step(weights, state, *shaped, jnp.asarray(expected))
    return weights


def _candidates(
    past: Past, exposed: Rows, n: int, chosen: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """What was taken (first column), exposed and random items, and log of how often expected.

    Each is (len(chosen), 1 + EXPOSED + RANDOM).
    """
    query = past.next_query[chosen]
    shown, k = exposed[query], exposed.shape[1]
    drawn = np.take_along_axis(shown, rng.integers(0, k, (len(query), EXPOSED)), axis=1)
    random = rng.integers(0, n, (len(query), RANDOM))
    items = np.concatenate([past.next_item[chosen][:, np.newaxis], drawn, random], axis=1)
    there = (items[:, :, np.newaxis] == shown[:, np.newaxis]).any(axis=2)
    expected = RANDOM / n + there * (EXPOSED / k)
    queries = np.broadcast_to(query[:, np.newaxis], items.shape)
    return queries, items.astype(np.int64), np.log(expected).astype(np.float32)
