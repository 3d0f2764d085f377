"""Strict TOML: decoded into typed structs, every mistake reported with its file and line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import msgspec.inspect as inspect

from vbench.errors import VbenchError

T = TypeVar("T")
Step = str | int
KeyPath = tuple[Step, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]")
_ASSIGNMENT = re.compile(
    r"""^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*="""
)
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([\w-]+)""")
_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]+)`")


Values = dict[str, Any]


def read_toml(path: Path | str, kind: type[T], *, prepare: Callable[[Values], Values] = dict) -> T:
    """Read a TOML file into `kind`, a :class:`msgspec.Struct` or anything msgspec can convert to.

    Structs that say ``forbid_unknown_fields=True`` refuse a key they do not know.

    Parameters
    ----------
    prepare
        Called with what the file says before it is converted, such as to translate words.

    Raises
    ------
    VbenchError
        The file cannot be read, is not TOML, or does not fit `kind`: one line with file, line,
        key, and what is allowed there.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise VbenchError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise VbenchError(
            f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None
    except OSError as error:
        raise VbenchError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_toml(text, kind, name=str(path), prepare=prepare)


def parse_toml(
    text: str, kind: type[T], *, name: str, prepare: Callable[[Values], Values] = dict
) -> T:
    """Do what :func:`read_toml` does with text; `name` stands for the file in messages."""
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise VbenchError(f"{name}: not valid TOML: {error}") from None
    try:
        return msgspec.convert(prepare(values), kind)
    except msgspec.ValidationError as error:
        raise VbenchError(_explain(str(error), text, kind, name)) from None


def rename_keys(values: Values, names: Mapping[str, str]) -> Values:
    """What the file says with old keys by their present names; a key of both is refused later."""
    return {
        names.get(key, key) if names.get(key) not in values else key: value
        for key, value in values.items()
    }


def _explain(message: str, text: str, kind: Any, name: str) -> str:
    """Put file, line, key and what is allowed there to one of msgspec's messages."""
    problem, _, place = message.partition(" - at `$")
    path = _steps(place.rstrip("`"))
    lines = _lines(text)
    unknown = _UNKNOWN_FIELD.search(problem)
    if unknown:
        key = unknown.group(1)
        known = _known_keys(kind, path)
        near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        where = f" in {_dotted(path)}" if path else ""
        return (
            f"{name}, line {_line_of((*path, key), lines)}: unknown key {key!r}{where}{hint} "
            f"(known: {', '.join(known)})"
        )
    allowed = _allowed_values(kind, path)
    if allowed:
        problem += f"; allowed: {', '.join(map(repr, allowed))}"
    line = _line_of(path, lines)
    where = f", line {line}" if line else ""
    return f"{name}{where}: {_dotted(path) + ': ' if path else ''}{problem}"


def _steps(place: str) -> KeyPath:
    """`.sources[0].url` as ("sources", 0, "url"); a key that msgspec leaves out ends the path."""
    steps: list[Step] = []
    for key, index in re.findall(r"\.([^.\[\]]+)|\[([^\]]*)\]", place):
        if index == "...":
            break
        steps.append(int(index) if index else key)
    return tuple(steps)


def _dotted(path: KeyPath) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(
        "."
    )


def _line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int | None:
    """Line of the longest known beginning of `path`: inside an inline table, the table's own."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


def _lines(text: str) -> dict[KeyPath, int]:
    """Map each key and table of a valid TOML text to the line that first names it."""
    lines: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in _code_lines(text):
        if header := _HEADER.match(line):
            table = ()
            for part in _parts(header.group(2)):
                table = (*table, part)
                if table in counts:
                    table = (*table, counts[table])
            if header.group(1) == "[[":
                plain = table[:-1] if isinstance(table[-1], int) else table
                counts[plain] = counts.get(plain, -1) + 1
                table = (*plain, counts[plain])
            path = table
        elif assignment := _ASSIGNMENT.match(line):
            path = (*table, *_parts(assignment.group(1)))
        else:
            continue
        for end in range(1, len(path) + 1):
            lines.setdefault(path[:end], number)
    return lines


def _code_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without those that lie inside a multi-line string."""
    quote = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not quote:
            yield number, line
        for mark in re.findall(r'"""|\'\'\'', line):
            quote = "" if mark == quote else quote or mark


def _parts(dotted: str) -> list[str]:
    return [double or single or bare for double, single, bare in _PART.findall(dotted)]


def _type_at(kind: Any, path: KeyPath) -> list[inspect.Type]:
    """List the types that may stand at `path`."""
    here = [inspect.type_info(kind)]
    for step in path:
        here = [inner for outer in _alternatives(here) for inner in _inside(outer, step)]
    return _alternatives(here)


def _alternatives(types: list[inspect.Type]) -> list[inspect.Type]:
    flat: list[inspect.Type] = []
    for kind in types:
        flat.extend(kind.types if isinstance(kind, inspect.UnionType) else [kind])
    return flat


def _inside(kind: inspect.Type, step: Step) -> list[inspect.Type]:
    if isinstance(kind, inspect.StructType):
        return [field.type for field in kind.fields if field.encode_name == step]
    if isinstance(kind, inspect.DictType):
        return [kind.value_type]
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        return [kind.item_type]
    return []


def _known_keys(kind: Any, path: KeyPath) -> list[str]:
    return [
        field.encode_name
        for struct in _type_at(kind, path)
        if isinstance(struct, inspect.StructType)
        for field in struct.fields
    ]


def _allowed_values(kind: Any, path: KeyPath) -> list[Any]:
    return [
        value
        for literal in _type_at(kind, path)
        if isinstance(literal, inspect.LiteralType)
        for value in literal.values
    ]
