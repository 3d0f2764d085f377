"""Tokens of segments that prompt the tokens of features: one model for several segments."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from vbench.ranking.networks.base import Array, Inputs, Network, Shape, Weights, drawer
from vbench.ranking.networks.tokens import boost, draw_boost, draw_tokens, field_tokens, normed

WIDTH, LAYERS = 8, 1


def with_segments(network: Network, shape: Shape) -> Network:
    """Any network, and beside it a token of the user's segment and one of the task.

    Mu et al., MDL, arXiv 2602.07520 (2026): in each layer feature tokens attend to each other,
    tokens of scenarios and tasks attend to feature tokens, and both are aggregated to the
    prediction of each (scenario, task). Of our own choice: scenarios are the segments of a column
    of the queries, the task is one (what is taken next); what both tokens are aggregated to is
    added to the score of the network, which so may be any; width and layers are the same for all
    networks.
    """
    tokens = shape.tokens

    def draw(seed: int) -> Weights:
        normal = drawer(seed + 1_000_003)
        return {
            "network": network.draw(seed),
            "tokens": draw_tokens(normal, shape, WIDTH),
            "segment": normal(shape.segments, 1, WIDTH)[:, 0],
            "task": normal(1, WIDTH)[0],
            "layers": [
                {
                    "features": _draw_attention(normal),
                    "prompts": _draw_attention(normal),
                    "boost": draw_boost(normal, tokens, WIDTH),
                    "boost of prompts": draw_boost(normal, 2, WIDTH),
                }
                for _ in range(LAYERS)
            ],
            # Every segment, and the task, reads out for itself.
            "out of segment": jnp.zeros((shape.segments, WIDTH)),
            "out of task": jnp.zeros((shape.segments, WIDTH)),
        }

    def score(weights: Weights, inputs: Inputs) -> Array:
        x = field_tokens(weights["tokens"], shape, inputs)
        segment = jnp.repeat(inputs.segment, inputs.shape[1])
        task = jnp.broadcast_to(weights["task"], x.shape[1:])
        prompts = jnp.stack([weights["segment"][segment], task])
        for layer in weights["layers"]:
            y = normed(x)
            x = x + attend(layer["features"], y, y)
            x = x + boost(layer["boost"], normed(x))
            prompts = prompts + attend(layer["prompts"], normed(prompts), normed(x))
            prompts = prompts + boost(layer["boost of prompts"], normed(prompts))
        told = normed(prompts)
        added = (told[0] * weights["out of segment"][segment]).sum(axis=-1)
        added = added + (told[1] * weights["out of task"][segment]).sum(axis=-1)
        return network.score(weights["network"], inputs) + added.reshape(inputs.shape)

    describe = network.describe
    return network._replace(
        draw=draw,
        score=score,
        describe=describe and (lambda weights, inputs: describe(weights["network"], inputs)),
    )


def _draw_attention(normal: Callable[..., Array]) -> Weights:
    return {name: normal(WIDTH, WIDTH) for name in ("query", "key", "value")}


def attend(weights: Weights, asking: Array, asked: Array) -> Array:
    """Attention of tokens (A, P, width) to other tokens (T, P, width): (A, P, width)."""
    query, key = asking @ weights["query"], asked @ weights["key"]
    met = jnp.einsum("ape,tpe->pat", query, key) * WIDTH**-0.5
    value = asked @ weights["value"]
    return jnp.einsum("pat,tpe->ape", jax.nn.softmax(met, axis=-1), value)
