"""Feature crossing: explicit products of features beside a deep part."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from vbench.ranking.networks.base import Array, Inputs, Network, Shape, Size, Weights, drawer
from vbench.ranking.networks.tokens import each_candidate


def cross(shape: Shape, size: Size) -> Network:
    """Feature crossing in the manner of DCN-v2: x ← x₀ ⊙ (W x + b) + x, beside a deep part.

    Wang et al., "DCN V2: Improved Deep & Cross Network", WWW 2021. Of our own choice: the deep part
    is `width` wide, and each tower's vector is projected to half of that first.
    """
    projected = max(1, size.width // 2)
    width = shape.numbers + 2 * projected

    def draw(seed: int) -> Weights:
        normal = drawer(seed)
        return {
            "query": normal(shape.d, projected),
            "item": normal(shape.d, projected),
            **draw_crossing(normal, width, size),
        }

    def score(weights: Weights, inputs: Inputs) -> Array:
        return crossed(weights, join(weights, inputs))

    return Network(draw, score)


def join(weights: Weights, inputs: Inputs) -> Array:
    """All numbers of a pair and both projected vectors, side by side: (U, C, width)."""
    query = each_candidate(inputs.query @ weights["query"], inputs.shape[1])
    return jnp.concatenate([inputs.numbers, query, inputs.item @ weights["item"]], axis=-1)


def draw_crossing(normal: Array, width: int, size: Size) -> Weights:
    """Weights of :func:`crossed`."""
    widths = [width, *[size.width] * size.depth]
    return {
        "cross": [
            {"w": 0.1 * normal(width, width), "b": jnp.zeros(width)} for _ in range(size.depth)
        ],
        "deep": [
            {"w": 1.4 * normal(before, size.width), "b": jnp.zeros(size.width)}
            for before in widths[:-1]
        ],
        "out": jnp.zeros(width + size.width),
    }


def crossed(weights: Weights, first: Array) -> Array:
    """Scores (U, C) of what stands side by side, (U, C, width)."""
    x = deep = first
    for layer in weights["cross"]:
        x = first * (x @ layer["w"] + layer["b"]) + x
    for layer in weights["deep"]:
        deep = jax.nn.relu(deep @ layer["w"] + layer["b"])
    return jnp.concatenate([x, deep], axis=-1) @ weights["out"]
