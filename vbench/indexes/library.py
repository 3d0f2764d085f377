"""What the adapters of optional libraries share: one that is missing is named, k is cut to n."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from importlib.metadata import packages_distributions
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vbench import _paths
from vbench._plugins import installed_version
from vbench.errors import MissingExtraError, VbenchError, warn
from vbench.indexes.flat import Flat
from vbench.indexes.protocol import Ids, Index, Vectors
from vbench.metric import Metric


def _refuse(queries: Vectors, k: int) -> Ids:
    raise VbenchError("there is nothing to search in before fit or load")


class ExtraIndex(Index):
    """An index of something that an extra installs, and that is imported when it builds."""

    module: ClassVar[str] = ""
    """The module that is imported; empty where none is needed."""

    extra: ClassVar[str | None] = None
    """The extra that installs it, where that does not bear the name of the first distribution."""


class LibraryIndex(ExtraIndex):
    """An index of a library.

    A subclass gives ``build`` and ``ask_one``, and ``ask_many`` where the library takes a batch:
    `k` is then at most the number of vectors.
    """

    fewest: int = 1
    """Fewer vectors are compared one by one, as the library is of no use with them."""

    index: Any = None
    _threads = 1

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Any:
        """The library's own index over `base`."""
        raise NotImplementedError

    def ask_one(self, query: Vectors, k: int) -> Ids:
        """Ids of one query (d,): the library's own call, and nothing else."""
        raise NotImplementedError

    def ask_many(self, queries: Vectors, k: int) -> Ids:
        """Ids of all queries, nearest first, −1 pads."""
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        for row, query in enumerate(queries):
            found = self.ask_one(query, k)
            ids[row, : len(found)] = found
        return ids

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        self.close()
        self._threads = threads
        n = len(base)
        if n >= self.fewest:
            self.take(self.build(base, metric, seed=seed, threads=threads), n)
        else:
            exact = Flat()
            exact.fit(base, metric, seed=seed, threads=threads)
            self.index, self._n = exact, n
            self._one, self._many = exact.search_one, exact.search

    def use_threads(self, threads: int) -> None:
        self._threads = threads
        # Few vectors are compared by another index.
        if isinstance(self.index, Flat):
            self.index.use_threads(threads)

    def take(self, index: Any, n: int) -> None:
        """Search the library's own index from now on, which holds `n` vectors."""
        self.index, self._n = index, n
        self._one, self._many = self.ask_one, self.ask_many

    def search(self, queries: Vectors, k: int) -> Ids:
        if not len(queries):
            return np.empty((0, k), dtype=np.int64)
        return self._many(queries, min(k, self._n))

    def search_one(self, query: Vectors, k: int) -> Ids:
        return self._one(query, k if k < self._n else self._n)

    def close(self) -> None:
        self.index = None
        self._n = 0
        self._one = self._many = _refuse

    # What a search calls, until there is something to search in.
    _n = 0
    _one: Callable[[Vectors, int], Ids] = staticmethod(_refuse)
    _many: Callable[[Vectors, int], Ids] = staticmethod(_refuse)


def reach(ask: Callable[[Vectors, int], Ids], query: Vectors, k: int, refusal: str) -> Ids:
    """The answer to one query of a library that refuses, in these words, where it cannot find `k`.

    Halving finds the largest number that it does find.
    """
    try:
        return ask(query, k)
    except Exception as error:
        if refusal not in str(error):
            raise
    found: Ids = np.empty(0, dtype=np.int64)
    low, high = 0, k - 1
    while low < high:
        middle = (low + high + 1) // 2
        try:
            found, low = ask(query, middle), middle
        except Exception:
            high = middle - 1
    return found


def cut_zeros(ids: Ids, distances: NDArray[np.floating[Any]]) -> Ids:
    """A row without its end, where the library pads with vector 0 at distance 0."""
    if ids[-1] != 0 or distances[-1] != 0:
        return ids
    pads = (ids == 0) & (distances == 0)
    return ids[: len(ids) - np.argmin(pads[::-1])] if not pads.all() else ids[:1]


def mask_zeros(ids: Ids, distances: NDArray[np.floating[Any]]) -> Ids:
    """Rows as of :func:`cut_zeros`, padded with −1."""
    pads = (ids == 0) & (distances == 0)
    # A first id of 0 at distance 0 is found.
    pads[:, 0] = False
    at_end = np.logical_and.accumulate(pads[:, ::-1], axis=1)[:, ::-1]
    return np.where(at_end, -1, ids)


def is_installed(kind: type[Index]) -> bool:
    """Whether the library behind an adapter is there; of those of other packages nobody knows."""
    return not issubclass(kind, ExtraIndex) or all(map(installed_version, kind.requires))


def extra_of(kind: type[Index]) -> str | None:
    """The extra that installs what is behind an adapter; None where it needs none."""
    if not issubclass(kind, ExtraIndex):
        return None
    return kind.extra or next(iter(kind.requires), None)


def check_installed(kind: type[Index]) -> None:
    """Refuse an adapter whose library is missing, or one of two that bring the same module.

    Raises
    ------
    MissingExtraError
        With what to install.
    VbenchError
        Two packages are in each other's way.
    """
    if not issubclass(kind, ExtraIndex):
        return
    if not is_installed(kind):
        raise MissingExtraError(kind.__name__, extra_of(kind) or "")
    if not kind.module:
        return
    rivals = sorted({*packages_distributions().get(kind.module, [])})
    if len(rivals) > 1:
        raise VbenchError(
            f"{' and '.join(rivals)} both bring the module {kind.module!r}, and one overwrites "
            "the other; give each an environment of its own: vbench compare needs the run "
            "folders only"
        )


def tell_license(kind: type[Index]) -> None:
    """Say under which terms what an extra installs comes, the first time that it is used here."""
    extra = extra_of(kind)
    if extra is None or not kind.license:
        return
    told = _paths.home() / "licenses" / extra
    # Where nothing can be kept it is said each time.
    with contextlib.suppress(OSError):
        if told.is_file() and told.read_text() == kind.license:
            return
        told.parent.mkdir(parents=True, exist_ok=True)
        told.write_text(kind.license)
    warn(f"{extra} comes under its own license: {kind.license} (said once)")
