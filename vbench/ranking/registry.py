"""From the name of a ranker to a ranker: entry points, modules, files, commands."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from vbench import _plugins
from vbench.errors import UnknownNameError, VbenchError
from vbench.ranking.protocol import Ranker

GROUP = "vbench.rankers"


@functools.cache
def rankers() -> Mapping[str, _plugins.Entry]:
    """All registered rankers by name; nothing is imported."""
    return _plugins.discover(GROUP)


def name_of(given: str | type | object) -> str:
    """How a ranker is called that was given by name, as a class or as it is."""
    kind = given if isinstance(given, str | type) else type(given)
    return kind if isinstance(kind, str) else kind.__name__


def resolve(spec: str | type | object) -> Ranker:
    """A new ranker.

    Parameters
    ----------
    spec
        A registered name, ``package.module:Class`` (the working directory is searched too),
        ``command:PROGRAM ARGUMENTS`` (see :mod:`vbench.ranking.command`), ``file:PATH``
        (scores made elsewhere, see :mod:`vbench.ranking.intake`), a class, or a ranker.

    Raises
    ------
    UnknownNameError
        No ranker has that name.
    VbenchError
        It cannot be imported, or is not a ranker.
    """
    if not isinstance(spec, str):
        return _made(spec, name_of(spec))
    scheme, colon, rest = spec.partition(":")
    if scheme == "command" and colon:
        from vbench.ranking.command import Command

        return Command(rest)
    if scheme == "file" and colon:
        from vbench.ranking.intake import Given

        return Given(rest)
    if colon:
        return _load(spec)
    if spec not in rankers():
        raise UnknownNameError(
            "ranker",
            spec,
            rankers(),
            "or give package.module:Class, command:PROGRAM, or file:PATH with scores",
        )
    return _load(rankers()[spec].target, installed=True)


def _load(target: str, *, installed: bool = False) -> Ranker:
    return _made(_plugins.load(target, "ranker", installed=installed), target)


def _made(given: object, target: str) -> Ranker:
    """A ranker of what was given: a class, or what is one already."""
    made = given
    if callable(given) and not hasattr(type(given), "score"):
        with _plugins.guard(f"ranker {target} cannot be made"):
            made = given()
    own = getattr(made, "score", None)
    if not callable(own) or getattr(type(made), "score", None) is Ranker.score:
        raise VbenchError(
            f"ranker {target} has no method 'score'; a ranker needs score(queries, candidates)"
        )
    return made if isinstance(made, Ranker) else _completed(made)


def _completed(made: object) -> Ranker:
    """Give an object that does not inherit the protocol its defaults."""
    kind = type(made)
    both = type(kind.__name__, (kind, Ranker), {"__doc__": kind.__doc__})
    completed: Ranker = object.__new__(both)
    vars(completed).update(getattr(made, "__dict__", {}))
    return completed
