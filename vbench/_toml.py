"""Strict TOML: decoded into typed structs, every mistake reported with its file and key."""

from __future__ import annotations

import difflib
import textwrap
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from vbench.errors import VbenchError

T = TypeVar("T")
Values = dict[str, Any]


def read_toml(path: Path | str, kind: type[T], *, prepare: Callable[[Values], Values] = dict) -> T:
    """Read a TOML file into `kind`, a :class:`msgspec.Struct`.

    Structs that say ``forbid_unknown_fields=True`` refuse a key they do not know.

    Parameters
    ----------
    prepare
        Called with what the file says before it is converted, such as to translate words.

    Raises
    ------
    VbenchError
        The file cannot be read, is not TOML, or does not fit `kind`: one line with file, key,
        what was given, and what is allowed there.
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
        values = prepare(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise VbenchError(f"{name}: not valid TOML: {error}") from None
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise VbenchError(f"{name}: {_fault(values, kind, '') or error}") from None


def rename_keys(values: Values, names: Mapping[str, str]) -> Values:
    """What a file says under old keys, by their present names; a key given twice stays unknown."""
    return {
        key if (new := names.get(key, key)) in values else new: value
        for key, value in values.items()
    }


def _fault(value: Any, kind: Any, path: str) -> str | None:
    """What is wrong at the first key, in depth, whose value does not fit its type."""
    types = _alternatives(kind)
    for each in types:
        found = _fault_inside(value, each, path)
        if found:
            return found
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        given = f"{path} = {_shown(value)}" if path else _shown(value)
        allowed = [word for each in types for word in get_args(each) if get_origin(each) is Literal]
        if not allowed:
            return f"{given}: {error}"
        return f"{given}{_nearest(str(value), allowed)}; allowed: {', '.join(map(repr, allowed))}"
    return None


def _fault_inside(value: Any, kind: Any, path: str) -> str | None:
    """The same of what a table or a list holds."""
    origin, inner = get_origin(kind), get_args(kind)
    faults: list[str | None] = []
    if origin is list and isinstance(value, list):
        faults = [_fault(each, inner[0], f"{path}[{at}]") for at, each in enumerate(value)]
    elif origin is dict and isinstance(value, dict):
        faults = [_fault(each, inner[1], _joined(path, key)) for key, each in value.items()]
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        where = f" in {path}" if path else ""
        faults = [
            f"unknown key {key!r}{where}{_nearest(key, fields)} (known: {', '.join(fields)})"
            for key in value
            if key not in fields and kind.__struct_config__.forbid_unknown_fields
        ]
        faults += [
            _fault(value[key], field.type, _joined(path, key))
            if key in value
            else f"missing key {key!r}{where}"
            for key, field in fields.items()
            if key in value or field.required
        ]
    return next(filter(None, faults), None)


def _alternatives(kind: Any) -> list[Any]:
    """The types of a union, each without what is annotated to it."""
    if get_origin(kind) is Annotated:
        return _alternatives(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [each for inner in get_args(kind) for each in _alternatives(inner)]
    return [kind]


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _nearest(given: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(given, list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def _shown(value: Any) -> str:
    return textwrap.shorten(repr(value), 60, placeholder=" …")
