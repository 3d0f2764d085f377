"""The source of a class in a notebook or a script, with all it uses, as the text of a module.

Another process cannot import such a class, and its cell may be gone tomorrow. What the class uses
is found from its names: modules and what they hold are imported again, functions and classes from
beside it are written too, plain values as they are now, other values by the statement that made
them. Nothing is run here.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import importlib.machinery
import inspect
import linecache
import math
import symtable
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from vbench.errors import VbenchError

_FUTURE = __future__.annotations.compiler_flag
_LONGEST_VALUE = 100_000
_AT_ONCE = {"module", "class", "listcomp", "setcomp", "dictcomp", "genexpr"}
"""Scopes whose names must be known when the statement runs, not only when a function is called."""
_MISSING = object()


class Extract(NamedTuple):
    """The module's text, and the values that its statements must give."""

    text: str
    values: Mapping[str, Any]


class _UnwritableError(Exception):
    """Why something cannot stand in a module."""


class _Source(NamedTuple):
    """A file or a cell."""

    name: str
    text: str
    tree: ast.Module

    def piece(self, node: ast.stmt) -> str:
        """The text of a statement, with its decorators."""
        lines = self.text.splitlines(keepends=True)[_first_line(node) - 1 : node.end_lineno]
        text = "".join(lines).rstrip()
        # Taking the indentation away would change strings of several lines.
        return f"if True:\n{text}" if node.col_offset else text


class _Definition(NamedTuple):
    """A statement, and what its names stand for."""

    name: str
    text: str
    scope: Mapping[str, Any]
    has_future: bool = False
    """Whether its annotations are not evaluated."""


def extract(kind: type) -> Extract:
    """Write the module.

    Raises
    ------
    VbenchError
        The source is not known, or it uses what cannot be written; with the remedy.
    """
    module = _Module(kind)
    name = kind.__name__
    try:
        module.need(name, kind, {})
    except _UnwritableError as why:
        file = name.lower()
        raise VbenchError(
            f"class {name} cannot be measured in a process of its own: {why}; save it with what "
            f"it uses to a file, such as {file}.py, and give '{file}:{name}'"
        ) from None
    head = [f'"""{name}, as it was measured; written by vbench."""']
    head += ["from __future__ import annotations"] if module.has_future else []
    return Extract("\n\n".join([*head, *module.statements]) + "\n", module.values)


def is_importable(name: str) -> bool:
    """Whether another process with the same search path imports this module by its name."""
    module = sys.modules.get(name)
    if name == "__main__" or module is None:
        return False
    if name.partition(".")[0] in sys.stdlib_module_names:
        return True
    path: Any = None
    found: importlib.machinery.ModuleSpec | None = None
    parts = name.split(".")
    for count in range(len(parts)):
        full = ".".join(parts[: count + 1])
        for finder in sys.meta_path:
            found = finder.find_spec(full, path)
            if found is not None:
                break
        if found is None:
            return False
        path = found.submodule_search_locations
    file = getattr(module, "__file__", None)
    return found is not None and _is_same(file, found.origin)


