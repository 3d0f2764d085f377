"""The parameters of an adapter: read from its signatures, checked before anything runs."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from vbench._document import Params
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.protocol import Index

Stage = Literal["build", "search"]
REQUIRED: Any = inspect.Parameter.empty
"""The default of a parameter that has none."""


class Parameter(NamedTuple):
    """One parameter of a build or a search."""

    name: str
    stage: Stage
    type: Any
    """The type that values are converted to, or ``Any`` where the signature does not say."""
    hinted: bool
    """Whether `type` is the author's word; else it is a guess from the default."""
    default: Any

    @property
    def allowed(self) -> str:
        """What may be given, in words: ``integer from 2 to 512``."""
        return _words(self.type)


def parameters(kind: type[Index]) -> dict[str, Parameter]:
    """Parameters of the build, then of the search, by name."""
    return {
        **_of_function(kind.__init__, "build"),
        **({} if kind.set is Index.set else _of_function(kind.set, "search")),
    }


def check(kind: type[Index], build: Params, search: Params) -> tuple[Params, Params]:
    """Build and search parameters converted to the types of the signatures.

    Text is converted too, as the command line gives it: ``"16"`` for an integer.

    Raises
    ------
    VbenchError
        A parameter is unknown, missing, of the wrong type or out of range.
    """
    known = parameters(kind)
    for name, parameter in known.items():
        if parameter.stage == "build" and parameter.default is REQUIRED and name not in build:
            raise VbenchError(
                f"{kind.__name__} needs the build parameter {name} ({parameter.allowed})"
            )
    return _checked(kind, "build", build, known), _checked(kind, "search", search, known)


def _checked(
    kind: type[Index], stage: Stage, given: Params, known: Mapping[str, Parameter]
) -> Params:
    here = {name: each for name, each in known.items() if each.stage == stage}
    anything = _takes_anything(kind.__init__ if stage == "build" else kind.set)
    values = {}
    for name, value in given.items():
        if name in here:
            values[name] = _converted(kind, here[name], value)
        elif anything:
            values[name] = _literal(value)
        else:
            raise _unknown(kind, stage, name, known)
    return values


def _unknown(
    kind: type[Index], stage: Stage, name: str, known: Mapping[str, Parameter]
) -> VbenchError:
    if name in known:
        return VbenchError(f"{name} is a {known[name].stage} parameter of {kind.__name__}")
    here = [each.name for each in known.values() if each.stage == stage]
    return UnknownNameError(f"{stage} parameter of {kind.__name__}", name, here)


def _converted(kind: type[Index], parameter: Parameter, value: Any) -> Any:
    if parameter.type is Any:
        return _literal(value)
    attempts = [value]
    if isinstance(value, str):
        # A list or a mapping comes from the command line as JSON.
        attempts.append(_literal(value))
    problem = ""
    for attempt in attempts:
        try:
            return msgspec.convert(attempt, parameter.type, strict=False)
        except msgspec.ValidationError as error:
            problem = str(error)
        except TypeError:
            # msgspec knows nothing of this type: the adapter itself must judge.
            return value
    if not parameter.hinted:
        return attempts[-1]
    raise VbenchError(
        f"{kind.__name__}: {parameter.name}={value!r} is not allowed; "
        f"{parameter.name} takes: {parameter.allowed or problem}"
    )


def _of_function(function: Callable[..., Any], stage: Stage) -> dict[str, Parameter]:
    hints = _hints(function)
    found = {}
    for name, each in list(_signature(function).items())[1:]:
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            continue
        guess = Any if each.default is REQUIRED or each.default is None else type(each.default)
        found[name] = Parameter(name, stage, hints.get(name, guess), name in hints, each.default)
    return found


def positional(function: Callable[..., Any]) -> list[str]:
    """Parameters that cannot be given by name."""
    found = list(_signature(function).items())[1:]
    return [name for name, each in found if each.kind is each.POSITIONAL_ONLY]


def select_accepted(method: Callable[..., Any], **values: Any) -> Params:
    """Those of the values that the signature of a bound method names."""
    named = _signature(method)
    return {name: value for name, value in values.items() if name in named}


def is_taken(method: Callable[..., Any], name: str, *, always: bool = False) -> bool:
    """Whether a method takes an argument of this name; with `always`, whether it needs it."""
    each = _signature(method).get(name)
    named = each is not None and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    return named and not (always and each is not None and each.default is not REQUIRED)


def _takes_anything(function: Callable[..., Any]) -> bool:
    if function is Index.set or function is object.__init__:
        return False
    return any(each.kind is each.VAR_KEYWORD for each in _signature(function).values())


def _signature(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        # Classes written in C may hide their signature.
        return {}


def _hints(function: Callable[..., Any]) -> Params:
    try:
        return typing.get_type_hints(function, include_extras=True)
    # Evaluating third-party annotations can raise whatever their names do.
    except Exception:
        return {}


_WORDS = {"true": True, "false": False, "none": None} | {
    word: float(word) for word in ("nan", "inf", "-inf", "infinity", "-infinity")
}


def _literal(value: Any) -> Any:
    """A value that the command line gives as text: JSON, with NaN and infinities, or a word."""
    if not isinstance(value, str):
        return value
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _words(kind: Any) -> str:
    """A type in words, with its range, or as its ``Meta`` describes it."""
    try:
        info = msgspec.inspect.type_info(kind)
    except TypeError:
        return str(getattr(kind, "__name__", kind))
    if isinstance(info, msgspec.inspect.Metadata):
        described = (info.extra_json_schema or {}).get("description")
        return str(described) if described else _words(info.type)
    return " or ".join(filter(None, map(_alternative, getattr(info, "types", None) or [info])))


_NAMES = {"Int": "integer", "Float": "number", "Bool": "true or false", "Str": "text"}


def _alternative(info: Any) -> str:
    kind = type(info).__name__.removesuffix("Type")
    if kind == "Literal":
        return " or ".join(map(repr, info.values))
    word = {"None": "none", "Any": "anything"}.get(kind) or _NAMES.get(kind, kind.lower())
    low, high = getattr(info, "ge", None), getattr(info, "le", None)
    above, below = getattr(info, "gt", None), getattr(info, "lt", None)
    if low is not None and high is not None:
        return f"{word} from {low} to {high}"
    limits = [("at least", low), ("at most", high), ("above", above), ("below", below)]
    said = " and ".join(f"{text} {value}" for text, value in limits if value is not None)
    return f"{word} {said}".strip()
