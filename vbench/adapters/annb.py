"""Wrappers written for ann-benchmarks, unchanged: ``annb:PATH/module.py:Class``.

Their modules import ``..base.module`` from a package that need not be installed; small stand-ins
for what they use of it are put in its place.
"""

from __future__ import annotations

import importlib.util
import random
import sys
import types
from collections.abc import Callable, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import psutil

from vbench.adapters.protocol import Ids, Index, Vectors
from vbench.errors import UnknownNameError, VbenchError
from vbench.metric import Metric

_ALGORITHMS = "ann_benchmarks.algorithms"
_NAMES: dict[Metric, str] = {"l2": "euclidean", "cosine": "angular"}


class BaseANN:
    """What wrappers inherit from, with the defaults that ann-benchmarks gives them."""

    def done(self) -> None:
        """Let go of what the index holds."""

    def get_memory_usage(self) -> float | None:
        """Resident kilobytes of the process."""
        return float(psutil.Process().memory_info().rss) / 1024

    def fit(self, X: Any) -> None:
        """Build the index."""

    def query(self, q: Any, n: int) -> Any:
        """Return the ids of the `n` nearest."""
        return []

    def batch_query(self, X: Any, n: int) -> None:
        """Search for all rows; `get_batch_results` hands the ids out."""
        with ThreadPool() as pool:
            self.res = pool.map(lambda q: self.query(q, n), X)

    def get_batch_results(self) -> Any:
        """Ids found by `batch_query`."""
        return self.res

    def get_additional(self) -> dict[str, Any]:
        """Return other figures of the last search."""
        return {}

    def __str__(self) -> str:
        return str(getattr(self, "name", type(self).__name__))


class AnnBenchmarks(Index):
    """A wrapper of ann-benchmarks behind the index protocol.

    The wrapped class is made with `metric`, then `args`, as its ``config.yml`` does it; in these
    ``@metric``, ``@dimension`` and ``@count`` stand for what the data says. An empty `metric` is
    left out. `query_args` go to its ``set_query_arguments``, which need not be there without them.
    """

    metrics: ClassVar[frozenset[Metric]] = frozenset({"l2", "cosine"})
    seeded = False  # these wrappers know no seed
    writes = True  # some normalize base and queries where they lie
    wrapped: ClassVar[Callable[..., Any]]

    def __init__(self, metric: str = "@metric", args: Any = ()) -> None:
        self._arguments = ([metric] if metric else []) + _as_list(args)
        self.algorithm: Any = None

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        places = {"@metric": _NAMES[metric], "@dimension": base.shape[1], "@count": len(base)}
        # The global generators are all that can be set.
        random.seed(seed)
        np.random.seed(seed & 0xFFFFFFFF)  # noqa: NPY002 – it is what they draw from
        arguments = [
            places.get(each, each) if isinstance(each, str) else each for each in self._arguments
        ]
        self._threads = threads
        self.algorithm = type(self).wrapped(*arguments)
        before = self.algorithm.get_memory_usage()
        self.algorithm.fit(base)
        after = self.algorithm.get_memory_usage()
        grown = None if before is None or after is None else int((after - before) * 1024)
        self._bytes = grown if grown and grown > 0 else None

    def set(self, query_args: Any = ()) -> None:
        arguments = _as_list(query_args)
        # As ann-benchmarks does it: wrappers without arguments need not have the method.
        if arguments:
            if not hasattr(self.algorithm, "set_query_arguments"):
                raise VbenchError(
                    f"{type(self).__name__} has no set_query_arguments: leave out query_args"
                )
            self.algorithm.set_query_arguments(*arguments)

    def search(self, queries: Vectors, k: int) -> Ids:
        if self._threads == 1:
            return super().search(queries, k)
        self.algorithm.batch_query(queries, k)
        ids: Ids = self.algorithm.get_batch_results()
        return ids

    def search_one(self, query: Vectors, k: int) -> Ids:
        ids: Ids = self.algorithm.query(query, k)
        return ids

    def size_bytes(self) -> int | None:
        """Growth of the process while building, as ann-benchmarks counts it."""
        return self._bytes

    def close(self) -> None:
        if self.algorithm is not None:
            self.algorithm.done()
            self.algorithm = None


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
    module = _load(file)
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


def _load(file: Path) -> types.ModuleType:
    """Import a wrapper's file under the name that it would have in ann-benchmarks."""
    _stand_in()
    folder = f"{_ALGORITHMS}.{file.parent.name.replace('.', '_')}"
    package = types.ModuleType(folder)
    package.__path__ = [str(file.parent)]
    name = f"{folder}.{file.stem}"
    specification = importlib.util.spec_from_file_location(name, file)
    if specification is None or specification.loader is None:
        raise VbenchError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[folder], sys.modules[name] = package, module
    try:
        specification.loader.exec_module(module)
    # A wrapper's import runs its code, which may raise anything.
    except Exception as error:
        del sys.modules[name]
        raise VbenchError(f"{file} cannot be imported ({type(error).__name__}: {error})") from error
    return module


def _stand_in() -> None:
    """Put in the place of ann-benchmarks what its wrappers import from it."""
    if _ALGORITHMS in sys.modules:
        return
    for name in ("ann_benchmarks", _ALGORITHMS, f"{_ALGORITHMS}.base"):
        package = types.ModuleType(name)
        package.__path__ = []
        sys.modules[name] = package
    base = types.ModuleType(f"{_ALGORITHMS}.base.module")
    base.BaseANN = BaseANN  # type: ignore[attr-defined]  # a module made here
    constants = types.ModuleType("ann_benchmarks.constants")
    constants.INDEX_DIR = "indices"  # type: ignore[attr-defined]  # a module made here
    sys.modules[base.__name__] = base
    sys.modules[constants.__name__] = constants


def _as_list(value: Sequence[Any] | Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
