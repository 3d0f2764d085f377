"""From interactions to a dataset folder: prepare, train, embed, judge, write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vbench.errors import MissingExtraError
from vbench.towers.export import Judged, Selection, Vectors, judge_dataset, select
from vbench.towers.interactions import Interactions
from vbench.towers.recipe import Recipe

if TYPE_CHECKING:
    from vbench.towers.train import Epoch, Progress


class Made(NamedTuple):
    """A trained dataset, and how good it is."""

    chosen: Selection
    vectors: Vectors
    judged: Judged
    epochs: list[Epoch]
    best: int


def make(
    data: Interactions,
    recipe: Recipe,
    seed: int,
    *,
    progress: Progress = lambda *_: None,
    report: Callable[[Epoch], None] = lambda _: None,
) -> Made:
    """Train two towers and turn them into the vectors of a dataset.

    Raises
    ------
    MissingExtraError
        jax or optax is not installed.
    """
    try:
        from vbench.towers import train
        from vbench.towers.embed import Embedder
    except ModuleNotFoundError as error:
        if error.name not in {"jax", "jaxlib", "optax"}:
            raise
        raise MissingExtraError("training two towers", "towers") from None
    trained = train.fit(data, recipe, seed, progress=progress, report=report)
    chosen = select(data, recipe, seed)
    embedder = Embedder(data, recipe)
    users = embedder.users(trained.model, chosen.users)
    held = embedder.items(trained.model, chosen.held)
    vectors = Vectors(
        embedder.items(trained.model, chosen.base).astype(np.float16),
        np.concatenate([users, held]).astype(np.float16),
    )
    judged = judge_dataset(data, chosen, vectors)
    return Made(chosen, vectors, judged, trained.epochs, trained.best)
