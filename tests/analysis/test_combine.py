"""Indexes combined from their stored answers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import numpy as np
import pytest
from run_folder import answered

import vbench
from vbench.analysis.combine import EXACT, Combination, combination_of, combine
from vbench.analysis.fallback import SHARES
from vbench.errors import DamagedFileError, VbenchError
from vbench.runs import files
from vbench.runs.run import Run

M = 400
RECALL, REACH, WORST, ZERO = (
    "Recall@10",
    "Robustness(delta=0.9)@10",
    "CVaR(alpha=0.05)@10",
    "Failure@10",
)


def made(folder: Path, builds: int = 2) -> Run:
    """A graph at two settings and a flat list of hits; both return the nearest first."""
    rng = np.random.default_rng(0)
    low, high, other = rng.integers(0, 11, size=(3, builds, M))
    return answered(folder, {"graph": {16: low, 64: np.maximum(low, high)}, "lists": {4: other}})


def test_a_union_holds_what_either_found(tmp_path: Path) -> None:
    """Answers that hold the nearest j of the exact list: together the larger j."""
    run = made(tmp_path / "run")
    found = combine(run, settings=["ef=16", "ef=4"])
    graph, lists = (each.hits for each in run.settings() if each.search["ef"] in (16, 4))
    (both,) = (each for each in found.unions if each.first != each.second)
    hits = np.maximum(graph, lists)
    assert both.builds == 2
    assert both.measures[RECALL].value == pytest.approx(hits.mean() / 10)
    assert both.measures[REACH].value == pytest.approx((hits >= 9).mean())
    assert both.measures[ZERO].value == pytest.approx((hits == 0).mean())
    # Two builds of one setting are a pair of their own.
    twice = next(each for each in found.unions if each.first == each.second == "graph ef=16")
    assert (twice.builds, twice.measures[RECALL].value) == (
        1,
        pytest.approx(graph.max(axis=0).mean() / 10),
    )


def test_a_union_costs_both_and_has_its_rival(tmp_path: Path) -> None:
    """Seconds are summed, and the rival is the best setting of the run that costs no more."""
    found = combine(made(tmp_path / "run"), settings=["ef=64", "ef=4"])
    by_name = {each.name: each for each in found.settings}
    (both,) = (each for each in found.unions if each.first != each.second)
    seconds = [by_name[name].price.seconds for name in (both.first, both.second)]
    assert None not in seconds
    assert both.price.seconds == pytest.approx(64e-6 + 4e-6)
    assert both.price.side_by_side == pytest.approx(64e-6)
    assert both.rival is not None
    assert both.rival.name == "graph ef=64"
    # Of 2 × 16 µs the wider setting is no rival.
    cheap = combine(made(tmp_path / "other"), settings=["ef=16", "ef=4"])
    twice = next(each for each in cheap.unions if each.first == each.second == "graph ef=16")
    assert twice.rival is not None
    assert twice.rival.name != "graph ef=64"


def test_gain_curves_lead_from_the_first_to_both(tmp_path: Path) -> None:
    """At 0 it is the first alone, at 1 the union or exact search; an oracle is never beaten."""
    found = combine(made(tmp_path / "run"), settings=["ef=16", "ef=4"])
    alone = {each.name: each.measures for each in found.settings}
    unions = {frozenset((each.first, each.second)): each.measures for each in found.unions}
    assert {each.second for each in found.routes} == {"graph ef=16", "lists ef=4", EXACT}
    curves = {(each.first, each.second, each.order): each.points for each in found.routes}
    for (first, second, _), points in curves.items():
        assert [point.share for point in points] == list(SHARES)
        assert points[0].measures == alone[first]
        if second == EXACT:
            assert points[-1].measures[REACH].value == 1.0
        else:
            assert points[-1].measures == unions[frozenset((first, second))]
        recalls = [point.measures[RECALL].value for point in points]
        assert recalls == sorted(recalls)
        best = [point.measures[RECALL].value for point in curves[first, second, "oracle"]]
        assert all(a <= b + 1e-12 for a, b in zip(recalls, best, strict=True))


def test_an_oracle_sends_on_exactly_who_gains(tmp_path: Path) -> None:
    """A tenth sent to exact search is a tenth more at δ, while as many are under it."""
    found = combine(made(tmp_path / "run"), indexes=["lists"])
    (curve,) = (each for each in found.routes if each.order == "oracle")
    start = curve.points[0].measures[REACH].value
    at = next(each for each in curve.points if each.share == 0.1)
    assert at.measures[REACH].value == pytest.approx(start + 0.1)


def test_without_vectors_nothing_is_learned(tmp_path: Path) -> None:
    """The curves of a score are left out, and a warning says what would bring them."""
    found = combine(made(tmp_path / "run"))
    assert {each.order for each in found.routes} == {"random", "oracle"}
    assert [each.code for each in found.warnings] == ["no-vectors"]


def test_a_score_is_learned_on_one_half_and_used_for_the_other(tmp_path: Path) -> None:
    """What an index shows of its answers sends on those that are under δ first."""
    rng = np.random.default_rng(5)
    base = rng.normal(size=(3_000, 12)).astype(np.float32)
    # Queries far out are harder: their length tells it.
    queries = rng.normal(size=(600, 12)) * rng.choice([0.3, 1.5], size=(600, 1))
    dataset = vbench.load(base, queries=queries.astype(np.float32), metric="l2")
    run = vbench.run(
        dataset, ["hnsw"], builds=2, repeats=1, out=tmp_path / "run",
        settings={"M": [6], "ef_construction": [30], "ef": [24]},
    )  # fmt: skip
    found = vbench.combine(run, dataset=dataset)
    curves = {each.order: each for each in found.routes}
    at = {
        order: next(point for point in each.points if point.share == 0.2).measures[REACH].value
        for order, each in curves.items()
    }
    assert at["random"] < at["learned"] < at["oracle"]
    assert curves["learned"].auc is not None
    assert curves["learned"].auc.low > 0.5
    clustered = dataclasses.replace(dataset)
    assert clustered.fingerprint == dataset.fingerprint
    assert run.combine(dataset=dataset) == found


def test_the_run_keeps_what_was_found(tmp_path: Path) -> None:
    """The page shows the last combination, in its view, and not one of trials that are gone."""
    run = made(tmp_path / "run")
    assert combination_of(run) is None
    found = combine(run)
    assert combination_of(Run(run.path)) == found
    assert Combination.from_json(found.to_json()) == found
    gone = Run(run.path, set_aside={trial.key: "gone" for trial in run.manifest.trials})
    assert combination_of(gone) is None
    kept = msgspec.json.decode((run.path / files.COMBINED).read_bytes())
    del kept["found"], kept["digest"]
    files.write_json(run.path / files.COMBINED, kept)
    with pytest.raises(DamagedFileError, match="delete it"):
        combination_of(run)


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    """A δ that is none, an index or setting that is not there."""
    run = made(tmp_path / "run")
    for wrong, words in (
        ({"delta": 0.0}, "give a number above 0"),
        ({"indexes": ["hnsw"]}, "hnsw"),
        ({"settings": ["ef=5"]}, "nothing in"),
        ({"k": 3}, "no K=3"),
    ):
        with pytest.raises(VbenchError, match=words):
            combine(run, **wrong)
