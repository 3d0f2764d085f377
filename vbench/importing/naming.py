"""Names of results read as parameters, and which of them are of the build, which of the search.

Other tools write all arguments into one string. What differs between the results of one build is
of the search; what they share is of the build.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from vbench._document import Params
from vbench.importing.results import Result

_PAIR = re.compile(r"([A-Za-z_]\w*)'?\s*[=:]\s*'?([^\s,'\"()\[\]{}=:]+)")
"""``M=16``, ``'efConstruction': 200`` and the like."""


def read_parameters(name: str) -> Params:
    """The parameters in a name such as ``hnswlib ({'M': 16}, 'efQuery': 10)``, in their order."""
    return {key: read_value(value) for key, value in _PAIR.findall(name)}


def read_value(text: str) -> Any:
    """A number or a truth value as such, else the text."""
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class Named(NamedTuple):
    """A result with its place in a run.

    Attributes
    ----------
    number
        Of the build among those with the same parameters.
    tuned
        The one search parameter that is a number and differs, if there is just one.
    """

    result: Result
    name: str
    build: Params
    number: int
    search: Params
    tuned: str | None


def name_results(results: Sequence[Result]) -> list[Named]:
    """Place results in a run, those of one index together, in the order of their parameters."""
    by_index: dict[str, list[Result]] = defaultdict(list)
    for each in results:
        by_index[each.algorithm].append(each)
    return [named for index, own in by_index.items() for named in _of_index(index, own)]


def _of_index(index: str, results: Sequence[Result]) -> list[Named]:
    parameters = {id(each): _told_apart(each, results) for each in results}
    builds: dict[tuple[Any, ...], list[Result]] = defaultdict(list)
    for each in results:
        builds[each.build].append(each)
    moving = {
        name for own in builds.values() for name in _varying([parameters[id(each)] for each in own])
    }
    if all(len(own) == 1 for own in builds.values()) and not _varying([*parameters.values()]):
        # Nothing says which is which: what is shown of every setting is that of the search.
        moving = {name for each in parameters.values() for name in each}
    numbers: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    found = []
    for key, own in builds.items():
        made = {n: v for n, v in parameters[id(own[0])].items() if n not in moving}
        same = numbers[repr(sorted(made.items(), key=str))]
        same.append(key)
        for each in own:
            search = {n: v for n, v in parameters[id(each)].items() if n in moving}
            found.append(Named(each, index, made, len(same) - 1, search, None))
    numeric = [
        name
        for name in _varying([each.search for each in found])
        if all(_is_number(each.search.get(name)) for each in found)
    ]
    tuned = numeric[0] if len(numeric) == 1 else None
    found.sort(key=lambda each: [_order(value) for value in each.search.values()])
    found.sort(key=lambda each: (repr(each.build), each.number))
    return [each._replace(tuned=tuned) for each in found]


def _told_apart(result: Result, others: Sequence[Result]) -> Params:
    """The parameters, with what else tells a result from others of its build where they do not."""
    same = [
        each
        for each in others
        if each.build == result.build
        and each.k == result.k
        and each.parameters == result.parameters
    ]
    labels = {each.label for each in same}
    if len(labels) < 2 or result.is_named:
        return result.parameters
    words = [each.split("_") for each in labels]
    shared = 0
    while all(len(each) > shared + 1 for each in words) and len({w[shared] for w in words}) == 1:
        shared += 1
    rest = "_".join(result.label.split("_")[shared:])
    return {**result.parameters, "arguments": read_value(rest)}


def _varying(parameters: Sequence[Params]) -> list[str]:
    """Names whose values are not all the same, in their first order."""
    names = dict.fromkeys(name for each in parameters for name in each)
    return [name for name in names if len({repr(each.get(name)) for each in parameters}) > 1]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _order(value: Any) -> tuple[int, float, str]:
    return (0, float(value), "") if _is_number(value) else (1, 0.0, str(value))
