"""How every network learns: from what users took next, against exposed and random items.

The loss is a softmax over all items, estimated from the one that was taken, exposed items and items
drawn at random, each corrected by how often it is expected among them: so an item that retrieval
did not expose is a fair example too. Everything that is drawn at a step follows from the seed and
the step's number, so a killed training resumes, to the same bytes. Imports
jax and optax.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from vbench.data.files import whole_file
from vbench.errors import DataError
from vbench.ranking.encoder import Encoder
from vbench.ranking.features import Floats, IntRows, Past
from vbench.ranking.networks.base import Array, Network, Weights
from vbench.ranking.protocol import Rows

BATCH = 256
EPOCHS = 8
STEPS = (100, 400)
RATE = 3e-3
DECAY = 0.1
EXPOSED = 16
RANDOM = 8
SECONDS_BETWEEN = 10.0
"""Between two times that an unfinished training is kept."""
_SAMPLE = 20_000
_ROWS, _WIDTH = 512, 64


class Drawn(NamedTuple):
    """Candidates of a step: what was taken stands first.

    Attributes
    ----------
    queries : int64 (U,)
    items : int64 (U, 1 + EXPOSED + RANDOM)
    expected : float32, likewise, log of how often each is expected among the others
    exposed : bool, likewise, whether retrieval puts it before the ranker
    """

    queries: IntRows
    items: IntRows
    expected: Floats
    exposed: NDArray[np.bool_]


class Aim(Protocol):
    """Something to learn beside the labels."""

    def prepare(self, drawn: Drawn, inputs: Any, step: int) -> Any:
        """What `loss` needs of a step, as arrays."""

    def loss(self, network: Network, weights: Weights, scores: Array, drawn: Any) -> Array:
        """Add to the loss: a number. `scores` (U, C) have `expected` taken off."""


class Learner(NamedTuple):
    """A network over the inputs of one dataset.

    Attributes
    ----------
    exposed : integer (m, K), exact candidates of every query
    """

    network: Network
    encoder: Encoder
    exposed: Rows
    n: int
    seed: int

    @property
    def past(self) -> Past:
        """What users had, and took next."""
        return self.encoder.past

    def draw(self, step: int) -> Drawn:
        """The candidates of a step."""
        pairs, start = len(self.past.next_query), step * BATCH
        at = np.arange(start, start + BATCH)
        epochs = range(start // pairs, (start + BATCH - 1) // pairs + 1)
        order = np.concatenate(
            [np.random.default_rng([self.seed, 13, each]).permutation(pairs) for each in epochs]
        )
        chosen = order[at - epochs[0] * pairs]
        rng = np.random.default_rng([self.seed, 14, step])
        return draw_candidates(self.past, self.exposed, self.n, chosen, rng)

    def scorer(self, weights: Weights) -> Callable[[Rows, Rows], Floats]:
        """A function of queries (b,) and candidates (b, w) that gives scores, float32 (b, w).

        Compiled for blocks of one size: candidates are cut in rows of some.
        """
        score = jax.jit(self.network.score)

        def scored(queries: Rows, candidates: Rows) -> Floats:
            columns = -(-candidates.shape[1] // _WIDTH)
            pad = columns * _WIDTH - candidates.shape[1]
            wide = np.pad(candidates, ((0, 0), (0, pad)), mode="edge").reshape(-1, _WIDTH)
            rows = np.repeat(queries, columns)
            made = np.empty(wide.shape, dtype=np.float32)
            for start in range(0, len(rows), _ROWS):
                part = slice(start, start + _ROWS)
                size = len(rows[part])
                full = np.pad(rows[part], (0, _ROWS - size), mode="edge")
                items = np.pad(wide[part], ((0, _ROWS - size), (0, 0)), mode="edge")
                inputs = self.encoder.inputs(full, items, reads_past=self.network.reads_past)
                made[part] = np.asarray(score(weights, inputs))[:size]
            return made.reshape(len(queries), -1)[:, : candidates.shape[1]]

        return scored


def draw_candidates(
    past: Past, exposed: Rows, n: int, chosen: NDArray[np.int64], rng: np.random.Generator
) -> Drawn:
    """What was taken in the chosen pairs, beside exposed and random items."""
    query = past.next_query[chosen]
    shown, k = exposed[query], exposed.shape[1]
    drawn = np.take_along_axis(shown, rng.integers(0, k, (len(query), EXPOSED)), axis=1)
    random = rng.integers(0, n, (len(query), RANDOM))
    items = np.concatenate([past.next_item[chosen][:, np.newaxis], drawn, random], axis=1)
    there = (items[:, :, np.newaxis] == shown[:, np.newaxis]).any(axis=2)
    expected = RANDOM / n + there * (EXPOSED / k)
    return Drawn(query, items.astype(np.int64), np.log(expected).astype(np.float32), there)


def sample_pairs(past: Past, exposed: Rows, n: int, seed: int) -> tuple[IntRows, IntRows]:
    """Pairs such as are learned from, to standardize by: queries and items, (P,) each.

    Raises
    ------
    DataError
        No candidate differs from what was taken: there is one class only.
    """
    rng = np.random.default_rng([seed, 12])
    chosen = rng.integers(0, len(past.next_query), max(1, _SAMPLE // (1 + EXPOSED + RANDOM)))
    drawn = draw_candidates(past, exposed, n, chosen, rng)
    if (drawn.items == drawn.items[:, :1]).all():
        raise DataError(
            "every candidate is what its user took next: there is one class only, and nothing to "
            "tell apart; a trained ranker needs items that were not taken"
        )
    return np.repeat(drawn.queries, drawn.items.shape[1]), drawn.items.ravel()


def count_steps(past: Past) -> int:
    """Steps of a training."""
    return int(np.clip(EPOCHS * len(past.next_query) / BATCH, *STEPS))


def fit(made: Learner, aims: Sequence[Aim] = (), unfinished: Path | None = None) -> Weights:
    """Learn to tell what a user took next from what retrieval put beside it.

    Parameters
    ----------
    aims
        What is learned beside that.
    unfinished
        File that keeps the training while it goes on; removed at its end.
    """
    steps = count_steps(made.past)
    adam = optax.adamw(optax.cosine_decay_schedule(RATE, steps), weight_decay=DECAY)
    network = made.network
    weights = network.draw(made.seed)

    def loss(weights: Weights, inputs: Any, expected: Any, extras: Any) -> Any:
        scores = network.score(weights, inputs) - expected
        total = (jax.nn.logsumexp(scores, axis=1) - scores[:, 0]).mean()
        for aim, extra in zip(aims, extras, strict=True):
            total = total + aim.loss(network, weights, scores, extra)
        return total

    @jax.jit
    def step(weights: Weights, state: Any, *batch: Any) -> tuple[Weights, Any]:
        change, state = adam.update(jax.grad(loss)(weights, *batch), state, weights)
        return optax.apply_updates(weights, change), state

    start, (weights, state) = _restore(unfinished, (weights, adam.init(weights)))
    kept = time.monotonic()
    for number in range(start, steps):
        drawn = made.draw(number)
        inputs = made.encoder.inputs(drawn.queries, drawn.items, reads_past=network.reads_past)
        extras = [aim.prepare(drawn, inputs, number) for aim in aims]
        weights, state = step(weights, state, inputs, drawn.expected, extras)
        if unfinished and time.monotonic() - kept >= SECONDS_BETWEEN:
            _keep(unfinished, number + 1, (weights, state))
            kept = time.monotonic()
    if unfinished:
        unfinished.unlink(missing_ok=True)
    return weights


def _keep(path: Path, step: int, at: Any) -> None:
    leaves: dict[str, Any] = {
        f"leaf{number}": np.asarray(leaf) for number, leaf in enumerate(jax.tree.leaves(at))
    }
    with whole_file(path) as file:
        np.savez(file, step=step, **leaves)


def _restore(path: Path | None, start: Any) -> tuple[int, Any]:
    """What was kept, or the start where there is nothing that can be read."""
    leaves, shape = jax.tree.flatten(start)
    if path is None:
        return 0, start
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            found = [jnp.asarray(kept[f"leaf{number}"]) for number in range(len(leaves))]
            step = int(kept["step"])
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        # A file that was damaged costs the time to train again, never a wrong model.
        return 0, start
    if [each.shape for each in found] != [jnp.shape(each) for each in leaves]:
        return 0, start
    return step, jax.tree.unflatten(shape, found)
