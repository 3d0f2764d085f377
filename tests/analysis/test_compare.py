"""Verdicts: what differs, with which p, for which queries, and whether a gate lets it through."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from run_folder import answered

from vbench._document import Interval
from vbench.analysis.compare import compare
from vbench.analysis.comparison import (
    Compared,
    Comparison,
    Discordant,
    read_comparison,
    store_comparison,
)
from vbench.errors import VbenchError
from vbench.measures.grammar import parse
from vbench.numbers import write_difference
from vbench.runs import files
from vbench.runs.facts import Pass
from vbench.runs.rows import amend_trial
from vbench.runs.run import Run
from vbench.runs.schema import Warn
from vbench.stats.paired import compare_means

M = 800


def hits(seed: int, chance: float, builds: int = 3) -> np.ndarray:
    """Hits of 10 of queries that differ in difficulty, which every seed shares."""
    ease = np.random.default_rng(99).normal(size=M)
    share = 1 / (1 + np.exp(-math.log(chance / (1 - chance)) - ease))
    return np.random.default_rng(seed).binomial(10, share, size=(builds, M))


def run_of(folder: Path, a: Any, b: Any, **more: Any) -> Run:
    return answered(folder, {"a": {1: a}, "b": {2: b}}, **more)


@pytest.fixture
def apart(tmp_path: Path) -> Run:
    """The index b is clearly worse than a."""
    return run_of(tmp_path / "apart", hits(1, 0.9), hits(2, 0.8))


def entry(comparison: Comparison, name: str) -> Compared:
    return next(row for row in comparison.comparisons if row.measure.startswith(name))


def test_a_clear_difference_is_said_with_its_size(apart: Run) -> None:
    """The winner, the measure, the effect and its interval stand in one sentence."""
    found = entry(compare(apart), "Recall")
    assert found.different
    assert found.better == "baseline"
    assert found.low < found.difference < found.high < 0
    assert found.verdict.startswith("a ef=1 beats b ef=2: Recall@10 is lower by 0.")


def test_the_difference_is_that_of_the_means(apart: Run) -> None:
    """Difference and both values are what the measures of the run say."""
    for found in compare(apart).comparisons:
        means = []
        for setting in apart.settings():
            values = [parse(found.measure).value(apart.answers(t)) for t in setting.trials]
            means.append(np.mean(np.array(values, dtype=float)))
        assert found.baseline_value.value == pytest.approx(means[0])
        assert found.candidate_value.value == pytest.approx(means[1])
        assert found.difference == pytest.approx(means[1] - means[0])
        for side, mean in zip(("baseline", "candidate"), means, strict=True):
            value: Interval = getattr(found, f"{side}_value")
            assert value.low <= mean <= value.high


def test_no_difference_comes_with_the_minimum_detectable_one(tmp_path: Path) -> None:
    """Equal indexes are not called equal: the minimum detectable difference is said."""
    run = run_of(tmp_path / "run", hits(1, 0.9), hits(2, 0.9))
    found = entry(compare(run), "Recall")
    assert not found.different
    assert found.better is None
    assert "no difference shown" in found.verdict
    size = write_difference(found.minimum_detectable_difference, "score", signed=False)
    assert f"minimum detectable difference is {size} (80 % power)" in found.verdict
    assert found.minimum_detectable_difference > max(abs(found.low), abs(found.high)) - abs(
        found.difference
    )


def test_the_minimum_detectable_difference_is_that_of_the_verdict(tmp_path: Path) -> None:
    """The more comparisons are tested together, the larger it is, and none larger is missed."""
    run = run_of(tmp_path / "run", hits(1, 0.9), hits(2, 0.9))
    alone = entry(compare(run, measures=["Recall@10"]), "Recall")
    together = compare(run).comparisons
    assert entry(compare(run), "Recall").minimum_detectable_difference > (
        1.1 * alone.minimum_detectable_difference
    )
    for row in together:
        assert row.different or abs(row.difference) < row.minimum_detectable_difference


def test_builds_of_one_plan_are_compared_build_by_build(tmp_path: Path) -> None:
    """Where both sides have the seeds and orders of one plan, and most answers in common."""
    a, other = (hits(1, 0.9) - [[0], [1], [2]]).clip(0), hits(2, 0.9)
    b = np.where(np.random.default_rng(3).random(a.shape) < 0.05, other, a)
    found = entry(compare(run_of(tmp_path / "run", a, b)), "Recall")
    paired = compare_means(a / 10, b / 10, same_builds=True)
    assert (found.low, found.high) == pytest.approx((paired.low, paired.high))
    apart = compare_means(a / 10, b / 10)
    assert found.high - found.low < 0.5 * (apart.high - apart.low)


def test_with_one_build_each_only_the_builds_differ(tmp_path: Path) -> None:
    """One build of each says nothing of the indexes, and the words keep to that."""
    run = run_of(tmp_path / "run", hits(1, 0.9, 1), hits(2, 0.7, 1))
    for found in compare(run, measures=["Recall@10", "CVaR@10"]).comparisons:
        assert found.different
        assert found.verdict.startswith("these two builds differ")
        assert "beats" not in found.verdict


def test_one_build_of_each_is_mcnemars_exact_test(tmp_path: Path) -> None:
    """The p of a share equals statsmodels' exact McNemar on the same table."""
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    run = run_of(tmp_path / "run", hits(1, 0.9, 1), hits(2, 0.88, 1))
    found = entry(compare(run, measures=["Robustness(delta=0.9)@10"]), "Robustness")
    sides = found.discordant
    only = len(sides.only_baseline), len(sides.only_candidate)
    table = [[sides.both, only[0]], [only[1], sides.neither]]
    assert found.p == pytest.approx(tables.mcnemar(table, exact=True).pvalue)


