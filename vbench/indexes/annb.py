"""Wrappers written for ann-benchmarks, unchanged: ``annb:PATH/module.py:Class``.

What they import of ann-benchmarks is in :mod:`vbench.indexes.annb_package`.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vbench._leftovers import TemporaryFolder
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.annb_package import load
from vbench.indexes.protocol import Ids, Index, Vectors
from vbench.metric import Metric

_NAMES: dict[Metric, str] = {"l2": "euclidean", "cosine": "angular"}


class _Place:
    """A current folder for each wrapper: some keep their index there, and read an older one.

    A process has one current folder, so it is the one of the wrapper that was asked last.
    """

    inside: ClassVar[_Place | None] = None
    home: ClassVar[str] = ""

    def __init__(self) -> None:
        self._folder = TemporaryFolder(purpose="wrapper")

    def enter(self) -> None:
        """Make it the current folder; imports go on from where they were."""
        if _Place.inside is None:
            _Place.home = str(Path.cwd())
            sys.path[:] = [str(Path(_Place.home, each)) for each in sys.path]
        _Place.inside = self
        os.chdir(self._folder.path)

    def leave(self) -> None:
        """Go back, and remove it."""
        if _Place.inside is self:
            os.chdir(_Place.home)
            _Place.inside = None
        self._folder.close()


class AnnBenchmarks(Index):
    """A wrapper of ann-benchmarks behind the index protocol.

    The wrapped class is made with `metric`, then `args`, as its ``config.yml`` does it; in these
    ``@metric``, ``@dimension`` and ``@count`` stand for what the data says. An empty `metric` is
    left out. `query_args` go to its ``set_query_arguments``, which need not be there without them.
    It works in a temporary folder of its own.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2", "cosine"})
    seeded = False  # these wrappers know no seed
    writes = True  # some normalize base and queries where they lie
    wrapped: ClassVar[Callable[..., Any]]

    def __init__(self, metric: str = "@metric", args: Any = ()) -> None:
        self._arguments = ([metric] if metric else []) + _as_list(args)
        self.algorithm: Any = None
        self._place: _Place | None = None
        self._ask: Callable[[Vectors, int], Any] = self._prepared

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        places = {"@metric": _NAMES[metric], "@dimension": base.shape[1], "@count": len(base)}
        # The global generators are all that can be set.
        random.seed(seed)
        np.random.seed(seed & 0xFFFFFFFF)  # noqa: NPY002 – it is what they draw from
        arguments = [
            places.get(each, each) if isinstance(each, str) else each for each in self._arguments
        ]
        self._threads = threads
        self._place = self._place or _Place()
        self._place.enter()
        self.algorithm = type(self).wrapped(*arguments)
        if not hasattr(self.algorithm, "prepare_query"):
            self._ask = self.algorithm.query
        before = self.algorithm.get_memory_usage()
        self.algorithm.fit(base)
        after = self.algorithm.get_memory_usage()
        grown = None if before is None or after is None else int((after - before) * 1024)
        self._bytes = grown if grown and grown > 0 else None

    def set(self, query_args: Any = ()) -> None:
        arguments = _as_list(query_args)
        # As ann-benchmarks does it: wrappers without arguments need not have the method.
        self._enter()
        if arguments:
            if not hasattr(self.algorithm, "set_query_arguments"):
                raise VbenchError(
                    f"{type(self).__name__} has no set_query_arguments: leave out query_args"
                )
            self.algorithm.set_query_arguments(*arguments)

    def search(self, queries: Vectors, k: int) -> Ids:
        if self._threads == 1:
            return super().search(queries, k)
        self._enter()
        if hasattr(self.algorithm, "prepare_batch_query"):
            self.algorithm.prepare_batch_query(queries, k)
            self.algorithm.run_batch_query()
        else:
            self.algorithm.batch_query(queries, k)
        ids: Ids = self.algorithm.get_batch_results()
        return ids

    def search_one(self, query: Vectors, k: int) -> Ids:
        if _Place.inside is not self._place:
            self._enter()
        ids: Ids = self._ask(query, k)
        return ids

    def _prepared(self, query: Vectors, k: int) -> Any:
        """Ask a wrapper that takes a query in its own form first."""
        self.algorithm.prepare_query(query, k)
        self.algorithm.run_prepared_query()
        return self.algorithm.get_prepared_query_results()

    def _enter(self) -> None:
        if self._place is not None and _Place.inside is not self._place:
            self._place.enter()

    def size_bytes(self) -> int | None:
        """Growth of the process while building, as ann-benchmarks counts it."""
        return self._bytes

    def close(self) -> None:
        if self.algorithm is not None:
            self._enter()
            self.algorithm.done()
            self.algorithm = None
        if self._place is not None:
            self._place.leave()
            self._place = None


def wrapper_class(target: str) -> type[AnnBenchmarks]:
    """The adapter of ``PATH/module.py:Class``.

    Raises
    ------
    VbenchError
        There is no such file or class, or its import fails.
    """
    path, _, name = target.rpartition(":")
    file = Path(path).expanduser().resolve()
    if not path or file.suffix != ".py" or not file.is_file():
        raise VbenchError(
            f"annb:{target}: no such file; write annb:PATH/module.py:Class, where PATH is a "
            "folder of ann_benchmarks/algorithms"
        )
    module = load(file)
    wrapped = getattr(module, name, None)
    if not isinstance(wrapped, type):
        classes = [
            each
            for each, value in vars(module).items()
            if isinstance(value, type) and value.__module__ == module.__name__
        ]
        raise UnknownNameError(f"class in {path}", name, classes)
    members = {
        "__doc__": wrapped.__doc__ or f"{name} of {path}.",
        "__module__": __name__,
        "wrapped": wrapped,
    }
    return type(name, (AnnBenchmarks,), members)


def _as_list(value: Sequence[Any] | Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
