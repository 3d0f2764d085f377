"""The worst queries of a setting: what each missed, and what was returned instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench._document import Params
from vbench.data.dataset import Dataset
from vbench.measures.answers import Answers
from vbench.measures.tail import Tail
from vbench.metric import distance
from vbench.runs.settings import Setting
from vbench.runs.vectors import UNNAMED, Names

Ids = NDArray[np.integer[Any]]


class Neighbor(msgspec.Struct, frozen=True, kw_only=True):
    """An item that a query missed, or that was returned instead.

    Attributes
    ----------
    item, id
        Its row number, and what it is called.
    rank
        Its rank among the true neighbors; None beyond those that the run keeps.
    distance
        None without the vectors.
    builds
        How many builds missed it, or returned it.
    """

    item: int
    id: Any
    rank: int | None
    distance: float | None
    builds: int


class WorstQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One of the queries with the lowest recall.

    Attributes
    ----------
    query, id
        Its row number, and what it is called.
    recall, hits
        Mean over builds, and the hits of each build.
    columns, hardness
        Its values.
    missed
        True neighbors that some build did not return, nor another one as near in their place; by
        rank.
    instead
        False positives: returned, and farther than all true neighbors; those of most builds
        first. Both are empty where the ids of the answers were not asked for.
    """

    query: int
    id: Any
    kind: Literal["persistent", "build_dependent"]
    recall: float
    hits: tuple[int, ...]
    columns: Params
    hardness: dict[str, float]
    missed: tuple[Neighbor, ...] = ()
    instead: tuple[Neighbor, ...] = ()


def worst_first(
    hits: NDArray[np.integer[Any]], parts: Tail, number: int | None = None
) -> NDArray[np.intp]:
    """Rows of the worst queries: the persistent tail, then the rest, each by rising hits."""
    order = np.lexsort((hits.mean(axis=0), parts.build_dependent))
    inside = (parts.persistent | parts.build_dependent)[order]
    return np.asarray(order[inside][:number])


def worst_rows(
    setting: Setting,
    parts: Tail,
    number: int,
    hardness: pl.DataFrame | None = None,
    names: Names = UNNAMED,
) -> tuple[WorstQuery, ...]:
    """The worst queries of a setting by both tails, without what they missed."""
    rows = worst_first(setting.hits, parts, number)
    columns = (
        setting.run.columns[rows].to_dicts() if setting.run.columns.width else [{}] * len(rows)
    )
    hard = [{}] * len(rows) if hardness is None else hardness[rows].cast(pl.Float64).to_dicts()
    return tuple(
        WorstQuery(
            query=row,
            id=names.query(row),
            kind="persistent" if parts.persistent[row] else "build_dependent",
            recall=float(setting.hits[:, row].mean()) / setting.k,
            hits=tuple(setting.hits[:, row].tolist()),
            columns=columns[place],
            hardness=hard[place],
        )
        for place, row in enumerate(rows.tolist())
    )


def with_neighbors(
    worst: Sequence[WorstQuery],
    answers: Sequence[Answers],
    dataset: Dataset | None,
    names: Names = UNNAMED,
) -> tuple[WorstQuery, ...]:
    """The worst queries with what each missed and what was returned instead.

    `answers` are those of every build, with ids; the dataset says how far away they lie.
    """
    rows = np.array([each.query for each in worst], dtype=np.intp)
    own = [each.of_queries(rows) for each in answers]
    return tuple(
        msgspec.structs.replace(
            each,
            missed=_missed(own, place, names),
            instead=_instead(own, place, each.query, dataset, names),
        )
        for place, each in enumerate(worst)
    )


def _missed(answers: Sequence[Answers], row: int, names: Names) -> tuple[Neighbor, ...]:
    """True neighbors that were not returned, nor anything as near in their place."""
    first = answers[0]
    truth = first.truth_ids[row, : first.k]
    builds = np.sum([each.missed[row] for each in answers], axis=0)
    return tuple(
        Neighbor(
            item=int(truth[place]),
            id=names.item(int(truth[place])),
            rank=int(place) + 1,
            distance=float(first.truth_distances[row, place]),
            builds=int(builds[place]),
        )
        for place in np.flatnonzero(builds)
    )


def _instead(
    answers: Sequence[Answers], row: int, query: int, dataset: Dataset | None, names: Names
) -> tuple[Neighbor, ...]:
    """Ids that were returned and are farther than the k-th neighbor, of most builds first."""
    given = np.concatenate([np.unique(each.ids[row][each.wrong[row]]) for each in answers])
    ids, builds = np.unique(given, return_counts=True)
    order = np.argsort(-builds, kind="stable")
    rank_of = {int(each): place + 1 for place, each in enumerate(answers[0].truth_ids[row])}
    away = _distances(dataset, query, ids)
    return tuple(
        Neighbor(
            item=int(ids[place]),
            id=names.item(int(ids[place])),
            rank=rank_of.get(int(ids[place])),
            distance=None if away is None else float(away[place]),
            builds=int(builds[place]),
        )
        for place in order
    )


def _distances(dataset: Dataset | None, row: int, ids: Ids) -> NDArray[np.float64] | None:
    if dataset is None:
        return None
    return distance(dataset.queries[row], dataset.base[ids], dataset.metric)
