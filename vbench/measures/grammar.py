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

from vbench import plugins
from vbench.errors import UnknownNameError, VbenchError
from vbench.measures import cost, order, recall
from vbench.measures.base import Measure

GROUP = "vbench.measures"
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
        raise VbenchError(f"{text!r} is not a measure; write it as Name(param=value)@K")
    name, inside, cutoff = match.groups()
    known = measures()
    if name not in known:
        raise UnknownNameError("measure", name, known)
    kind = known[name]
    arguments: dict[str, Any] = dict(_arguments(text, inside or ""))
    if kind.needs_k:
        arguments["k"] = _cutoff(text, cutoff)
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
    kind = plugins.load(target, "measure")
    if not (inspect.isclass(kind) and issubclass(kind, Measure) and dataclasses.is_dataclass(kind)):
        raise VbenchError(
            f"{target} is no measure; it must be a frozen dataclass that inherits from "
            "vbench.measures.base.Measure"
        )
    return kind


def _arguments(text: str, inside: str) -> list[tuple[str, str]]:
    pairs = []
    for part in filter(None, (piece.strip() for piece in inside.split(","))):
        key, equals, value = part.partition("=")
        if not equals:
            raise VbenchError(f"{text!r}: {part!r} is not param=value")
        pairs.append((key.strip(), value.strip()))
    if len(dict(pairs)) < len(pairs):
        raise VbenchError(f"{text!r} gives a parameter twice")
    return pairs


def _cutoff(text: str, cutoff: str | None) -> int:
    if cutoff is None:
        raise VbenchError(f"{text!r} needs a cutoff; write {text.strip()}@10")
    if not cutoff.isdecimal() or int(cutoff) < 1:
        raise VbenchError(f"{text!r}: the cutoff must be a whole number from 1 on")
    return int(cutoff)


def _make(kind: type[Measure], text: str, arguments: dict[str, Any]) -> Measure:
    fields = {field.name: field for field in dataclasses.fields(kind)}
    types = get_type_hints(kind)
    for name, value in arguments.items():
        if name not in fields:
            raise UnknownNameError(f"parameter in {text!r}", name, set(fields) - {"k"})
        try:
            arguments[name] = msgspec.convert(value, types[name], strict=False)
        except msgspec.ValidationError as error:
            raise VbenchError(f"{text!r}: {name}={value}: {error}") from None
    missing = [
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and name not in arguments
    ]
    if missing:
        raise VbenchError(
            f"{text!r} needs {', '.join(missing)}; write {kind.__name__}"
            f"({','.join(f'{name}=…' for name in missing)})@K"
        )
    return kind(**arguments)