class _Module:
    """Collects statements, each after what it needs at once."""

    def __init__(self, kind: type) -> None:
        self.statements: list[str] = []
        self.values: dict[str, Any] = {}
        self.has_future = False
        self._kind = kind
        self._bound: dict[str, Any] = {}
        self._imports: set[str] = set()

    def need(self, name: str, value: Any, scope: Mapping[str, Any]) -> None:
        """Let `name` stand for `value`."""
        if name in self._bound:
            if self._bound[name] is not value:
                raise _UnwritableError(f"{name} stands for two things in what it uses")
            return
        self._bound[name] = value
        if value is not self._kind:
            line = _import_of(name, value) or _assignment(name, value)
            if line is not None:
                self.statements.append(line)
                return
        definition = _definition(value) or _statement(name, scope)
        if definition is None:
            raise _UnwritableError(
                f"it uses {name} ({type(value).__name__}), which no line of its source makes"
            )
        self._write(definition)
        if not isinstance(value, type | FunctionType):
            self.values[name] = value
        elif definition.name != name:
            self.statements.append(f"{name} = {definition.name}")

    def _write(self, definition: _Definition) -> None:
        at_once, later, hinted = _names(definition.text)
        self._bound.setdefault(definition.name, definition.scope.get(definition.name, _MISSING))
        for name in at_once:
            self._look(name, definition.scope)
        for name in hinted:
            with contextlib.suppress(_UnwritableError):
                self._look(name, definition.scope)
        self._import_below(definition)
        self.has_future |= definition.has_future
        self.statements.append(definition.text)
        for name in later:
            self._look(name, definition.scope)

    def _look(self, name: str, scope: Mapping[str, Any]) -> None:
        value = scope.get(name, _MISSING)
        is_special = name.startswith("__") and name.endswith("__")
        if value is not _MISSING and not is_special:
            before = set(self._bound)
            try:
                self.need(name, value, scope)
            except _UnwritableError:
                for each in set(self._bound) - before:
                    del self._bound[each]
                raise

    def _import_below(self, definition: _Definition) -> None:
        """Import the modules below a package that the statement reaches through it."""
        for node in ast.walk(ast.parse(definition.text)):
            chain = _chain(node)
            module = definition.scope.get(chain[0]) if chain else None
            if not isinstance(module, ModuleType):
                continue
            full = module.__name__
            for part in chain[1:]:
                full = f"{full}.{part}"
                if not isinstance(sys.modules.get(full), ModuleType):
                    break
                if full not in self._imports:
                    self._imports.add(full)
                    self.statements.append(f"import {full}")


def _definition(value: Any) -> _Definition | None:
    """The statement that defines a function or a class; None for other values."""
    if isinstance(value, type):
        return _class(value)
    function = inspect.unwrap(value) if callable(value) else None
    if not isinstance(function, FunctionType) or function.__name__ == "<lambda>":
        return None
    source = _source(function.__code__.co_filename, function.__globals__)
    node = _function_at(source, function.__code__)
    if source is None or node is None:
        raise _UnwritableError(f"the source of {function.__name__} is not kept")
    _check_current(source, function)
    return _Definition(
        function.__name__, source.piece(node), _scope(function), _has_future(function)
    )


def _class(kind: type) -> _Definition:
    functions = [
        function
        for each in vars(kind).values()
        if (function := _function(each)) is not None
        and function.__code__.co_qualname.startswith(f"{kind.__qualname__}.")
    ]
    module = sys.modules.get(kind.__module__)
    space = vars(module) if module is not None else {}
    for function in functions:
        source = _source(function.__code__.co_filename, function.__globals__)
        around = None if source is None else _class_around(source, kind, function.__code__)
        if source is None or around is None:
            continue
        _check_functions(kind, around, source)
        scope = dict(function.__globals__)
        scope |= {base.__name__: base for base in kind.__mro__[1:] if base is not object}
        for each in functions:
            scope |= _closure(each)
        return _Definition(kind.__name__, source.piece(around), scope, _has_future(function))
    if not functions:
        for source in _sources(space):
            for node in reversed(list(ast.walk(source.tree))):
                if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
                    bases = {base.__name__: base for base in kind.__mro__[1:] if base is not object}
                    return _Definition(kind.__name__, source.piece(node), space | bases)
    raise _UnwritableError(f"the source of {kind.__name__} is not kept")


def _function(member: Any) -> FunctionType | None:
    """The function behind a member of a class."""
    if isinstance(member, staticmethod | classmethod):
        member = member.__func__
    if isinstance(member, property):
        member = member.fget
    member = inspect.unwrap(member) if callable(member) else member
    return member if isinstance(member, FunctionType) else None


