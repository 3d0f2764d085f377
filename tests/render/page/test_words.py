"""Tests of the sentences, of digits and of looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from render.made_run import make_run

from vbench.analysis.gather import gather
from vbench.analysis.matched import match_recall
from vbench.render.page import words
from vbench.render.quantities import digits, percent, percents, spelt


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50.0 %"),
        (0.069, "6.9 %"),
        (0.005, "0.50 %"),
        (0.9987, "99.87 %"),
        (0.00001, "under 0.01 %"),
        (0.99999, "over 99.99 %"),
    ],
)
def test_percent_never_rounds_some_to_none(share: float, said: str) -> None:
    """0 % and 100 % are said only where they are exact."""
    assert percent(share) == said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.90123, "share", "0.901"),
        (12345.6, "rate", "12,346"),
        (3.21e-4, "seconds", "321 µs"),
        (0.0045, "seconds", "4.50 ms"),
        (12.0, "seconds", "12.0 s"),
        (0.0, "seconds", "0 µs"),
        (40_000_000, "bytes", "40.0 MB"),
        (None, "count", "–"),
        (float("nan"), "count", "–"),
        (7.5, "count", "7.50"),
    ],
)
def test_values_carry_their_unit(value: float | None, unit: str, said: str) -> None:
    """Three digits, and a unit in which they are readable."""
    assert spelt(value, unit) == said  # type: ignore[arg-type]


def test_digits_never_use_powers_of_ten() -> None:
    """Small and large numbers are written out."""
    assert [digits(value) for value in (0, 0.00012345, 123456.0)] == ["0", "0.000123", "123456"]


def test_intervals_get_a_digit_more_when_they_are_narrow() -> None:
    """Both ends have the digits that the width asks for."""
    assert percents(0.5, 0.6) == "50.0–60.0"
    assert percents(0.998, 0.9995) == "99.80–99.95"


def test_the_verdict_names_everybody_at_equal_recall(tmp_path: Path) -> None:
    """The best index comes first, each with its share of total failures."""
    panel = gather(make_run(tmp_path, m=400, settings=6)).panels[0]
    said = words.nothing_right(match_recall(panel))
    assert said.startswith("At matched recall 0.")
    assert "ivf-flat leaves" in said
    assert "and hnsw" in said


def test_shares_are_said_with_their_intervals(tmp_path: Path) -> None:
    """Where the intervals of the best and the worst overlap, the sentence says so."""
    few = match_recall(gather(make_run(tmp_path / "few", m=40, builds=2)).panels[0])
    assert "intervals of the first and the last overlap" in words.nothing_right(few)
    many = match_recall(gather(make_run(tmp_path / "many", m=20_000, settings=6)).panels[0])
    said = words.nothing_right(many)
    assert "overlap" not in said
    for shown in many.compared:
        low, high = 1 - shown.curve.high[1], 1 - shown.curve.low[1]
        assert f"({percents(low, high)})" in said


def test_one_index_is_a_verdict_too(tmp_path: Path) -> None:
    """No comparison is claimed where there is nothing to compare."""
    panel = gather(make_run(tmp_path, m=100, names=("only",))).panels[0]
    assert words.nothing_right(match_recall(panel)).startswith("At a mean recall of ")
    assert "asked only for their 10 nearest" in words.measured(panel)


def test_thirty_indexes_are_summed_up(tmp_path: Path) -> None:
    """Best and worst are named, the rest are counted."""
    names = [f"index {number}" for number in range(30)]
    report = gather(make_run(tmp_path, m=60, names=names, settings=2, builds=1))
    said = words.nothing_right(match_recall(report.panels[0]))
    assert "lie between)" in said
    assert len(said) < 300
    assert words.title(report) == "How evenly do 30 indexes answer on made?"


def test_indexes_out_of_reach_are_named(tmp_path: Path) -> None:
    """An index without a setting near the level is not compared in words."""
    panel = gather(make_run(tmp_path, m=200, settings=6)).panels[0]
    matched = match_recall(panel)
    assert matched.is_matched
    far = {"far": min(panel.settings, key=lambda each: each.recall)}
    assert "Not at matched recall" in words.left_out(matched._replace(chosen=matched.chosen | far))
