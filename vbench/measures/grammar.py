"""Parse ``Name(param=value,…)@K``, and what else people write for it; plug-ins add names."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, get_type_hints

import msgspec

from vbench import _plugins
from vbench.errors import UnknownNameError, VbenchError
from vbench.measures import cost, items, order, recall, served
from vbench.measures.base import (
    USUAL,
    Measure,
    needed_parameters,
    parameters,
    spell,
    takes_cutoff,
)

GROUP = "vbench.measures"
_SPELLING = re.compile(r"(?P<name>\w+)\s*(?:\((?P<inside>.*)\))?")


@functools.cache
def parse(text: str) -> Measure:
    """The measure that `text` spells, such as ``Robustness(delta=0.9)@10``.

    Names are found in any case, a first value needs no name, and what tables call a measure is
    one of its spellings: ``R0.9@10``, ``p99``, ``worst 5 %@10``.

    Raises
    ------
    VbenchError
        With what is allowed, where a name, parameter, value or cutoff is not.
    """
    head, at, cutoff = (part.strip() for part in text.partition("@"))
    if at and not cutoff:
        raise VbenchError(f"{text!r}: a whole number from 1 on comes after @")
    kind, given = _read(text, head, cutoff)
    arguments: dict[str, Any] = dict(given)
    if takes_cutoff(kind):
        arguments["k"] = _cutoff(text, cutoff, kind, arguments)
    elif at:
        raise VbenchError(f"{text!r}: {kind.__name__} has no cutoff; write it without @{cutoff}")
    return _make(kind, text, arguments)


def as_measure(given: str | Measure | type[Measure]) -> Measure:
    """A measure as it may be handed over: in the grammar, or as an object.

    Raises
    ------
    VbenchError
        It is no measure, or a class that is still to be given its cutoff or parameters.
    """
    if isinstance(given, str):
        return parse(given)
    if isinstance(given, type) and issubclass(given, Measure):
        if not takes_cutoff(given) and not needed_parameters(given):
            return given()
        example = spell(given, {}, "")
        raise VbenchError(
            f"{given.__name__} is a class of measures; write {example.replace('@', ' @ ')}, or "
            f"{example!r}"
        )
    if not isinstance(given, Measure):
        raise VbenchError(
            f"{given!r} is not a measure; give one such as Recall @ 10, or 'Recall@10'"
        )
    return given


def as_measures(given: Any) -> list[Measure]:
    """One measure or several, as :func:`as_measure` takes each; what is given twice, once."""
    several = isinstance(given, Iterable) and not isinstance(given, str | Measure | type)
    return list(dict.fromkeys(map(as_measure, given if several else [given])))


def _read(text: str, head: str, cutoff: str) -> tuple[type[Measure], Sequence[tuple[str, str]]]:
    """The measure and the parameters of what stands before the cutoff."""
    match = _SPELLING.fullmatch(head)
    if match and (kind := _by_name(match["name"])):
        return kind, _arguments(text, match["inside"] or "", kind, cutoff)
    found = [
        (kind, list(other.groupdict().items()))
        for kind in measures().values()
        for spelling in kind.spellings
        if (other := re.fullmatch(spelling, head, re.IGNORECASE))
    ]
    # The head of a column and the name of an axis, which plug-ins need not spell twice.
    found += [
        (kind, [])
        for kind in measures().values()
        if not needed_parameters(kind)
        and head.lower() in (kind().short.lower(), kind().label.lower())
    ]
    if found:
        # `p5@10` is a percentile of recall, `p99` one of latency.
        return next((each for each in found if takes_cutoff(each[0]) == bool(cutoff)), found[0])
    if match:
        raise UnknownNameError("measure", match["name"], measures())
    raise VbenchError(
        f"{text!r} is not a measure; write it as Name(param=value)@K, such as "
        "Robustness(delta=0.9)@10"
    )


def _by_name(name: str) -> type[Measure] | None:
    known = measures()
    return known.get(name) or next(
        (known[each] for each in known if each.lower() == name.lower()), None
    )


@functools.cache
def measures() -> Mapping[str, type[Measure]]:
    """Every measure by name: the built-in ones, then those of plug-ins."""
    found: dict[str, type[Measure]] = {
        name: value
        for module in (recall, order, served, items, cost)
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, Measure)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }
    for entry in _plugins.discover(GROUP).values():
        try:
            if entry.name in found:
                raise VbenchError("another measure has that name")
            found[entry.name] = _of_plugin(entry.target)
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


def _arguments(text: str, inside: str, kind: type[Measure], cutoff: str) -> list[tuple[str, str]]:
    """Parameters by name; values without one are those of the measure's own, in their order."""
    pairs: list[tuple[str, str]] = []
    own = [name for name in parameters(kind) if name != "truth"]
    for part in filter(None, (piece.strip() for piece in inside.split(","))):
        key, equals, value = part.partition("=")
        if not equals:
            free = [name for name in own if name not in dict(pairs)]
            if not free:
                usual = dict(pairs) | {name: part for name in parameters(kind) if name == "truth"}
                raise VbenchError(
                    f"{text!r}: {part!r} is not param=value; write {spell(kind, usual, cutoff)}"
                )
            key, value = free[0], part
        pairs.append((key.strip(), value.strip()))
    if len(dict(pairs)) < len(pairs):
        raise VbenchError(f"{text!r} gives a parameter twice")
    return pairs


def _cutoff(text: str, cutoff: str, kind: type[Measure], given: Mapping[str, Any]) -> int:
    if not cutoff:
        raise VbenchError(f"{text!r} needs a cutoff; write {spell(kind, given, cutoff)}")
    if not cutoff.isdecimal() or int(cutoff) < 1:
        raise VbenchError(f"{text!r}: the cutoff must be a whole number from 1 on")
    return int(cutoff)


def _value(text: str, *, in_percent: bool) -> str:
    """A value as it is read: ``90%`` is 0.9, but of what counts in percent, 90."""
    if not text.endswith("%"):
        return text
    number = text.removesuffix("%").strip()
    try:
        return number if in_percent else str(Decimal(number) / 100)
    except ArithmeticError:
        return text


def _make(kind: type[Measure], text: str, arguments: dict[str, Any]) -> Measure:
    fields = {field.name: field for field in dataclasses.fields(kind)}
    types = get_type_hints(kind)
    for name, value in arguments.items():
        if name not in fields:
            raise UnknownNameError(f"parameter in {text!r}", name, set(fields) - {"k"})
        in_percent = bool(fields[name].metadata.get("percent"))
        if read_as := fields[name].metadata.get("read"):
            try:
                arguments[name] = read_as(value)
            except VbenchError as error:
                raise VbenchError(f"{text!r}: {name}={error}") from None
            continue
        try:
            read = _value(value, in_percent=in_percent) if isinstance(value, str) else value
            arguments[name] = msgspec.convert(read, types[name], strict=False)
        except msgspec.ValidationError:
            usual = spell(kind, {name: USUAL.get(name, "1")}, str(arguments.get("k", "")))
            raise VbenchError(f"{text!r}: {name}={value} is not a number; write {usual}") from None
    missing = [name for name in needed_parameters(kind) if name not in arguments]
    if missing:
        remedy = spell(kind, arguments, str(arguments.get("k", "")))
        raise VbenchError(f"{text!r} needs {', '.join(missing)}; write {remedy}")
    return kind(**arguments)
