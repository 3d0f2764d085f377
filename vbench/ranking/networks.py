"""The two networks that rank: a cross network, and mixing blocks over tokens. Imports jax.

Both see the groups of numbers of :mod:`vbench.ranking.features`, and the towers' own vectors of
query and item, each projected to a token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

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
