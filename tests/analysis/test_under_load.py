"""Settings under loads compare with those that were asked alike, and in what loads change only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folder import answered

from vbench.analysis.compare import compare
from vbench.analysis.summary import summarize
from vbench.measures.grammar import parse
from vbench.runs.failed import missing_results
from vbench.runs.pairing import Pair
from vbench.runs.run import Run
from vbench.runs.schema import Load
from vbench.runs.settings import merge_same
from vbench.runs.under_load import find_loaded, is_loaded, pair_loads, tells

TWO = Load(key="clients=2-threads", mode="closed", clients=2, by="threads")
TWO_PROCESSES = Load(key="clients=2-processes", mode="closed", clients=2, by="processes")
FOUR = Load(key="clients=4-threads", mode="closed", clients=4, by="threads")
M = 200
HITS = np.random.default_rng(5).integers(6, 11, size=(3, M))
SERVED = "Served(delta=0.8,within=3us)@10"


def run_of(folder: Path, loads: dict[Load, float], **more: int) -> Run:
    """The index a at ef=1 (1 µs a query) and b at ef=2."""
    return answered(folder, {"a": {1: HITS}, "b": {2: HITS}}, loads=loads)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two clients double every time, four make it four times as long."""
    return run_of(tmp_path / "run", {TWO: 2.0, FOUR: 4.0})


def test_answers_alike_under_another_load_are_another_setting(run: Run) -> None:
    """They are not merged, and stand beside the usual ones where they are asked for."""
    assert [str(each) for each in merge_same(run.settings())] == ["a ef=1", "b ef=2"]
    assert len(merge_same(run.settings(loads=True))) == 6
    assert [str(each) for each in find_loaded(run.settings()[:1])] == [
        "a ef=1 clients=2",
        "a ef=1 clients=4",
    ]
    assert [is_loaded(each) for each in run.settings(loads=True)] == [False, True, True] * 2


def test_a_load_tells_times_only(run: Run) -> None:
    """Recall is that of the usual load; one call with all queries is made there alone."""
    alone, loaded, _ = run.settings(loads=True)[:3]
    names = ("Recall@10", "IndexSize", "QPS", "Latency(p=99)", SERVED, "BestLatency")
    assert [tells(loaded, parse(name)) for name in names] == [False, False, True, True, True, True]
    assert all(tells(alone, parse(name)) for name in names)


def test_measures_of_time_are_compared_at_each_load(run: Run) -> None:
    """Like with like; those of answers once."""
    found = compare(run, measures=["Recall@10", SERVED])
    rows = [(row.measure, row.baseline, row.candidate) for row in found.comparisons]
    assert rows == [
        ("Recall@10", "a ef=1", "b ef=2"),
        (SERVED, "a ef=1", "b ef=2"),
        (SERVED, "a ef=1 clients=2", "b ef=2 clients=2"),
        (SERVED, "a ef=1 clients=4", "b ef=2 clients=4"),
    ]
    good = float((HITS >= 8).mean())
    values = [(row.baseline_value.value, row.candidate_value.value) for row in found.comparisons]
    assert values[1:] == [pytest.approx(each) for each in [(good, good), (good, 0), (0, 0)]]
    served = found.comparisons[2]
    assert not served.identical
    assert (served.different, served.better) == (True, "baseline")
    assert [each.load and each.load.clients for each in found.settings] == [None, None, 2, 2, 4, 4]


def test_without_a_measure_of_time_loads_are_left_out(run: Run) -> None:
    """More tests of the same answers would only cost power."""
    assert {row.baseline for row in compare(run).comparisons} == {"a ef=1"}


def test_threads_are_compared_with_processes(tmp_path: Path) -> None:
    """What the clients are is the index's own affair."""
    one, other = (
        run_of(tmp_path / name, {load: 2.0})
        for name, load in (("one", TWO), ("other", TWO_PROCESSES))
    )
    pairs = [(one.settings()[0], other.settings()[0])]
    found, gaps = pair_loads([Pair(*each) for each in pairs], alike=True)
    assert [[each.load.by for each in pair.sides] for pair in found] == [["threads", "processes"]]
    assert gaps == []


def test_a_gate_misses_a_load_that_one_side_lacks(tmp_path: Path) -> None:
    """A comparison without one compares what both have."""
    one, other = run_of(tmp_path / "one", {TWO: 2.0, FOUR: 4.0}), run_of(tmp_path / "two", {TWO: 2})
    found = compare([one, other], measures=["Latency(p=99)"], fail_if_worse=0.1)
    assert found.gate is not None
    assert [each for each in found.gate.missing if "clients=4" in each]
    assert found.exit_code == 1
    assert compare([one, other], measures=["Latency(p=99)"]).missing == ()
    assert compare([one, other], measures=["Recall@10"], fail_if_worse=0.1).exit_code == 0


def test_a_floor_of_time_holds_under_every_load(run: Run) -> None:
    """One of answers is judged once."""
    found = compare(run, at_least=["Recall@10>=0.5", "Served(0.6,3us)@10>=0.9"])
    assert [(each.setting, each.reached) for each in found.floors] == [
        ("a ef=1", True),
        ("b ef=2", True),
        ("a ef=1", True),
        ("b ef=2", True),
        ("a ef=1 clients=2", True),
        ("a ef=1 clients=4", False),
        ("b ef=2 clients=2", False),
        ("b ef=2 clients=4", False),
    ]


def test_speed_under_a_load_is_told_beside_the_usual_one(run: Run) -> None:
    """Answers by wall time."""
    rows = summarize(run, [parse(SERVED)]).settings
    speeds = [round(row.measures["QPS"].value or 0) for row in rows]
    assert speeds == [1_000_000, 500_000, 250_000, 500_000, 250_000, 125_000]
    assert rows[1].measures["BatchQPS"].value is not None
    assert rows[2].measures[SERVED].value == 0.0
    assert missing_results([run]) == ()
