"""A trained dataset's quality, as it is stored, beside what anybody would try first."""

from __future__ import annotations

import numpy as np

from vbench.towers.als import als_vectors
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
