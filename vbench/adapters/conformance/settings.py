"""Checks of parameters: known, and with an effect."""

from __future__ import annotations

from typing import Any

from vbench.adapters.conformance.subject import (
    DoubtfulError,
    K,
    NotApplicableError,
    Subject,
    WrongError,
    search,
    vectors,
)
from vbench.adapters.parameters import REQUIRED, check, parameters, positional
from vbench.errors import VbenchError


def known_parameters(subject: Subject) -> None:
    """Parameters are known, and the sweep fits them."""
    known = parameters(subject.kind)
    missing = [
        name
        for name, each in known.items()
        if each.stage == "build" and each.default is REQUIRED and name not in subject.build
    ]
    if missing:
        raise WrongError(
            f"the build needs {', '.join(missing)} and no recipe gives it",
            "give the parameter a default, or check a recipe that sets it",
        )
    for stage, function in (("__init__", subject.kind.__init__), ("set", subject.kind.set)):
        alone = positional(function)
        if alone:
            raise WrongError(
                f"{stage} takes {', '.join(alone)} by position only",
                "parameters are given by name: leave out the / of the signature",
            )
    for place in (0, -1):
        try:
            check(subject.kind, subject.build, subject.setting(place))
        except VbenchError as error:
            raise WrongError(str(error), "make sweep and signature of set agree") from None
    knob = subject.kind.knob
    if knob is not None and knob not in known and knob not in subject.sweep:
        raise WrongError(
            f"knob is {knob!r}, which is no parameter", "name a search parameter in knob"
        )


def search_parameters_matter(subject: Subject) -> None:
    """Each swept search parameter changes some answer."""
    swept = {name: values for name, values in subject.sweep.items() if len(set(values)) > 1}
    if not swept:
        raise NotApplicableError("no search parameter is swept")
    base, queries = vectors(4000, seed=11, d=48), vectors(100, seed=12, d=48)
    index = subject.fitted(base)
    idle = []
    for name, values in swept.items():
        # The others stay narrow: at its widest another parameter may hide the effect.
        answers = []
        for value in values:
            index.set(**{**subject.setting(0), name: value})
            answers.append(search(index, queries, K, len(base)))
        if all((other == answers[0]).all() for other in answers):
            idle.append(f"{name} = {', '.join(map(str, values))}")
    if idle:
        raise DoubtfulError(
            f"no effect seen: {'; '.join(idle)} gave the same answers",
            "see that set passes the value on to the library",
        )


def build_parameters_matter(subject: Subject) -> None:
    """Each build parameter with a numeric default changes some answer or the size."""
    base, queries = vectors(2000, seed=13, d=32), vectors(100, seed=14, d=32)

    def outcome(**build: Any) -> tuple[bytes, int | None]:
        index = subject.fitted(base, **build)
        index.set(**subject.setting(0))
        found = search(index, queries, K, len(base)).tobytes(), index.size_bytes()
        index.close()
        return found

    tried, idle = 0, []
    usual = outcome()
    for name, each in parameters(subject.kind).items():
        other = _another(subject, each.name, subject.build.get(name, each.default))
        if each.stage != "build" or other is None:
            continue
        tried += 1
        if outcome(**{name: other}) == usual:
            idle.append(f"{name}={other}")
    if not tried:
        raise NotApplicableError("no build parameter has another value to try")
    if idle:
        raise DoubtfulError(
            f"no effect seen of {', '.join(idle)} on answers or size",
            "see that __init__ passes the value on; some parameters matter on large data only",
        )


def _another(subject: Subject, name: str, value: Any) -> Any:
    """Another allowed value of a parameter: the opposite, half, or double; None without one."""
    if isinstance(value, bool):
        return not value
    if not isinstance(value, int | float) or value == 0:
        return None
    for other in (type(value)(value / 2), value * 2):
        try:
            check(subject.kind, {**subject.build, name: other}, {})
        except VbenchError:
            continue
        if other != value and other:
            return other
    return None
