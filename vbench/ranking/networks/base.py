"""What all networks share: what they see, their size, and how weights are drawn.

A network is two functions. It sees some users with some candidates each, and scores every one of
them by itself: no score depends on the other candidates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

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
