"""From the name of an index to its class: entry points, modules, faiss, ann-benchmarks."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from typing import Any

from vbench import _plugins
from vbench._invocation import advise_trust, is_trusted, spell_option
from vbench._plugins import Entry, rehearse_import
from vbench._process.text import describe_error
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.protocol import PROTOCOL, Index
from vbench.indexes.service import Service
from vbench.metric import METRICS

GROUP = "vbench.indexes"
_imported: set[str] = set()
_given: dict[str, type[Index]] = {}


@functools.cache
def adapters() -> Mapping[str, Entry]:
    """All registered adapters by name; nothing is imported."""
    return _plugins.discover(GROUP)


def resolve(spec: str) -> type[Index]:
    """The class behind `spec`.

    Parameters
    ----------
    spec
        A registered name, ``package.module:Class`` (the working directory is searched too),
        ``faiss:FACTORY``, or ``annb:PATH/module.py:Class`` (a wrapper of ann-benchmarks).

    Raises
    ------
    UnknownNameError
        No adapter has that name.
    VbenchError
        It cannot be imported, or is not an index.
    """
    if spec in _given:
        return _given[spec]
    scheme, colon, rest = spec.partition(":")
    if not colon:
        return _registered(spec)
    if scheme == "faiss":
        from vbench.indexes.faiss_factory import factory_class

        return factory_class(rest)
    if scheme == "annb":
        from vbench.indexes.annb import wrapper_class

        kind: type[Index] = wrapper_class(rest)
    else:
        kind = load_class(spec)
    _imported.add(spec)
    return kind


def give(spec: str, kind: type[Index]) -> None:
    """Let `spec` stand for a class that was given as it is, in place of an earlier one."""
    _given[spec] = kind
    _imported.add(spec)


def rehearse(spec: str) -> None:
    """Import what a spec names in a process of its own, unless it is registered or imported.

    Raises
    ------
    VbenchError
        The import ends that process, or does not end.
    """
    scheme, colon, rest = spec.partition(":")
    if not colon or scheme == "faiss" or spec in _imported or scheme in sys.modules:
        return
    _plugins.see_working_directory()
    if scheme == "annb":
        rehearse_import(rest, "wrapper")
    else:
        rehearse_import(scheme)


def check_stranger(spec: str, said_by: object) -> None:
    """Refuse code that a file, `said_by`, names, where nobody said that the file is trusted.

    What is installed and registered is nobody's but the user's, and so is what this process has
    imported already: only a person's call does that.
    """
    if spec in adapters() or spec.startswith("faiss:") or spec in _imported or is_trusted():
        return
    raise VbenchError(
        f"{said_by} names {spec!r}, code that would be imported and run; {advise_trust()}, or "
        f"name it yourself: {spell_option('indexes', spec)}"
    )


def _registered(name: str) -> type[Index]:
    if name not in adapters():
        raise UnknownNameError("index", name, adapters())
    entry = adapters()[name]
    if entry.hidden:
        warnings.warn(_taken_twice(entry), stacklevel=3)
    return _class_of(entry)


def _class_of(entry: Entry) -> type[Index]:
    try:
        return load_class(entry.target, installed=True)
    except VbenchError as error:
        raise VbenchError(f"index {entry.name!r} of the package {entry.origin}: {error}") from error


def _taken_twice(entry: Entry) -> str:
    return (
        f"index name {entry.name!r} is taken by {entry.origin} and by {', '.join(entry.hidden)}; "
        f"that of {entry.origin} is used"
    )


def available() -> tuple[dict[str, type[Index]], list[str]]:
    """Import every registered adapter.

    Returns
    -------
    classes : by name, those that can be used
    problems : one line for each adapter that cannot, and for each name taken twice
    """
    classes, problems = {}, []
    for name, entry in adapters().items():
        try:
            classes[name] = _class_of(entry)
        except VbenchError as error:
            problems.append(f"{error}; it is left out")
        if entry.hidden:
            problems.append(_taken_twice(entry))
    return classes, problems


@functools.cache
def load_class(target: str, *, installed: bool = False) -> type[Index]:
    """Import ``module:Class`` and give it the defaults of the protocol where it lacks them.

    Raises
    ------
    VbenchError
        It cannot be imported, or is not an index.
    """
    return as_index(_plugins.load(target, "class", installed=installed), target)


def as_index(found: object, target: str) -> type[Index]:
    """Check that `found` is a class with ``fit`` and a search, and complete it.

    Raises
    ------
    VbenchError
        It is not, or one of its attributes says what the protocol does not know.
    """
    if not isinstance(found, type):
        raise VbenchError(f"{target} is not a class; an index is a class with fit and search")
    if not _has(found, "fit") or not (_has(found, "search") or _has(found, "search_one")):
        missing = "search" if _has(found, "fit") else "fit"
        raise VbenchError(
            f"{target} has no method {missing!r}; an index needs fit(base, metric, *, seed, "
            "threads), and search(queries, k) or search_one(query, k)"
        )
    kind: type[Index] = found if issubclass(found, Index) else _completed(found, target)
    if kind.tune_parameter is None:  # its name in the first version of the protocol
        kind.tune_parameter = getattr(kind, "knob", None)
    for name, (fits, needed) in _ATTRIBUTES.items():
        value = getattr(kind, name)
        if not fits(value):
            raise VbenchError(f"{target}: {name} is {value!r}; {needed}")
    return kind


def _has(found: type, method: str) -> bool:
    own = getattr(found, method, None)
    return callable(own) and own is not getattr(Index, method)


def _lists_values(sweep: Any) -> bool:
    return isinstance(sweep, Mapping) and all(
        isinstance(values, Sequence) and not isinstance(values, str) and len(values) > 0
        for values in sweep.values()
    )


def _are_metrics(metrics: Any) -> bool:
    return (
        isinstance(metrics, Collection)
        and not isinstance(metrics, str)
        and len(metrics) > 0
        and all(each in METRICS for each in metrics)
    )


def _are_dimensions(dimensions: Any) -> bool:
    if dimensions is None:
        return True
    if not isinstance(dimensions, range | Set | Sequence) or not len(dimensions):
        return False
    # A range may be long.
    ends = (dimensions[0], dimensions[-1]) if isinstance(dimensions, range) else dimensions
    return all(isinstance(each, int) and each > 0 for each in ends)


def _are_names(names: Any) -> bool:
    return (
        isinstance(names, Collection)
        and not isinstance(names, str | Mapping)
        and all(isinstance(each, str) and each for each in names)
    )


_ATTRIBUTES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "protocol": (
        lambda version: version in range(1, PROTOCOL + 1),
        f"this vbench knows the versions 1 to {PROTOCOL}: pip install --upgrade vbench-ann",
    ),
    "metrics": (_are_metrics, f"allowed is a set of some of: {', '.join(METRICS)}"),
    "sweep": (
        _lists_values,
        'needed is a list of values for each search parameter, such as {"ef": [16, 32]}',
    ),
    "tune_parameter": (
        lambda name: name is None or isinstance(name, str),
        "needed is the name of a search parameter, or None",
    ),
    "license": (lambda text: isinstance(text, str), "needed is text"),
    **{
        name: (lambda value: isinstance(value, bool), "allowed: True, False")
        for name in ("local", "seeded", "writes", "forks")
    },
    "clients": (
        lambda value: value in (None, "threads"),
        'allowed: "threads", or None',
    ),
    "service": (
        lambda kind: kind is None or (isinstance(kind, type) and issubclass(kind, Service)),
        "needed is a class derived from vbench.indexes.service.Service, or None",
    ),
    "requires": (
        _are_names,
        'needed are names of distributions, such as ("hnswlib",)',
    ),
    "dimensions": (
        _are_dimensions,
        "allowed is a range or a set of whole numbers above 0, such as range(64, 4097, 64), "
        "or None for any",
    ),
}


def _completed(found: type, target: str) -> type[Index]:
    """Mix the protocol's defaults into a class that does not inherit them."""
    members = {"__module__": found.__module__, "__doc__": found.__doc__}
    try:
        return type(found.__name__, (found, Index), members)
    # Some classes allow no others below them; how they refuse is their own affair.
    except Exception as error:
        raise VbenchError(
            f"{target} cannot be completed ({describe_error(error)}); derive it from "
            "vbench.Index, or write a class that holds one"
        ) from error
