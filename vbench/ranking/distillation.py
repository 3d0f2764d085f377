"""A small student that learns from the scores of a large teacher, beside the labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vbench.ranking.features import Floats
from vbench.ranking.networks.base import Array, Network, Weights
from vbench.ranking.training import Drawn, Learner

WEIGHT = 1.0
"""Of the teacher's scores, against that of the labels."""
_BATCHES = 8
_WIDEST = 8.0


class Teacher:
    """The scores of a network that was trained apart, as something to learn.

    Ding et al., Rec-Distill, arXiv 2605.29755 (2026): decoupled (the teacher is trained first, and
    is the same for every student), black-box (only its scores are looked at) and debiased. Of our
    own choice: the student learns the teacher's softmax over the candidates of a step, and what is
    corrected is one number, added to the teacher's scores of exposed items: so that the share of
    what is taken that the teacher gives to exposed items is the share that is.
    """

    def __init__(self, learner: Learner, weights: Weights) -> None:
        score = jax.jit(learner.network.score)
        self._score: Callable[[Any], Floats] = lambda inputs: np.asarray(score(weights, inputs))
        self._reads_past = learner.network.reads_past
        self.bias = self._bias(learner)

    def prepare(self, drawn: Drawn, inputs: Any, step: int) -> Floats:
        """The teacher's share of each candidate: float32 (U, C), rows sum to 1."""
        return shares(self._score(inputs), drawn, self.bias)

    def loss(self, network: Network, weights: Weights, scores: Array, drawn: Array) -> Array:
        """Cross-entropy between the teacher's shares and the student's."""
        return WEIGHT * -(drawn * jax.nn.log_softmax(scores, axis=1)).sum(axis=1).mean()

    def _bias(self, learner: Learner) -> float:
        """What is added to scores of exposed items."""
        batches = [learner.draw(step) for step in range(_BATCHES)]
        scores = [
            self._score(
                learner.encoder.inputs(each.queries, each.items, reads_past=self._reads_past)
            )
            for each in batches
        ]
        wanted = np.mean([each.exposed[:, 0].mean() for each in batches])
        low, high = -_WIDEST, _WIDEST
        for _ in range(40):
            middle = (low + high) / 2
            given = [
                (shares(own, each, middle) * each.exposed).sum(axis=1).mean()
                for own, each in zip(scores, batches, strict=True)
            ]
            low, high = (middle, high) if np.mean(given) < wanted else (low, middle)
        return (low + high) / 2


def shares(scores: Floats, drawn: Drawn, bias: float) -> Floats:
    """Softmax over all items of scores that are corrected for exposed ones, by its estimate.

    `scores` (U, C) → (U, C); each candidate stands for as many items as it was expected once.
    """
    corrected = scores + bias * drawn.exposed - drawn.expected
    return np.asarray(jax.nn.softmax(jnp.asarray(corrected), axis=1))
