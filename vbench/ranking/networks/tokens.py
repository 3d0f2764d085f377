"""Networks of tokens: one for each field, blocks that tokens pass, and the score that comes out."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from vbench.ranking.networks.base import Array, Inputs, Network, Shape, Size, Weights, drawer


def stack_blocks(
    shape: Shape,
    size: Size,
    draw_block: Callable[[Callable[..., Array]], Weights],
    passed: Callable[[Weights, Array], Array],
) -> Network:
    """A network whose tokens are those of the fields, and pass equal blocks.

    Parameters
    ----------
    draw_block : a source of normal weights → weights of a block
    passed : weights of a block, tokens (T, P, width) → tokens, likewise
    """

    def draw(seed: int) -> Weights:
        normal = drawer(seed)
        return {
            "tokens": draw_tokens(normal, shape, size.width),
            "blocks": [draw_block(normal) for _ in range(size.depth)],
            "out": jnp.zeros((shape.tokens, size.width)),
        }

    def score(weights: Weights, inputs: Inputs) -> Array:
        x = field_tokens(weights["tokens"], shape, inputs)
        for block in weights["blocks"]:
            x = passed(block, x)
        return read_out(weights["out"], x, inputs)

    return Network(draw, score)


def normed(x: Array) -> Array:
    """Divide by the root of the mean square of the last axis."""
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6)


def each_candidate(query: Array, candidates: int) -> Array:
    """Repeat what belongs to a user, (U, …), for each candidate: (U, C, …)."""
    return jnp.broadcast_to(query[:, jnp.newaxis], (len(query), candidates, *query.shape[1:]))


def draw_tokens(normal: Callable[..., Array], shape: Shape, width: int) -> Weights:
    """Weights of :func:`field_tokens`."""
    return {
        "fields": [normal(len(each), width) for each in shape.groups.values()],
        "query": normal(shape.d, width),
        "item": normal(shape.d, width),
        "bias": jnp.zeros((shape.tokens, width)),
    }


def field_tokens(weights: Weights, shape: Shape, inputs: Inputs) -> Array:
    """One token for each field, then those of both towers' vectors: (T, U·C, width).

    Tokens come first: then every product with a token's own matrix is a plain matrix product.
    """
    users, candidates = inputs.shape
    pairs = inputs.numbers.reshape(users * candidates, -1)
    fields = [
        pairs[:, jnp.asarray(columns)] @ matrix
        for columns, matrix in zip(shape.groups.values(), weights["fields"], strict=True)
    ]
    query = each_candidate(inputs.query @ weights["query"], candidates)
    item = inputs.item @ weights["item"]
    x = jnp.stack([*fields, *(each.reshape(len(pairs), -1) for each in (query, item))])
    return x + weights["bias"][:, jnp.newaxis]


def draw_boost(normal: Callable[..., Array], tokens: int, width: int) -> Weights:
    """Weights of :func:`boost`."""
    return {
        "gate": normal(tokens, width, 2 * width),
        "up": normal(tokens, width, 2 * width),
        "down": 0.5 * normal(tokens, 2 * width, width),
    }


def boost(weights: Weights, x: Array) -> Array:
    """SwiGLU with weights of its own for each token: (T, P, width) → the same."""
    return (jax.nn.silu(x @ weights["gate"]) * (x @ weights["up"])) @ weights["down"]


def read_out(weights: Array, x: Array, inputs: Inputs) -> Array:
    """Tokens (T, U·C, width), normalized, as one score of each candidate: (U, C)."""
    return jnp.einsum("tpd,td->p", normed(x), weights).reshape(inputs.shape)
