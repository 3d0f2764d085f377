"""Conditions as trees: read from SQL as polars reads them, with what SQL says of nulls."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vbench.indexes.predicate import (
    EVERYTHING,
    Comparison,
    Junction,
    join,
    read_predicate,
    to_polars,
)

ITEMS = pl.DataFrame(
    {
        "price": [1, 5, 5, 9, None, 20],
        "year": [1.5, None, 1990.0, 2000.0, 2001.0, -3.0],
        "color": ["red", "it's", None, "blue", "red", "blue"],
        "new": [True, False, None, True, False, True],
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("price < 20", Comparison("price", "<", 20)),
        ("20 > price", Comparison("price", "<", 20)),
        ("price<>-3", Comparison("price", "!=", -3)),
        ("year >= 1.5e3", Comparison("year", ">=", 1500.0)),
        ("color = 'it''s'", Comparison("color", "=", "it's")),
        ("\"color\" == 'x'", Comparison("color", "=", "x")),
        ("new", Comparison("new", "=", True)),
        ("new = FALSE", Comparison("new", "=", False)),
        ("color IN ('a', 'b')", Comparison("color", "in", ("a", "b"))),
        ("color not in ('a')", Junction("not", (Comparison("color", "in", ("a",)),))),
        ("price is not null", Comparison("price", "is not null")),
        (
            "price between 2 and 9 or new",
            Junction(
                "or",
                (
                    Junction("and", (Comparison("price", ">=", 2), Comparison("price", "<=", 9))),
                    Comparison("new", "=", True),
                ),
            ),
        ),
        (
            "not (price < 2 and new) and color is null",
            Junction(
                "and",
                (
                    Junction(
                        "not",
                        (
                            Junction(
                                "and", (Comparison("price", "<", 2), Comparison("new", "=", True))
                            ),
                        ),
                    ),
                    Comparison("color", "is null"),
                ),
            ),
        ),
    ],
)
def test_comparisons_are_read(text: str, expected: object) -> None:
    """As SQL writes them, whatever is large or small in words of the language."""
    assert read_predicate(text) == expected


@pytest.mark.parametrize(
    "text",
    ["price + 1 < 3", "lower(color) = 'a'", "price < year", "price <", "(price < 2", "price < 2)",
     "color like 'a%'", "price not 3", "", "and", "price in ()", "a;b", "'x"],
)  # fmt: skip
def test_what_is_more_than_comparisons_is_no_tree(text: str) -> None:
    """There is the mask then."""
    assert read_predicate(text) is None


_LEAVES = st.sampled_from(
    ["price < 6", "price >= 5", "price != 5", "5 <= price", "year > 1990",
     "year between 0 and 2000",
     "color = 'red'", "color in ('blue', 'it''s')", "color not in ('red')", "color is null",
     "color is not null", "new", "new = false", "price is null"]
)  # fmt: skip
_TEXTS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda x: f"({' '.join(x)})"),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda x: " ".join(x)),
    ),
    max_leaves=6,
)


@given(_TEXTS)
@settings(deadline=None)
def test_a_tree_says_what_the_text_says(text: str) -> None:
    """To polars, whose SQL is another reader, for rows with nulls too."""
    predicate = read_predicate(text)
    assert predicate is not None
    by_tree = ITEMS.select(passes=to_polars(predicate))
    by_text = ITEMS.select(passes=pl.sql_expr(text))
    assert (
        by_tree["passes"].fill_null(False).to_list() == by_text["passes"].fill_null(False).to_list()
    )


def test_conditions_are_joined_flat() -> None:
    """All of none is everything, and changes nothing."""
    cheap, new = Comparison("price", "<", 3), Comparison("new", "=", True)
    assert join(cheap) == join(EVERYTHING, cheap) == cheap
    assert join(join(cheap, new), cheap) == Junction("and", (cheap, new, cheap))
    assert join(EVERYTHING) == EVERYTHING
    assert ITEMS.select(to_polars(EVERYTHING)).to_series().to_list() == [True]
