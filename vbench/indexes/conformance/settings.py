"""Checks of parameters: known, kept, and with an effect."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from vbench.errors import VbenchError
from vbench.indexes.conformance.subject import (
    DoubtfulError,
    K,
    NotApplicableError,
    Subject,
    WrongError,
    changed_rows,
    prepare_array,
    search,
    search_each,
)
from vbench.indexes.parameters import REQUIRED, check, is_taken, parameters, positional
from vbench.indexes.protocol import can_add, can_remove


def known_parameters(subject: Subject) -> None:
    """Parameters are known, the sweep fits them, and the methods take what they are given."""
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
    parameter = subject.kind.tune_parameter
    if parameter is not None and parameter not in known and parameter not in subject.sweep:
        raise WrongError(
            f"tune_parameter is {parameter!r}, which is no parameter",
            "name a search parameter",
        )
    learn = {"learn": 1} if is_taken(subject.kind.fit, "learn") else {}
    _check_call(subject.kind.fit, "fit(base, metric, *, seed, threads)", seed=1, threads=1, **learn)
    for name, first in (("search", "queries"), ("search_one", "query")):
        _check_call(getattr(subject.kind, name), f"{name}({first}, k)")


def _check_call(function: Callable[..., Any], protocol: str, **named: int) -> None:
    """Refuse a method that cannot be called as the protocol calls it."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        # Classes written in C may hide their signature.
        return
    try:
        signature.bind("self", "vectors", "metric or k", **named)
    except TypeError as error:
        name = protocol.partition("(")[0]
        raise WrongError(
            f"{name} takes {signature}, which does not fit: {error}", f"let it be {protocol}"
        ) from None


def search_parameters_matter(subject: Subject) -> None:
    """Each swept search parameter changes some answer."""
    swept = {
        name: values for name, values in subject.sweep.items() if len(set(map(str, values))) > 1
    }
    if not swept:
        raise NotApplicableError("no search parameter is swept")
    base, queries = subject.vectors(4000, seed=11, d=48), subject.vectors(100, seed=12, d=48)
    idle = []
    with subject.make_fitted(base) as index:
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


def settings_hold(subject: Subject) -> None:
    """A setting holds from one search to the next, and comes back when it is set again."""
    if not subject.sweep:
        raise NotApplicableError("no search parameter is swept")
    base, queries = subject.vectors(2000, seed=33, d=48), subject.vectors(50, seed=34, d=48)
    n = len(base)
    with subject.make_fitted(base) as index:
        twice = []
        for _ in range(2):
            index.set(**subject.setting(0))
            twice.append(search(index, queries, K, n))
        if changed_rows(*twice):
            raise NotApplicableError("cannot be told: asked twice, it does not agree either")
        narrow = twice[0]
        search_each(index, queries[:5], K, n)
        search(index, queries[:5], 1, n)
        search(index, queries[:5], 2 * K, n)
        later = search(index, queries, K, n)
        index.set(**subject.setting(-1))
        search(index, queries, K, n)
        for _ in range(2):
            index.set(**subject.setting(0))
        back = search(index, queries, K, n)
    for name, other in (("searches in between", later), ("it was set again", back)):
        if changed := changed_rows(narrow, other):
            raise WrongError(
                f"at the narrowest setting {changed} of {len(queries)} queries got other ids "
                f"after {name}",
                "keep the parameters of set until the next call of set",
            )


def build_parameters_matter(subject: Subject) -> None:
    """Each build parameter with a numeric default changes some answer or the size."""
    base, queries = subject.vectors(2000, seed=13, d=32), subject.vectors(100, seed=14, d=32)

    n, half = len(base), len(base) // 2
    changes = can_add(subject.kind) and can_remove(subject.kind)

    def outcome(**build: Any) -> tuple[bytes, bytes, int | None]:
        with subject.make_fitted(base, learn=subject.queries_to_learn(base), **build) as index:
            index.set(**subject.setting(0))
            first = later = search(index, queries, K, n).tobytes()
            if changes:
                # Some are about what is removed and added.
                index.remove(np.arange(half))
                index.add(n + np.arange(half), prepare_array(index, base[:half]))
                later = search(index, queries, K, n + half).tobytes()
            return first, later, index.size_bytes()

    others = {
        name: other
        for name, each in parameters(subject.kind).items()
        if each.stage == "build"
        and (other := _another(subject, name, subject.build.get(name, each.default))) is not None
    }
    if not others:
        raise NotApplicableError("no build parameter has another value to try")
    usual = outcome()
    if outcome()[0] != usual[0]:
        raise NotApplicableError("cannot be told: two builds alike do not agree either")
    idle = [
        f"{name}={other}" for name, other in others.items() if outcome(**{name: other}) == usual
    ]
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
