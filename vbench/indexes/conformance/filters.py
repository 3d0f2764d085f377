"""The check of an index that takes filters: only what passes answers, and all of it can."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vbench.indexes.conformance.answers import recall_of
from vbench.indexes.conformance.subject import (
    K,
    NotApplicableError,
    Subject,
    WrongError,
    changed_rows,
    made_attributes,
    search,
    search_each,
)
from vbench.indexes.predicate import Predicate, read_predicate, to_polars
from vbench.indexes.protocol import Filter, Ids, Index, Vectors, can_filter
from vbench.metric import Metric

_N, _LEAST_RECALL = 1000, 0.1
_SHARES = (0.5, 0.05)
_CONDITIONS = (
    "price < 50",
    "price >= 20 and not color = 'red'",
    "color in ('green', 'it''s blue') or price is null",
    "not (price between 10 and 90)",
)
"""What comes as a tree of comparisons too. An unknown price passes none, negated or not."""


def takes_filters(subject: Subject) -> None:
    """Under each filter only what passes answers; without it again everything as before."""
    if not can_filter(subject.kind):
        raise NotApplicableError("no allow: it is asked without filters")
    base, queries = subject.vectors(_N, seed=50), subject.vectors(30, seed=51)
    rng = np.random.default_rng(52)
    attributes = made_attributes(_N)
    with subject.make_fitted(base, attributes=attributes) as index:
        index.set(**subject.setting(-1))
        before = search(index, queries, K, _N)
        for share in _SHARES:
            for shared in (True, False):
                mask = rng.random(_N) < share
                found = _ask(index, queries, mask, shared=shared)
                _check_recall(found, queries, base, mask, subject.metric)
        for text in _CONDITIONS:
            predicate = read_predicate(text)
            assert predicate is not None
            passes = attributes.select(to_polars(predicate)).to_series().fill_null(False)
            mask = passes.to_numpy().copy()
            found = _ask(index, queries, mask, shared=True, predicate=predicate)
            _check_recall(found, queries, base, mask, subject.metric)
        few = np.zeros(_N, dtype=bool)
        few[: K // 2] = True
        _ask(index, queries, few, shared=True)
        index.allow(None)
        if changed := changed_rows(search(index, queries, K, _N), before):
            raise WrongError(
                f"after allow(None) {changed} of {len(queries)} queries get other ids than before",
                "let allow(None) take back whatever an earlier filter did",
            )


def _check_recall(
    found: Ids, queries: Vectors, base: Vectors, mask: NDArray[np.bool_], metric: Metric
) -> None:
    """Raise where little of what passes is found."""
    inside = np.flatnonzero(mask)
    rows = np.where(found >= 0, np.searchsorted(inside, found), -1)
    recall = recall_of(rows, queries, base[inside], metric)
    if recall < _LEAST_RECALL:
        raise WrongError(
            f"under a filter that leaves {mask.sum()} of {_N} vectors recall is {recall:.2f}",
            "search on until K vectors that pass are found, or as many as there are",
        )


def _ask(
    index: Index,
    queries: Vectors,
    mask: NDArray[np.bool_],
    *,
    shared: bool,
    predicate: Predicate | None = None,
) -> Ids:
    mask.flags.writeable = False
    index.allow(Filter(mask, is_shared=shared, predicate=predicate))
    said = "" if predicate is None else f" {to_polars(predicate)}"
    found = search_each(index, queries, K, _N)
    batch = search(index, queries, K, _N) if shared else found
    for ids in (found, batch):
        wrong = (ids >= 0) & ~mask[ids]
        if wrong.any():
            raise WrongError(
                f"under a filter{said} id {ids[wrong][0]} was returned, which does not pass",
                "answer with ids for which the filter's mask is true, all others padded by -1",
            )
    return found
