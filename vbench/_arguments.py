"""Arguments of public functions: checked by what their annotations say, before anything is done."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from numbers import Integral, Real
from typing import ParamSpec, TypeVar

from vbench._plain import plain
from vbench.errors import UnknownNameError, VbenchError

P = ParamSpec("P")
R = TypeVar("R")
_SHOWN = 60


def check_choice(name: str, given: object, allowed: Collection[str]) -> None:
    """Refuse what is none of the allowed words."""
    if not isinstance(given, str) or given not in allowed:
        raise UnknownNameError(f"value of {name}:", str(given)[:_SHOWN], allowed)


def check_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function refuse arguments of plain types that it cannot take: numbers, text, paths.

    Parameters that are annotated as something else are left to the function.
    """
    signature = inspect.signature(function)
    kinds = {
        name: kinds
        for name, parameter in signature.parameters.items()
        if (kinds := _kinds(parameter.annotation)) is not None
    }

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        __tracebackhide__ = True  # pytest shows the caller's line
        # What does not fit the signature is for Python to say.
        bound = signature.bind_partial(*args, **kwargs).arguments
        for name, value in bound.items():
            if name in kinds and not any(_KINDS[kind][0](value) for kind in kinds[name]):
                allowed = " or ".join(dict.fromkeys(_KINDS[kind][1] for kind in kinds[name]))
                raise VbenchError(f"{name}={_shorten(value)} is not allowed; give {allowed}")
        return function(*args, **kwargs)

    return checked


def _shorten(value: object) -> str:
    text = " ".join(plain(repr(value)).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _are(value: object, fits: Callable[[object], bool]) -> bool:
    """Whether it is a list of such; an array or a tuple will do."""
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__len__"):
        return False
    return isinstance(value, Sequence | Collection) and all(map(fits, value))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_KINDS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "int": (_is_whole, "a whole number"),
    "float": (_is_number, "a number"),
    "bool": (lambda value: isinstance(value, bool), "True or False"),
    "str": (_is_text, "text"),
    "Metric": (_is_text, "text"),
    "Tabular": (lambda value: hasattr(value, "columns"), "a table"),
    "Path": (
        lambda value: isinstance(value, os.PathLike) and isinstance(os.fspath(value), str),
        "a path",
    ),
    "Sequence[int]": (lambda value: _are(value, _is_whole), "several"),
    "Sequence[str]": (lambda value: _are(value, _is_text), "a list of texts"),
    "Sequence[tuple[str, str]]": (
        lambda value: _are(value, lambda pair: _are(pair, _is_text) and len(list(pair)) == 2),  # type: ignore[call-overload]
        "pairs of texts",
    ),
    "Mapping[str, Any]": (
        lambda value: isinstance(value, Mapping) and all(map(_is_text, value)),
        'names with their values, such as {"ef": [16, 32]}',
    ),
    "Setting": (lambda value: hasattr(value, "search"), "one of run.settings()"),
    "Trial": (lambda value: hasattr(value, "key"), "one of run.manifest.trials"),
    "None": (lambda value: value is None, "None"),
}


def _kinds(annotation: object) -> list[str] | None:
    """The plain types of an annotation, None where one of them is not plain."""
    kinds = annotation.split(" | ") if isinstance(annotation, str) else []
    return kinds if kinds and all(kind in _KINDS for kind in kinds) else None
