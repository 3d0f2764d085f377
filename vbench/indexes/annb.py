"""Wrappers written for ann-benchmarks, unchanged: ``annb:PATH/module.py:Class``.

What they import of its package is stood in for, which is enough for a wrapper that lies anywhere.
Where it lies in a checkout, its siblings, `distance`, `util` and what else there is are imported
from there, as it would be without vbench.
"""

from __future__ import annotations

import importlib.util
import os
import random
import re
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import psutil

from vbench._leftovers import TemporaryFolder
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.protocol import Ids, Index, Vectors
from vbench.metric import Metric

_ROOT = "ann_benchmarks"
_ALGORITHMS = f"{_ROOT}.algorithms"


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
    names: ClassVar[Mapping[Metric, str]] = {"l2": "euclidean", "cosine": "angular"}
    """What wrappers call the metrics."""
    writes = True  # some normalize base and queries where they lie
    wrapped: ClassVar[Callable[..., Any]]

    def __init__(self, metric: str = "@metric", args: Any = ()) -> None:
        self._arguments = ([metric] if metric else []) + _as_list(args)
        self.algorithm: Any = None
        self._place: _Place | None = None
        self._ask: Callable[[Vectors, int], Any] = self._prepared

    def fit(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> None:
        places = {"@metric": self.names[metric], "@dimension": base.shape[1], "@count": len(base)}
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
        self.build(base, metric)
        after = self.algorithm.get_memory_usage()
        grown = None if before is None or after is None else int((after - before) * 1024)
        self._bytes = grown if grown and grown > 0 else None

    def build(self, base: Vectors, metric: Metric) -> None:
        """Let the wrapped class build its index."""
        self.algorithm.fit(base)

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
    from vbench.indexes.wrappers import kind_of

    return type(name, (kind_of(file, wrapped),), members)


def _as_list(value: Sequence[Any] | Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


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


def load(file: Path) -> types.ModuleType:
    """Import a wrapper's file under the name that it would have in ann-benchmarks.

    Raises
    ------
    VbenchError
        It cannot be imported.
    """
    _stand_in()
    if re.search(r"^from (benchmark|neurips23)\.", file.read_text(errors="replace"), re.MULTILINE):
        from vbench.indexes.wrappers import stand_in_bigann

        stand_in_bigann()
    _extend(_ALGORITHMS, file.parent.parent)
    checkout = file.parents[2] if len(file.parents) > 2 else file.parent
    if checkout.name == _ROOT or (checkout / "distance.py").is_file():
        _extend(_ROOT, checkout)
    folder = f"{_ALGORITHMS}.{file.parent.name.replace('.', '_')}"
    # Another wrapper's helpers may have been imported under the same names.
    for name in [each for each in sys.modules if each.startswith(f"{folder}.")]:
        del sys.modules[name]
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
    for name in (_ROOT, _ALGORITHMS, f"{_ALGORITHMS}.base"):
        package = types.ModuleType(name)
        package.__path__ = []
        _put(package)
    base = types.ModuleType(f"{_ALGORITHMS}.base.module")
    base.BaseANN = BaseANN  # type: ignore[attr-defined]  # a module made here
    constants = types.ModuleType(f"{_ROOT}.constants")
    constants.INDEX_DIR = "indices"  # type: ignore[attr-defined]  # a module made here
    _put(base)
    _put(constants)


def _put(module: types.ModuleType) -> None:
    sys.modules[module.__name__] = module
    parent, _, name = module.__name__.rpartition(".")
    if parent:
        setattr(sys.modules[parent], name, module)


def _extend(package: str, folder: Path) -> None:
    """Let a package import what lies in a folder."""
    path = list(sys.modules[package].__path__)
    sys.modules[package].__path__ = [str(folder), *(each for each in path if each != str(folder))]
