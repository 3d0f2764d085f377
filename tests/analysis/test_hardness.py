"""Hardness of the queries against recall and tail."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest

from vbench.analysis.hardness import associations, most_telling, tenths


def test_the_measure_that_tells_the_tail_best_comes_first() -> None:
    """Of three the one whose values part the tail; one that is constant tells nothing."""
    tailed = np.arange(40) < 10
    recall = np.where(tailed, 0.1, 1.0)
    frame = pl.DataFrame(
        {
            "flat": np.ones(40),
            "noise": np.tile([1.0, 2.0], 20),
            "low": np.where(tailed, 0.0, 1.0),
        }
    )
    first, second, third = associations(frame, recall, tailed)
    assert (first.measure, first.auc, first.strength) == ("low", 0.0, 0.5)
    assert first.spearman == pytest.approx(1.0)
    assert {second.strength, third.strength} == {0.0}
    flat = next(each for each in (second, third) if each.measure == "flat")
    assert (flat.spearman, flat.auc) == (None, 0.5)
    assert associations(None, recall, tailed) == ()


def test_without_a_tail_no_measure_tells_it() -> None:
    """An AUC of no queries is None, and of no strength."""
    frame = pl.DataFrame({"lid": np.arange(20.0)})
    (only,) = associations(frame, np.ones(20), np.zeros(20, dtype=bool))
    assert (only.auc, only.auc_low, only.strength) == (None, None, 0.0)


def test_several_settings_have_one_best_measure() -> None:
    """The one of the largest strength summed over them."""
    tailed = np.arange(40) < 10
    frame = pl.DataFrame({"a": np.where(tailed, 1.0, 0.0), "b": np.arange(40.0) % 7})
    rows = [associations(frame, np.linspace(0, 1, 40), part) for part in (tailed, ~tailed)]
    assert most_telling(rows) == ("a", "b")


def test_tenths_hold_every_query_whose_value_is_known() -> None:
    """In order of their values, each with its ends."""
    values = np.arange(25.0)[::-1].copy()
    values[3] = np.nan
    found = tenths(values)
    assert [each.number for each in found] == list(range(1, 11))
    assert sorted(np.concatenate([each.rows for each in found])) == [*range(3), *range(4, 25)]
    assert (found[0].least, found[-1].greatest) == (0.0, 24.0)
    assert all(a.greatest < b.least for a, b in itertools.pairwise(found))
