"""The training loop: epochs, early stop, and one file of arrays to go on from after a stop.

Imports jax; everything else in the package imports this module late.
"""

from __future__ import annotations

import hashlib
import itertools
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import optax

from vbench.data.files import whole_file
from vbench.towers import batches
from vbench.towers.embed import Embedder
from vbench.towers.evaluate import Epoch, validation_hit_rate
from vbench.towers.interactions import Interactions
from vbench.towers.model import Array, category_fields, new_model, tokens_of
from vbench.towers.recipe import Recipe
from vbench.towers.step import Options, State, compiled_step

SECONDS_BETWEEN = 60.0
_FIRST_SQUARE = 0.1  # Adagrad's start, so that the first step of a row is not its largest
Progress = Callable[[int, int, int, float], None]
"""Called with epoch, step, steps of the epoch, and the loss."""


class Position(NamedTuple):
    """How far a training has come.

    Attributes
    ----------
    best
        State after the best epoch so far.
    step, loss
        Batches done of the epoch under way, and the sum of their losses.
    """

    state: State
    best: State
    epochs: list[Epoch]
    step: int
    loss: Array


class Checkpoint:
    """One training's file, named after everything that its outcome depends on."""

    def __init__(self, folder: Path, data: Interactions, recipe: Recipe, seed: int) -> None:
        self.path = folder / f"{_digest(data, recipe, seed)}.npz"
        self._saved = time.monotonic()

    def due(self) -> bool:
        """Say whether the last one is a minute old."""
        return time.monotonic() - self._saved >= SECONDS_BETWEEN

    def save(self, at: Position) -> None:
        """Replace the file."""
        leaves = jax.tree.leaves((at.state, at.best))
        arrays: dict[str, Any] = {
            f"leaf{number}": np.asarray(leaf) for number, leaf in enumerate(leaves)
        }
        epochs = np.frombuffer(msgspec.json.encode(at.epochs), dtype=np.uint8)
        with whole_file(self.path) as file:
            np.savez(file, epochs=epochs, step=at.step, loss=np.asarray(at.loss), **arrays)
        self._saved = time.monotonic()

    def restore(self, start: Position) -> Position:
        """Give the position that was kept, or `start` where there is none that can be read."""
        leaves, shape = jax.tree.flatten((start.state, start.best))
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                found = [jnp.asarray(kept[f"leaf{number}"]) for number in range(len(leaves))]
                epochs = msgspec.json.decode(kept["epochs"].tobytes(), type=list[Epoch])
                step, loss = int(kept["step"]), jnp.asarray(kept["loss"])
        except FileNotFoundError:
            return start
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, msgspec.DecodeError):
            # A file that was damaged costs the time to train again, never a wrong model.
            return start
        if [leaf.shape for leaf in found] != [leaf.shape for leaf in leaves]:
            return start
        state, best = jax.tree.unflatten(shape, found)
        return Position(state, best, epochs, step, loss)

    def forget(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def _digest(data: Interactions, recipe: Recipe, seed: int) -> str:
    digest = hashlib.sha256(msgspec.json.encode([recipe, seed]))
    for part in (data.train, data.validation, data.test):
        digest.update(part.user.tobytes() + part.item.tobytes())
    for field in (*data.user_fields, *data.item_fields):
        digest.update(field.name.encode() + field.tokens.tobytes())
    return digest.hexdigest()[:24]


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
    not the training was interrupted: it is kept in `checkpoint` once a minute, and forgotten at its
    end.
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
    # Numbers that no epoch before has had, and so orders that none had.
    epochs = itertools.chain([0], itertools.count(recipe.epochs + 1))
    later = itertools.chain.from_iterable(
        batches.epoch_batches(data, history, recipe, seed, epoch=each) for each in epochs
    )
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
