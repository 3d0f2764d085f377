"""Tests of the sentences."""

from __future__ import annotations

from pathlib import Path

from render.made_run import make_run

from vbench.analysis.gather import gather, match_recall
from vbench.analysis.summary import summarize_setting
from vbench.numbers import write_interval
from vbench.render.page import words


def test_the_verdict_names_everybody_at_equal_recall(tmp_path: Path) -> None:
    """The best index comes first, each with its share of total failures."""
    panel = gather(make_run(tmp_path, m=400, settings=6)).panels[0]
    said = words.say_zero_recall(match_recall(panel))
    assert said.startswith("At matched recall 0.")
    assert "ivf-flat leaves" in said
    assert "and hnsw" in said


def test_shares_are_said_with_their_intervals(tmp_path: Path) -> None:
    """Where the intervals of the best and the worst overlap, the sentence says so."""
    few = match_recall(gather(make_run(tmp_path / "few", m=40, builds=2)).panels[0])
    assert "intervals of the first and the last overlap" in words.say_zero_recall(few)
    many = match_recall(gather(make_run(tmp_path / "many", m=20_000, settings=6)).panels[0])
    said = words.say_zero_recall(many)
    assert "overlap" not in said
    for shown in many.compared:
        failure = summarize_setting(shown).measures["Failure@10"]
        assert write_interval(failure, "share") in said


def test_one_index_is_a_verdict_too(tmp_path: Path) -> None:
    """No comparison is claimed where there is nothing to compare."""
    panel = gather(make_run(tmp_path, m=100, names=("only",))).panels[0]
    assert words.say_zero_recall(match_recall(panel)).startswith("At a mean recall of ")
    assert "only was searched for the 10 nearest" in words.say_measured(panel)


def test_thirty_indexes_are_summed_up(tmp_path: Path) -> None:
    """Best and worst are named, the rest are counted."""
    names = [f"index {number}" for number in range(30)]
    report = gather(make_run(tmp_path, m=60, names=names, settings=2, builds=1))
    said = words.say_zero_recall(match_recall(report.panels[0]))
    assert "lie between)" in said
    assert len(said) < 300
    assert words.title(report) == "How evenly do 30 indexes answer on made?"


def test_indexes_out_of_reach_are_named(tmp_path: Path) -> None:
    """An index without a setting near the level is not compared in words."""
    panel = gather(make_run(tmp_path, m=200, settings=6)).panels[0]
    matched = match_recall(panel)
    assert matched.is_matched
    far = {"far": min(panel.settings, key=lambda each: each.recall)}
    assert "Not at matched recall" in words.say_left_out(
        matched._replace(chosen=matched.chosen | far)
    )
