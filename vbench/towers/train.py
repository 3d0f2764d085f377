"""The training loop: sampled softmax, sparse Adagrad on the tables, Adam on the rest.

Imports jax; everything else in the package imports this module late.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from vbench.towers import batches
from vbench.towers.checkpoint import Checkpoint, Epoch, Position, State
from vbench.towers.embed import Embedder
from vbench.towers.evaluate import validation_hit_rate
from vbench.towers.interactions import Interactions
from vbench.towers.model import (
    Array,
    Arrays,
    Lookup,
    Model,
    category_fields,
    gather,
    item_lookups,
    new_model,
    perceptron,
    shared_columns,
    tokens_of,
    tower,
    tower_input,
    user_lookups,
)
from vbench.towers.recipe import Recipe

_MASKED = -1e9
_FIRST_SQUARE = 0.1  # Adagrad's start, so that the first step of a row is not its largest

Progress = Callable[[int, int, int, float], None]
"""Called with epoch, step, steps of the epoch, and the loss."""


class Trained(NamedTuple):
    """The best state by hit rate on the validation part, and how training went."""

    state: State
    epochs: list[Epoch]
    best: int


def fit(
    data: Interactions,
    recipe: Recipe,
    seed: int,
    *,
    checkpoint: Checkpoint | None = None,
    progress: Progress = lambda *_: None,
    report: Callable[[Epoch], None] = lambda _: None,
) -> Trained:
    """Train until the validation hit rate stops rising, or the recipe's epochs are over.

    The same interactions, recipe and seed give the same vectors on the same machine, whether or
    not the training was interrupted.

    Parameters
    ----------
    checkpoint
        Where the training is kept once a minute and gone on from; forgotten at its end.
    """
    history = batches.History(data.train, data.n_users)
    embedder = Embedder(data, recipe)
    step = compiled_step(recipe, category_fields(data))
    tokens, total = tokens_of(data), batches.steps(data, recipe)
    state = start(data, recipe, seed)
    at = Position(state, copied(state), [], 0, jnp.zeros(()))
    if checkpoint:
        at = checkpoint.restore(at)
    while goes_on(at.epochs, recipe):
        number = len(at.epochs) + 1
        for batch in batches.epoch_batches(data, history, recipe, seed, number, at.step):
            state, loss = step(at.state, tokens, batch._asdict())
            at = at._replace(state=state, step=at.step + 1, loss=at.loss + loss)
            if at.step % 10 == 0 or at.step == total:
                progress(number, at.step, total, float(loss))
                if checkpoint and checkpoint.due():
                    checkpoint.save(at)
        rate = validation_hit_rate(data, embedder.scorer(at.state.model), seed)
        epochs = [*at.epochs, Epoch(number, float(at.loss) / total, rate)]
        report(epochs[-1])
        best = copied(at.state) if best_epoch(epochs) == number else at.best
        at = Position(at.state, best, epochs, 0, jnp.zeros(()))
        if checkpoint:
            checkpoint.save(at)
    return Trained(at.best, at.epochs, best_epoch(at.epochs))


def go_on(data: Interactions, recipe: Recipe, seed: int, state: State, share: float) -> State:
    """Train for a share of an epoch more: what a model learns after its items were indexed."""
    history = batches.History(data.train, data.n_users)
    step = compiled_step(recipe, category_fields(data))
    tokens, state = tokens_of(data), copied(state)
    wanted = max(1, round(share * batches.steps(data, recipe)))
    later = batches.epoch_batches(data, history, recipe, seed, epoch=0)
    for batch in itertools.islice(later, wanted):
        state, _ = step(state, tokens, batch._asdict())
    return state


def copied(state: State) -> State:
    """Copy a state: a step uses up the buffers of the one that it is given."""
    fresh: State = jax.tree.map(jnp.copy, state)
    return fresh


def best_epoch(epochs: list[Epoch]) -> int:
    """Give the number of the epoch with the highest hit rate; the last of equals."""
    return max(epochs, key=lambda epoch: (epoch.hit_rate, epoch.number)).number


def goes_on(epochs: list[Epoch], recipe: Recipe) -> bool:
    """Say whether another epoch is wanted."""
    if not epochs:
        return True
    return len(epochs) < recipe.epochs and epochs[-1].number - best_epoch(epochs) < recipe.patience


def start(data: Interactions, recipe: Recipe, seed: int) -> State:
    """Draw a new model, with fresh optimizers."""
    model = new_model(data, recipe, seed)
    squares = {name: jnp.full(len(t), _FIRST_SQUARE) for name, t in model.tables.items()}
    return State(model, squares, optax.adam(recipe.dense_rate).init(model.dense))


def compiled_step(recipe: Recipe, pooled: tuple[str, ...]) -> Any:
    """Compile one step: (state, tokens, batch) to (state, loss). The old state is used up."""
    adam = optax.adam(recipe.dense_rate)

    def step(state: State, tokens: dict[str, Arrays], batch: Arrays) -> tuple[State, Array]:
        model = state.model
        of_users = user_lookups(tokens, pooled, batch["users"], batch["history"])
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
            u, v = tower(dense["user"], x, recipe.metric), tower(dense["item"], y, recipe.metric)
            loss = softmax_loss(u, v, batch, recipe)
            fresh = {"user.sync": v[: len(u)], "item.sync": u}
            if recipe.cascade:
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
                _adagrad(tables, squares, found, scaled, recipe.table_rate)
        positives = {"user": batch["users"], "item": batch["items"][: len(batch["users"])]}
        shared = _average(model.shared, fresh, positives, recipe.decay)
        model = Model(tables, optax.apply_updates(model.dense, change), shared)
        return State(model, squares, adam_state), loss

    return jax.jit(step, donate_argnums=0)


def softmax_loss(u: Array, v: Array, batch: Arrays, recipe: Recipe) -> Array:
    """Cross-entropy of each positive among all candidates of the batch, with logQ correction.

    Other columns that hold the positive's item, or an item of the same user, are accidental hits
    and taken out (Yi et al., "Sampling-bias-corrected neural modeling", RecSys 2019; mixed
    negatives: Yang et al., WWW 2020).
    """
    scores = u @ v.T
    if recipe.metric == "cosine":
        scores = scores / recipe.temperature
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
