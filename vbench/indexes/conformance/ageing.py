"""The check of an index whose base changes: what is added is found, what is removed is not."""

from __future__ import annotations

import numpy as np

from vbench.indexes.answers import AnswerError
from vbench.indexes.conformance.answers import recall_of
from vbench.indexes.conformance.subject import (
    K,
    NotApplicableError,
    Subject,
    WrongError,
    prepare_array,
    search,
    search_each,
)
from vbench.indexes.protocol import Ids, Index, Vectors, can_add, can_remove

_N, _LEAST_RECALL = 1000, 0.1


def takes_changes(subject: Subject) -> None:
    """Vectors come and go under ids of their own; those that are there are found, no others."""
    if not can_add(subject.kind):
        raise NotApplicableError("no add: its base stays as it is")
    base, queries = subject.vectors(_N, seed=60), subject.vectors(30, seed=61)
    half = _N // 2
    rows = np.arange(_N)
    with subject.make_fitted(base[:half]) as index:
        index.set(**subject.setting(-1))
        index.add(rows[half:], prepare_array(index, base[half:]))
        _check(index, queries, base, rows, subject)
        if not can_remove(subject.kind):
            return
        index.remove(np.arange(0, _N, 2))
        index.settle()
        odd = np.where(rows % 2 == 1, rows, -1)
        _check(index, queries, base, odd, subject)
        # The same vectors again, as what they are from then on.
        index.add(_N + np.arange(half), prepare_array(index, base[::2]))
        _check(index, queries, base, np.concatenate([odd, np.arange(0, _N, 2)]), subject)


def _check(index: Index, queries: Vectors, base: Vectors, rows: Ids, subject: Subject) -> None:
    """Raise where an id is none that is there, or little is found; `rows` (ids,), −1: removed."""
    live = np.unique(rows[rows >= 0])
    for ids in (search(index, queries, K, len(rows)), search_each(index, queries, K, len(rows))):
        found = np.where(ids >= 0, rows[ids], -1)
        gone = (ids >= 0) & (found < 0)
        if gone.any():
            raise AnswerError(
                f"search returned id {ids[gone][0]}, which was removed",
                "let remove take an id out of all answers",
            )
        places = np.where(found >= 0, np.searchsorted(live, found), -1)
        recall = recall_of(places, queries, base[live], subject.metric)
        if recall < _LEAST_RECALL:
            raise WrongError(
                f"after vectors were added, and removed, recall is {recall:.2f}",
                "find what add was given under the ids that it was given",
            )
