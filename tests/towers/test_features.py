"""Values of feature tables become rows of embedding tables."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest

from vbench.towers import features
from vbench.towers.features import NUMBER_BINS, WORDS_KEPT, encode


def test_row_zero_is_nobody_and_nulls_are_unknown() -> None:
    """The first row is all pads, and so is that of a value that is not there."""
    for values in (["a", None, "b"], [1, None, 3]):
        tokens = encode(pl.Series("x", values)).tokens
        assert tokens.shape[0] == 4
        assert not tokens[0].any()
        assert not tokens[2].any()
        assert tokens[[1, 3]].all()


def test_kind_is_guessed_from_the_values() -> None:
    """Short strings are categories, long ones words, numbers and dates are binned."""
    titles = ["the long way home again", "a year in the south", "no name for it here"]
    assert encode(pl.Series("maker", ["Ann Lee", "Bo", "Cy"])).kind == "category"
    assert encode(pl.Series("title", titles)).kind == "words"
    assert encode(pl.Series("year", [1990, 2001])).kind == "number"
    assert encode(pl.Series("sold", [True, False])).kind == "number"
    assert encode(pl.Series("day", [datetime.date(2020, 1, 1)])).kind == "number"


def test_equal_values_share_a_token_whatever_their_case() -> None:
    """A category is one token of the whole value; words are tokens of each."""
    maker = encode(pl.Series("maker", ["Ann Lee", "ANN LEE", "Bo"]), "category")
    assert maker.tokens.shape == (4, 1)
    assert maker.tokens[1] == maker.tokens[2] != maker.tokens[3]
    title = encode(pl.Series("title", ["red book", "book of red"]), "words")
    assert set(title.tokens[1][:2]) < set(title.tokens[2])


def test_few_names_never_share_a_row() -> None:
    """Names are numbered in their order, so that two makers are never mixed up."""
    field = encode(pl.Series("maker", ["cy", "ann", "bo", "cy"]), "category")
    assert field.tokens[1:, 0].tolist() == [3, 1, 2, 3]
    assert field.size == 4


def test_many_names_share_rows_the_same_in_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a hash decides that does not depend on Python's random hash seed."""
    monkeypatch.setattr(features, "ROWS_AT_MOST", 3)
    field = encode(pl.Series("maker", ["ann", "bo", "cy", "dee", "eve"]), "category")
    assert field.size == 4
    assert field.tokens[1:, 0].tolist() == [1, 3, 3, 3, 1]


def test_tokens_are_inside_the_table() -> None:
    """Every token is a row of the table that is announced, and long texts are cut."""
    texts = [" ".join(f"w{j}" for j in range(i % 30)) for i in range(500)]
    for field in (
        encode(pl.Series("text", texts), "words"),
        encode(pl.Series("number", np.random.default_rng(0).normal(size=500))),
    ):
        assert field.tokens.min() >= 0
        assert field.tokens.max() < field.size
        assert field.tokens.shape[1] <= WORDS_KEPT


def test_bins_hold_equal_shares() -> None:
    """A number's bin is its quantile, so that each is seen about as often."""
    field = encode(pl.Series("x", np.random.default_rng(0).lognormal(size=2000)))
    counts = np.bincount(field.tokens[1:, 0])[1:]
    assert len(counts) == NUMBER_BINS
    assert counts.min() > 80


@pytest.mark.parametrize("values", [[None, None], [3, 3, 3]])
def test_a_column_that_says_nothing_is_accepted(values: list[int | None]) -> None:
    """All unknown, or all the same, is no error."""
    field = encode(pl.Series("x", values, dtype=pl.Int64))
    assert field.tokens.max() < field.size
