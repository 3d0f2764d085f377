"""Matrix factorisation by alternating least squares: the baseline that needs no features."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.errors import MissingExtraError
from vbench.towers.interactions import Interactions
from vbench.towers.recipe import Recipe

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
