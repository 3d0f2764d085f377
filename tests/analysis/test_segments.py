"""Segments: how a column divides the queries, and how often each part fails."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from run_folder import answered

from vbench.analysis.segments import (
    cross_columns,
    divide,
    group_values,
    segment_columns,
    segment_rows,
)
from vbench.errors import UnknownNameError, VbenchError


def sizes(values: list[Any]) -> dict[str, int]:
    names, members = group_values(pl.Series("x", values))
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


def test_every_word_is_a_segment() -> None:
    """Small groups are not thrown together: who suffers is often few."""
    found = sizes([f"w{i:03}" for i in range(150) for _ in range(1 + i % 5)])
    assert list(found) == [f"w{i:03}" for i in range(150)]
    assert found["w004"] == 5


def test_numbers_that_are_names_are_not_cut_into_quarters() -> None:
    """A region's number is no amount."""
    names, members = group_values(pl.Series("region_id", [*range(40)] * 25))
    assert names == [str(i) for i in range(40)]
    assert np.bincount(members).tolist() == [25] * 40


def test_times_become_quarters_too() -> None:
    """Named by their first and last day."""
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(100)]
    names, members = group_values(pl.Series("since", days))
    assert names[0] == "2020-01-01 … 2020-01-25"
    assert np.bincount(members).tolist() == [25] * 4


def test_ids_and_clusters_divide_nothing(tmp_path: Path) -> None:
    """A column that names each query, or a few queries, is no segment, of whatever type."""
    hits = np.full((1, 300), 10)
    columns = {
        "user_id": range(10**7, 10**7 + 300),
        "name": [f"user-{i}" for i in range(300)],
        "session_id": [i // 3 for i in range(300)],
        "one": ["x"] * 300,
        "kind": ["a", "b"] * 150,
        "score": np.random.default_rng(1).normal(size=300),
    }
    run = answered(tmp_path / "run", {"a": {1: hits}}, columns=columns)
    assert segment_columns(run) == ["kind", "score"]
    assert {row.column for row in segment_rows(divide(run), hits < 9)} == {"kind", "score"}


def test_many_segments_are_ranked_by_harm(tmp_path: Path) -> None:
    """All 150 countries are there, that which fails wholly first."""
    rng = np.random.default_rng(3)
    country = rng.integers(0, 150, 3000)
    hits = np.where(country == 77, 0, rng.integers(8, 11, (2, 3000)))
    names = [f"c{i}" for i in country]
    run = answered(tmp_path / "run", {"a": {1: hits}}, columns={"country": names})
    rows = segment_rows(divide(run), hits < 9)
    assert len(rows) == 150
    assert (rows[0].segment, rows[0].share) == ("c77", 1.0)
    lifts = [row.lift for row in rows]
    assert lifts == sorted(lifts, reverse=True)


def test_two_columns_can_be_crossed(tmp_path: Path) -> None:
    """Only the pairs that occur are segments; one finds what neither column shows."""
    kind = ["a", "a", "b", "b"] * 50
    land = ["x", "y", "x", "z"] * 50
    hits = np.tile(np.where((np.array(kind) == "a") & (np.array(land) == "y"), 0, 10), (2, 1))
    run = answered(tmp_path / "run", {"i": {1: hits}}, columns={"kind": kind, "land": land})
    rows = segment_rows(divide(run, [("kind", "land")]), hits < 9)
    pairs = {row.segment: row.queries for row in rows if row.column == "kind × land"}
    assert pairs == {"a × x": 50, "a × y": 50, "b × x": 50, "b × z": 50}
    assert (rows[0].share, rows[0].lift) == (1.0, 4.0)
    with pytest.raises(VbenchError, match="kind cannot be crossed with itself"):
        cross_columns(run, "kind", "kind")
    with pytest.raises(UnknownNameError, match="unknown column of the queries 'lands'"):
        cross_columns(run, "kind", "lands")


def test_share_and_lift_are_those_of_counting(tmp_path: Path) -> None:
    """Share over all builds, part of the tail, and lift against all queries."""
    hits = np.full((2, 100), 10)
    hits[:, :10] = 0
    hits[0, 10:20] = 0
    kind = ["bad"] * 40 + ["good"] * 60
    run = answered(tmp_path / "run", {"a": {1: hits}}, columns={"kind": kind})
    bad, good = segment_rows(divide(run), hits < 9)
    assert (bad.segment, bad.queries) == ("bad", 40)
    assert bad.share == pytest.approx(30 / 80)
    assert bad.of_tail == 1.0
    assert bad.lift == pytest.approx((30 / 80) / (30 / 200))
    assert bad.low < bad.share < bad.high
    assert (good.share, good.lift) == (0.0, 0.0)


def test_without_a_tail_there_is_no_lift(tmp_path: Path) -> None:
    """Nothing fails: shares are 0 and ratios to 0 are not made up."""
    hits = np.full((2, 20), 10)
    run = answered(tmp_path / "run", {"a": {1: hits}}, columns={"kind": ["x", "y"] * 10})
    assert [row.lift for row in segment_rows(divide(run), hits < 9)] == [None, None]
