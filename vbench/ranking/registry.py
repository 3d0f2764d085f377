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


def resolve(spec: str) -> Ranker:
    """A new ranker.

    Parameters
    ----------
    spec
        A registered name, ``package.module:Class`` (the working directory is searched too),
        ``command:PROGRAM ARGUMENTS`` (see :mod:`vbench.ranking.command`), or ``file:PATH``
        (scores made elsewhere, see :mod:`vbench.ranking.intake`).

    Raises
    ------
    UnknownNameError
        No ranker has that name.
    VbenchError
        It cannot be imported, or is not a ranker.
    """
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
    kind = _plugins.load(target, "ranker", installed=installed)
    with _plugins.guard(f"ranker {target} cannot be made"):
        made = kind()
    own = getattr(made, "score", None)
    if not callable(own) or getattr(type(made), "score", None) is Ranker.score:
        raise VbenchError(
            f"ranker {target} has no method 'score'; a ranker needs score(queries, candidates)"
        )
    return made if isinstance(made, Ranker) else _completed(made)


def _completed(made: object) -> Ranker:
    """Give an object that does not inherit the protocol its defaults."""
    kind = type(made)
    completed: Ranker = type(kind.__name__, (kind, Ranker), {"__doc__": kind.__doc__})()
    return completed
