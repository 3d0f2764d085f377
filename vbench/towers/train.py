"""The training loop: epochs, early stop, checkpoints.

Imports jax; everything else in the package imports this module late.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from vbench.towers import batches
from vbench.towers.checkpoint import Checkpoint, Epoch, Position, State
from vbench.towers.embed import Embedder
from vbench.towers.evaluate import validation_hit_rate
from vbench.towers.interactions import Interactions
from vbench.towers.model import category_fields, new_model, tokens_of
from vbench.towers.recipe import Recipe
from vbench.towers.step import Options, compiled_step

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
    step = compiled_step(Options.of(recipe, category_fields(data)))
    tokens, total = tokens_of(data), batches.steps(data, recipe)
    state = new_state(data, recipe, seed)
    at = Position(state, copy_state(state), [], 0, jnp.zeros(()))
    if checkpoint:
        at = checkpoint.restore(at)
    while is_improving(at.epochs, recipe):
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
        best = copy_state(at.state) if best_epoch(epochs) == number else at.best
        at = Position(at.state, best, epochs, 0, jnp.zeros(()))
        if checkpoint:
            checkpoint.save(at)
    return Trained(at.best, at.epochs, best_epoch(at.epochs))


def go_on(data: Interactions, recipe: Recipe, seed: int, state: State, share: float) -> State:
    """Train for a share of an epoch more: what a model learns after its items were indexed."""
    history = batches.History(data.train, data.n_users)
    step = compiled_step(Options.of(recipe, category_fields(data)))
    tokens, state = tokens_of(data), copy_state(state)
    wanted = max(1, round(share * batches.steps(data, recipe)))
    later = batches.epoch_batches(data, history, recipe, seed, epoch=0)
    for batch in itertools.islice(later, wanted):
        state, _ = step(state, tokens, batch._asdict())
    return state


def copy_state(state: State) -> State:
    """Copy a state: a step uses up the buffers of the one that it is given."""
    fresh: State = jax.tree.map(jnp.copy, state)
    return fresh


def best_epoch(epochs: list[Epoch]) -> int:
    """Give the number of the epoch with the highest hit rate; the last of equals."""
    return max(epochs, key=lambda epoch: (epoch.hit_rate, epoch.number)).number


def is_improving(epochs: list[Epoch], recipe: Recipe) -> bool:
    """Say whether another epoch is wanted."""
    if not epochs:
        return True
    return len(epochs) < recipe.epochs and epochs[-1].number - best_epoch(epochs) < recipe.patience


def new_state(data: Interactions, recipe: Recipe, seed: int) -> State:
    """Draw a new model, with fresh optimizers."""
    model = new_model(data, recipe, seed)
    squares = {name: jnp.full(len(t), _FIRST_SQUARE) for name, t in model.tables.items()}
    return State(model, squares, optax.adam(recipe.dense_rate).init(model.dense))
