"""Segments: how a column divides the queries, and how often each part fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from answered_run import answered

from vbench.results.segments import MANY, grouped, segment_rows


def sizes(values: list[Any]) -> dict[str, int]:
    names, members = grouped(pl.Series("x", values))
    assert members.shape == (len(values),)
    return dict(zip(names, np.bincount(members, minlength=len(names)).tolist(), strict=True))


def test_few_values_are_segments_in_their_own_order() -> None:
    """Numbers sort as numbers, and queries without a value are a segment too."""
    found = sizes([10, 9, None, 2, 9])
    assert list(found.items()) == [("2", 1), ("9", 2), ("10", 1), ("(none)", 1)]
    assert list(sizes([True, False])) == ["false", "true"]


def test_many_numbers_become_quarters_named_by_their_ends() -> None:
    """Each quarter says its least and largest value; together they hold every query."""
    assert sizes([*range(1, 101), None]) == {
        "1 … 25": 25,
        "26 … 50": 25,
        "51 … 75": 25,
        "76 … 100": 25,
        "(none)": 1,
    }


def test_many_words_keep_the_largest() -> None:
    """The most frequent words stay, the others are one segment."""
    found = sizes([f"w{i:02}" for i in range(30) for _ in range(30 - i)])
    assert len(found) == MANY
    assert found["w00"] == 30
    assert found["(others)"] == sum(range(1, 20))
    assert list(found) == [*(f"w{i:02}" for i in range(11)), "(others)"]


def test_a_column_of_names_divides_nothing() -> None:
    """A user id that nearly every query has for itself makes no segments."""
    assert grouped(pl.Series([f"user-{i}" for i in range(500)]))[0] == []


def test_share_and_lift_are_those_of_counting(tmp_path: Path) -> None:
    """Share over all builds, part of the tail, and lift against all queries."""
    hits = np.full((2, 100), 10)
    hits[:, :10] = 0
    hits[0, 10:20] = 0
    kind = ["bad"] * 40 + ["good"] * 60
    run = answered(tmp_path / "run", {"a": {1: hits}}, columns={"kind": kind})
    bad, good = segment_rows(run, hits < 9)
    assert (bad["segment"], bad["queries"]) == ("bad", 40)
    assert bad["share"] == pytest.approx(30 / 80)
    assert bad["of_tail"] == 1.0
    assert bad["lift"] == pytest.approx((30 / 80) / (30 / 200))
    assert bad["low"] < bad["share"] < bad["high"]
    assert (good["share"], good["lift"]) == (0.0, 0.0)


def test_without_a_tail_there_is_no_lift(tmp_path: Path) -> None:
    """Nothing fails: shares are 0 and ratios to 0 are not made up."""
    hits = np.full((2, 20), 10)
    run = answered(tmp_path / "run", {"a": {1: hits}}, columns={"kind": ["x", "y"] * 10})
    assert [row["lift"] for row in segment_rows(run, hits < 9)] == [None, None]
