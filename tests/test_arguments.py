"""Arguments that a function cannot take are refused in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vbench._arguments import check_arguments, check_choice
from vbench.errors import UnknownNameError, VbenchError


def test_what_is_allowed_passes() -> None:
    """Nothing is said of it."""
    check_choice("per", "query", ("setting", "query"))


@pytest.mark.parametrize("given", ["querry", 3, None, ["query"], "QUERY"])
def test_another_word_is_refused(given: object) -> None:
    """Whatever it is; all that are allowed are named."""
    with pytest.raises(UnknownNameError, match=r"value of per: .*query, setting"):
        check_choice("per", given, ("setting", "query"))


def test_the_nearest_is_named() -> None:
    """A slip of the keys is no riddle."""
    with pytest.raises(UnknownNameError, match="did you mean 'query'"):
        check_choice("per", "querry", ("setting", "query"))


@check_arguments
def function(
    first: int | Sequence[int],
    *,
    number: float | None = None,
    path: str | Path | None = None,
    flag: bool = False,
    settings: Mapping[str, Any] | None = None,
    pairs: Sequence[tuple[str, str]] = (),
    other: set[int] | None = None,
) -> tuple[Any, ...]:
    """Hand the arguments back."""
    return first, number, path, flag, settings, pairs, other


@pytest.mark.parametrize(
    "given",
    [
        {"number": 1},
        {"number": np.float32(0.5)},
        {"path": Path("x")},
        {"settings": {"ef": 3}},
        {"pairs": [("a", "b"), ["c", "d"]]},
        {"other": "anything"},
    ],
)
def test_arguments_of_their_types_pass(given: dict[str, Any]) -> None:
    """Numbers of numpy are numbers, tuples are lists; what is no plain type is not looked at."""
    assert function(np.int64(3), **given)[0] == 3
    assert function(np.arange(3))[0] is not None
    assert function((1, 2))[0] == (1, 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"first": "10"}, r"first='10' is not allowed; give a whole number or several"),
        ({"first": 1.5}, "give a whole number"),
        ({"first": True}, "give a whole number"),
        ({"first": [1, "2"]}, "or several"),
        ({"number": "0.5"}, r"number='0\.5' is not allowed; give a number or None"),
        ({"path": 3}, "give text or a path or None"),
        ({"path": b"x"}, "give text or a path or None"),
        ({"flag": "yes"}, "give True or False"),
        ({"settings": ["ef"]}, r"names with their values, such as \{"),
        ({"pairs": ["ab"]}, "pairs of texts"),
        ({"number": "x" * 500}, "xxx…"),
        ({"number": "a\x1b[31m"}, r"\\x1b"),
    ],
)
def test_others_are_refused_with_what_is_allowed(given: dict[str, Any], said: str) -> None:
    """By name, with what was given, in a line."""
    with pytest.raises(VbenchError, match=said) as error:
        function(**{"first": 1, **given})
    assert "\n" not in str(error.value)


def test_a_call_that_fits_no_signature_stays_python_s() -> None:
    """A misspelled keyword is told as ever."""
    with pytest.raises(TypeError, match="nummer"):
        function(1, nummer=3)  # type: ignore[call-arg]


def test_a_checked_function_is_documented_as_itself() -> None:
    """Name, text and signature: help() shows them."""
    assert function.__name__ == "function"
    assert function.__doc__ == "Hand the arguments back."
