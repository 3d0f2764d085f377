"""The two networks that rank, a cross network and mixing blocks over tokens, and their training.

Both see the groups of numbers of :mod:`vbench.ranking.features`, and the towers' own vectors of
query and item, each projected to a token. They learn from what users took next, against exposed
and random items. Imports jax and optax.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from vbench.ranking.features import Features, Floats, Past
from vbench.ranking.protocol import Rows

Array = Any
Weights = Any

PROJECTED = 16
"""Numbers that each tower's vector is projected to, in `cross`."""
HIDDEN = 32
TOKEN, BOOST, HEADS = 8, 16, 2
"""Width of a token of `mixer`, width inside its boost, heads of its fusion."""
LAYERS = 2


class Network(NamedTuple):
    """Draws weights from a seed, and scores pairs with them.

    Attributes
    ----------
    draw : seed → weights
    score : weights, numbers (…, F), query vectors (…, d), item vectors (…, d) → (…)
    """

    draw: Callable[[int], Weights]
    score: Callable[[Weights, Array, Array, Array], Array]


def cross(groups: Sequence[Sequence[int]], d: int) -> Network:
    """Feature crossing in the manner of DCN-v2: x ← x₀ ⊙ (W x + b) + x, beside a deep part.

    Wang et al., "DCN V2: Improved Deep & Cross Network", WWW 2021.
    """
    width = sum(len(each) for each in groups) + 2 * PROJECTED

    def draw(seed: int) -> Weights:
        normal = _drawer(seed)
        return {
            "query": normal(d, PROJECTED),
            "item": normal(d, PROJECTED),
            "cross": [
                {"w": 0.1 * normal(width, width), "b": jnp.zeros(width)} for _ in range(LAYERS)
            ],
            "deep": [
                {"w": 1.4 * normal(width, HIDDEN), "b": jnp.zeros(HIDDEN)},
                {"w": 1.4 * normal(HIDDEN, HIDDEN), "b": jnp.zeros(HIDDEN)},
            ],
            "out": jnp.zeros(width + HIDDEN),
        }

    def score(weights: Weights, numbers: Array, query: Array, item: Array) -> Array:
        first = jnp.concatenate(
            [numbers, query @ weights["query"], item @ weights["item"]], axis=-1
        )
        crossed = deep = first
        for layer in weights["cross"]:
            crossed = first * (crossed @ layer["w"] + layer["b"]) + crossed
        for layer in weights["deep"]:
            deep = jax.nn.relu(deep @ layer["w"] + layer["b"])
        return jnp.concatenate([crossed, deep], axis=-1) @ weights["out"]

    return Network(draw, score)


def mixer(groups: Sequence[Sequence[int]], d: int) -> Network:
    """Blocks of token fusion and token boost, one token for each field.

    Fusion mixes the tokens with learned matrices, one for each head of their width (UniMixer,
    arXiv 2604.00590); boost is a SwiGLU with weights of its own for each token, which keeps the
    tokens different (Zenith, arXiv 2601.21285). Both are residual, before a normalization.
    """
    tokens = len(groups) + 2

    def draw(seed: int) -> Weights:
        normal = _drawer(seed)
        return {
            "fields": [normal(len(each), TOKEN) for each in groups],
            "query": normal(d, TOKEN),
            "item": normal(d, TOKEN),
            "bias": jnp.zeros((tokens, TOKEN)),
            "blocks": [
                {
                    "mix": 0.5 * normal(HEADS, tokens, tokens),
                    "fuse": 0.5 * normal(TOKEN, TOKEN),
                    "gate": normal(tokens, TOKEN, BOOST),
                    "up": normal(tokens, TOKEN, BOOST),
                    "down": 0.5 * normal(tokens, BOOST, TOKEN),
                }
                for _ in range(LAYERS)
            ],
            "out": jnp.zeros((tokens, TOKEN)),
        }

    def score(weights: Weights, numbers: Array, query: Array, item: Array) -> Array:
        lead = numbers.shape[:-1]
        numbers, query, item = (x.reshape(-1, x.shape[-1]) for x in (numbers, query, item))
        fields = [
            numbers[:, jnp.asarray(columns)] @ matrix
            for columns, matrix in zip(groups, weights["fields"], strict=True)
        ]
        # Tokens come first, (T, P, width): then every product is a plain matrix product.
        x = jnp.stack([*fields, query @ weights["query"], item @ weights["item"]])
        x = x + weights["bias"][:, jnp.newaxis]
        for block in weights["blocks"]:
            x = x + _fused(_normed(x), block["mix"], block["fuse"])
            y = _normed(x)
            x = x + (jax.nn.silu(y @ block["gate"]) * (y @ block["up"])) @ block["down"]
        return jnp.einsum("tpd,td->p", _normed(x), weights["out"]).reshape(lead)

    return Network(draw, score)


def _fused(x: Array, mix: Array, fuse: Array) -> Array:
    """Mix tokens with one matrix for each head of their width, then the width itself.

    Parameters
    ----------
    x : (T, P, width), mix : (heads, T, T), fuse : (width, width)
    """
    parts = [
        (matrix @ part.reshape(len(part), -1)).reshape(part.shape)
        for matrix, part in zip(mix, jnp.split(x, HEADS, axis=-1), strict=True)
    ]
    return jnp.concatenate(parts, axis=-1) @ fuse


def _drawer(seed: int) -> Callable[..., Array]:
    """Normal weights with a variance of one over the width of what they multiply."""
    rng = np.random.default_rng([seed, 11])

    def normal(*shape: int) -> Array:
        drawn = rng.normal(0.0, shape[-2] ** -0.5, shape)
        return jnp.asarray(drawn.astype(np.float32))

    return normal


def _normed(x: Array) -> Array:
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6)


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