def test_many_comparisons_are_adjusted_by_holm(apart: Run) -> None:
    """The adjusted p equal statsmodels' Holm, and decide what counts as different."""
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    names = [f"Robustness(delta={delta})@10" for delta in (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)]
    found = compare(apart, measures=names).comparisons
    expected = multitest.multipletests([each.p for each in found], method="holm")
    np.testing.assert_allclose([each.p_holm for each in found], expected[1])
    assert [each.different for each in found] == expected[0].tolist()


def test_discordant_queries_are_named(tmp_path: Path) -> None:
    """Each query counts with a side when it passes in most of its builds."""
    a = np.array([[10, 10, 0, 0, 10], [10, 10, 0, 0, 0], [10, 10, 0, 10, 10]])
    b = np.array([[10, 0, 10, 0, 10], [10, 0, 10, 0, 10], [10, 10, 10, 0, 10]])
    run = run_of(tmp_path / "run", a, b)
    found = entry(compare(run, measures=["Robustness(delta=0.5)@10"]), "Robustness")
    assert found.discordant == Discordant(both=2, neither=1, only_baseline=[1], only_candidate=[2])


def test_clusters_widen_the_interval(tmp_path: Path) -> None:
    """Queries of one user that fare alike count less than as many users."""
    users = np.repeat(np.arange(M // 8), 8)
    a, b = (np.repeat(hits(seed, 0.9, 1)[:, : M // 8], 8, axis=1) for seed in (1, 2))
    run = run_of(tmp_path / "run", a, b, columns={"user": users})
    plain, clustered = (
        entry(compare(run, cluster=cluster), "Recall") for cluster in (None, "user")
    )
    width = [each.high - each.low for each in (plain, clustered)]
    assert width[1] > 2 * width[0]
    assert clustered.difference == pytest.approx(plain.difference)


def test_costs_are_compared_by_build(apart: Run) -> None:
    """Queries a second is one number a build; which way is better is known."""
    found = entry(compare(apart, measures=["QPS", "BuildTime"]), "QPS")
    assert found.better == "baseline"
    assert entry(compare(apart, measures=["QPS", "BuildTime"]), "BuildTime").difference == 0


def test_a_gate_stops_what_is_significantly_worse_by_the_limit(apart: Run) -> None:
    """Both significance and size are needed, and only losses count."""
    names = ["Recall@10", "Failure@10"]
    loss = -entry(compare(apart), "Recall").difference
    assert len(compare(apart, measures=names, fail_if_worse=0.01).gate.failed) == 1
    assert not compare(apart, measures=["Recall@10"], fail_if_worse=loss + 0.01).gate.failed
    swapped = compare(apart, baseline="b", measures=["Recall@10"], fail_if_worse=0.01)
    assert swapped.comparisons[0].better == "candidate"
    assert not swapped.gate.failed


def test_a_gate_that_could_not_have_seen_the_loss_says_so(tmp_path: Path) -> None:
    """Passing with few queries is not the same as passing."""
    few = run_of(tmp_path / "few", hits(1, 0.9)[:, :40], hits(2, 0.9)[:, :40])
    gate = compare(few, measures=["Recall@10"], fail_if_worse=0.01).gate
    assert not gate.failed
    assert "only a loss of" in gate.blind[0]


def test_identical_answers_leave_nothing_to_compare(tmp_path: Path) -> None:
    """No interval, no p, and no gate that is blind; costs are compared all the same."""
    run = run_of(tmp_path / "run", hits(1, 0.9), hits(1, 0.9)[::-1])
    found = compare(run, measures=["Recall@10", "CVaR@10", "QPS"], fail_if_worse=0.9)
    for row in found.comparisons[:2]:
        assert (row.difference, row.low, row.high, row.p) == (0.0, None, None, None)
        assert row.verdict == "identical answers in all builds: nothing to compare"
    assert found.comparisons[2].different
    assert (found.gate.blind, found.gate.exit_code) == ([], 0)


def test_times_that_only_disturbed_passes_tell_are_not_judged(tmp_path: Path) -> None:
    """Not by a gate, which ends with 3."""
    run = run_of(tmp_path / "run", hits(1, 0.9), hits(2, 0.9))
    for trial in run.done:
        amend_trial(run.path, trial.key, passes=[Pass(cpu_share=0.4, disturbed=True)])
    run = Run(run.path)
    assert compare(run, measures=["QPS"]).comparisons[0].different
    found = compare(run, measures=["QPS", "IndexSize"], fail_if_worse=0.1)
    assert [row.unjudged is None for row in found.comparisons] == [False, True]
    assert found.gate.exit_code == 3
    assert "cannot be judged: other processes disturbed" in found.gate.unjudged[0]


def test_a_gate_of_a_cost_is_relative(apart: Run) -> None:
    """A loss of half the speed is a loss of 0.5, whatever the number of queries a second."""
    run = answered(
        apart.path.parent / "speed",
        {"a": {10: hits(1, 0.9)}, "b": {11: hits(2, 0.9)}},
    )
    gates = [compare(run, measures=["QPS"], fail_if_worse=at).gate for at in (0.05, 0.2)]
    assert [len(gate.failed) for gate in gates] == [1, 0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"measures": ["Recall@20"]}, "Recall@20 asks for K=20; what is compared has K=10"),
        ({"cluster": "user"}, "unknown column of the queries 'user'"),
        ({"fail_if_worse": -1.0}, "give a number from 0 on"),
        ({"fail_if_worse": "much"}, "give a number from 0 on, such as 0.01 or 1%"),
        ({"fail_if_blind": True}, "give fail_if_worse=0.01 beside it"),
        ({"measures": ["Work"]}, "Work cannot be compared: a ef=1 did not record it"),
        ({"measures": ["Recal@10"]}, "did you mean 'Recall'"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    apart: Run, given: dict[str, Any], message: str
) -> None:
    """One message each."""
    with pytest.raises(VbenchError, match=message):
        compare(apart, **given)


def test_a_gate_needs_two_builds(tmp_path: Path) -> None:
    """With one build, chance alone would stop half of all changes."""
    run = run_of(tmp_path / "run", hits(1, 0.9, 1), hits(2, 0.9, 3))
    with pytest.raises(VbenchError, match="has one build; a gate needs two or more"):
        compare(run, fail_if_worse=0.01)


def test_recall_that_is_not_matched_and_few_queries_are_warned_of(tmp_path: Path) -> None:
    """A tail at lower mean recall is longer for that reason alone."""
    run = run_of(tmp_path / "run", hits(1, 0.9)[:, :200], hits(2, 0.7)[:, :200])
    about = [each.about for each in compare(run).warnings]
    assert about == ["recall not matched", "few queries"]


def test_a_comparison_is_kept_in_the_run_folder(apart: Run) -> None:
    """The report reads what the command found; NaN and infinities become null."""
    one = run_of(apart.path.parent / "one", hits(1, 0.9, 1), hits(2, 0.7, 1))
    found = compare(one, measures=["QPS"])
    store_comparison(one, found)
    assert read_comparison(one) == found
    kept = json.loads((one.path / "comparisons.json").read_text())
    assert kept["schema"] == "vbench.compare/2"
    assert kept["comparisons"][0]["p"] is None
    assert "nothing can be said of QPS" in kept["comparisons"][0]["verdict"]


def test_what_spoils_a_run_is_said_with_its_comparison(apart: Run) -> None:
    """Failed trials always, a busy machine where speed is compared."""
    found = [Warn(about, "", "", "") for about in ("failed trials", "busy machine", "no effect")]
    manifest = msgspec.structs.replace(apart.manifest, warnings=found)
    files.write_manifest(apart.path, manifest)
    run = Run(apart.path)
    for measure, expected in (
        ("Failure@10", ["failed trials"]),
        ("QPS", ["failed trials", "busy machine"]),
    ):
        document = compare(run, measures=[measure], baseline="a", candidate="b")
        about = [each.about for each in document.warnings]
        assert [each for each in about if each != "recall not matched"] == expected


def test_a_floor_of_a_segment_is_that_of_its_queries(tmp_path: Path) -> None:
    """As under `where` of the whole comparison, of which it takes a part."""
    hits = np.random.default_rng(3).binomial(10, 0.8, (3, 400))
    columns = {"kind": ["user", "tag"] * 200, "half": ["first", "second"] * 100 + ["second"] * 200}
    run = answered(tmp_path / "run", {"hnsw": {16: hits}}, columns=columns)
    (whole,) = compare(run, at_least="Recall@10>=0.7", where="kind=user").floors
    (floor,) = compare(run, at_least="Recall@10>=0.7 where kind='user'").floors
    assert (floor.value, floor.bound) == (whole.value, whole.bound)
    assert floor.floor == "Recall@10>=0.7 where kind=user"
    both = compare(run, at_least="Recall@10>=0.7 where kind=user and half=first")
    part = compare(run, at_least="Recall@10>=0.7 where half=first", where="kind=user")
    assert both.floors[0].value == part.floors[0].value
    with pytest.raises(VbenchError, match="0 queries are in both segments"):
        compare(run, at_least="Recall@10>=0.7 where kind=user", where="kind=tag")
