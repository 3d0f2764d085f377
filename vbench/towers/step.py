"""One training step: sampled softmax, sparse Adagrad on the tables, Adam on the rest.

Imports jax; everything else in the package imports this module late.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from vbench.towers.model import (
    Array,
    Arrays,
    Lookup,
    Model,
    gather,
    item_lookups,
    perceptron,
    shared_columns,
    tower,
    tower_input,
    user_lookups,
)
from vbench.towers.recipe import Recipe

_MASKED = -1e9


class State(NamedTuple):
    """A model and its optimizers: all that a step changes."""

    model: Model
    squares: Arrays
    adam: Any


class Options(NamedTuple):
    """What a compiled step depends on; the recipe's keys of those names.

    Attributes
    ----------
    pooled
        Item features that are pooled over a user's history.
    """

    pooled: tuple[str, ...]
    metric: str
    temperature: float
    cascade: bool
    decay: float
    table_rate: float
    dense_rate: float

    @classmethod
    def of(cls, recipe: Recipe, pooled: tuple[str, ...]) -> Options:
        """Take them from a recipe."""
        return cls(pooled, *(getattr(recipe, name) for name in cls._fields[1:]))


@functools.cache
def compiled_step(options: Options) -> Any:
    """Compile one step: (state, tokens, batch) to (state, loss). The old state is used up."""
    adam = optax.adam(options.dense_rate)

    def step(state: State, tokens: dict[str, Arrays], batch: Arrays) -> tuple[State, Array]:
        model = state.model
        of_users = user_lookups(tokens, options.pooled, batch["users"], batch["history"])
        of_items = item_lookups(tokens, batch["items"])
        rows = gather(model.tables, of_users), gather(model.tables, of_items)

        def loss_of(dense: Arrays, rows: tuple[Arrays, Arrays]) -> tuple[Array, Arrays]:
            x = tower_input(
                rows[0],
                of_users,
                batch["kept"],
                [batch["activity"], *shared_columns(model.shared, "user", batch["users"])],
            )
            ones = jnp.ones(len(batch["items"]))
            extra = shared_columns(model.shared, "item", batch["items"])
            y = tower_input(rows[1], of_items, ones, extra)
            u, v = tower(dense["user"], x, options.metric), tower(dense["item"], y, options.metric)
            loss = softmax_loss(u, v, batch, options)
            fresh = {"user.sync": v[: len(u)], "item.sync": u}
            if options.cascade:
                ranked, hidden = ranking_loss(dense["ranker"], x, y[: len(u)])
                loss += ranked
                fresh |= {"user.cascade": hidden, "item.cascade": hidden}
            return loss, fresh

        (loss, fresh), (dense, row_slopes) = jax.value_and_grad(
            loss_of, argnums=(0, 1), has_aux=True
        )(model.dense, rows)
        change, adam_state = adam.update(dense, state.adam)
        tables, squares = dict(model.tables), dict(state.squares)
        for slopes, lookups in zip(row_slopes, (of_users, of_items), strict=True):
            for key, found in lookups.items():
                scaled = slopes[key] * len(batch["users"])
                _adagrad(tables, squares, found, scaled, options.table_rate)
        positives = {"user": batch["users"], "item": batch["items"][: len(batch["users"])]}
        shared = _average(model.shared, fresh, positives, options.decay)
        model = Model(tables, optax.apply_updates(model.dense, change), shared)
        return State(model, squares, adam_state), loss

    return jax.jit(step, donate_argnums=0)


def softmax_loss(u: Array, v: Array, batch: Arrays, options: Options) -> Array:
    """Cross-entropy of each positive among all candidates of the batch, with logQ correction.

    Other columns that hold the positive's item, or an item of the same user, are accidental hits
    and taken out (Yi et al., "Sampling-bias-corrected neural modeling", RecSys 2019; mixed
    negatives: Yang et al., WWW 2020).
    """
    scores = u @ v.T
    if options.metric == "cosine":
        scores = scores / options.temperature
    scores = scores - batch["log_expected"]
    size, width = scores.shape
    users = jnp.pad(batch["users"], (0, width - size))
    accidental = (batch["items"] == batch["items"][:size, None]) | (
        users == batch["users"][:, None]
    )
    own = jnp.arange(width) == jnp.arange(size)[:, None]
    scores = jnp.where(accidental & ~own, _MASKED, scores)
    return (jax.nn.logsumexp(scores, axis=1) - jnp.diagonal(scores)).mean()


def ranking_loss(ranker: list[Arrays], x: Array, y: Array) -> tuple[Array, Array]:
    """Logistic loss of a small ranker on the positives and on a shifted copy as negatives.

    Only the ranker learns from it. Also gives its last hidden layer on the positives.
    """
    x, y = jax.lax.stop_gradient((x, y))
    good, hidden = perceptron(ranker, jnp.concatenate([x, y], axis=1))
    bad, _ = perceptron(ranker, jnp.concatenate([x, jnp.roll(y, 1, axis=0)], axis=1))
    return (jax.nn.softplus(-good) + jax.nn.softplus(bad)).mean(), hidden


def _adagrad(tables: Arrays, squares: Arrays, found: Lookup, slopes: Array, rate: float) -> None:
    """Row-wise Adagrad on the rows that were looked up; the pad stays zero."""
    rows = found.tokens.reshape(-1)
    slopes = jnp.where((rows > 0)[:, None], slopes.reshape(len(rows), -1), 0)
    squares[found.table] = squares[found.table].at[rows].add((slopes**2).mean(-1))
    scale = rate / jnp.sqrt(squares[found.table][rows])
    tables[found.table] = tables[found.table].at[rows].add(-scale[:, None] * slopes)


def _average(shared: Arrays, fresh: Arrays, rows: Arrays, decay: float) -> Arrays:
    """Move the shared vectors of the batch's users and items towards what was just seen."""
    moved = {}
    for name, vectors in shared.items():
        at = rows[name.partition(".")[0]]
        new = decay * vectors[at] + (1 - decay) * jax.lax.stop_gradient(fresh[name])
        moved[name] = vectors.at[at].set(new)
    return moved
