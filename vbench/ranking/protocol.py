"""The ranker protocol: what a ranking stage must do to be put behind an index, and its name."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, get_type_hints

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench import _plugins
from vbench.data.dataset import Dataset
from vbench.errors import UnknownNameError, VbenchError

if TYPE_CHECKING:
    from vbench.towers.interactions import Interactions

Rows = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Material:
    """What a ranker may learn from. Judgments are not among it.

    Attributes
    ----------
    dataset : Dataset
    exposed : integer (m, k), −1 pads
        Exact candidates of every query: what retrieval puts before the ranker.
    interactions : callable
        Gives the training interactions with their features, or raises a VbenchError that says
        why there are none.
    source : str
        Says which interactions those are: what is learned from others has another `source`.
    seed : int
    """

    dataset: Dataset
    exposed: Rows
    interactions: Callable[[], Interactions]
    source: str
    seed: int


class Ranker:
    """One ranking stage. ``score`` is enough; the rest has defaults.

    Row numbers of queries and items are those of the dataset.
    """

    pairs_a_call: ClassVar[int | None] = None
    """At most so many pairs in one call of ``score``, where one call is cheap or memory short;
    None leaves it to vbench."""
    takes: ClassVar[type[msgspec.Struct] | None] = None
    """What may stand in brackets behind its name; the class is then called with one of these."""
    is_seeded: ClassVar[bool] = False
    """Whether another seed of the material makes another ranker."""

    def fit(self, material: Material) -> None:
        """Learn, or read what scoring needs. Called once, before ``score``."""

    def score(self, queries: Rows, candidates: Rows) -> NDArray[np.floating]:
        """Scores of candidates, higher is better: finite floats (b, w).

        Called several times, each with some of the queries. A score may depend on its query and
        its item only, not on the other candidates.

        Parameters
        ----------
        queries : int64 (b,)
        candidates : int64 (b, w)
            Always items that exist: a query with fewer than w candidates repeats one.
        """
        raise NotImplementedError

    def warnings(self) -> list[str]:
        """What a reader of the results must know, one sentence each; asked for after scoring."""
        return []

    def facts(self) -> dict[str, float]:
        """Numbers that describe it, by name, such as how many it learned; asked for likewise."""
        return {}


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
        A registered name, with options where it takes some (``zenith(width=64,depth=2)``),
        ``package.module:Class`` (the working directory is searched too), ``command:PROGRAM
        ARGUMENTS`` (see :mod:`vbench.ranking.command`), ``file:PATH`` (scores made elsewhere, see
        :mod:`vbench.ranking.intake`), a class, or a ranker.

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
    if found := _WITH_OPTIONS.fullmatch(spec):
        return _load(_entry(found[1]).target, installed=True, options=found[2])
    if colon:
        return _load(spec)
    return _load(_entry(spec).target, installed=True)


_WITH_OPTIONS = re.compile(r"([\w.-]+)\((.*)\)")


def _entry(name: str) -> _plugins.Entry:
    if name not in rankers():
        raise UnknownNameError(
            "ranker",
            name,
            rankers(),
            "or give package.module:Class, command:PROGRAM, or file:PATH with scores",
        )
    return rankers()[name]


def _load(target: str, *, installed: bool = False, options: str = "") -> Ranker:
    loaded = _plugins.load(target, "ranker", installed=installed)
    if not options.strip():
        return _made(loaded, target)
    kind: type[msgspec.Struct] | None = getattr(loaded, "takes", None)
    if kind is None:
        raise VbenchError(f"ranker {target} takes no options; it was given ({options})")
    return _made(loaded(read_options(options, kind)), target)


def read_options(text: str, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """Options of a ranker, as ``width=64,depth=2``.

    Raises
    ------
    VbenchError, UnknownNameError
        That is no such list; a name is unknown, or a value does not fit.
    """
    known = get_type_hints(kind, include_extras=True)
    values = {}
    for part in text.split(","):
        name, equals, value = (each.strip() for each in part.partition("="))
        if not equals or not name:
            raise VbenchError(f"({text}): write options as name=value, parted by commas")
        if name not in known:
            raise UnknownNameError("option", name, known)
        try:
            values[name] = msgspec.convert(value, known[name], strict=False)
        except msgspec.ValidationError as error:
            raise VbenchError(f"{name}={value}: {str(error).lower()}") from None
    return kind(**values)


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
