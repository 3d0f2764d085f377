"""Tests of the sentences."""

from __future__ import annotations

from pathlib import Path

from render.made_run import make_run

from vbench.analysis.gather import MatchedRecall, gather, match_recall
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


def test_the_first_sentence_says_which_for_whom_and_at_what_cost(tmp_path: Path) -> None:
    """The setting that serves most, how it stands to the others, its latency, the worst served."""
    panel = gather(make_run(tmp_path / "two", m=20_000, settings=6)).panels[0]
    said = words.say_answer(panel, match_recall(panel), 0.9)
    assert said.startswith("At matched recall 0.")
    assert "of the queries get at least 9 of 10 right with" in said
    assert "p99 " in said
    assert "worst served: activity heavy" in said
    alone = gather(make_run(tmp_path / "one", m=100, names=("only",))).panels[0]
    said = words.say_answer(alone, match_recall(alone), 0.8)
    assert said.startswith("At a mean recall of 0.")
    assert "at least 8 of 10 right with only ef=" in said


def test_what_cannot_be_said_says_why(tmp_path: Path) -> None:
    """No two settings have matched recall."""
    panel = gather(make_run(tmp_path, m=200, settings=6)).panels[0]
    far = min(panel.settings, key=lambda each: each.recall)
    best = max(panel.settings, key=lambda each: each.recall)
    apart = MatchedRecall(0.9, {"far": far, "best": best})
    said = words.say_answer(panel, apart, 0.9)
    assert said.startswith("Which index to take cannot be said: no two of them have matched recall")
    assert "--at-recall" in said