def _class_around(source: _Source, kind: type, code: CodeType) -> ast.ClassDef | None:
    around = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
        and node.name == kind.__name__
        and node.lineno <= code.co_firstlineno <= (node.end_lineno or 0)
    ]
    return max(around, key=lambda node: node.lineno, default=None)


def _check_functions(kind: type, node: ast.ClassDef, source: _Source) -> None:
    """Refuse a class that is not what its source says."""
    for name, member in vars(kind).items():
        function = _function(member)
        if function is None:
            continue
        code = function.__code__
        if code.co_filename == source.name and (
            node.lineno <= code.co_firstlineno <= (node.end_lineno or 0)
        ):
            _check_current(source, function)
        elif linecache.getlines(code.co_filename, function.__globals__):
            raise _UnwritableError(f"its {name} was set after the class was made")


def _check_current(source: _Source, function: FunctionType) -> None:
    """Refuse a function whose source was edited after it was read."""
    code = function.__code__
    whole = compile(
        source.text,
        source.name,
        "exec",
        flags=(code.co_flags & _FUTURE) | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        dont_inherit=True,
    )
    for each in _codes(whole):
        if (each.co_qualname, each.co_firstlineno) == (code.co_qualname, code.co_firstlineno):
            if _same_code(each, code) or "@py_assert" in " ".join(code.co_varnames):
                return
            break
    raise _UnwritableError(f"the source of {function.__qualname__} was edited since it was run")


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


def _same_code(one: CodeType, other: CodeType) -> bool:
    a, b = (
        [each for each in code.co_consts if isinstance(each, CodeType)] for code in (one, other)
    )
    plain = [
        [repr(each) for each in code.co_consts if not isinstance(each, CodeType)]
        for code in (one, other)
    ]
    return (
        one.co_code == other.co_code
        and one.co_names == other.co_names
        and plain[0] == plain[1]
        and len(a) == len(b)
        and all(map(_same_code, a, b))
    )


def _statement(name: str, scope: Mapping[str, Any]) -> _Definition | None:
    """The last statement, outside of functions, that assigns or imports a name."""
    for source in _sources(scope):
        for node in reversed(list(_outside(source.tree.body))):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=target)])
                    | ast.AnnAssign(target=ast.Name(id=target), value=ast.expr())
                ) if target == name:
                    return _Definition(name, source.piece(node), scope)
                case ast.ImportFrom() | ast.Import():
                    kept = [each for each in node.names if (each.asname or each.name) == name]
                    if kept and not getattr(node, "level", 0):
                        node.names = kept
                        return _Definition(name, ast.unparse(node), {})
    return None


def _outside(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run with the file: those in branches too, not those in functions."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from _outside(node.body)
            yield from _outside(getattr(node, "orelse", []))
            for handler in getattr(node, "handlers", []):
                yield from _outside(handler.body)


def _sources(space: Mapping[str, Any]) -> Iterator[_Source]:
    """The file of a module, or all cells of a notebook, the latest first."""
    file = space.get("__file__")
    if file and space.get("__name__") != "builtins":
        found = _source(str(file), space)
        if found is not None:
            yield found
    for name in reversed(list(linecache.cache)):
        if name != file and not Path(name).exists():
            found = _source(name, space)
            if found is not None:
                yield found


def _source(name: str, space: Mapping[str, Any]) -> _Source | None:
    lines = linecache.getlines(name, dict(space))
    if not lines:
        return None
    text = "".join(lines)
    with contextlib.suppress(SyntaxError, ValueError, RecursionError):
        return _Source(name, text, ast.parse(text))
    return None


def _function_at(source: _Source | None, code: CodeType) -> ast.stmt | None:
    if source is None:
        return None
    found = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and _first_line(node) == code.co_firstlineno
    ]
    return found[0] if len(found) == 1 else None


def _first_line(node: ast.AST) -> int:
    lines = [each.lineno for each in getattr(node, "decorator_list", [])]
    return int(min([getattr(node, "lineno", 0), *lines]))


