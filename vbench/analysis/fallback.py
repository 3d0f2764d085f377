"""Queries sent on to a second index, or to exact search: who goes first, and what is gained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Interval
from vbench.analysis.counting import Clusters, Counting, Values
from vbench.data.dataset import Dataset
from vbench.indexes.router import Router, signs
from vbench.measures.answers import Answers
from vbench.measures.unions import route
from vbench.metric import FloatArray
from vbench.neighbors.space import neighbor_distances
from vbench.stats.association import tail_auc

SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
"""Of the queries that are sent on, at which every curve has a point."""
Order = Literal["random", "learned", "oracle"]


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What is reached when a share of the queries is sent on."""

    share: float
    measures: Values


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A gain curve: all queries are asked of one setting, some then of a second one too.

    Attributes
    ----------
    first, second
        Names of the settings; the second may be exact search. Of both answers the K nearest are
        kept.
    order
        Who is sent on first: anybody, who has the worst score by what the answer shows, learned
        on one half of the queries and used for the other, or who gains most (nobody knows that).
    auc
        How well the score tells who is under δ: the chance that one who is has the worse score.
    """

    first: str
    second: str
    order: Order
    auc: Interval | None
    points: tuple[Point, ...]


class Scores(NamedTuple):
    """Of each query in each build, how bad its answer looks: (builds, m)."""

    values: FloatArray
    auc: Interval | None


def learn_scores(answers: Sequence[Answers], dataset: Dataset, asked: Counting) -> Scores:
    """Scores of each half of the queries, from what was learned of the other."""
    metric, half = dataset.metric, _half(len(answers[0].hits), asked.clusters)
    tables = [
        signs(
            dataset.queries,
            np.sort(neighbor_distances(dataset.queries, dataset.base, each.ids, metric), axis=1),
        )
        for each in answers
    ]
    under = [asked.under(each) for each in answers]
    scores = np.empty((len(answers), len(half)))
    for learned, judged in ((half, ~half), (~half, half)):
        router = Router.learn(
            np.concatenate([table[learned] for table in tables]),
            np.concatenate([each[learned] for each in under]),
        )
        for row, table in zip(scores, tables, strict=True):
            row[judged] = router.score(table[judged])
    told = [tail_auc(*pair) for pair in zip(scores, under, strict=True)]
    ends = [float(np.mean([each[place] for each in told])) for place in range(3)]
    return Scores(scores, None if math.isnan(ends[0]) else Interval(*ends))


def _half(m: int, clusters: Clusters) -> NDArray[np.bool_]:
    """Half of the queries, drawn; all of a cluster are on one side."""
    rng = np.random.default_rng(0)
    if clusters is None:
        return np.asarray(rng.permutation(m) < m // 2)
    _, code = np.unique(clusters, return_inverse=True)
    number = int(code.max(initial=-1)) + 1
    return np.asarray((rng.permutation(number) < number // 2)[code])


def send_on(
    names: tuple[str, str],
    first: Sequence[Answers],
    both: Sequence[Answers],
    scores: Scores | None,
    asked: Counting,
) -> list[Route]:
    """Curves of sending queries on from one setting to another, an order each.

    `both` is what each build finds together with the second.
    """
    rng = np.random.default_rng(0)
    worst: dict[Order, tuple[Sequence[FloatArray], Interval | None]] = {
        "random": ([rng.random(len(each.hits)) for each in both], None)
    }
    if scores is not None:
        worst["learned"] = (list(scores.values), scores.auc)
    gained = [b.hits.astype(np.float64) - a.hits for a, b in zip(first, both, strict=False)]
    worst["oracle"] = (gained, None)
    return [
        Route(
            first=names[0],
            second=names[1],
            order=order,
            auc=auc,
            points=tuple(
                Point(share=share, measures=asked.values(_sent(first, both, keys, share)))
                for share in SHARES
            ),
        )
        for order, (keys, auc) in worst.items()
    ]


def _sent(
    first: Sequence[Answers], both: Sequence[Answers], keys: Sequence[FloatArray], share: float
) -> list[Answers]:
    """What is answered when the queries of the largest keys are sent on."""
    found = []
    for a, b, key in zip(first, both, keys, strict=False):
        rows = np.zeros(len(key), dtype=bool)
        rows[np.argsort(-key, kind="stable")[: round(share * len(key))]] = True
        found.append(route(a, b, rows))
    return found
