"""From interactions to a dataset folder: train, embed, judge, write."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.errors import MissingExtraError
from vbench.towers.evaluate import Epoch, Quality, Scorer, answers, popularity_scorer, vector_scorer
from vbench.towers.export import (
    Rows,
    Selection,
    Vectors,
    card_text,
    item_table,
    pairs_table,
    query_table,
    select_users_and_items,
    write,
)
from vbench.towers.interactions import Interactions, Pairs
from vbench.towers.recipe import KEPT, Recipe, Source

if TYPE_CHECKING:
    from vbench.towers.model import Model
    from vbench.towers.step import State
    from vbench.towers.train import Checkpoint, Progress

# Sums are split over threads, and another split rounds differently: so always the same number.
THREADS = "2"
REGULARIZATION = 10.0
WEIGHT = 10.0
ITERATIONS = 15


class Made(NamedTuple):
    """A trained dataset, and how good it is.

    Attributes
    ----------
    best : number of the epoch whose vectors these are
    checkpoint : the training on disk, forgotten when the dataset is written
    """

    chosen: Selection
    vectors: Vectors
    quality: Mapping[str, Quality]
    epochs: list[Epoch]
    best: int
    checkpoint: Checkpoint | None


def make(
    data: Interactions,
    recipe: Recipe,
    seed: int,
    *,
    als: bool = False,
    checkpoints: Path | None = None,
    fresh: bool = False,
    progress: Progress = lambda *_: None,
    report: Callable[[Epoch], None] = lambda _: None,
) -> Made:
    """Train two towers and turn them into the vectors of a dataset.

    Parameters
    ----------
    als
        Judge alternating least squares on the same interactions as well.
    checkpoints
        Folder where the training is kept while it goes on.
    fresh
        Forget what is kept there of this training.

    Raises
    ------
    MissingExtraError
        jax or optax, or for `als` implicit, is not installed.
    """
    start_jax()
    from vbench.towers import train
    from vbench.towers.train import Checkpoint

    chosen = select_users_and_items(data, recipe, seed)
    kept = Checkpoint(checkpoints, data, recipe, seed) if checkpoints else None
    if kept and fresh:
        kept.forget()
    trained = train.fit(data, recipe, seed, checkpoint=kept, progress=progress, report=report)
    vectors = _embed(data, recipe, seed, chosen, trained.state)
    quality = judge(data, recipe, chosen, vectors, seed, als=als)
    return Made(chosen, vectors, quality, trained.epochs, trained.best, kept)


def _embed(
    data: Interactions, recipe: Recipe, seed: int, chosen: Selection, state: State
) -> Vectors:
    from vbench.towers.embed import Embedder
    from vbench.towers.train import go_on

    embedder = Embedder(data, recipe)
    later = go_on(data, recipe, seed, state, recipe.skew)

    def queries(model: Model, noise: float = 0.0) -> NDArray[np.float16]:
        users = embedder.users(model, chosen.users, noise, seed)
        items = embedder.items(model, chosen.held, noise, seed)
        return np.concatenate([users, items]).astype(np.float16)

    return Vectors(
        base=embedder.items(state.model, chosen.base).astype(np.float16),
        queries=queries(state.model),
        skew=queries(later.model),
        noise=queries(state.model, recipe.noise),
    )


def save(folder: Path, source: Source, data: Interactions, made: Made) -> None:
    """Write what was made as a dataset folder.

    A folder with a recipe belongs to the catalog, whose card and recipe describe it, and which may
    not hold the interactions themselves; any other gets a card, and keeps what it was made from.
    """
    recipe = source.recipe
    tables = {
        "queries": query_table(data, made.chosen, recipe),
        "items": item_table(data, made.chosen),
        "relevance": pairs_table(made.chosen, data.test),
    }
    card = card_text(source.name, data, recipe, made.vectors, made.quality)
    texts = {"dataset.toml": card.encode(), KEPT: msgspec.json.format(msgspec.json.encode(source))}
    if (folder / "recipe.toml").is_file():
        texts = {}
    else:
        tables["interactions"] = pairs_table(made.chosen, data.train, data.validation)
    write(folder, made.vectors, tables, texts)
    if made.checkpoint:
        made.checkpoint.forget()


def start_jax() -> None:
    """Import jax and start its CPU backend with two threads.

    Where the caller has used jax already, its threads stay as they are, and vectors may differ in
    the last bits from those of a fresh process.
    """
    before = os.environ.get("NPROC")
    os.environ["NPROC"] = THREADS
    try:
        import jax
        import optax  # noqa: F401  # only to say early that it is missing

        jax.devices("cpu")
    except ModuleNotFoundError as error:
        if error.name not in {"jax", "jaxlib", "optax"}:
            raise
        raise MissingExtraError("training two towers", "towers") from None
    finally:
        if before is None:
            del os.environ["NPROC"]
        else:
            os.environ["NPROC"] = before


def judge(
    data: Interactions,
    recipe: Recipe,
    chosen: Selection,
    made: Vectors,
    seed: int,
    *,
    als: bool = False,
) -> dict[str, Quality]:
    """Judge what is stored, over the user queries and the base items.

    The items of a user's own training interactions are left out of every ranking. Quality by
    name: of the `towers`, of the queries with `skew` and with `noise`, of `popularity`, and of
    `als` where it is asked for.
    """
    place = np.zeros(data.n_items + 1, dtype=np.int32)
    place[chosen.base] = np.arange(1, len(chosen.base) + 1)
    held, seen, validation = (
        _in_dataset(part, chosen.users, place) for part in (data.test, data.train, data.validation)
    )
    scorers: dict[str, Scorer] = {
        "towers": vector_scorer(made.queries, made.base),
        "skew": vector_scorer(made.skew, made.base),
        "noise": vector_scorer(made.noise, made.base),
        "popularity": popularity_scorer(data.popularity()[chosen.base]),
    }
    if als:
        users, items = als_vectors(data, recipe, seed)
        scorers["als"] = vector_scorer(users[chosen.users], items[chosen.base])
    if not len(validation):  # none of the drawn users is in it: a small set
        validation = held
    found = {}
    for name, scorer in scorers.items():
        calibration = answers(np.unique(validation.user), validation, seen, scorer, seed)
        said = answers(np.unique(held.user), held, seen, scorer, seed)
        found[name] = said.quality(calibration)
    return found


def _in_dataset(pairs: Pairs, users: Rows, place: Rows) -> Pairs:
    mine = np.isin(pairs.user, users) & (place[pairs.item] > 0)
    user, item = pairs.user[mine], pairs.item[mine]
    return Pairs((np.searchsorted(users, user) + 1).astype(np.int32), place[item])


def import_als() -> Any:
    """Import the class that factorises.

    Raises
    ------
    MissingExtraError
        implicit is not installed.
    """
    try:
        from implicit import als
    except ModuleNotFoundError as error:
        if error.name != "implicit":
            raise
        raise MissingExtraError("the ALS baseline", "als") from None
    return als.AlternatingLeastSquares


def als_vectors(
    data: Interactions, recipe: Recipe, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors of all users and all items, of the towers' dimension (Hu, Koren, Volinsky, 2008).

    float32 (n_users + 1, dim) and (n_items + 1, dim); row 0 is nobody's.
    """
    from scipy.sparse import csr_matrix

    pairs = (np.ones(len(data.train), dtype=np.float32), (data.train.user, data.train.item))
    matrix = csr_matrix(pairs, shape=(data.n_users + 1, data.n_items + 1))
    with warnings.catch_warnings():
        # It asks for one thread of OpenBLAS; that costs time here and changes no vector.
        warnings.simplefilter("ignore", RuntimeWarning)
        model = import_als()(
            factors=recipe.dim,
            regularization=REGULARIZATION,
            alpha=WEIGHT,
            iterations=ITERATIONS,
            random_state=seed,
            num_threads=2,
        )
        model.fit(matrix, show_progress=False)
    return np.asarray(model.user_factors), np.asarray(model.item_factors)
