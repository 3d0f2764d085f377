"""The check of an index that can search exhaustively: what it finds are the exact neighbors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vbench.indexes.answers import check_batch
from vbench.indexes.conformance.answers import recall_of
from vbench.indexes.conformance.subject import K, NotApplicableError, Subject, WrongError
from vbench.indexes.protocol import Filter, Ids, Index, Vectors, can_filter, has_exact

_N, _SHARE, _ROUNDINGS = 1000, 0.1, 0.995
"""Neighbors may differ where single precision does not tell two distances apart."""


def searches_exactly(subject: Subject) -> None:
    """It finds the exact neighbors, under a filter too, where the index takes one."""
    if not has_exact(subject.kind):
        raise NotApplicableError("no exact: it has no exhaustive search of its own")
    base, queries = subject.vectors(_N, seed=70), subject.vectors(30, seed=71)
    with subject.make_fitted(base) as index:
        _check(index, queries, base, np.ones(_N, dtype=bool), subject)
        if can_filter(subject.kind):
            mask = np.random.default_rng(72).random(_N) < _SHARE
            mask.flags.writeable = False
            index.allow(Filter(mask, is_shared=True))
            _check(index, queries, base, mask, subject)


def _check(
    index: Index, queries: Vectors, base: Vectors, mask: NDArray[np.bool_], subject: Subject
) -> None:
    ids = _exact(index, queries)
    inside = np.flatnonzero(mask)
    wrong = (ids >= 0) & ~np.isin(ids, inside)
    if wrong.any():
        raise WrongError(
            f"exact returned id {ids[wrong][0]}, which is no row of the base that passes",
            "return row numbers of what fit was given, and of what passes alone",
        )
    places = np.where(ids >= 0, np.searchsorted(inside, ids), -1)
    recall = recall_of(places, queries, base[inside], subject.metric)
    if recall < _ROUNDINGS:
        raise WrongError(
            f"recall of exact is {recall:.3f}",
            "search all vectors, by the metric that fit was given; leave exact out where the "
            "library has no such mode",
        )


def _exact(index: Index, queries: Vectors) -> Ids:
    return check_batch(index.exact(queries, K), len(queries), K)
