"""What wrappers of ann-benchmarks import: a stand-in for its package, and the rest of a checkout.

The stand-in is enough for a wrapper that lies anywhere. Where it lies in a checkout, its siblings,
`distance`, `util` and what else there is are imported from there, as it would be without vbench.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import psutil

from vbench.errors import VbenchError

_ROOT = "ann_benchmarks"
_ALGORITHMS = f"{_ROOT}.algorithms"


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
