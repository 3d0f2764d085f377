"""Trained towers to vectors, block by block.

Imports jax; everything else in the package imports this module late.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from vbench.towers.batches import History
from vbench.towers.features import IntArray
from vbench.towers.interactions import Interactions
from vbench.towers.model import (
    Array,
    Arrays,
    Model,
    category_fields,
    gather,
    input_width,
    item_lookups,
    shared_columns,
    tokens_of,
    tower,
    tower_input,
    user_lookups,
)
from vbench.towers.recipe import Recipe

_BLOCK = 2048
HISTORY_AT_MOST = 200

Floats = NDArray[np.float32]


class Embedder:
    """Both towers of one training, compiled; the model comes with each call."""

    def __init__(self, data: Interactions, recipe: Recipe) -> None:
        self._data, self._dim = data, recipe.dim
        self._history = History(data.train, data.n_users)
        self._tokens = tokens_of(data)
        self._of_users, self._of_items = _compiled(category_fields(data), recipe.metric)

    def items(self, model: Model, rows: IntArray, noise: float = 0.0, seed: int = 0) -> Floats:
        """Vectors of items: float32 (len(rows), dim).

        Parameters
        ----------
        noise
            Standard deviation of Gaussian noise on every column of the tower's input.
        """
        rng = np.random.default_rng([seed, 6])

        def embed(part: IntArray) -> Array:
            batch = {"items": part, "noise": _disturbance(rng, noise, model, "item", len(part))}
            return self._of_items(model, self._tokens, batch)

        return _blocks(rows, embed, self._dim)

    def users(self, model: Model, rows: IntArray, noise: float = 0.0, seed: int = 0) -> Floats:
        """Vectors of users from their training history: float32 (len(rows), dim).

        `noise` is that of :meth:`items`.
        """
        rng = np.random.default_rng([seed, 8])

        def embed(part: IntArray) -> Array:
            batch = {
                "users": part,
                "history": self._history.sample(part, np.zeros_like(part), HISTORY_AT_MOST, rng),
                "activity": self._history.activity(part),
                "noise": _disturbance(rng, noise, model, "user", len(part)),
            }
            return self._of_users(model, self._tokens, batch)

        return _blocks(rows, embed, self._dim)

    def scorer(self, model: Model) -> Callable[[IntArray], Floats]:
        """Scores of all items for some users, by exact inner product."""
        items = self.items(model, np.arange(1, self._data.n_items + 1, dtype=np.int32))
        return lambda users: np.asarray(self.users(model, users) @ items.T)


@functools.cache
def _compiled(pooled: tuple[str, ...], metric: str) -> tuple[Any, Any]:
    """Compile both towers: (model, tokens, batch) to vectors."""

    def of_users(model: Model, tokens: dict[str, Arrays], batch: Arrays) -> Array:
        found = user_lookups(tokens, pooled, batch["users"], batch["history"])
        extra = [batch["activity"], *shared_columns(model.shared, "user", batch["users"])]
        ones = jnp.ones(len(batch["users"]))
        x = tower_input(gather(model.tables, found), found, ones, extra)
        return tower(model.dense["user"], x + batch["noise"], metric)

    def of_items(model: Model, tokens: dict[str, Arrays], batch: Arrays) -> Array:
        found = item_lookups(tokens, batch["items"])
        extra = shared_columns(model.shared, "item", batch["items"])
        ones = jnp.ones(len(batch["items"]))
        x = tower_input(gather(model.tables, found), found, ones, extra)
        return tower(model.dense["item"], x + batch["noise"], metric)

    return jax.jit(of_users), jax.jit(of_items)


def _disturbance(
    rng: np.random.Generator, noise: float, model: Model, side: str, count: int
) -> Floats:
    if not noise:
        return np.zeros((1, 1), dtype=np.float32)
    shape = (count, input_width(model, side))
    return (noise * rng.standard_normal(shape)).astype(np.float32)


def _blocks(rows: IntArray, embed: Callable[[IntArray], Any], dim: int) -> Floats:
    """Compile for one shape only: the last block is filled up with row 0."""
    parts = [np.empty((0, dim), dtype=np.float32)]
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        full = np.zeros(_BLOCK, dtype=np.int32)
        full[: len(part)] = part
        parts.append(np.asarray(embed(full))[: len(part)])
    return np.concatenate(parts)
