"""Parse ``Name(param=value,…)@K`` into a measure; plug-ins add names."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import warnings
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, get_type_hints

import msgspec

from vbench import _plugins
from vbench.errors import UnknownNameError, VbenchError
from vbench.measures import cost, order, recall
from vbench.measures.base import Measure

GROUP = "vbench.measures"
_USUAL = {"delta": "0.9", "alpha": "0.05", "p": "99"}
"""Values to show where a parameter is missing."""
_SPELLING = re.compile(r"^\s*(\w+)\s*(?:\((.*)\))?\s*(?:@\s*(\S+))?\s*$")


@functools.cache
def parse(text: str) -> Measure:
    """The measure that `text` spells, such as ``Robustness(delta=0.9)@10``.

    Raises
    ------
    VbenchError
        With what is allowed, where a name, parameter, value or cutoff is not.
    """
    match = _SPELLING.match(text)
    if not match:
        raise VbenchError(
            f"{text!r} is not a measure; write it as Name(param=value)@K, such as "
            "Robustness(delta=0.9)@10"
        )
    name, inside, cutoff = match.groups()
    known = measures()
    if name not in known:
        raise UnknownNameError("measure", name, known)
    kind = known[name]
    arguments: dict[str, Any] = dict(_arguments(text, inside or "", kind, cutoff))
    if kind.needs_k:
        arguments["k"] = _cutoff(text, cutoff, kind, arguments)
    elif cutoff is not None:
        raise VbenchError(f"{text!r}: {name} has no cutoff; write it without @{cutoff}")
    return _make(kind, text, arguments)


@functools.cache
def measures() -> Mapping[str, type[Measure]]:
    """Every measure by name: the built-in ones, then those of plug-ins."""
    found: dict[str, type[Measure]] = {
        name: value
        for module in (recall, order, cost)
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, Measure)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }
    for entry in entry_points(group=GROUP):
        try:
            if entry.name in found:
                raise VbenchError("another measure has that name")
            found[entry.name] = _of_plugin(entry.value)
        except VbenchError as error:
            warnings.warn(f"measure {entry.name!r}: {error}; it is left out", stacklevel=2)
    return found


def _of_plugin(target: str) -> type[Measure]:
    kind = _plugins.load(target, "measure", installed=True)
    if not (inspect.isclass(kind) and issubclass(kind, Measure) and dataclasses.is_dataclass(kind)):
        raise VbenchError(
            f"{target} is no measure; it must be a frozen dataclass that inherits from "
            "vbench.measures.base.Measure"
        )
    return kind


def _arguments(
    text: str, inside: str, kind: type[Measure], cutoff: str | None
) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for part in filter(None, (piece.strip() for piece in inside.split(","))):
        key, equals, value = part.partition("=")
        if not equals:
            names = [name for name in _needed(kind) or _parameters(kind) if name not in dict(pairs)]
            number = part if re.fullmatch(r"\d+|0?\.\d+|\d+(\.\d+)?%", part) else "1"
            remedy = _spelling(kind, dict(pairs) | dict.fromkeys(names[:1], number), cutoff)
            raise VbenchError(f"{text!r}: {part!r} is not param=value; write {remedy}")
        pairs.append((key.strip(), value.strip()))
    if len(dict(pairs)) < len(pairs):
        raise VbenchError(f"{text!r} gives a parameter twice")
    return pairs


def _cutoff(text: str, cutoff: str | None, kind: type[Measure], given: Mapping[str, Any]) -> int:
    if cutoff is None:
        raise VbenchError(f"{text!r} needs a cutoff; write {_spelling(kind, given, cutoff)}")
    if not cutoff.isdecimal() or int(cutoff) < 1:
        raise VbenchError(f"{text!r}: the cutoff must be a whole number from 1 on")
    return int(cutoff)


def _parameters(kind: type[Measure]) -> list[str]:
    """Those of its own first: what all measures of hits take, `truth`, is meant least often."""
    names = [field.name for field in dataclasses.fields(kind) if field.name != "k"]
    return sorted(names, key="truth".__eq__)


def _needed(kind: type[Measure]) -> list[str]:
    return [
        field.name
        for field in dataclasses.fields(kind)
        if field.name != "k"
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]


def _spelling(kind: type[Measure], given: Mapping[str, Any], cutoff: str | None) -> str:
    """How to write the measure with what was given, and with a usual value of what is missing."""
    usual = {name: _USUAL.get(name, "1") for name in _needed(kind)}
    written = usual | {name: value for name, value in given.items() if name != "k"}
    inside = ",".join(f"{name}={value}" for name, value in written.items())
    at = f"@{cutoff if cutoff and cutoff.isdecimal() else 10}" if kind.needs_k else ""
    return f"{kind.__name__}{f'({inside})' if inside else ''}{at}"


def _value(text: str) -> str:
    """A value as it is read: ``90%`` is 0.9."""
    number = text.removesuffix("%").strip()
    try:
        return repr(float(number) / 100) if text.endswith("%") else text
    except ValueError:
        return text


def _make(kind: type[Measure], text: str, arguments: dict[str, Any]) -> Measure:
    fields = {field.name: field for field in dataclasses.fields(kind)}
    types = get_type_hints(kind)
    for name, value in arguments.items():
        if name not in fields:
            raise UnknownNameError(f"parameter in {text!r}", name, set(fields) - {"k"})
        try:
            read = _value(value) if isinstance(value, str) else value
            arguments[name] = msgspec.convert(read, types[name], strict=False)
        except msgspec.ValidationError:
            raise VbenchError(
                f"{text!r}: {name}={value} is not a number; write "
                f"{_spelling(kind, {name: _USUAL.get(name, '1')}, str(arguments.get('k', '')))}"
            ) from None
    missing = [name for name in _needed(kind) if name not in arguments]
    if missing:
        remedy = _spelling(kind, arguments, str(arguments.get("k", "")))
        raise VbenchError(f"{text!r} needs {', '.join(missing)}; write {remedy}")
    return kind(**arguments)
