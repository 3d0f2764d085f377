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
        self._towers = _compiled(category_fields(data), recipe.metric)

    def items(self, model: Model, rows: IntArray, noise: float = 0.0, seed: int = 0) -> Floats:
        """Vectors of items, float32 (len(rows), dim), with Gaussian `noise` on the input."""
        return self._embed("item", model, rows, noise, np.random.default_rng([seed, 6]))

    def users(self, model: Model, rows: IntArray, noise: float = 0.0, seed: int = 0) -> Floats:
        """Vectors of users from their training history: float32 (len(rows), dim).

        `noise` is that of :meth:`items`.
        """
        return self._embed("user", model, rows, noise, np.random.default_rng([seed, 8]))

    def _embed(
        self, side: str, model: Model, rows: IntArray, noise: float, rng: np.random.Generator
    ) -> Floats:
        """Compile for one shape only: the last block is filled up with row 0."""
        parts = [np.empty((0, self._dim), dtype=np.float32)]
        for start in range(0, len(rows), _BLOCK):
            part = rows[start : start + _BLOCK]
            full = np.zeros(_BLOCK, dtype=np.int32)
            full[: len(part)] = part
            batch: Arrays = {"rows": full, "noise": np.zeros((1, 1), dtype=np.float32)}
            if side == "user":
                nothing = np.zeros_like(full)
                batch["history"] = self._history.sample(full, nothing, HISTORY_AT_MOST, rng)
                batch["activity"] = self._history.activity(full)
            if noise:
                drawn = noise * rng.standard_normal((_BLOCK, input_width(model, side)))
                batch["noise"] = drawn.astype(np.float32)
            made = self._towers[side](model, self._tokens, batch)
            parts.append(np.asarray(made)[: len(part)])
        return np.concatenate(parts)

    def scorer(self, model: Model) -> Callable[[IntArray], Floats]:
        """Scores of all items for some users, by exact inner product."""
        items = self.items(model, np.arange(1, self._data.n_items + 1, dtype=np.int32))
        return lambda users: np.asarray(self.users(model, users) @ items.T)


@functools.cache
def _compiled(pooled: tuple[str, ...], metric: str) -> dict[str, Any]:
    """Compile both towers: (model, tokens, batch) to vectors."""

    def embed(side: str, model: Model, tokens: dict[str, Arrays], batch: Arrays) -> Array:
        rows = batch["rows"]
        extra = shared_columns(model.shared, side, rows)
        if side == "user":
            found = user_lookups(tokens, pooled, rows, batch["history"])
            extra = [batch["activity"], *extra]
        else:
            found = item_lookups(tokens, rows)
        x = tower_input(gather(model.tables, found), found, jnp.ones(len(rows)), extra)
        return tower(model.dense[side], x + batch["noise"], metric)

    return {side: jax.jit(functools.partial(embed, side)) for side in ("user", "item")}
