"""Keys: whose row is whose, and ids that become row numbers."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from vbench.data.keys import Table, as_keys, match, parse_on, rows_of_ids
from vbench.errors import DataError, VbenchError

OWN = pl.DataFrame({"user_id": [7, 5, 9, 6], "country": list("aabb")})


def order(other, own=OWN, on=None):
    found = match(
        Table(own, "users.parquet", "queries"),
        Table(pl.DataFrame(other), "segments.csv", "queries"),
        parse_on(on),
    )
    return None if found is None else found.order.tolist()


def refusal(other, own=OWN, on=None):
    with pytest.raises(DataError) as caught:
        order(other, own, on)
    assert str(caught.value).startswith("segments.csv: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        [5, 6, 7, 9],
        ["5", "6", "7", "9"],
        [5.0, 6.0, 7.0, 9.0],
        [Decimal(5), Decimal(6), Decimal(7), Decimal(9)],
        pl.Series([5, 6, 7, 9], dtype=pl.UInt16),
        pl.Series(["5", "6", "7", "9"], dtype=pl.Categorical),
    ],
)
def test_the_column_that_both_have_joins_them(values):
    """The same ids are found in another order, as whatever type a file holds them."""
    assert order({"kind": list("wxyz"), "user_id": values}) == [2, 0, 3, 1]


def test_text_ids_are_compared_as_text():
    """`007` is not 7."""
    own = pl.DataFrame({"id": ["007", "7"]})
    assert order({"id": ["7", "007"]}, own) == [1, 0]
    assert "no row has id 007" in refusal({"id": [7, 8]}, own)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([5, 6, 7, 8], "no row has user_id 9, as one of the queries of users.parquet has (1 of 4"),
        ([5, 6, 7, 9, 11], "user_id 11 is none of the queries of users.parquet (1 of 5"),
        ([1005, 1006, 1007, 1009], "no row has user_id 7"),
        ([5, 6, 7], "no row has user_id 9"),
    ],
)
def test_keys_that_differ_are_refused(values, words):
    """A value that one side lacks is named, whichever side it is."""
    assert words in refusal({"user_id": values})


def test_a_key_that_repeats_joins_nothing_by_itself():
    """Two rows for one user are refused; several queries of a user need to be asked for."""
    assert "user_id 5 occurs twice" in refusal({"user_id": [5, 5, 6, 7]}, on="user_id")
    assert "by which rows cannot be told apart" in refusal({"user_id": [5, 5, 6, 7]})
    own = pl.DataFrame({"user_id": [7, 5, 7]})
    assert "on=" in refusal({"user_id": [5, 7]}, own)
    assert order({"user_id": [5, 7]}, own, on="user_id") == [1, 0, 1]


def test_without_a_common_column_nothing_says_whose_row_it_is():
    """So the order counts; also where the common columns say the same in every row."""
    assert order({"kind": list("wxyz")}) is None
    assert order({"country": list("aabb"), "kind": list("wxyz")}) is None
    assert "it has country in common with the queries of users.parquet" in refusal(
        {"country": list("abab"), "kind": list("wxyz")}
    )


def test_two_keys_that_disagree_need_a_choice():
    """Row numbers of two exports are a key too, but another one; named, the choice is made."""
    own = OWN.with_columns(id=pl.Series([0, 1, 2, 3]))
    other = {"id": [0, 1, 2, 3], "user_id": [5, 6, 7, 9]}
    assert "user_id and id join its rows with the queries in different ways" in refusal(other, own)
    assert order(other, own, on="user_id") == [2, 0, 3, 1]
    assert order(other, own, on=["id"]) == [0, 1, 2, 3]
    assert "both name a key" in refusal(other, own, on=["id", "user_id"])
    agreeing = {"id": [1, 3, 0, 2], "user_id": [5, 6, 7, 9]}
    assert order(agreeing, own) == [2, 0, 3, 1]


def test_names_that_differ_are_paired():
    """`OURS=THEIRS` joins columns of two names."""
    assert order({"uid": [5, 6, 7, 9]}, on="user_id=uid") == [2, 0, 3, 1]
    with pytest.raises(VbenchError, match="give a column, or OURS=THEIRS"):
        parse_on("=uid")


def test_what_can_be_no_key():
    """Empty rows, parts of numbers and dates identify nobody; a named one is refused as such."""
    for values in ([1, None], [1.5, 2.0], [True, False], [[1], [2]]):
        assert as_keys(pl.Series(values)) is None
    assert "column user_id has empty rows" in refusal({"user_id": [5, 6, 7, None]}, on="user_id")


def rows(values, ids, size=4, **options):
    known = None if ids is None else pl.Series("id", ids)
    return rows_of_ids(pl.Series("query", values), known, size, "r.csv", **options).tolist()


def test_ids_where_ids_are_known():
    """Numbers that are both are ids; those that are no ids are row numbers, if they can be."""
    assert rows([0, 3], None) == [0, 3]
    assert rows([3, 1], [1, 2, 3, 0]) == [2, 0]
    assert rows([30, 10], [10, 20, 30, 40]) == [2, 0]
    assert rows([3, 1], [10, 20, 30, 40]) == [3, 1]
    assert rows(["30", "10"], [10, 20, 30, 40]) == [2, 0]
    assert rows(pl.Series([30, 10], dtype=pl.UInt64), [10, 20, 30, 40]) == [2, 0]


def test_whole_numbers_where_ids_are_text():
    """They are row numbers if they can be, even where an id is spelt so; else ids."""
    assert rows([3, 1], ["3", "2", "1", "0"]) == [3, 1]
    assert rows(["3", "1"], ["3", "2", "1", "0"]) == [0, 2]
    assert rows([30, 10], ["10", "20", "30", "40"]) == [2, 0]


@pytest.mark.parametrize(
    ("values", "ids", "words"),
    [
        ([0, 4], None, "row 1: query 4 is not one of 0 … 3"),
        ([10, 11], [10, 20, 30, 40], "row 1: query 11 is not one of the ids (id: 10, …; 1 of 2"),
        (["a", "x"], ["a", "b", "c", "d"], "row 1: query x is not one of the ids"),
        (["a"], None, "column query holds String; row numbers are needed, or ids"),
        ([1, None], None, "row 1: query None"),
        ([10, None], [10, 20, 30, 40], "row 1: query None"),
    ],
)
def test_what_is_neither_is_named(values, ids, words):
    """The first value that is neither id nor row number is in the message."""
    with pytest.raises(DataError) as caught:
        rows(values, ids)
    assert words in str(caught.value)


def test_some_may_be_unknown():
    """Of a log, what is among the ids is kept; where nothing is, it is refused."""
    assert rows([10, 99], [10, 20, 30, 40], partial=True) == [0, -1]
    with pytest.raises(DataError):
        rows([98, 99], [10, 20, 30, 40], partial=True)


def test_as_many_rows_as_a_join_may_have():
    """A permutation of many ids is found exactly."""
    ids = np.random.default_rng(0).permutation(50_000) + 10**12
    assert rows(ids[::-1].copy(), ids, len(ids)) == list(range(50_000))[::-1]
