"""Queries to learn from: an index may see them while it is built, and they are never asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.data import check
from vbench.data.copies import equal_rows
from vbench.data.dataset import Dataset, GroundTruth, Learn
from vbench.data.select import keep_queries, number_queries
from vbench.errors import DataError, warn

_SEED = 1
"""Like queries that are held out, these do not follow the seed of a run: its builds learn from
the same ones."""


def draw_learn(dataset: Dataset, count: int) -> Dataset:
    """Take queries out of those that are asked: `count` different ones, always the same.

    All copies of a drawn one go, so that nothing that is asked was seen. A smaller `count` draws
    some of those that a larger one draws.

    Raises
    ------
    DataError
        So many cannot be spared: one must be left to ask.
    """
    first = equal_rows(dataset.queries, dataset.queries[:0]).first_of(np.arange(dataset.m))
    different = np.unique(first)
    if not 1 <= count < len(different):
        what = f"{dataset.m} queries"
        if len(different) < dataset.m:
            what += f", of which {len(different)} are different,"
        able = f"give 1 to {len(different) - 1}" if len(different) > 1 else "bring more queries"
        raise DataError(f"{dataset.name}: {count} of {what} cannot be kept to learn from; {able}")
    drawn = np.sort(np.random.default_rng(_SEED).permutation(different)[:count])
    kept = ~np.isin(first, drawn)
    known = dataset.given_ground_truth
    left = keep_queries(number_queries(dataset), kept)
    return replace(
        left,
        learn=Learn(dataset.queries[drawn], was_asked_for=True),
        given_ground_truth=known and GroundTruth(known.ids[kept], known.distances[kept]),
    )


def give_learn(
    dataset: Dataset, vectors: NDArray[Any], where: str, *, was_asked_for: bool
) -> Dataset:
    """Add queries to learn from, but for those that equal a query which is asked.

    Parameters
    ----------
    vectors
        (l, d), of any type that vectors may have.
    where
        Where they come from, for messages.

    Raises
    ------
    DataError
        They are of another dimension, not finite, or none is left.
    """
    check.check_same_dimensions(vectors, dataset.base, where)
    zero = check.check_vectors(vectors, dataset.metric, where)
    check.say_zero(zero, len(vectors), "queries", where)
    asked = equal_rows(dataset.queries, vectors).asked >= 0
    used = ~asked
    used[zero] = False
    if not used.any():
        raise DataError(
            f"{where}: every query to learn from is asked too; give others, or a number to take "
            "out of those that are asked"
        )
    if asked.any():
        warn(
            f"{where}: {int(asked.sum()):,} of {len(vectors):,} queries to learn from equal one "
            "that is asked: they are left out"
        )
    kept = vectors if used.all() else vectors[used]
    return replace(dataset, learn=Learn(kept, was_asked_for=was_asked_for))


def check_learn(dataset: Dataset) -> None:
    """Refuse queries to learn from that are asked: of a dataset that was not loaded but made.

    Raises
    ------
    DataError
        Some are, or they are of another dimension than the base.
    """
    if dataset.learn is None:
        return
    where = f"{dataset.name}: learn"
    check.check_same_dimensions(dataset.learn.vectors, dataset.base, where)
    asked = int((equal_rows(dataset.queries, dataset.learn.vectors).asked >= 0).sum())
    if asked:
        raise DataError(
            f"{where}: {asked:,} of {dataset.learn.rows:,} queries to learn from are asked too; "
            "give them to vbench.load as learn=, which leaves these out"
        )
