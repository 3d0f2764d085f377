"""Checks of what an index answers: ids, metrics, seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vbench.adapters.conformance.subject import (
    DoubtfulError,
    K,
    NotApplicableError,
    Subject,
    WrongError,
    as_ids,
    search,
    vectors,
)
from vbench.adapters.protocol import Ids, Vectors
from vbench.metric import METRICS, Metric, distance
from vbench.plugins import said


def answers_queries(subject: Subject) -> None:
    """Ids come as an integer array (m, k) of row numbers."""
    base, queries = vectors(1000, seed=1), vectors(20, seed=2)
    index = subject.fitted(base)
    for k in (1, K):
        ids = search(index, queries, k, len(base))
        repeated = sum(len(found) - len(set(found)) for found in (row[row >= 0] for row in ids))
        if repeated:
            raise WrongError(f"{repeated} ids came twice for one query", "return each id once")
        if (ids < 0).all():
            raise WrongError("every id is a pad: nothing is found", "search after fit must answer")


def more_than_there_are(subject: Subject) -> None:
    """K > n gives n ids and pads, or a shorter row."""
    base, queries = vectors(300, seed=3), vectors(5, seed=4)
    k = len(base) + 20
    index = subject.fitted(base)
    try:
        answers = [index.search(queries, k), [index.search_one(query, k) for query in queries]]
    except Exception as error:
        raise WrongError(
            f"k={k} on {len(base)} vectors raised {said(error)}", "pad the missing ids with -1"
        ) from error
    for answer in answers:
        as_ids(answer, len(queries), k, len(base))


def one_is_a_batch_of_one(subject: Subject) -> None:
    """A query gets the same ids alone, in a batch of one, and among others."""
    base, queries = vectors(1000, seed=5), vectors(30, seed=6)
    index = subject.fitted(base)
    batch = search(index, queries, K, len(base))
    for row, query in enumerate(queries):
        alone = np.asarray(index.search_one(query, K))
        if alone.ndim != 1:
            raise WrongError(
                f"search_one returned shape {alone.shape}", f"return one row of {K} ids, ({K},)"
            )
        single = as_ids(alone[np.newaxis], 1, K, len(base))
        first = search(index, query[np.newaxis], K, len(base))
        for name, ids in (("search_one", single), ("a batch of one", first)):
            if set(ids[0]) != set(batch[row]):
                raise WrongError(
                    f"query {row}: {name} gave {ids[0].tolist()}, the batch {batch[row].tolist()}",
                    "search each query with the same parameters whether alone or not",
                )


def same_seed_same_answers(subject: Subject) -> None:
    """The same seed and one thread give the same answers; so does asking again."""
    base, queries = vectors(2000, seed=7), vectors(50, seed=8)
    index = subject.fitted(base, seed=3)
    first = search(index, queries, K, len(base))
    again = search(index, queries, K, len(base))
    rebuilt = search(subject.fitted(base, seed=3), queries, K, len(base))
    for name, other in (("asked twice", again), ("built twice with seed 3", rebuilt)):
        changed = int((first != other).any(axis=1).sum())
        if changed:
            raise WrongError(
                f"{name}: {changed} of {len(queries)} queries got other ids",
                "draw all randomness from the seed that fit is given",
            )


def metric_check(metric: Metric) -> Callable[[Subject], None]:
    """The check that `metric` is honoured, where it is claimed."""

    def honoured(subject: Subject) -> None:
        if metric not in subject.kind.metrics:
            raise NotApplicableError(f"{metric} is not claimed")
        base, queries = vectors(2000, seed=9), vectors(50, seed=10)
        ids = search(subject.fitted(base, metric), queries, K, len(base))
        recall = {other: _recall(ids, queries, base, other) for other in METRICS}
        best = max(recall, key=lambda each: recall[each])
        values = ", ".join(f"{value:.2f} under {name}" for name, value in recall.items())
        if recall[best] > recall[metric] + 0.05:
            raise WrongError(
                f"asked for {metric}, recall is {values}: it answers by {best}",
                f"use the metric that fit is given, or leave {metric!r} out of metrics",
            )
        if recall[metric] < 0.5:
            raise DoubtfulError(
                f"recall is only {recall[metric]:.2f} at the widest setting",
                "widen the sweep, or look whether the metric is right",
            )

    return honoured


def _recall(ids: Ids, queries: Vectors, base: Vectors, metric: Metric) -> float:
    distances = distance(queries[:, np.newaxis], base[np.newaxis], metric)
    truth = np.argsort(distances, axis=1)[:, : ids.shape[1]]
    hits = [len(set(found) & set(exact)) for found, exact in zip(ids, truth, strict=True)]
    return float(np.mean(hits) / ids.shape[1])
