"""Parameters are read from any signature, and checked before anything runs."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

import vbench
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.parameters import REQUIRED, check, is_taken, parameters
from vbench.indexes.registry import resolve


class Typed(vbench.Index):
    """Hints with and without ranges."""

    def __init__(
        self,
        M: Annotated[int, Meta(ge=2, le=64)] = 16,
        *,
        kind: Literal["a", "b"] = "a",
        scale: float = 1.0,
        deep: bool = False,
        lists: int | None = None,
        sizes: list[int] | None = None,
    ) -> None:
        pass

    def set(self, ef: Annotated[int, Meta(ge=1)] = 10) -> None:
        pass


class Untyped(vbench.Index):
    """No hints at all, as quick code is written."""

    def __init__(self, m, probe=3, name="x", share=0.5, other=None):  # type: ignore[no-untyped-def]  # the point
        pass

    def set(self, **anything):  # type: ignore[no-untyped-def]  # the point
        pass


class Bare(vbench.Index):
    """No parameters."""


class Strange(vbench.Index):
    """Hints that cannot be evaluated, or that msgspec does not know."""

    def __init__(self, a: NotThere = 3, b: object = None) -> None:  # type: ignore[name-defined]  # noqa: F821  # the point
        pass


def test_names_types_defaults_and_ranges_are_known() -> None:
    """In words, for help and error messages."""
    known = parameters(Typed)
    assert {name: each.allowed for name, each in known.items()} == {
        "M": "integer from 2 to 64",
        "kind": "'a' or 'b'",
        "scale": "number",
        "deep": "true or false",
        "lists": "integer or none",
        "sizes": "list or none",
        "ef": "integer at least 1",
    }
    assert known["M"].default == 16
    assert [name for name, each in known.items() if each.stage == "search"] == ["ef"]
    assert parameters(Bare) == {}
    assert parameters(Untyped)["m"].default is REQUIRED


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"M": "16"}, {"M": 16}),
        ({"M": 16.0}, {"M": 16}),
        ({"scale": "0.5"}, {"scale": 0.5}),
        ({"scale": 2}, {"scale": 2.0}),
        ({"deep": "true"}, {"deep": True}),
        ({"kind": "b"}, {"kind": "b"}),
        ({"lists": "none"}, {"lists": None}),
        ({"lists": "7"}, {"lists": 7}),
        ({"sizes": "[1, 2]"}, {"sizes": [1, 2]}),
    ],
)
def test_text_of_the_command_line_is_converted(given: Any, expected: Any) -> None:
    """Values become what the signature says."""
    converted, _ = check(Typed, given, {})
    assert converted == expected
    assert [type(value) for value in converted.values()] == [type(v) for v in expected.values()]


@pytest.mark.parametrize(
    ("build", "search", "says"),
    [
        ({"M": 1}, {}, "Typed: M=1 is not allowed; M takes: integer from 2 to 64"),
        ({"M": "abc"}, {}, "M='abc' is not allowed; M takes: integer from 2 to 64"),
        ({"M": 2.5}, {}, "M=2.5 is not allowed"),
        ({"kind": "c"}, {}, "kind takes: 'a' or 'b'"),
        ({}, {"ef": 0}, "ef=0 is not allowed; ef takes: integer at least 1"),
        ({"ef": 3}, {}, "ef is a search parameter of Typed"),
        ({"Mm": 3}, {}, "unknown build parameter of Typed 'Mm'"),
        ({}, {"efs": 3}, "unknown search parameter of Typed 'efs'; did you mean 'ef'?"),
    ],
)
def test_what_is_not_allowed_is_refused_with_what_is(build: Any, search: Any, says: str) -> None:
    """One line: what was given, what is allowed, the nearest name."""
    with pytest.raises(VbenchError) as caught:
        check(Typed, build, search)
    assert says in str(caught.value)


def test_a_parameter_without_default_must_be_given() -> None:
    """Its name is in the message."""
    with pytest.raises(VbenchError, match="Untyped needs the build parameter m"):
        check(Untyped, {}, {})


def test_without_hints_the_default_tells_the_type_where_it_can() -> None:
    """Text becomes what the default is; what does not fit it is passed as it reads."""
    build, search = check(
        Untyped, {"m": "4", "probe": "7", "name": "12", "share": "1", "other": "[1]"}, {"any": "x"}
    )
    assert build == {"m": 4, "probe": 7, "name": "12", "share": 1.0, "other": [1]}
    assert search == {"any": "x"}
    assert check(Untyped, {"m": "text", "probe": "0.5"}, {"n": "5"}) == (
        {"m": "text", "probe": 0.5},
        {"n": 5},
    )


def test_hints_that_nobody_can_read_are_left_to_the_index() -> None:
    """A name that does not exist, or any object: the value goes through."""
    marker = object()
    assert check(Strange, {"a": "5", "b": marker}, {})[0] == {"a": 5, "b": marker}


def test_a_class_without_parameters_takes_none() -> None:
    """Neither for the build nor for the search."""
    for build, search in (({"x": 1}, {}), ({}, {"x": 1})):
        with pytest.raises(UnknownNameError, match="known: none"):
            check(Bare, build, search)


def test_the_built_in_ranges_hold() -> None:
    """An ef of 0 or an M of 1 is caught before hnswlib sees it."""
    kind = resolve("hnswlib")
    for build, search in (({"M": 1}, {}), ({}, {"ef": 0}), ({"ef_construction": -1}, {})):
        with pytest.raises(VbenchError, match="is not allowed"):
            check(kind, build, search)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("nan", math.nan),
        ("-inf", -math.inf),
        ("Infinity", math.inf),
        ("[1, NaN, -Infinity]", [1, math.nan, -math.inf]),
        ('{"a": NaN}', {"a": math.nan}),
        ("none", None),
        ("nano", "nano"),
        ("[1,", "[1,"),
    ],
)
def test_values_without_a_type_are_read_as_they_are_written(given: str, expected: Any) -> None:
    """NaN and infinities too, in lists and by themselves; what is no value stays text."""

    class Untyped(vbench.Index):
        def set(self, args: Any = None) -> None:
            """Take anything."""

    _, search = check(Untyped, {}, {"args": given})
    assert repr(search["args"]) == repr(expected)


@pytest.mark.parametrize(
    ("text", "taken", "needed"),
    [
        ("def fit(self, base, *, learn=None): ...", True, False),
        ("def fit(self, base, learn): ...", True, True),
        ("def fit(self, base, *, learn): ...", True, True),
        ("def fit(self, base, **more): ...", False, False),
        ("def fit(self, base, **learn): ...", False, False),
        ("def fit(self, *learn): ...", False, False),
        ("def fit(self, learn, /): ...", False, False),
    ],
)
def test_what_a_method_takes_by_name(text: str, taken: bool, needed: bool) -> None:
    """By its signature alone; keywords of any name are not meant."""
    space: dict[str, Any] = {}
    exec(text, space)
    assert is_taken(space["fit"], "learn") == taken
    assert is_taken(space["fit"], "learn", always=True) == needed
