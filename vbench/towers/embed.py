"""Trained towers to vectors, block by block.

Imports jax; everything else in the package imports this module late.
"""

from __future__ import annotations

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

Vectors = NDArray[np.float32]


class Embedder:
    """Both towers of one training, compiled; the model comes with each call."""

    def __init__(self, data: Interactions, recipe: Recipe) -> None:
        self._data = data
        self._history = History(data.train, data.n_users)
        self._tokens = tokens_of(data)
        pooled, metric = category_fields(data), recipe.metric

        def of_users(model: Model, tokens: dict[str, Arrays], batch: Arrays) -> Array:
            found = user_lookups(tokens, pooled, batch["users"], batch["history"])
            extra = [batch["activity"], *shared_columns(model.shared, "user", batch["users"])]
            x = tower_input(
                gather(model.tables, found), found, jnp.ones(len(batch["users"])), extra
            )
            return tower(model.dense["user"], x, metric)

        def of_items(model: Model, tokens: dict[str, Arrays], items: Array) -> Array:
            found = item_lookups(tokens, items)
            extra = shared_columns(model.shared, "item", items)
            x = tower_input(gather(model.tables, found), found, jnp.ones(len(items)), extra)
            return tower(model.dense["item"], x, metric)

        self._of_users, self._of_items = jax.jit(of_users), jax.jit(of_items)

    def items(self, model: Model, rows: IntArray) -> Vectors:
        """Vectors of items: float32 (len(rows), dim)."""
        return _blocks(rows, lambda part: self._of_items(model, self._tokens, part))

    def users(self, model: Model, rows: IntArray) -> Vectors:
        """Vectors of users from their training history: float32 (len(rows), dim)."""
        rng = np.random.default_rng(0)

        def embed(part: IntArray) -> Any:
            batch = {
                "users": part,
                "history": self._history.sample(part, np.zeros_like(part), HISTORY_AT_MOST, rng),
                "activity": self._history.activity(part),
            }
            return self._of_users(model, self._tokens, batch)

        return _blocks(rows, embed)

    def scorer(self, model: Model) -> Callable[[IntArray], Vectors]:
        """Scores of all items for some users, by exact inner product."""
        items = self.items(model, np.arange(1, self._data.n_items + 1, dtype=np.int32))
        return lambda users: np.asarray(self.users(model, users) @ items.T)


def _blocks(rows: IntArray, embed: Callable[[IntArray], Any]) -> Vectors:
    """Compile for one shape only: the last block is filled up with row 0."""
    parts = []
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        full = np.zeros(_BLOCK, dtype=np.int32)
        full[: len(part)] = part
        parts.append(np.asarray(embed(full))[: len(part)])
    return np.concatenate(parts)
