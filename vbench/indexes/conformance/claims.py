"""The check of an index that claims a recall: what it proposes can be set, and is estimated."""

from __future__ import annotations

from vbench.errors import VbenchError
from vbench.indexes.claims import propose, read_estimates
from vbench.indexes.conformance.subject import (
    DoubtfulError,
    K,
    NotApplicableError,
    Subject,
    WrongError,
    search,
    search_each,
)
from vbench.indexes.protocol import can_claim

_TARGETS = (f"Recall@{K}>=0.9", f"Robustness(delta=0.9)@{K}>=0.9")
_CALLS = 3
"""A guard may have to see some queries first."""


def claims(subject: Subject) -> None:
    """It proposes a setting for one of two targets, and estimates a recall of each query or none.

    Whether the claim is true is another question: `vbench index audit` asks that.
    """
    if not can_claim(subject.kind):
        raise NotApplicableError("no claim: it promises nothing")
    base, queries = subject.vectors(1000, seed=80), subject.vectors(100, seed=81)
    refused = []
    with subject.make_fitted(base) as index:
        for target in _TARGETS:
            try:
                setting = propose(index, target, {})
            except ValueError as error:
                refused.append(f"{target} ({error})")
                continue
            except VbenchError as error:
                raise WrongError(
                    f"claim proposes no setting: {error}", "return parameters that set takes"
                ) from error
            index.set(**setting)
            for _ in range(_CALLS):
                search(index, queries, K, len(base))
                read_estimates(index, len(queries))
            search_each(index, queries[:1], K, len(base))
            read_estimates(index, 1)
    if len(refused) == len(_TARGETS):
        raise DoubtfulError(
            f"claims nothing of {' and '.join(refused)}", "leave claim out where it never can"
        )
