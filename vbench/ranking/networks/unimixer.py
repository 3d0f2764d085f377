"""UniMixer: the rule by which a mixer regroups parts of tokens, as a matrix that is learned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vbench.ranking.networks.base import Array, Network, Shape, Size, Weights
from vbench.ranking.networks.tokens import boost, normed, stack_blocks

HEADS = 4


def unimixer(shape: Shape, size: Size) -> Network:
    """Learned mixing of the parts of all tokens, then a feed-forward that all tokens share.

    arXiv 2604.00590 (2026). A rule-based mixer splits each token in heads and regroups them across
    tokens: :func:`permutation`, which needs as many heads as tokens. A learned matrix needs not.
    Of our own choice: four heads, a matrix that begins as noise, no factors (at some hundred
    numbers they save nothing), and a SwiGLU in place of the boost, so that mixing alone is tried.
    """
    tokens, width = shape.tokens, size.width

    def draw_block(normal: Callable[..., Array]) -> Weights:
        return {
            "mix": 0.5 * normal(tokens * HEADS, tokens * HEADS),
            "gate": normal(width, 2 * width),
            "up": normal(width, 2 * width),
            "down": 0.5 * normal(2 * width, width),
        }

    def passed(block: Weights, x: Array) -> Array:
        x = x + mixed(normed(x), block["mix"], HEADS)
        return x + boost(block, normed(x))

    return stack_blocks(shape, size, draw_block, passed)


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
