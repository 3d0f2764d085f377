"""Index classes that are given as they are, in Python: importable for as long as they are used.

A class that no other process can import, of a notebook's cell or of the script that runs, is
written to a module `class_NAME`, which is left in the folder of the run, under `code`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vbench import _plugins
from vbench._leftovers import TemporaryFolder
from vbench._plain import plain
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.extract import extract, is_importable
from vbench.indexes.protocol import Index
from vbench.indexes.recipe import Recipe, recipe_of_class
from vbench.indexes.registry import as_index, give

KEPT = "code"
"""Folder in a run folder for the modules that were written."""
_PREFIX = "class_"


class Given:
    """The indexes of a call, as recipes or as texts that :func:`load_recipe` reads."""

    def __init__(self, indexes: Sequence[str | Recipe], folder: Path | None) -> None:
        self.indexes = indexes
        self._folder = folder

    def keep(self, run: Path) -> None:
        """Leave the modules that were written in a run's folder."""
        if self._folder is not None:
            (run / KEPT).mkdir(exist_ok=True)
            for path in self._folder.glob(f"{_PREFIX}*.py"):
                shutil.copyfile(path, run / KEPT / path.name)


@contextlib.contextmanager
def given(indexes: Any) -> Iterator[Given]:
    """Take the indexes of a call: a name, a path, a recipe, a class, or several of these.

    Raises
    ------
    VbenchError
        One is none of these, or a class that cannot be written.
    """
    single = isinstance(indexes, str | Path | Recipe | type) or not np.iterable(indexes)
    several = [indexes] if single else list(indexes)
    taken = [_taken(each) for each in several]
    if all(isinstance(each, str | Recipe) for each in taken):
        yield Given([each for each in taken if not isinstance(each, type)], None)
        return
    with TemporaryFolder(purpose="code") as folder, _on_path(folder):
        recipes = [_written(each, folder) if isinstance(each, type) else each for each in taken]
        yield Given(recipes, folder)


def bring(run: Path, target: str) -> None:
    """Make the class that a run measured importable again, where the run's folder keeps it.

    It runs the module: ask :func:`vbench.indexes.registry.check_stranger` first.
    """
    module, _, name = target.partition(":")
    path = run / KEPT / f"{module}.py"
    if module.startswith(_PREFIX) and path.is_file():
        give(target, as_index(getattr(_load(path), name, None), name))
        if str(path.parent) not in sys.path:
            sys.path.append(str(path.parent))


def _taken(index: Any) -> str | Recipe | type:
    """A text, a recipe, or a class that has to be written."""
    if isinstance(index, Path):
        return str(index)
    if isinstance(index, str | Recipe):
        return index
    if not isinstance(index, type):
        name = type(index).__name__
        remedy = "a name, the path of a recipe, or a class"
        if callable(getattr(index, "fit", None)):
            remedy = f"the class {name}, and its parameters as settings={{NAME: [VALUE]}}"
        raise VbenchError(f"index {plain(repr(index))[:80]} is a {name}; give {remedy}")
    kind: type = index
    as_index(kind, kind.__name__)
    module = sys.modules.get(kind.__module__)
    if getattr(module, kind.__qualname__, None) is kind and is_importable(kind.__module__):
        return f"{kind.__module__}:{kind.__qualname__}"
    return kind


def _written(kind: type, folder: Path) -> Recipe:
    """The recipe of a class, after its module is written and loaded."""
    name = kind.__name__
    path = folder / f"{_PREFIX}{name}.py"
    if path.exists():
        raise VbenchError(f"two classes are called {name}; give one of them another name")
    found = extract(kind)
    path.write_text(found.text, encoding="utf-8")
    with _plugins.guard(f"class {name} cannot stand in a module of its own"):
        module = _load(path)
    for other, value in found.values.items():
        if not _alike(getattr(module, other, None), value):
            raise VbenchError(
                f"class {name} uses {other}, which is another value now than its source makes; "
                "make it in fit or __init__, or run its cell again"
            )
    made = getattr(module, name)
    for attribute in Index.__annotations__:
        if not _alike(getattr(made, attribute, None), getattr(kind, attribute, None)):
            raise VbenchError(
                f"{name}.{attribute} was set after the class was made; write it into the class"
            )
    target = f"{path.stem}:{name}"
    give(target, as_index(made, name))
    return recipe_of_class(target, name)


def _load(path: Path) -> Any:
    """Run a module's file anew; another one of its name makes way."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UnknownNameError("module", path.stem, [])
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module
    try:
        with _no_bytecode():
            spec.loader.exec_module(module)
    except BaseException:
        if before is None:
            del sys.modules[path.stem]
        else:
            sys.modules[path.stem] = before
        raise
    return module


@contextlib.contextmanager
def _no_bytecode() -> Iterator[None]:
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


@contextlib.contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    """Let the workers of this time import what lies in a folder."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, or look it, as two random generators of one seed do."""
    if one is other:
        return True
    if type(one).__name__ != type(other).__name__:
        return False
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    with contextlib.suppress(Exception):
        if bool(one == other):
            return True
    return _plain(one) == _plain(other)


def _plain(value: Any) -> str:
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
