"""UniMixer: the rule by which a mixer regroups parts of tokens, as a matrix that is learned."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from vbench.ranking.networks.base import (
    Array,
    Inputs,
    Network,
    Shape,
    Size,
    Weights,
    draw_tokens,
    drawer,
    field_tokens,
    normed,
    read_out,
)

HEADS = 4


def unimixer(shape: Shape, size: Size) -> Network:
    """Learned mixing of the parts of all tokens, then a feed-forward that all tokens share.

    arXiv 2604.00590 (2026). A rule-based mixer splits each token in heads and regroups them across
    tokens: :func:`permutation`, which needs as many heads as tokens. A learned matrix needs not.
    Of our own choice: four heads, a matrix that begins as noise, no factors (at some hundred
    numbers they save nothing), and a SwiGLU in place of the boost, so that mixing alone is tried.
    """
    tokens, (width, depth) = shape.tokens, size

    def draw(seed: int) -> Weights:
        normal = drawer(seed)
        return {
            "tokens": draw_tokens(normal, shape, width),
            "blocks": [
                {
                    "mix": 0.5 * normal(tokens * HEADS, tokens * HEADS),
                    "gate": normal(width, 2 * width),
                    "up": normal(width, 2 * width),
                    "down": 0.5 * normal(2 * width, width),
                }
                for _ in range(depth)
            ],
            "out": jnp.zeros((tokens, width)),
        }

    def score(weights: Weights, inputs: Inputs) -> Array:
        x = field_tokens(weights["tokens"], shape, inputs)
        for block in weights["blocks"]:
            x = x + mixed(normed(x), block["mix"], HEADS)
            y = normed(x)
            x = x + (jax.nn.silu(y @ block["gate"]) * (y @ block["up"])) @ block["down"]
        return read_out(weights["out"], x, inputs)

    return Network(draw, score)


def mixed(x: Array, matrix: Array, heads: int) -> Array:
    """Multiply the parts of all tokens by a matrix: (T, P, width) → the same.

    Parameters
    ----------
    matrix : (T·heads, T·heads)
        Row and column t·heads + h are part h of token t.
    """
    tokens, pairs, width = x.shape
    parts = x.reshape(tokens, pairs, heads, width // heads).transpose(0, 2, 1, 3)
    moved = matrix @ parts.reshape(tokens * heads, -1)
    return moved.reshape(parts.shape).transpose(0, 2, 1, 3).reshape(x.shape)


def permutation(tokens: int) -> NDArray[np.float32]:
    """The matrix of the rule-based mixer: part h of token t becomes part t of token h.

    float32 (tokens², tokens²), with as many heads as tokens.
    """
    token, head = np.divmod(np.arange(tokens * tokens), tokens)
    matrix = np.zeros((tokens * tokens, tokens * tokens), dtype=np.float32)
    matrix[head * tokens + token, token * tokens + head] = 1.0
    return matrix
