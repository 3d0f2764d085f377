"""HyFormer: queries decode what the user had, and are boosted by the other features, in turn."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from vbench.ranking.networks.base import Array, Inputs, Network, Shape, Size, Weights, drawer
from vbench.ranking.networks.tokens import (
    boost,
    draw_boost,
    draw_tokens,
    field_tokens,
    normed,
    read_out,
)
from vbench.ranking.networks.unimixer import mixed

QUERIES, HEADS = 2, 2


def hyformer(shape: Shape, size: Size) -> Network:
    """Query decoding over the user's history and query boosting, in turn.

    Huang et al., "HyFormer: Revisiting the Roles of Sequence Modeling and Feature Interaction in
    CTR Prediction" (2026). All features and the mean of the history are made into a few query
    tokens by a small network each. In a layer these attend to the history by that layer's keys and
    values (decoding), then mix with the tokens of the features and pass a feed-forward of their own
    (boosting). Of our own choice: two queries, two heads, one learned matrix of mixing a layer
    (:func:`vbench.ranking.networks.unimixer.mixed`), and what an item of the history is: its
    tower's vector and the commonest value of each of its features; the candidate's are embedded by
    the same table.
    """
    fields, (width, depth) = shape.tokens + 1, size
    tokens = fields + QUERIES

    def draw(seed: int) -> Weights:
        normal = drawer(seed)
        return {
            "tokens": draw_tokens(normal, shape, width),
            "code": 0.3 * normal(shape.codes, 1, width)[:, 0],
            "had": normal(shape.d, width),
            "first": normal(QUERIES, (fields + 1) * width, width),
            "second": normal(QUERIES, width, width),
            "layers": [
                {
                    "query": normal(width, width),
                    "key": normal(width, width),
                    "value": normal(width, width),
                    "mix": 0.5 * normal(tokens * HEADS, tokens * HEADS),
                    "boost": draw_boost(normal, tokens, width),
                }
                for _ in range(depth)
            ],
            "out": jnp.zeros((tokens, width)),
        }

    def score(weights: Weights, inputs: Inputs) -> Array:
        users, candidates = inputs.shape
        code = weights["code"].at[0].set(0.0)
        past = inputs.had @ weights["had"] + code[inputs.had_code].sum(axis=2)
        told = code[inputs.code].sum(axis=2).reshape(1, users * candidates, width)
        x = jnp.concatenate([field_tokens(weights["tokens"], shape, inputs), told])
        mean = (past * inputs.had_any[..., jnp.newaxis]).sum(axis=1)
        mean = mean / jnp.maximum(inputs.had_any.sum(axis=1, keepdims=True), 1.0)
        all_told = [*x, jnp.repeat(mean, candidates, axis=0)]
        known = jnp.concatenate([normed(each) for each in all_told], axis=-1)
        queries = jax.nn.silu(known @ weights["first"]) @ weights["second"]
        x = jnp.concatenate([queries, x])
        past = normed(past)
        for layer in weights["layers"]:
            decoded = decode(layer, normed(x[:QUERIES]), past, inputs.had_any)
            x = jnp.concatenate([x[:QUERIES] + decoded, x[QUERIES:]])
            x = x + mixed(normed(x), layer["mix"], HEADS)
            x = x + boost(layer["boost"], normed(x))
        return read_out(weights["out"], x, inputs)

    return Network(draw, score, reads_past=True)


def decode(layer: Weights, queries: Array, past: Array, there: Array) -> Array:
    """Attend to what each user had: queries (Q, U·C, width) → the same; nothing had gives 0.

    Parameters
    ----------
    past : (U, L, width), there : (U, L), 1 or 0
    """
    users, length, width = past.shape
    heads = (HEADS, width // HEADS)
    query = (queries @ layer["query"]).reshape(len(queries), users, -1, *heads)
    key = (past @ layer["key"]).reshape(users, length, *heads)
    value = (past @ layer["value"]).reshape(users, length, *heads)
    met = jnp.einsum("quchd,ulhd->uqchl", query, key) * heads[1] ** -0.5
    # Where nothing was had all weights are 0, so that no padding is looked at.
    weight = jnp.exp(met - met.max(axis=-1, keepdims=True)) * there[:, None, None, None]
    weight = weight / jnp.maximum(weight.sum(axis=-1, keepdims=True), 1e-9)
    return jnp.einsum("uqchl,ulhd->quchd", weight, value).reshape(queries.shape)
