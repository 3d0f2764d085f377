"""The index protocol: what a library must do to be measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.metric import METRICS, Metric

Vectors = NDArray[np.float32]
Ids = NDArray[np.integer[Any]]


class Graph(NamedTuple):
    """The graph that a search walks.

    Attributes
    ----------
    neighbors : integer (n, degree), −1 pads
        The vectors that each base vector leads to. Of a graph in levels, the lowest.
    entries : integer (e,)
        The vectors at which a search may enter; of a graph in levels, those of the levels above
        the lowest.
    """

    neighbors: Ids
    entries: Ids


class Index:
    """One vector index. The parameters of the build come to ``__init__`` as keywords.

    ``__init__``, ``fit`` and ``search`` are enough; the rest has defaults. Parameters are known
    from the signatures of ``__init__`` and ``set``: their names and types are checked before
    anything runs, ranges too where they are annotated, as in
    ``M: Annotated[int, msgspec.Meta(ge=2, le=512)] = 16``.

    Ids are row numbers of the `base` that ``fit`` was given.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset(METRICS)
    """Metrics that the library does natively. For another one the space is transformed where
    that keeps the order exact (`cosine` by normalising, `ip` by one more dimension)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {}
    """Search settings to try where no recipe says otherwise: ``{"ef": [16, 32, 64]}``."""

    knob: ClassVar[str | None] = None
    """The search parameter that trades recall for time, larger meaning better."""

    local: ClassVar[bool] = True
    """False where another process does the work, so that waiting is not a disturbance."""

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        """Build the index over `base`: float32 (n, d), C-contiguous, read-only."""
        raise NotImplementedError

    def search(self, queries: Vectors, k: int) -> Ids:
        """Ids of the `k` nearest of each query: integer (m, k), nearest first, −1 pads."""
        raise NotImplementedError

    def set(self, *args: Any, **search: Any) -> None:
        """Take search parameters by keyword, such as ``ef=64``; they hold until the next call.

        An index lists its own: ``def set(self, ef: int = 64)``. (The signature here is the one
        that type checkers let be narrowed.)
        """
        if args or search:
            raise TypeError(f"{type(self).__name__} has no search parameters, got {sorted(search)}")

    def search_one(self, query: Vectors, k: int) -> Ids:
        """Ids of one query (d,) as integer (k,): the path with the lowest overhead."""
        ids: Ids = self.search(query[np.newaxis], k)[0]
        return ids

    def size_bytes(self) -> int | None:
        """Bytes that the index occupies, or None where the library does not say."""
        return None

    def work(self) -> int | None:
        """Distance computations since the last call, or None where they are not counted."""
        return None

    def neighbors(self) -> Graph | None:
        """The graph that a search walks, or None where there is none or it is not shown."""
        return None

    def lists(self) -> Ids | None:
        """The list that each base vector lies in: integer (n,), or None where there are none."""
        return None

    def save(self, path: Path) -> None:
        """Write the index to the file `path`."""
        raise NotImplementedError

    def load(self, path: Path) -> None:
        """Take the place of ``fit``: read what ``save`` wrote."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what the index holds."""


def is_count(value: object) -> bool:
    """Whether a size or a number of distance computations is what it must be: whole, from 0."""
    return (
        isinstance(value, int | float | np.integer | np.floating)
        and float(value).is_integer()
        and float(value) >= 0
    )
