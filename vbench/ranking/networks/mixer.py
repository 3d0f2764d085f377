"""Blocks of token fusion and token boost: what UniMixer and Zenith have in common."""

from __future__ import annotations

import jax.numpy as jnp

from vbench.ranking.networks.base import (
    Array,
    Inputs,
    Network,
    Shape,
    Size,
    Weights,
    boost,
    draw_boost,
    draw_tokens,
    drawer,
    field_tokens,
    normed,
    read_out,
)

HEADS = 2


def mixer(shape: Shape, size: Size) -> Network:
    """Blocks of token fusion and token boost, one token for each field.

    Fusion mixes the tokens with learned matrices, one for each head of their width (UniMixer,
    arXiv 2604.00590); boost is a SwiGLU with weights of its own for each token, which keeps the
    tokens different (Zenith, arXiv 2601.21285). Both are residual, before a normalization.
    """
    tokens, (width, depth) = shape.tokens, size

    def draw(seed: int) -> Weights:
        normal = drawer(seed)
        return {
            "tokens": draw_tokens(normal, shape, width),
            "blocks": [
                {
                    "mix": 0.5 * normal(HEADS, tokens, tokens),
                    "fuse": 0.5 * normal(width, width),
                    "boost": draw_boost(normal, tokens, width),
                }
                for _ in range(depth)
            ],
            "out": jnp.zeros((tokens, width)),
        }

    def score(weights: Weights, inputs: Inputs) -> Array:
        x = field_tokens(weights["tokens"], shape, inputs)
        for block in weights["blocks"]:
            x = x + fused(normed(x), block["mix"], block["fuse"])
            x = x + boost(block["boost"], normed(x))
        return read_out(weights["out"], x, inputs)

    return Network(draw, score)


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
