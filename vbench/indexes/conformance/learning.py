"""The check of an index that learns from queries: the others must gain, and nothing else change."""

from __future__ import annotations

import numpy as np

from vbench._process.text import describe_error
from vbench.indexes.answers import AnswerError
from vbench.indexes.conformance.answers import recall_of
from vbench.indexes.conformance.subject import (
    DoubtfulError,
    K,
    NotApplicableError,
    Subject,
    WrongError,
    changed_rows,
    search,
)
from vbench.indexes.parameters import is_taken
from vbench.indexes.protocol import Ids, Vectors
from vbench.metric import Metric

_MARGIN = 0.2
"""How much better the queries that were learned from may be served than others close to them."""
_SHIFT = 0.05
"""How far off the other queries are, relative to the length of each."""
_FEW = 3


def learns(subject: Subject) -> None:
    """Learning leaves answers valid, is seeded, and is not of use to what was learned from alone.

    The other queries that are searched lie near those, each by one of them.
    """
    if not is_taken(subject.kind.fit, "learn"):
        raise NotApplicableError("fit takes no queries to learn from")
    base = subject.vectors(2000, seed=42)
    learn = subject.vectors(200, seed=43)
    others = _near(learn)
    for metric in sorted(subject.kind.metrics):
        _unchanged(subject, base, learn, metric)
    with subject.make_fitted(base, learn=learn) as index:
        wide = search(index, others, K, len(base))
        known = search(index, learn, K, len(base))
        index.set(**subject.setting(0))
        narrow = search(index, others, K, len(base))
        narrow_known = search(index, learn, K, len(base))
    _refuse_memory(subject, base, (learn, known), (others, wide))
    _refuse_memory(subject, base, (learn, narrow_known), (others, narrow))
    with subject.make_fitted(base, learn=learn) as index:
        if subject.kind.seeded and changed_rows(search(index, others, K, len(base)), wide):
            raise DoubtfulError(
                "built twice with the same seed from the same queries, it answers otherwise",
                "draw all randomness from the seed; say seeded = False where there is none",
            )
    _few(subject, base, learn, others)
    if not is_taken(subject.kind.fit, "learn", always=True):
        with subject.make_fitted(base) as index:
            index.set(**subject.setting(0))
            if not changed_rows(search(index, others, K, len(base)), narrow):
                raise DoubtfulError(
                    "no effect seen: without queries to learn from every answer is the same",
                    "see that fit uses learn; some ways of learning matter on large data only",
                )


def _near(queries: Vectors) -> Vectors:
    """Queries a little off the given ones, with about the same neighbors."""
    shift = np.random.default_rng(44).standard_normal(queries.shape)
    lengths = np.linalg.norm(queries, axis=1, keepdims=True)
    near: Vectors = (queries + _SHIFT * lengths / np.sqrt(queries.shape[1]) * shift).astype(
        np.float32
    )
    near.flags.writeable = False
    return near


def _unchanged(subject: Subject, base: Vectors, learn: Vectors, metric: Metric) -> None:
    """Fit leaves the queries that it learns from as they are."""
    before = learn.copy()
    with subject.make_fitted(base, metric, learn=learn):
        if not np.array_equal(learn, before):
            raise WrongError(
                f"fit changed the queries to learn from ({metric})",
                "work on a copy, np.array(learn), or say writes = True",
            )


def _refuse_memory(
    subject: Subject,
    base: Vectors,
    learned: tuple[Vectors, Ids],
    others: tuple[Vectors, Ids],
) -> None:
    """Refuse an index that serves what it learned from, and forgets the queries that will come."""
    of_known, of_others = (
        recall_of(ids, queries, base, subject.metric) for queries, ids in (learned, others)
    )
    if of_known > of_others + _MARGIN:
        raise WrongError(
            f"recall is {of_known:.2f} for the queries it learned from and {of_others:.2f} for "
            "others close to them",
            "learn what holds for the next query too; those of learn are never asked",
        )


def _few(subject: Subject, base: Vectors, learn: Vectors, others: Vectors) -> None:
    """One query to learn from, or a few, are enough to build."""
    for count in (1, _FEW):
        try:
            with subject.make_fitted(base, learn=learn[:count]) as index:
                search(index, others, K, len(base))
        except AnswerError:
            raise
        except Exception as error:
            raise DoubtfulError(
                f"fit with {count} to learn from raised {describe_error(error)}",
                "make do with few, or raise an error that says how many it takes",
            ) from error
