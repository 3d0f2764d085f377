"""Index classes that are given as they are, in Python: importable for as long as they are used.

A class that no other process can import, of a notebook's cell or of the script that runs, is
written to a module `class_NAME`, which is left in the folder of the run, under `code`. What it uses
is found from its names: modules and what they hold are imported again, plain values are written as
they are, anything else by the statement at the top of its cell or file that made it.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import dis
import inspect
import linecache
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from vbench import _plugins
from vbench._leftovers import TemporaryFolder
from vbench._plain import plain
from vbench.errors import VbenchError
from vbench.indexes.protocol import Index
from vbench.indexes.recipe import Recipe, recipe_of_class
from vbench.indexes.registry import as_index, give

KEPT = "code"
"""Folder in a run folder for the modules that were written."""
_PREFIX = "class_"
_FUTURE = __future__.annotations.compiler_flag
_LONGEST_VALUE = 100_000
_LOOK_UPS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}


class Given(NamedTuple):
    """The indexes of a call, as recipes or as texts that :func:`load_recipe` reads."""

    indexes: Sequence[str | Recipe]
    folder: Path

    def keep(self, run: Path) -> None:
        """Leave the modules that were written in a run's folder."""
        for path in self.folder.glob(f"{_PREFIX}*.py"):
            (run / KEPT).mkdir(exist_ok=True)
            shutil.copyfile(path, run / KEPT / path.name)


@contextlib.contextmanager
def take_indexes(indexes: Any) -> Iterator[Given]:
    """Take the indexes of a call: a name, a path, a recipe, a class, or several of these.

    Raises
    ------
    VbenchError
        One is none of these, or a class that cannot be written.
    """
    single = isinstance(indexes, str | Path | Recipe | type) or not np.iterable(indexes)
    taken = [_taken(each) for each in ([indexes] if single else list(indexes))]
    with TemporaryFolder(purpose="code") as folder:
        # The workers of this time import what lies there.
        sys.path.append(str(folder))
        try:
            recipes = [_written(each, folder) if isinstance(each, type) else each for each in taken]
            yield Given(recipes, folder)
        finally:
            with contextlib.suppress(ValueError):
                sys.path.remove(str(folder))


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
        raise VbenchError(f"index {plain(repr(index))[:80]} is of type {name}; give {remedy}")
    as_index(index, index.__name__)
    return _place(index) or index


def _place(value: Any) -> str | None:
    """``module:name``, where another process finds a class, a function or an object; else None."""
    home, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    name = name or getattr(value, "__name__", "")
    if not isinstance(home, str) or getattr(sys.modules.get(home), name, None) is not value:
        return None
    return f"{home}:{name}" if is_importable(home) else None


def is_importable(name: str) -> bool:
    """Whether another process with the same search path imports this module by its name."""
    top = name.partition(".")[0]
    if name == "__main__" or getattr(sys.modules.get(name), "__spec__", None) is None:
        return False
    if top in sys.stdlib_module_names:
        return True
    found = next(filter(None, (finder.find_spec(top, None) for finder in sys.meta_path)), None)
    known = getattr(sys.modules.get(top), "__spec__", None)
    return found is not None and known is not None and found.origin == known.origin


def _written(kind: type, folder: Path) -> Recipe:
    """The recipe of a class, after its module is written and loaded."""
    name = kind.__name__
    path = folder / f"{_PREFIX}{name}.py"
    if path.exists():
        raise VbenchError(f"two classes are called {name}; give one of them another name")
    text, values = write_module(kind)
    path.write_text(text, encoding="utf-8")
    with _plugins.guard(f"class {name} cannot stand in a module of its own"):
        module = _load(path)
    for other, value in values.items():
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


