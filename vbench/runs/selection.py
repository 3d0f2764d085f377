"""Settings of a run by the names and values that people give them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vbench.errors import UnknownNameError, VbenchError
from vbench.runs.failed import refuse_unanswered
from vbench.runs.run import Run
from vbench.runs.settings import Setting, spell


def select(run: Run, values: Sequence[str] = (), *, planned: bool = False) -> list[Setting]:
    """The settings of a run, in the order of its plan.

    Parameters
    ----------
    values
        Values to keep, such as ``ef=64``; several for one parameter are alternatives.
    planned
        Also those that have no result.

    Raises
    ------
    VbenchError
        When the run has no finished trial, or nothing has such a value.
    """
    finished = run.settings()
    if not finished:
        raise VbenchError(f"{run.path} has no finished trial; give the same `vbench run` again")
    wanted = _wanted(values)
    every = [*finished, *run.unanswered()] if planned else finished
    kept = [setting for setting in every if _has(setting, wanted)]
    if not kept:
        refuse_unanswered(each for each in run.unanswered() if _has(each, wanted))
        raise VbenchError(
            f"nothing in {run.path} has {' or '.join(values)}; it holds: "
            + ", ".join(dict.fromkeys(spell(each.search) for each in finished))
        )
    return kept


def match(settings: Sequence[Setting], name: str | None) -> list[Setting]:
    """The settings that `name` fits: an index, with parameters where that is not enough.

    Raises
    ------
    VbenchError
        When there is no such index, or none of its settings has the parameters.
    """
    if name is None:
        return list(settings)
    # As tables show it: the transform stands behind the index.
    words = [word for word in name.split() if not re.fullmatch(r"\(\S+\)", word)]
    index = " ".join(word for word in words if "=" not in word)
    wanted = _wanted(word for word in words if "=" in word)
    known = list(dict.fromkeys(each.index for each in settings))
    if index not in known:
        runs = dict.fromkeys(each.run for each in settings)
        refuse_unanswered(each for run in runs for each in run.unanswered() if each.index == index)
        raise UnknownNameError("index of the run", index, known)
    of_index = [each for each in settings if each.index == index]
    fitting = [
        each
        for each in of_index
        if set(wanted) <= {*each.build, *each.search} and _has(each, wanted)
    ]
    if not fitting:
        held = dict.fromkeys(each.parameters for each in of_index)
        raise VbenchError(f"no setting of the run fits {name!r}; {index} has: {', '.join(held)}")
    return fitting


def _wanted(texts: Iterable[str]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for text in itertools.chain.from_iterable(each.split() for each in texts):
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise VbenchError(f"{text!r} is not name=value, such as ef=64")
        wanted.setdefault(name, set()).add(value)
    return wanted


def _has(setting: Setting, wanted: Mapping[str, set[str]]) -> bool:
    """Whether it has the wanted values of the parameters it takes, and takes one at least."""
    given = {**setting.build, **setting.search}
    concerned = [name for name in wanted if name in given]
    return (not wanted or bool(concerned)) and all(
        any(_equal(given[name], text) for text in wanted[name]) for name in concerned
    )


def _equal(value: Any, text: str) -> bool:
    if str(value).lower() == text.lower():
        return True
    try:
        return not isinstance(value, str) and float(value) == float(text)
    except (TypeError, ValueError):
        return False
