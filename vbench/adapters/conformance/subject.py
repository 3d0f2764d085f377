"""What is under test, what is found, and the test data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from vbench.adapters.protocol import Ids, Index, Vectors
from vbench.metric import METRICS, Metric

Status = Literal["pass", "warn", "fail", "skip"]

K = 10
_D = 16


class Finding(NamedTuple):
    """What one check found, why, and what to do about it."""

    check: str
    status: Status
    reason: str = ""
    remedy: str = ""


class WrongError(Exception):
    """A check failed: reason and remedy."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


class DoubtfulError(WrongError):
    """A check that saw something which may be right."""


class NotApplicableError(Exception):
    """A check that does not concern this index."""


class Subject(NamedTuple):
    """The index under test, with its parameters."""

    kind: type[Index]
    build: Mapping[str, Any]
    sweep: Mapping[str, Sequence[Any]]

    def fitted(
        self, base: Vectors, metric: Metric | None = None, *, seed: int = 1, **build: Any
    ) -> Index:
        """A new index over `base`, at its widest setting."""
        index = self.kind(**{**self.build, **build})
        index.fit(base, metric or self.metric, seed=seed, threads=1)
        index.set(**self.setting(-1))
        return index

    def setting(self, place: int) -> dict[str, Any]:
        """One value of each swept parameter."""
        return {name: values[place] for name, values in self.sweep.items()}

    @property
    def metric(self) -> Metric:
        """The metric of the checks that are not about metrics."""
        return next(metric for metric in METRICS if metric in self.kind.metrics)


def vectors(n: int, *, seed: int, d: int = _D) -> Vectors:
    """Read-only float32 vectors (n, d) whose lengths differ widely.

    Euclidean distance, inner product and cosine then have different nearest neighbours.
    """
    rng = np.random.default_rng(seed)
    lengths = np.exp(rng.uniform(-1.0, 1.0, size=(n, 1)))
    made = (rng.standard_normal((n, d)) * lengths).astype(np.float32)
    made.flags.writeable = False
    return made


def as_ids(answer: Any, m: int, k: int, n: int) -> Ids:
    """`answer` as int64 (m, k), checked.

    Raises
    ------
    WrongError
        It is not an integer array of m rows of at most k ids below n, or of pads.
    """
    if isinstance(answer, tuple):
        raise WrongError(
            f"search returned a tuple of {len(answer)}",
            "return the ids alone: distances that an index reports are not used",
        )
    ids = np.asarray(answer)
    if not ids.ndim:
        raise WrongError(
            f"search returned {type(answer).__name__}", f"return an array of ids, ({m}, {k})"
        )
    if ids.ndim != 2 or ids.shape[0] != m or ids.shape[1] > k:
        raise WrongError(
            f"search returned shape {ids.shape} for {m} queries and k={k}",
            f"return an array of shape ({m}, {k}), padded with -1 where fewer are found",
        )
    # Numpy takes a list without numbers for floats.
    if ids.size and ids.dtype.kind not in "iu":
        raise WrongError(
            f"search returned {ids.dtype}, not integers", "return ids.astype(np.int64), not scores"
        )
    padded = np.full((m, k), -1, dtype=np.int64)
    padded[:, : ids.shape[1]] = ids
    wrong = (padded < -1) | (padded >= n)
    if wrong.any():
        query, place = np.argwhere(wrong)[0]
        raise WrongError(
            f"query {query} got id {padded[query, place]} from a base of {n} vectors",
            "ids are row numbers of the base that fit was given, from 0; -1 pads",
        )
    return padded


def search(index: Index, queries: Vectors, k: int, n: int) -> Ids:
    """Ids of one call with all queries, checked: int64 (m, k)."""
    return as_ids(index.search(queries, k), len(queries), k, n)
