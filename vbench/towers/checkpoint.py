"""A training on disk: one file of arrays, replaced as a whole, and gone on from after a stop.

Imports jax; everything else in the package imports this module late.
"""

from __future__ import annotations

import hashlib
import time
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import msgspec
import numpy as np

from vbench.data.files import whole_file
from vbench.towers.interactions import Interactions
from vbench.towers.model import Array, Arrays, Model
from vbench.towers.recipe import Recipe

SECONDS_BETWEEN = 60.0


class State(NamedTuple):
    """A model and its optimizers: all that a step changes."""

    model: Model
    squares: Arrays
    adam: Any


class Epoch(NamedTuple):
    """What one pass over the interactions brought.

    Attributes
    ----------
    loss : mean over the epoch's batches
    hit_rate : HR@100 on the validation part
    """

    number: int
    loss: float
    hit_rate: float


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