def _load(path: Path) -> ModuleType:
    """Run a module's file anew; another one of its name makes way."""
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module
    try:
        exec(compile(path.read_bytes(), path, "exec", dont_inherit=True), vars(module))
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, or look it, as two random generators of one seed do."""
    if type(one).__name__ != type(other).__name__:
        return False
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    with contextlib.suppress(Exception):
        if bool(one == other):
            return True
    shown = (re.sub(r" at 0x[0-9a-fA-F]+", "", repr(each)) for each in (one, other))
    return next(shown) == next(shown)


class _UnwritableError(Exception):
    """Why something cannot stand in a module."""


def write_module(kind: type) -> tuple[str, Mapping[str, Any]]:
    """The text of a module that defines a class, and the values that its statements must give.

    Raises
    ------
    VbenchError
        The source is not known, or it uses what cannot be written; with the remedy.
    """
    module, name = _Module(kind), kind.__name__
    try:
        module.need(name, kind, {})
    except _UnwritableError as why:
        file = name.lower()
        raise VbenchError(
            f"class {name} cannot be measured in a process of its own: {why}; save it with what "
            f"it uses to a file, such as {file}.py, and give '{file}:{name}'"
        ) from None
    return module.text(), module.values


class _Module:
    """Collects imports, and statements, each after those that it needs."""

    def __init__(self, kind: type) -> None:
        self.values: dict[str, Any] = {}
        self._kind = kind
        self._bound: dict[str, Any] = {}
        self._imports: list[str] = []
        self._statements: list[str] = []
        self._has_future = False

    def text(self) -> str:
        """The module."""
        body = "\n\n".join(self._statements)
        # Modules below a package that the statements reach through it.
        below = {
            f"import {full}"
            for name, value in self._bound.items()
            if isinstance(value, ModuleType)
            for full in list(sys.modules)
            if full.startswith(f"{value.__name__}.")
            and re.search(rf"\b{re.escape(name + full[len(value.__name__) :])}\b", body)
        }
        head = [f'"""{self._kind.__name__}, as it was measured; written by vbench."""']
        head += ["from __future__ import annotations"] if self._has_future else []
        return "\n\n".join([*head, *self._imports, *sorted(below), body]) + "\n"

    def need(self, name: str, value: Any, space: Mapping[str, Any]) -> None:
        """Let `name` stand for `value`."""
        if name in self._bound:
            if self._bound[name] is not value:
                raise _UnwritableError(f"{name} stands for two things in what it uses")
            return
        self._bound[name] = value
        if value is not self._kind:
            if (line := _import_of(name, value)) is not None:
                self._imports.append(line)
                return
            is_set = isinstance(value, set) and value
            text = f"{{{', '.join(sorted(map(repr, value)))}}}" if is_set else repr(value)
            if len(text) < _LONGEST_VALUE and _is_literal(text, value):
                self._statements.append(f"{name} = {text}")
                return
        found = _statement(name, value, space)
        self._has_future |= found.has_future
        for other in sorted(_names(found.text)[0]):
            if other in found.space and not other.startswith("__"):
                self.need(other, found.space[other], found.space)
        if found.text not in self._statements:
            self._statements.append(found.text)
        if found.name != name:
            self._statements.append(f"{name} = {found.name}")
        if not isinstance(value, type | FunctionType):
            self.values[name] = value


def _import_of(name: str, value: Any) -> str | None:
    """The statement that imports a module, or what another process finds in one."""
    if isinstance(value, ModuleType):
        if not is_importable(value.__name__):
            raise _UnwritableError(f"it uses {name}, a module that no other process can import")
        return f"import {value.__name__}" + (f" as {name}" if name != value.__name__ else "")
    home, _, own = (_place(value) or "").partition(":")
    return f"from {home} import {own} as {name}" if own else None


def _is_literal(text: str, value: Any) -> bool:
    with contextlib.suppress(SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        read = ast.literal_eval(text)
        return type(read) is type(value) and bool(read == value)
    return False


class _Statement(NamedTuple):
    """A statement at the top of a cell or a file; what it defines, and the names around it."""

    name: str
    text: str
    space: Mapping[str, Any]
    has_future: bool = False
    """Whether its annotations are not evaluated."""


def _statement(name: str, value: Any, space: Mapping[str, Any]) -> _Statement:
    """The statement that defines a function or a class, else the last that assigns the name."""
    functions = _functions(value)
    known = getattr(value, "__qualname__", "<none>")
    own = [each for each in functions if each.__code__.co_qualname.startswith(known)]
    if own:
        name, space = value.__name__, own[0].__globals__
        files = [own[0].__code__.co_filename]
    else:
        if isinstance(value, type) and value.__module__ in sys.modules:
            space = vars(sys.modules[value.__module__])
        cells = [each for each in reversed(linecache.cache) if not Path(each).exists()]
        files = [*filter(None, [space.get("__file__")]), *cells]
    for file in files:
        for lines, text in reversed(_pieces(file, space).items()):
            is_there = not own or own[0].__code__.co_firstlineno in lines
            if is_there and name in _names(text)[1]:
                _check_current(functions, file, lines)
                future = own and own[0].__code__.co_flags & _FUTURE
                return _Statement(name, text, space, bool(future))
    raise _UnwritableError(
        f"the source of {name} is not kept, or not at the top of its cell or file"
        if own or isinstance(value, type)
        else f"it uses {name} ({type(value).__name__}), which no line of its source makes"
    )


def _check_current(functions: Iterable[FunctionType], file: str, lines: range) -> None:
    """Refuse functions that are not what these lines define."""
    for each in functions:
        code, known = each.__code__, linecache.getlines(each.__code__.co_filename, each.__globals__)
        is_here = code.co_filename == file and code.co_firstlineno in lines
        if known and not (is_here and code in _codes("".join(known), code.co_flags & _FUTURE)):
            raise _UnwritableError(
                f"{each.__qualname__} is not what its source says: that was edited since it was "
                "run, or the method was set after the class was made"
            )


def _functions(value: Any) -> list[FunctionType]:
    """A function, or those of a class, without what is wrapped around them."""
    members = vars(value).values() if isinstance(value, type) else [value]
    bare = (getattr(each, "__func__", getattr(each, "fget", each)) for each in members)
    plain = (inspect.unwrap(each) for each in bare if callable(each))
    return [x for x in plain if isinstance(x, FunctionType) and x.__name__ != "<lambda>"]


def _pieces(file: str, space: Mapping[str, Any]) -> dict[range, str]:
    """The statements of a cell or a file with their decorators, by their lines."""
    lines = linecache.getlines(file, dict(space))
    with contextlib.suppress(SyntaxError, ValueError, RecursionError):
        found = {}
        for node in ast.parse("".join(lines)).body:
            heads = [each.lineno for each in getattr(node, "decorator_list", [])]
            place = range(min([node.lineno, *heads]), (node.end_lineno or node.lineno) + 1)
            found[place] = "".join(lines[place.start - 1 : place.stop - 1]).rstrip()
        return found
    return {}


def _codes(text: str, flags: int = 0) -> list[CodeType]:
    """What a source compiles to, and all within it."""
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    found = [compile(text, "<source>", "exec", flags=flags, dont_inherit=True)]
    for code in found:
        found += [each for each in code.co_consts if isinstance(each, CodeType)]
    return found


def _names(text: str) -> tuple[set[str], set[str]]:
    """Global names that a statement, or a function in it, looks up; and those that it binds."""
    codes = _codes(text)
    steps = [step for code in codes for step in dis.get_instructions(code)]
    looked_up = {step.argval for step in steps if step.opname in _LOOK_UPS}
    bound = {step.argval for step in dis.get_instructions(codes[0]) if step.opname == "STORE_NAME"}
    return looked_up, bound
