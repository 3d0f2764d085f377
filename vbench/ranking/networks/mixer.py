"""Blocks of token fusion and token boost: what UniMixer and Zenith have in common."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from vbench.ranking.networks.base import Array, Network, Shape, Size, Weights
from vbench.ranking.networks.tokens import boost, draw_boost, normed, stack_blocks

HEADS = 2


def mixer(shape: Shape, size: Size) -> Network:
    """Blocks of token fusion and token boost, one token for each field.

    Fusion mixes the tokens with learned matrices, one for each head of their width (UniMixer,
    arXiv 2604.00590); boost is a SwiGLU with weights of its own for each token, which keeps the
    tokens different (Zenith, arXiv 2601.21285). Both are residual, before a normalization.
    """
    tokens, width = shape.tokens, size.width

    def draw_block(normal: Callable[..., Array]) -> Weights:
        return {
            "mix": 0.5 * normal(HEADS, tokens, tokens),
            "fuse": 0.5 * normal(width, width),
            "boost": draw_boost(normal, tokens, width),
        }

    def passed(block: Weights, x: Array) -> Array:
        x = x + fused(normed(x), block["mix"], block["fuse"])
        return x + boost(block["boost"], normed(x))

    return stack_blocks(shape, size, draw_block, passed)


def fused(x: Array, mix: Array, fuse: Array) -> Array:
    """Mix tokens with one matrix for each head of their width, then the width itself.

    Parameters
    ----------
    x : (T, P, width), mix : (heads, T, T), fuse : (width, width)
    """
    parts = [
        (matrix @ part.reshape(len(part), -1)).reshape(part.shape)
        for matrix, part in zip(mix, jnp.array_split(x, HEADS, axis=-1), strict=True)
    ]
    return jnp.concatenate(parts, axis=-1) @ fuse
