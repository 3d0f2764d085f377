"""The index protocol: what a library must do to be measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.indexes.answers import AnswerError, stack
from vbench.indexes.predicate import Predicate
from vbench.indexes.service import Server, Service
from vbench.metric import METRICS, FloatArray, Metric

Vectors = NDArray[np.float32]
Ids = NDArray[np.integer[Any]]


PROTOCOL = 2
"""Version of the index protocol; docs/reference/versions.md says what changes it."""


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


class Filter(NamedTuple):
    """A condition on the base vectors, in the row numbers that ``fit`` was given.

    Attributes
    ----------
    mask : bool (n,), read-only
        Vectors that may answer; of ids that were removed never one.
    is_shared
        Whether many queries follow under it, so that it is worth preparing for; False where each
        query comes with its own, and what ``allow`` takes is part of its time.
    predicate
        The same as a tree of comparisons of item attributes with values, for engines that take
        conditions; None where it is no such tree, as of random masks and ``seen``. The attributes
        are those that ``fit`` takes, where its signature has ``attributes``.
    """

    mask: NDArray[np.bool_]
    is_shared: bool = True
    predicate: Predicate | None = None


class Index:
    """One vector index. The parameters of the build come to ``__init__`` as keywords.

    ``__init__``, ``fit``, and one of ``search`` and ``search_one`` are enough; the rest has
    defaults. Parameters are known from the signatures of ``__init__`` and ``set``: their names
    and types are checked before anything runs, ranges too where they are annotated, as in
    ``M: Annotated[int, msgspec.Meta(ge=2, le=512)] = 16``.

    Ids are row numbers of the `base` that ``fit`` was given.
    """

    protocol: ClassVar[int] = PROTOCOL
    """Version of this protocol that the class was written for; a newer one is refused."""

    metrics: ClassVar[frozenset[Metric]] = frozenset(METRICS)
    """Metrics that the library does natively. For another one the space is transformed where
    that keeps the order exact (`cosine` by normalizing, `ip` by one more dimension)."""

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {}
    """Search settings to try where no recipe says otherwise: ``{"ef": [16, 32, 64]}``."""

    tune_parameter: ClassVar[str | None] = None
    """The search parameter that trades recall for time, larger meaning better."""

    local: ClassVar[bool] = True
    """False where another process does the work, so that waiting is not a disturbance."""

    requires: ClassVar[tuple[str, ...]] = ()
    """Distributions whose versions belong to a result: ``("hnswlib",)``."""

    license: ClassVar[str] = ""
    """License of the library, by its SPDX name where it has one; shown in lists."""

    seeded: ClassVar[bool] = True
    """False where no seed rules the library's randomness: two builds then differ, and are not
    taken for one."""

    writes: ClassVar[bool] = False
    """True where the library needs arrays that can be written to. It is then given copies of its
    own; else base and queries are read-only."""

    dimensions: ClassVar[Collection[int] | None] = None
    """Numbers of dimensions that the library can do, as a range or a set; None for any.
    ``range(64, 4097, 64)`` are the multiples of 64 up to 4096."""

    clients: ClassVar[Literal["threads"] | None] = None
    """`threads` where several threads may search one index at a time, and the library lets go of
    Python's lock while it does. Clients are threads where they cannot be forked."""

    forks: ClassVar[bool] = True
    """False where a forked copy of the process cannot search what was built before: where the
    library works by threads of its own, say. Else several clients are such copies."""

    service: ClassVar[type[Service] | None] = None
    """The server that the index is built in, if it is: ``fit`` is then given `server`, a
    :class:`vbench.indexes.service.Server`, and what is there is dropped when it is closed."""

    @classmethod
    def limits(cls, n: int, build: Mapping[str, Any]) -> Mapping[str, float]:
        """The largest values of search parameters that mean anything for `n` vectors.

        ``{"nprobe": nlist}``; larger ones are told to the user. `build` are the parameters of the
        build that were given.
        """
        return {}

    def fit(
        self, base: Vectors, metric: Metric, *, seed: int, threads: int
    ) -> Mapping[str, float] | None:
        """Build the index over `base`: float32 (n, d), C-contiguous, read-only but for `writes`.

        Where the signature has ``learn``, it gets queries to learn from, float32 (l, d), if there
        are some; where it has ``attributes``, those of the vectors, a polars frame of n rows, if
        the dataset has some.

        It may return its seconds by phase: ``{"load": 1.2, "index": 8.0, "optimize": 0.3}``.
        """
        raise NotImplementedError

    def search(self, queries: Vectors, k: int) -> Ids:
        """Ids of the `k` nearest of each query: integer (m, k), nearest first, −1 pads.

        Rows may be shorter than `k`, each as it is. Without a method of its own, an index is
        asked by ``search_one`` for each query.
        """
        if type(self).search_one is Index.search_one:
            raise NotImplementedError(f"{type(self).__name__} has neither search nor search_one")
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        for row, query in enumerate(queries):
            # At once, since an index may use the memory of an answer for the next.
            ids[row] = stack([self.search_one(query, k)], k, [row])[0]
        return ids

    def set(self, *args: Any, **search: Any) -> None:
        """Take search parameters by keyword, such as ``ef=64``; they hold until the next call.

        An index lists its own: ``def set(self, ef: int = 64)``. (The signature here is the one
        that type checkers let be narrowed.)
        """
        if args or search:
            raise TypeError(f"{type(self).__name__} has no search parameters, got {sorted(search)}")

    def search_one(self, query: Vectors, k: int) -> Ids:
        """Ids of one query (d,) as integer (k,): the path with the lowest overhead."""
        found: Any = self.search(query[np.newaxis], k)
        first: Ids = found[0]
        # Some libraries answer a batch of one by a row alone.
        return first if hasattr(first, "__len__") else found

    def allow(self, condition: Filter | None) -> None:
        """Answer with vectors that pass alone, in all searches until the next call; None: all.

        An index whose class defines it can be asked under filters.
        """
        raise NotImplementedError

    def exact(self, queries: Vectors, k: int) -> Ids:
        """Ids as of ``search``, found by the engine's own exhaustive search, under the same filter.

        An index whose class defines it has such a mode; it is checked against exact neighbors.
        """
        raise NotImplementedError

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Take vectors (a, d) under ids (a,) that are new to the index, and ascend.

        ``fit`` took 0 … n−1. An index whose class defines it can grow. Where the signature has
        ``attributes``, it gets theirs, as ``fit`` does.
        """
        raise NotImplementedError

    def remove(self, ids: Ids) -> None:
        """Answer with these ids (a,) no longer; none of them comes back.

        An index whose class defines it, and ``add``, can have its vectors replaced.
        """
        raise NotImplementedError

    def settle(self) -> None:
        """Do what is put off until there is time, such as merging; called after each change."""

    def files(self) -> Sequence[Path]:
        """Every file that a search reads, in this process: asked after ``fit``.

        An index whose class defines it lies on a disk, and can be asked with a cold cache.
        """
        raise NotImplementedError

    def size_bytes(self) -> int | None:
        """Bytes that the index occupies, or None where the library does not say."""
        return None

    def sizes(self) -> Mapping[str, int]:
        """Bytes of what lies beside the index, by what it is: ``{"table": …, "log": …}``."""
        return {}

    def work(self) -> int | None:
        """Distance computations since the last call, or None where they are not counted."""
        return None

    def claim(self, target: str) -> Mapping[str, Any]:
        """Search parameters by which the index itself promises a target: asked after ``fit``.

        A target is such as ``Recall@10>=0.95``; one that it cannot promise is a ``ValueError``. An
        index whose class defines it can have its claims audited.
        """
        raise NotImplementedError

    def estimates(self) -> FloatArray | None:
        """Recall that the index estimates of each query of the last search, (m,), from 0 to 1.

        None where it estimates none, or cannot yet.
        """
        return None

    def neighbors(self) -> Graph | None:
        """The graph that a search walks, or None where there is none or it is not shown."""
        return None

    def lists(self) -> Ids | None:
        """The list that each base vector lies in: integer (n,), or None where there are none."""
        return None

    def version(self) -> dict[str, str]:
        """Versions of what is not a distribution, such as a server: asked after ``fit``."""
        return {}

    def attach(self, server: Server, metric: Metric) -> None:
        """Take the place of ``fit``: search in what lies in a service already, without changing it.

        Its ids are row numbers of the base vectors. An index whose class defines it can be
        watched where it is in use.
        """
        raise NotImplementedError

    def save(self, path: Path) -> None:
        """Write the index to the file or folder `path`, which does not exist yet."""
        raise NotImplementedError

    def load(self, path: Path, *args: Any, **facts: Any) -> None:
        """Take the place of ``fit``: read what ``save`` wrote.

        The index was made with the same parameters. Of the keywords `metric`, `d`, `n` and
        `threads` it is given those that its own signature names, as in
        ``def load(self, path, *, d, metric)``.
        """
        raise NotImplementedError

    def use_threads(self, threads: int) -> None:
        """Search with so many threads from now on: called after a ``fit`` that was given others.

        An index whose class defines it can be built with more threads than it is searched with.
        """
        raise NotImplementedError

    def server(self) -> Any:
        """What clients connect to, asked after ``fit``: for threads, by default, the index itself.

        For processes it is made of plain values: an address, the name of what was built there.
        """
        return self

    @classmethod
    def connect(cls, server: Any) -> Index:
        """A handle of a client's own, by which it searches what was built.

        Threads without this method share the index. A handle takes ``set``, ``search_one``,
        ``search`` and ``close``; the index that is searched is never copied for it.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what the index holds; what lies in a service is dropped by the caller."""


def can_filter(kind: type[Index]) -> bool:
    """Whether the searches of an index can be put under a condition."""
    return _defines(kind, "allow")


def has_exact(kind: type[Index]) -> bool:
    """Whether an index can search exhaustively itself."""
    return _defines(kind, "exact")


def can_add(kind: type[Index]) -> bool:
    """Whether vectors can be added to an index."""
    return _defines(kind, "add")


def can_remove(kind: type[Index]) -> bool:
    """Whether vectors can be removed from an index."""
    return _defines(kind, "remove")


def can_keep(kind: type[Index]) -> bool:
    """Whether an index can be saved, and loaded in place of ``fit``."""
    return _defines(kind, "save") and _defines(kind, "load")


def can_attach(kind: type[Index]) -> bool:
    """Whether an index can search in what lies in a service already."""
    return _defines(kind, "attach")


def can_claim(kind: type[Index]) -> bool:
    """Whether an index proposes settings for targets itself."""
    return _defines(kind, "claim")


def reads_files(kind: type[Index]) -> bool:
    """Whether an index says which files its searches read."""
    return _defines(kind, "files")


def can_use_threads(kind: type[Index]) -> bool:
    """Whether an index can be searched with other threads than it was built with."""
    return _defines(kind, "use_threads")


def _defines(kind: type[Index], name: str) -> bool:
    own = getattr(kind, name, None)
    return callable(own) and own is not getattr(Index, name)


PHASES = ("load", "index", "optimize")
"""Phases that a build may tell apart."""


def phases_of(found: object, seconds: float) -> dict[str, float]:
    """Seconds of a build by phase, as ``fit`` returned them, checked; else all as `fit`.

    Raises
    ------
    AnswerError
        They are no phases, or longer together than the build.
    """
    # Classes that know nothing of phases return themselves, say.
    if not isinstance(found, Mapping):
        return {"fit": seconds}
    spent = dict(found)
    known = all(name in PHASES and isinstance(each, int | float) for name, each in spent.items())
    if not spent or not known or not 0 <= sum(spent.values()) <= seconds + 0.01:
        raise AnswerError(
            f"fit returned {found!r:.200} as its phases, in {seconds:.3g} s",
            f"return seconds of some of: {', '.join(PHASES)}; or None",
        )
    return {name: float(each) for name, each in spent.items()}


def is_count(value: object) -> bool:
    """Whether a size or a number of distance computations is what it must be: whole, from 0."""
    return (
        isinstance(value, int | float | np.integer | np.floating)
        and float(value).is_integer()
        and float(value) >= 0
    )


def versions(index: Index) -> dict[str, str]:
    """What ``version`` of the index says, checked.

    Raises
    ------
    AnswerError
        It says something else than names and versions.
    """
    # An adapter that knows nothing of the method may have an attribute of the same name.
    found = index.version() if callable(type(index).version) else {}
    if not isinstance(found, Mapping) or not all(
        isinstance(each, str) for pair in found.items() for each in pair
    ):
        raise AnswerError(
            f"version returned {found!r}", 'return names and versions, such as {"server": "1.2"}'
        )
    return dict(found)
