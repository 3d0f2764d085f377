"""Percentiles of engagement within a user's own history, learned beside the labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vbench.errors import DataError
from vbench.ranking.networks.base import Array, Network, Weights
from vbench.ranking.training import Drawn, Learner

COMPARED = 4
"""Other interactions of the same user that each is compared with."""
ROWS = 128
"""Users of a step."""
FEWEST = 50


class Compared(NamedTuple):
    """Interactions of some users: the first of each row is compared with the others.

    Attributes
    ----------
    inputs : of ROWS users with 1 + COMPARED items
    rating : float32, likewise; NaN where none is known
    """

    inputs: Any
    rating: Array


class Percentiles:
    """Tells how a user's rating of an item stands among the user's other ratings.

    Gella et al., PEARL, arXiv 2605.21752 (2026): the target is the percentile of an engagement
    within the user's own history, estimated by comparing it with samples of the user's other
    interactions, bootstrapped by predictions where feedback is sparse, and value-weighted; so a
    user of many interactions, or of high ratings, is no other than one of few. Of our own choice:
    the engagement is the rating; the prediction is the mean of σ(difference of scores); a
    comparison without both ratings has the model's own prediction as its target; each row weighs as
    its rating, over the mean rating (on a scale that goes down to 0 or below, the lowest weighs 1).
    What is compared are interactions that the towers learned from.

    Raises
    ------
    DataError
        Too few ratings are known, or all are the same.
    """

    def __init__(self, learner: Learner, weight: float) -> None:
        past = learner.past
        known = np.isfinite(past.rating)
        if known.sum() < FEWEST:
            raise DataError(
                f"pearl needs ratings, and only {int(known.sum())} of the {len(known):,} "
                "interactions have one; give --interactions FILE with a column rating, or leave "
                "pearl out"
            )
        self._rating = np.where(known, past.rating, np.nan).astype(np.float32)
        lowest, highest = np.nanmin(self._rating), np.nanmax(self._rating)
        if lowest == highest:
            raise DataError(
                f"pearl compares ratings, and all {int(known.sum()):,} are {lowest:g}: there is "
                "one class only; leave pearl out"
            )
        self._learner, self._weight = learner, weight
        self._shift = 1.0 - float(lowest) if lowest <= 0 else 0.0
        self._mean = float(self._rating[known].mean()) + self._shift
        self._starts = np.searchsorted(past.query, np.arange(past.query.max() + 2))
        size = np.diff(self._starts)
        # Every user with something to compare is as likely as another, however active.
        self._users = np.flatnonzero(size > 1)

    def prepare(self, drawn: Drawn, inputs: Any, step: int) -> Compared:
        """Draw users, one interaction of each, and others of the same user."""
        learner, past = self._learner, self._learner.past
        rng = np.random.default_rng([learner.seed, 15, step])
        users = rng.choice(self._users, ROWS)
        start, size = self._starts[users], self._starts[users + 1] - self._starts[users]
        first = rng.integers(0, size)
        # Never itself: a step of 1 … size − 1 further on, around.
        others = first[:, np.newaxis] + 1 + rng.integers(0, (size - 1)[:, None], (ROWS, COMPARED))
        at = np.concatenate([first[:, np.newaxis], others], axis=1) % size[:, np.newaxis]
        at += start[:, np.newaxis]
        encoder, reads = learner.encoder, learner.network.reads_past
        return Compared(
            encoder.inputs(users, past.item[at], reads_past=reads),
            self._rating[at],
        )

    def loss(self, network: Network, weights: Weights, scores: Array, drawn: Compared) -> Array:
        """Cross-entropy of the predicted percentile, weighted by value."""
        own = network.score(weights, drawn.inputs)
        said = jax.nn.sigmoid(own[:, :1] - own[:, 1:])
        target = percentiles(drawn.rating, said)
        predicted = jnp.clip(said.mean(axis=1), 1e-6, 1 - 1e-6)
        value = jnp.nan_to_num(drawn.rating[:, 0] + self._shift, nan=self._mean) / self._mean
        entropy = -target * jnp.log(predicted) - (1 - target) * jnp.log1p(-predicted)
        return self._weight * (value * entropy).mean()


def percentiles(rating: Array, said: Array) -> Array:
    """Share of the others that the first of each row is above, ties half: (R, 1 + s) → (R,).

    Parameters
    ----------
    said : (R, s)
        What the model says of each comparison: it stands where a rating is not known.
    """
    first, others = rating[:, :1], rating[:, 1:]
    told = (first > others) + 0.5 * (first == others)
    known = jnp.isfinite(first) & jnp.isfinite(others)
    return jnp.where(known, told, jax.lax.stop_gradient(said)).mean(axis=1)
