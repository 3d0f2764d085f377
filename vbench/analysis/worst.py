"""The worst queries of a setting: what each missed, what came instead, and how far away it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset
from vbench.measures.answers import Answers
from vbench.measures.hits import truth_reach
from vbench.measures.tail import Tail
from vbench.metric import distance
from vbench.runs.names import UNNAMED, Names

Ids = NDArray[np.integer[Any]]


def worst_first(hits: NDArray[np.integer[Any]], parts: Tail, number: int) -> NDArray[np.intp]:
    """Rows of the worst queries: the persistent tail, then the lottery, fewest hits first."""
    order = np.lexsort((hits.mean(axis=0), parts.build_dependent))
    inside = (parts.persistent | parts.build_dependent)[order]
    return np.asarray(order[inside][:number])


def worst_rows(
    answers: Sequence[Answers],
    parts: Tail,
    number: int,
    columns: Mapping[str, Sequence[Any]],
    hardness: Mapping[str, Sequence[Any]],
    dataset: Dataset | None,
    names: Names = UNNAMED,
) -> list[dict[str, Any]]:
    """One entry for each of the worst queries.

    Parameters
    ----------
    answers
        Of every build.
    parts
        Both tails.
    columns, hardness
        Of every query.
    dataset
        Says how far away is what came instead; without it that is not told.
    names
        What queries and items are called.

    Returns
    -------
    list of dict
        `query`: row number, `id`: what it is called; `missed`: true neighbors that some build
        did not return, by rank; `instead`: items that came and are none. Each with its `item`
        (row number) and `id`, the number of builds that did so, its rank where the truth is deep
        enough to know it, and its distance.
    """
    hits = np.stack([each.hits for each in answers])
    k = answers[0].k
    found = []
    for query in worst_first(hits, parts, number):
        row = int(query)
        found.append(
            {
                "query": row,
                "id": names.query(row),
                "kind": "persistent" if parts.persistent[row] else "lottery",
                "recall": float(hits[:, row].mean()) / k,
                "hits": hits[:, row].tolist(),
                "columns": {name: values[row] for name, values in columns.items()},
                "hardness": {name: float(values[row]) for name, values in hardness.items()},
                "missed": _missed(answers, row, names),
                "instead": _instead(answers, row, dataset, names),
            }
        )
    return found


def _missed(answers: Sequence[Answers], row: int, names: Names) -> list[dict[str, Any]]:
    first = answers[0]
    truth = first.truth_ids[row, : first.k]
    builds = np.sum([~np.isin(truth, each.ids[row]) for each in answers], axis=0)
    return [
        {
            "item": int(truth[place]),
            "id": names.item(int(truth[place])),
            "rank": int(place) + 1,
            "distance": float(first.truth_distances[row, place]),
            "builds": int(builds[place]),
        }
        for place in np.flatnonzero(builds)
    ]


def _instead(
    answers: Sequence[Answers], row: int, dataset: Dataset | None, names: Names
) -> list[dict[str, Any]]:
    """Ids that came and are no true neighbors, those of most builds first."""
    first = answers[0]
    reach = truth_reach(first.truth_distances[row : row + 1], first.k, first.metric, first.rule)
    known = first.truth_ids[row]
    given = np.concatenate([np.unique(each.ids[row]) for each in answers])
    ids, builds = np.unique(given[given >= 0], return_counts=True)
    wrong = ~np.isin(ids, known[: int(reach[0])])
    ids, builds = ids[wrong], builds[wrong]
    order = np.argsort(-builds, kind="stable")
    rank_of = {int(each): place + 1 for place, each in enumerate(known)}
    away = _distances(dataset, row, ids)
    return [
        {
            "item": int(ids[place]),
            "id": names.item(int(ids[place])),
            "rank": rank_of.get(int(ids[place])),
            "distance": None if away is None else float(away[place]),
            "builds": int(builds[place]),
        }
        for place in order
    ]


def _distances(dataset: Dataset | None, row: int, ids: Ids) -> NDArray[np.float64] | None:
    if dataset is None:
        return None
    return distance(dataset.queries[row], dataset.base[ids], dataset.metric)
