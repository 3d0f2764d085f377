"""MSN: a large memory, of which each pair reads a few slots that gate what is crossed."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from vbench.ranking.networks.base import Array, Inputs, Network, Shape, Size, Weights, drawer
from vbench.ranking.networks.cross import crossed, draw_crossing, join

KEY, READ = 8, 8
"""Width of half a key; slots that a pair reads."""


class Reading(NamedTuple):
    """What pairs read: slots and their weights, (…, r) each; the weights sum to 1."""

    slots: Array
    weights: Array


def msn(shape: Shape, size: Size) -> Network:
    """A memory addressed by product keys gates the input of a cross network.

    Wu et al., arXiv 2602.07526 (2026). The pair's query is split in halves; each half is scored
    against √n half keys; of all sums of the best of both, the best few are read, by softmax. Their
    values gate (multiply) the input of the module of feature interaction. Queries are normalized
    and keys over-parametrized (a product of two matrices), which keeps the use of the memory
    balanced. Of our own choice: `width` half keys, so `width`² slots; eight are read; the gate
    is 1 + value; and what is gated is `cross` with half of the width.
    """
    # An odd width would leave nothing to project to.
    inner = Size(max(2, size.width // 2), size.depth)
    width = shape.numbers + 2 * (inner.width // 2)

    def draw(seed: int) -> Weights:
        normal = drawer(seed)
        return {
            "query": normal(shape.d, inner.width // 2),
            "item": normal(shape.d, inner.width // 2),
            "ask": normal(width, 2 * KEY),
            "keys": normal(2, size.width, KEY) * KEY**0.5,
            "turn": normal(2, KEY, KEY),
            "values": 0.1 * normal(size.width**2, 1, width)[:, 0],
            **draw_crossing(normal, width, inner),
        }

    def score(weights: Weights, inputs: Inputs) -> Array:
        first = join(weights, inputs)
        return crossed(weights, first * gate(weights, first))

    def describe(weights: Weights, inputs: Inputs) -> dict[str, Array]:
        """How evenly the memory is used."""
        found = read(weights, join(weights, inputs))
        use = jnp.zeros(size.width**2).at[found.slots].add(found.weights)
        share = use / use.sum()
        entropy = -(share * jnp.log(jnp.maximum(share, 1e-30))).sum()
        return {"slots used": (use > 0).mean(), "even use": jnp.exp(entropy) / len(use)}

    return Network(draw, score, describe=describe)


def gate(weights: Weights, first: Array) -> Array:
    """What the input (…, width) is multiplied by; of a memory of one slot, the same for all."""
    found = read(weights, first)
    values = weights["values"][found.slots]
    return 1.0 + (found.weights[..., jnp.newaxis] * values).sum(axis=-2)


def read(weights: Weights, first: Array) -> Reading:
    """Which slots are read, and how much of each."""
    ask = first @ weights["ask"]
    ask = ask - ask.mean(axis=-1, keepdims=True)
    ask = ask * jax.lax.rsqrt((ask * ask).mean(axis=-1, keepdims=True) + 1e-6)
    keys = weights["keys"] @ weights["turn"]
    side = keys.shape[1]
    most = min(READ, side)
    halves = [
        jax.lax.top_k(half @ key.T, most)
        for half, key in zip(jnp.split(ask, 2, axis=-1), keys, strict=True)
    ]
    (left, row), (right, column) = halves
    both = left[..., :, jnp.newaxis] + right[..., jnp.newaxis, :]
    best, at = jax.lax.top_k(both.reshape(*both.shape[:-2], -1), min(READ, most * most))
    rows = jnp.take_along_axis(row, at // most, axis=-1)
    columns = jnp.take_along_axis(column, at % most, axis=-1)
    return Reading(rows * side + columns, jax.nn.softmax(best * KEY**-0.5, axis=-1))
