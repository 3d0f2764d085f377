"""What all networks share: what they see, how weights are drawn, and tokens of fields.

A network is two functions. It sees some users with some candidates each, and scores every one of
them by itself: no score depends on the other candidates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Array = Any
Weights = Any


class Inputs(NamedTuple):
    """U users with C candidates each.

    Attributes
    ----------
    numbers : float32 (U, C, F), standardized numbers of pairs
    query : float32 (U, d), the tower's vector, of mean square 1
    item : float32 (U, C, d), likewise
    code : int32 (U, C, G), the commonest value of each feature of the item; 0 is none
    had : float32 (U, L, d), vectors of items that the user had; L is 0 where nobody reads them
    had_code : int32 (U, L, G)
    had_any : float32 (U, L), 1 where there is such an item, else 0
    segment : int32 (U,), the user's segment; 0 where none is told
    """

    numbers: Array
    query: Array
    item: Array
    code: Array
    had: Array
    had_code: Array
    had_any: Array
    segment: Array

    @property
    def shape(self) -> tuple[int, int]:
        """U and C."""
        return self.numbers.shape[:2]  # type: ignore[no-any-return]


class Shape(NamedTuple):
    """The inputs of one dataset.

    Attributes
    ----------
    groups : columns of `Inputs.numbers` of each field, by its name
    d : dimensions of the towers' vectors
    codes : number of values of `Inputs.code`, 0 among them
    segments : number of segments
    """

    groups: dict[str, list[int]]
    d: int
    codes: int
    segments: int

    @property
    def numbers(self) -> int:
        """How many numbers a pair has."""
        return sum(len(each) for each in self.groups.values())

    @property
    def tokens(self) -> int:
        """How many tokens :func:`field_tokens` makes."""
        return len(self.groups) + 2


class Size(NamedTuple):
    """The knob of scale: width of a token (or layer), and number of blocks."""

    width: int
    depth: int


class Network(NamedTuple):
    """Draws weights from a seed, and scores candidates with them.

    Attributes
    ----------
    draw : seed → weights
    score : weights, inputs → float32 (U, C)
    reads_past : whether it looks at the items that users had
    describe
        Weights, inputs → numbers that tell how the network is used, by name: floats ().
    """

    draw: Callable[[int], Weights]
    score: Callable[[Weights, Inputs], Array]
    reads_past: bool = False
    describe: Callable[[Weights, Inputs], dict[str, Array]] | None = None


def drawer(seed: int) -> Callable[..., Array]:
    """Normal weights with a variance of one over the width of what they multiply."""
    rng = np.random.default_rng([seed, 11])

    def normal(*shape: int) -> Array:
        drawn = rng.normal(0.0, shape[-2] ** -0.5, shape)
        return jnp.asarray(drawn.astype(np.float32))

    return normal


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
