"""Checks of what an index answers: ids, rows, metrics, seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vbench._process.text import describe_error
from vbench.indexes.answers import AnswerError, check_batch, stack
from vbench.indexes.conformance.subject import (
    DoubtfulError,
    K,
    NotApplicableError,
    Subject,
    WrongError,
    changed_rows,
    prepare_array,
    search,
    search_each,
)
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import METRICS, Metric, distance

_FEW = 0.1
_SEED_REMEDY = (
    "draw all randomness from the seed that fit is given; "
    "say seeded = False where the library takes none"
)


def answers_queries(subject: Subject) -> None:
    """Ids come as integers (m, k) that are row numbers."""
    base, queries = subject.vectors(1000, seed=1), subject.vectors(20, seed=2)
    with subject.make_fitted(base) as index:
        for k in (1, K):
            ids = search(index, queries, k, len(base))
            _refuse_repeats(ids)
            if (ids < 0).all():
                raise WrongError(
                    "every id is a pad: nothing is found", "search after fit must answer"
                )


def _refuse_repeats(ids: Ids) -> None:
    repeated = sum(len(found) - len(set(found)) for found in (row[row >= 0] for row in ids))
    if repeated:
        raise WrongError(
            f"{repeated} ids came twice for one query",
            "return each id once, and -1 where fewer are found",
        )


def more_than_there_are(subject: Subject) -> None:
    """K > n gives n ids and pads, or shorter rows."""
    base, queries = subject.vectors(300, seed=3), subject.vectors(5, seed=4)
    k = len(base) + 20
    with subject.make_fitted(base) as index:
        for method in (search, search_each):
            try:
                ids = method(index, queries, k, len(base))
            except AnswerError:
                raise
            except Exception as error:
                raise WrongError(
                    f"k={k} on {len(base)} vectors raised {describe_error(error)}",
                    "return what there is: pad the missing ids with -1, or make the row shorter",
                ) from error
            _refuse_repeats(ids)


def one_is_a_batch_of_one(subject: Subject) -> None:
    """A query gets the same ids alone, in a batch of one, and among others."""
    base, queries = subject.vectors(1000, seed=5), subject.vectors(30, seed=6)
    with subject.make_fitted(base) as index:
        batch = search(index, queries, K, len(base))
        alone = search_each(index, queries, K, len(base))
        firsts = [search(index, query[np.newaxis], K, len(base))[0] for query in queries]
        bare = np.ndim(index.search(prepare_array(index, queries[:1]), K)) == 1
    for name, found in (("search_one", alone), ("a batch of one", np.array(firsts))):
        others = np.flatnonzero((np.sort(found, axis=1) != np.sort(batch, axis=1)).any(axis=1))
        if others.size:
            row = others[0]
            # Of some libraries a batch goes another way, and near ties may end otherwise.
            kind = DoubtfulError if others.size <= _FEW * len(queries) else WrongError
            raise kind(
                f"{others.size} of {len(queries)} queries differ; query {row}: {name} gave "
                f"{found[row].tolist()}, the batch {batch[row].tolist()}",
                "search each query with the same parameters whether alone or not",
            )
    if bare:
        raise DoubtfulError(
            "search answers a batch of one by a row alone", f"return an array of shape (1, {K})"
        )


def no_queries(subject: Subject) -> None:
    """A batch without queries has no rows."""
    base = subject.vectors(300, seed=29)
    with subject.make_fitted(base) as index:
        try:
            search(index, subject.vectors(0, seed=30), K, len(base))
        except AnswerError as error:
            raise DoubtfulError(error.reason, "return no rows, (0, k)") from None
        except Exception as error:
            raise DoubtfulError(
                f"search without queries raised {describe_error(error)}", "return no rows, (0, k)"
            ) from error


def answers_last(subject: Subject) -> None:
    """An answer is still the same when others have been given."""
    base, queries = subject.vectors(1000, seed=31), subject.vectors(24, seed=32)
    parts = np.split(queries, 4)
    with subject.make_fitted(base) as index:
        ones = [(index.search_one, each, _one) for each in prepare_array(index, queries)]
        batches = [(index.search, prepare_array(index, each), _batch) for each in parts]
        for name, calls in (("search_one", ones), ("search", batches)):
            answers, copies = [], []
            for call, asked, taken in calls:
                answers.append(call(asked, K))
                copies.append(taken(answers[-1], asked))
            changed = sum(
                not np.array_equal(taken(answer, asked), copy)
                for (_, asked, taken), answer, copy in zip(calls, answers, copies, strict=True)
            )
            if changed:
                raise DoubtfulError(
                    f"{name} uses the memory of an answer again: {changed} of {len(calls)} "
                    "answers changed while later ones were given",
                    "return a new array for each call; until then every answer is copied",
                )


def _one(answer: Any, _asked: Vectors) -> Ids:
    return np.array(stack([answer], K))


def _batch(answer: Any, asked: Vectors) -> Ids:
    return np.array(check_batch(answer, len(asked), K))


def same_seed_same_answers(subject: Subject) -> None:
    """The same seed and one thread give the same answers; so does asking again."""
    base, queries = subject.vectors(2000, seed=7), subject.vectors(50, seed=8)
    with subject.make_fitted(base, seed=3) as index:
        first = search(index, queries, K, len(base))
        again = search(index, queries, K, len(base))
    if changed := changed_rows(first, again):
        reason = f"asked twice: {changed} of {len(queries)} queries got other ids"
        if not subject.kind.seeded:
            raise DoubtfulError(reason, "answer alike as long as nothing was set or built anew")
        raise WrongError(reason, _SEED_REMEDY)
    with subject.make_fitted(base, seed=3) as rebuilt:
        changed = changed_rows(first, search(rebuilt, queries, K, len(base)))
    if changed:
        reason = f"built twice with seed 3: {changed} of {len(queries)} queries got other ids"
        if not subject.kind.seeded:
            raise NotApplicableError(f"seeded is False; {reason}")
        raise DoubtfulError(reason, _SEED_REMEDY)


def metric_check(metric: Metric) -> Callable[[Subject], None]:
    """The check that `metric` is honored, where it is claimed."""

    def check_metric(subject: Subject) -> None:
        if metric not in subject.kind.metrics:
            raise NotApplicableError(f"{metric} is not claimed")
        base, queries = subject.vectors(2000, seed=9), subject.vectors(50, seed=10)
        with subject.make_fitted(base, metric) as index:
            ids = search(index, queries, K, len(base))
        recall = {other: recall_of(ids, queries, base, other) for other in METRICS}
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

    return check_metric


def recall_of(ids: Ids, queries: Vectors, base: Vectors, metric: Metric) -> float:
    """Share of answers that are no farther than the K-th neighbor: ties are as good."""
    hits = 0
    for found, query in zip(ids, queries, strict=True):
        distances = distance(query[np.newaxis], base, metric)
        farthest = np.partition(distances, K - 1)[K - 1]
        hits += int((distances[found[found >= 0]] <= farthest).sum())
    return hits / ids.size
