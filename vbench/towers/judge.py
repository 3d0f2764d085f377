"""A trained dataset's quality, as it is stored, beside what anybody would try first."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.errors import MissingExtraError
from vbench.towers.evaluate import Quality, Scorer, answers, popularity_scorer, vector_scorer
from vbench.towers.export import Rows, Selection, Vectors
from vbench.towers.interactions import Interactions, Pairs
from vbench.towers.recipe import Recipe


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

    The items of a user's own training interactions are left out of every ranking.

    Returns
    -------
    Quality by name: of the `towers`, of the queries with `skew` and with `noise`, of
    `popularity`, and of `als` where it is asked for.
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


REGULARIZATION = 10.0
WEIGHT = 10.0
ITERATIONS = 15


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

    Returns
    -------
    float32 (n_users + 1, dim) and (n_items + 1, dim); row 0 is nobody's.

    Raises
    ------
    MissingExtraError
        implicit is not installed.
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