def _scope(function: FunctionType) -> dict[str, Any]:
    return {**function.__globals__, **_closure(function)}


def _has_future(function: FunctionType) -> bool:
    return bool(function.__code__.co_flags & _FUTURE)


def _closure(function: FunctionType) -> dict[str, Any]:
    found = {}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        with contextlib.suppress(ValueError):  # not filled yet
            if name != "__class__":
                found[name] = cell.cell_contents
    return found


def _names(text: str) -> tuple[list[str], list[str], list[str]]:
    """Names a statement needs when it runs, when its functions are called, and in annotations."""
    at_once: set[str] = set()
    later: set[str] = set()
    _collect(symtable.symtable(text, "<statement>", "exec"), at_once, later, now=True)
    hinted: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        for field in ("annotation", "returns"):
            hinted |= _names_in(getattr(node, field, None))
    return sorted(at_once), sorted(later - at_once), sorted(hinted - at_once)


def _collect(table: symtable.SymbolTable, at_once: set[str], later: set[str], *, now: bool) -> None:
    is_top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (symbol.is_global() or is_top):
            (at_once if now else later).add(symbol.get_name())
    for child in table.get_children():
        is_function = child.get_type() == "function" and child.get_name() not in _AT_ONCE
        _collect(child, at_once, later, now=now and not is_function)


def _names_in(annotation: Any) -> set[str]:
    if not isinstance(annotation, ast.expr):
        return set()
    found = set()
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            with contextlib.suppress(SyntaxError):
                found |= _names_in(ast.parse(node.value, mode="eval").body)
    return found


def _chain(node: ast.AST) -> list[str]:
    """``a.b.c`` as its parts."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) and parts else []


def _import_of(name: str, value: Any) -> str | None:
    """The statement that imports a module, or what another process finds in one."""
    if isinstance(value, ModuleType):
        full = value.__name__
        if not is_importable(full):
            raise _UnwritableError(f"it uses {name}, a module that no other process can import")
        return f"import {full}" if full == name else f"import {full} as {name}"
    home = getattr(value, "__module__", None)
    own = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if not isinstance(home, str) or not isinstance(own, str):
        return None
    if getattr(sys.modules.get(home), own, None) is not value or not is_importable(home):
        return None
    return f"from {home} import {own}" + ("" if own == name else f" as {name}")


def _assignment(name: str, value: Any) -> str | None:
    text = _literal(value)
    if text is not None and len(text) > _LONGEST_VALUE:
        raise _UnwritableError(f"it uses {name}, which is too large to be written")
    return None if text is None else f"{name} = {text}"


def _literal(value: Any) -> str | None:
    """A plain value as Python, the same for equal values; None for any other."""
    if value is None or type(value) in (bool, int, str, bytes, complex, range, slice):
        return repr(value)
    if type(value) is float:
        return repr(value) if math.isfinite(value) else f"float({str(value)!r})"
    if value is Ellipsis or value is NotImplemented:
        return repr(value)
    if type(value) is dict:
        keys, values = map(_literal, value), map(_literal, value.values())
        pairs = list(zip(keys, values, strict=True))
        if any(None in pair for pair in pairs):
            return None
        return f"{{{', '.join(f'{key}: {each}' for key, each in pairs)}}}"
    if type(value) not in (list, tuple, set, frozenset):
        return None
    parts = [text for each in value if (text := _literal(each)) is not None]
    if len(parts) < len(value):
        return None
    if type(value) is list:
        return f"[{', '.join(parts)}]"
    if type(value) is tuple:
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    members = f"{{{', '.join(sorted(parts))}}}" if parts else ""
    return members or "set()" if type(value) is set else f"frozenset({members})"


def _is_same(one: str | None, other: str | None) -> bool:
    with contextlib.suppress(OSError):
        return bool(one and other) and Path(str(one)).samefile(str(other))
    return False
