"""Zenith: a few wide tokens, kept different, that meet by attention over their parts."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from vbench.ranking.networks.base import Array, Inputs, Network, Shape, Size, Weights, drawer
from vbench.ranking.networks.tokens import boost, draw_boost, each_candidate, normed, read_out

PARTS = 4
"""Parts that each prime token is taken apart in."""
PRIME = ("user", "item", "history", "context")


def zenith(shape: Shape, size: Size) -> Network:
    """Blocks of token fusion and token boost over four prime tokens.

    Zhang et al., arXiv 2601.21285 (2026). A prime token is wide and stands for one semantic group
    of features. Fusion: the tokens are taken apart, the parts attend to each other, and make up the
    tokens again. Boost: a SwiGLU with weights of its own for each token. Both are residual. Of our
    own choice: which features a group has (user: activity and the user's vector; item: popularity,
    length and the item's vector; history: what was had, and how often each feature of the item
    occurs in it; context: the similarity, alone and against what is shown), four parts a token, one
    head, and a boost without experts.
    """
    columns = prime_groups(shape)
    (width, depth), tokens = size, len(PRIME)
    vectors = {"user": shape.d, "item": shape.d}

    def draw(seed: int) -> Weights:
        normal = drawer(seed)
        return {
            "prime": [normal(len(columns[name]) + vectors.get(name, 0), width) for name in PRIME],
            "bias": jnp.zeros((tokens, width)),
            "blocks": [
                {
                    "query": normal(width // PARTS, width // PARTS),
                    "key": normal(width // PARTS, width // PARTS),
                    "value": normal(width // PARTS, width // PARTS),
                    "place": 0.1 * normal(tokens * PARTS, width // PARTS),
                    "join": 0.5 * normal(tokens, width, width),
                    "boost": draw_boost(normal, tokens, width),
                }
                for _ in range(depth)
            ],
            "out": jnp.zeros((tokens, width)),
        }

    def score(weights: Weights, inputs: Inputs) -> Array:
        users, candidates = inputs.shape
        query = each_candidate(inputs.query, candidates)
        vector = {"user": [query], "item": [inputs.item]}
        groups = [
            [inputs.numbers[..., jnp.asarray(columns[name])], *vector.get(name, [])]
            for name in PRIME
        ]
        prime = [
            jnp.concatenate(group, axis=-1).reshape(users * candidates, -1) @ matrix
            for group, matrix in zip(groups, weights["prime"], strict=True)
        ]
        x = jnp.stack(prime) + weights["bias"][:, jnp.newaxis]
        for block in weights["blocks"]:
            x = x + fused(block, normed(x))
            x = x + boost(block["boost"], normed(x))
        return read_out(weights["out"], x, inputs)

    return Network(draw, score)


def prime_groups(shape: Shape) -> dict[str, list[int]]:
    """Columns of the numbers of each prime token."""
    groups = shape.groups
    told = [each for name, each in groups.items() if name.startswith("item.")]
    return {
        "user": groups["user"],
        "item": groups["item"],
        "history": [*groups["history"], *(column for each in told for column in each)],
        "context": groups["similarity"],
    }


def fused(block: Weights, x: Array) -> Array:
    """Token fusion, (T, P, width) → the same: parts of all tokens attend to each other.

    Without their `place`, parts are a set: another order of them gives the same in that order.
    """
    tokens, pairs, width = x.shape
    parts = x.reshape(tokens, pairs, PARTS, width // PARTS)
    parts = parts.transpose(0, 2, 1, 3).reshape(tokens * PARTS, pairs, -1)
    placed = parts + block["place"][:, jnp.newaxis]
    query, key = placed @ block["query"], placed @ block["key"]
    met = jnp.einsum("spe,tpe->pst", query, key) * (width // PARTS) ** -0.5
    seen = jnp.einsum("pst,tpe->spe", jax.nn.softmax(met, axis=-1), placed @ block["value"])
    joined = seen.reshape(tokens, PARTS, pairs, -1).transpose(0, 2, 1, 3).reshape(x.shape)
    return joined @ block["join"]
