"""The answer of a run: how many of the queries a setting serves, whom worst, at what cost."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from render.made_run import make_run
from run_folder import answered

from vbench._document import Interval
from vbench.analysis.answer import RankingCost, answer_of, find_delta, say_answer, say_relation
from vbench.measures.grammar import parse


def test_an_answer_counts_the_queries_that_are_asked_about(tmp_path: Path) -> None:
    """Of all queries as `Run.measure` has it, of some as counted by hand; costs are means."""
    run = make_run(tmp_path, m=300, settings=2)
    setting = run.settings()[1]
    whole = answer_of(setting, 0.75)
    assert (whole.needed, whole.k, whole.queries) == (8, 10, 300)
    assert whole.served.value == pytest.approx((setting.hits >= 8).mean())
    assert whole.name == str(setting)
    rows = np.arange(0, 300, 3)
    part = answer_of(setting, 0.75, rows=rows, price=parse("Price(core=1)"))
    assert part.queries == 100
    assert part.served.value == pytest.approx((setting.hits[:, rows] >= 8).mean())
    for group in part.groups:
        inside = run.columns[group.column].to_numpy()[rows] == group.segment
        assert group.queries == inside.sum()
        counted = (setting.hits[:, rows][:, inside] >= 8).mean()
        assert group.served.value == pytest.approx(counted)


def test_only_what_is_surely_worse_is_called_worst(tmp_path: Path) -> None:
    """A segment without a query served is; halves of the queries by chance are not."""
    hits = np.tile(np.repeat([10, 2], [450, 50]), (2, 1))
    place = np.repeat(["here", "there"], [450, 50])
    chance = np.where(np.random.default_rng(0).random(500) < 0.5, "heads", "tails")
    run = answered(tmp_path, {"one": {16: hits}}, columns={"place": place, "coin": chance})
    answer = answer_of(run.settings()[0], 0.8)
    assert answer.worst is not None
    assert (answer.worst.column, answer.worst.segment) == ("place", "there")
    assert [each.segment for each in answer.groups if each.worse] == ["there"]
    said = say_answer(answer)
    assert "of the queries get at least 8 of 10 right with one" in said
    assert "worst served: place there (0 %)" in said
    alone = msgspec.structs.replace(answer, groups=answer.groups[1:])
    assert "no segment is surely served worse" in say_answer(alone)
    ranking = RankingCost(
        measure="nDCG@10", ranker="tower", change=Interval(-0.004, -0.006, -0.002)
    )
    told = say_answer(msgspec.structs.replace(answer, ranking=ranking))
    assert told.endswith("nDCG@10 -0.40 % [-0.60, -0.20] behind tower")


def test_what_is_told_apart_is_said_so(tmp_path: Path) -> None:
    """Of the same answers nothing is; of clearly worse ones each."""
    rng = np.random.default_rng(1)
    good, bad = ([rng.binomial(10, p, 600) for _ in range(3)] for p in (0.97, 0.6))
    run = answered(tmp_path, {"one": {16: good}, "same": {16: good}, "worse": {16: bad}})
    one, same, worse = run.settings()
    assert say_relation(one, [one, same], 0.9) == "which is not told apart from same ef=16"
    assert say_relation(one, [one, worse], 0.9) == "more than with the other"
    assert say_relation(one, [one, same, worse], 0.9) == "which is not told apart from same ef=16"
    assert say_relation(one, [one], 0.9) == ""


def test_the_first_measure_with_a_delta_gives_it() -> None:
    """Robustness or Served; else what is usual."""
    targets = [parse("Recall@10"), parse("Served(delta=0.7,within=1ms)@10"), parse("R0.5@10")]
    assert find_delta(targets, 0.9) == 0.7
    assert find_delta(targets[:1], 0.9) == 0.9
