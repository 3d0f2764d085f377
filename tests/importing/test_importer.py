"""From files of other tools to a run folder that everything else reads."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from imported import (
    NAME,
    K,
    M,
    N,
    answers_on,
    write_annb,
    write_bigann,
    write_dataset,
    write_qdrant,
    write_vectordbbench,
    write_vibe,
)

import vbench
from vbench.analysis.compare import compare
from vbench.data.load import load
from vbench.errors import VbenchError, VbenchWarning
from vbench.runs.run import Run

LOST = 2
"""Neighbors that every other query misses."""


@pytest.fixture
def answers(tmp_path: Path) -> Any:
    """Ids and distances on the dataset that lies in the folder."""
    return answers_on(write_dataset(tmp_path), LOST)


def take(*paths: Path, **options: Any) -> Run:
    options.setdefault("out", paths[0].parent / "run")
    return vbench.import_results(list(paths), **options)


def test_a_curve_of_published_answers(tmp_path: Path, answers: Any) -> None:
    """Recall and robustness are those of the ids, counted against our own exact neighbors."""
    exact = answers_on(load(tmp_path / f"{NAME}.hdf5"), 0)
    folder = tmp_path / "results" / NAME / "10" / "hnswlib"
    write_annb(folder / "euclidean_M_16_10.hdf5", *answers, ef=10)
    write_annb(folder / "euclidean_M_16_40.hdf5", *exact, ef=40)
    run = take(tmp_path / "results")
    low, high = run.settings()
    assert (low.search, high.search) == ({"efQuery": 10}, {"efQuery": 40})
    assert low.build == {"M": 16, "efConstruction": 200}
    assert low.recall == pytest.approx(1 - LOST / K / 2)
    assert high.recall == 1.0
    value = run.measure("Robustness(delta=0.9)@10")["value"].to_list()
    assert value == [0.5, 1.0]
    assert run.measure("Latency(p=50)")["value"][0] == pytest.approx(2e-5, rel=0.1)
    assert run.measure("BuildTime")["value"][0] == 1.25
    assert run.measure("IndexSize")["value"][0] == 40 * 1024


def test_the_manifest_says_where_it_is_from(tmp_path: Path, answers: Any) -> None:
    """The tool, a digest of each file, and what is lost; it is the first warning, too."""
    path = write_annb(tmp_path / "a.hdf5", *answers)
    run = take(path)
    origin = run.manifest.origin
    assert origin is not None
    assert origin.tool == "ann-benchmarks"
    assert list(origin.files) == [str(path)]
    assert "times of all passes but the last of 2" in origin.lost
    assert any("any build beside the one" in each for each in origin.lost)
    assert run.manifest.warnings[0].code == "imported"
    assert run.manifest.environments == {}


def test_builds_of_files_are_builds_of_the_run(tmp_path: Path, answers: Any) -> None:
    """Results of other build times with the same parameters are builds, paired with nothing."""
    for number in range(3):
        write_vibe(tmp_path / f"v{number}.hdf5", {"10": answers}, build_time=1.0 + number)
    run = take(*(tmp_path / f"v{number}.hdf5" for number in range(3)), out=tmp_path / "run")
    (setting,) = run.settings()
    assert len(setting.trials) == 3
    assert run.manifest.options.builds == 3
    assert {build.seeded for build in run.manifest.builds} == {False}


def test_what_has_no_times_has_no_latency(tmp_path: Path, answers: Any) -> None:
    """Of big-ann-benchmarks the one call is known."""
    run = take(write_bigann(tmp_path / "b.hdf5", answers[0], 4))
    assert run.measure("QPS")["value"].to_list() == [None]
    assert run.measure("BatchQPS")["value"][0] == pytest.approx(M / 0.01)
    assert run.measure("Work")["value"][0] == 2
    assert run.report().is_file()


def test_hits_alone_make_a_curve(tmp_path: Path) -> None:
    """Recalls of every query are enough for robustness; what needs ids says so."""
    write_dataset(tmp_path)
    hits = np.arange(M) % (K + 1)
    run = take(write_qdrant(tmp_path / "q.json", hits), k=K)
    assert run.measure("Robustness(delta=0.9)@10")["value"][0] == (hits >= 9).mean()
    assert run.tail().indexes[0].worst
    assert run.report().is_file()
    with pytest.raises(VbenchError, match="ids that were returned were not recorded"):
        run.measure("nDCG@10")


def test_answers_of_any_system_are_a_run(tmp_path: Path, answers: Any) -> None:
    """Those that are missing count as misses and are named."""
    frame = pl.DataFrame({"query": list(range(1, M)), "ids": answers[0][1:].tolist()})
    frame.write_parquet(tmp_path / "ours.parquet")
    run = take(tmp_path / "ours.parquet", dataset=tmp_path / f"{NAME}.hdf5")
    (setting,) = run.settings()
    assert setting.index == "ours"
    assert setting.hits[0, 0] == 0
    (warning,) = (each for each in run.manifest.warnings if each.code == "no-answer")
    assert "1 of 20 queries have" in warning.message
    assert "query 0" in warning.message


def test_times_of_two_origins_are_not_compared(tmp_path: Path, answers: Any) -> None:
    """Recall is judged, times are not; nor are those of two imports of one tool."""
    data = load(tmp_path / f"{NAME}.hdf5")
    theirs = take(write_vibe(tmp_path / "v.hdf5", {"10": answers}))
    again = take(write_vibe(tmp_path / "w.hdf5", {"10": answers}), out=tmp_path / "again")
    ours = vbench.run(data, "flat", k=K, builds=1, repeats=1, out=tmp_path / "own", progress=False)
    for baseline in (ours, again):
        found = compare([baseline, theirs], measures=["Recall@10", "QPS", "BuildTime"],
                        baseline=baseline.settings()[0].index, candidate="hnswlib")  # fmt: skip
        judged = {row.measure: row.unjudged for row in found.comparisons}
        assert not judged["Recall@10"]
        assert judged["QPS"]
        assert judged["BuildTime"]
        assert any(change.aspect == "origin" for change in found.changes)
        assert any(each.code == "unlike-costs" for each in found.warnings)


def test_a_page_of_two_origins_says_so(tmp_path: Path, answers: Any) -> None:
    """What stands on one page is not measured by one hand."""
    theirs = take(write_vibe(tmp_path / "v.hdf5", {"10": answers}))
    others = take(write_annb(tmp_path / "a.hdf5", *answers), out=tmp_path / "others")
    page = vbench.report([theirs, others], tmp_path / "page.html").read_text(encoding="utf-8")
    assert "unlike origins" in page
    assert "Measured by" in page


def test_an_import_builds_nothing_again(tmp_path: Path, answers: Any) -> None:
    """Its internals cannot be read, which is one line."""
    from vbench.analysis.rebuild import explain_internals

    run = take(write_annb(tmp_path / "a.hdf5", *answers))
    data = load(tmp_path / f"{NAME}.hdf5")
    with pytest.raises(VbenchError, match="imported from ann-benchmarks"):
        explain_internals(run.settings()[0], data, 0.9, lambda number: None)


def test_the_dataset_is_found_beside_the_results(tmp_path: Path) -> None:
    """As the tools lay it out: data/NAME.hdf5; where it is not, its name is said."""
    (tmp_path / "data").mkdir()
    answers = answers_on(write_dataset(tmp_path / "data"))
    path = write_annb(tmp_path / "results" / "a.hdf5", *answers)
    assert take(path).manifest.dataset.n == N
    shutil.rmtree(tmp_path / "data")
    with pytest.raises(VbenchError, match=rf"the dataset {NAME}.*give it with"):
        take(path, out=tmp_path / "other")


def test_results_of_two_tools_are_two_runs(tmp_path: Path, answers: Any) -> None:
    """A run has one origin, and one dataset."""
    one = write_annb(tmp_path / "a.hdf5", *answers)
    two = write_vibe(tmp_path / "v.hdf5", {"10": answers})
    with pytest.raises(VbenchError, match="ann-benchmarks and VIBE: a run is of one tool"):
        take(one, two)
    other = write_annb(tmp_path / "b.hdf5", *answers, dataset="glove")
    with pytest.raises(VbenchError, match="a run is on one dataset"):
        take(one, other)


def test_the_same_result_twice_is_left_out(tmp_path: Path, answers: Any) -> None:
    """A copied file is no second build."""
    for name in ("a", "b"):
        write_annb(tmp_path / name / "x.hdf5", *answers)
    with pytest.warns(VbenchWarning, match="the same index, build and setting as"):
        run = take(tmp_path / "a", tmp_path / "b", dataset=tmp_path / f"{NAME}.hdf5",
                   out=tmp_path / "run")  # fmt: skip
    assert len(run.manifest.trials) == 1


def test_what_is_damaged_is_left_out(tmp_path: Path, answers: Any) -> None:
    """The others are taken; alone it is an error."""
    good = write_annb(tmp_path / "a.hdf5", *answers)
    bad = tmp_path / "b.hdf5"
    bad.write_bytes(good.read_bytes()[:900])
    with pytest.warns(VbenchWarning, match=r"left out: .*b\.hdf5: not a whole HDF5 file"):
        take(good, bad)
    with pytest.raises(VbenchError, match="not a whole HDF5 file"):
        take(bad, out=tmp_path / "other")


def test_means_alone_make_no_run(tmp_path: Path) -> None:
    """Nothing is written of them."""
    with pytest.raises(VbenchError, match="only means are known"):
        take(write_vectordbbench(tmp_path / "v.json"))
    assert not (tmp_path / "run").exists()


def test_a_folder_is_thrown_away_when_asked_only(tmp_path: Path, answers: Any) -> None:
    """Another import goes with fresh; a run that was measured stays."""
    path = write_annb(tmp_path / "a.hdf5", *answers)
    take(path)
    with pytest.raises(VbenchError, match="holds a run; give another folder"):
        take(path)
    take(path, fresh=True)
    own = tmp_path / "own"
    vbench.run(tmp_path / f"{NAME}.hdf5", "flat", builds=1, repeats=1, out=own, progress=False)
    with pytest.raises(VbenchError, match="holds a run"):
        take(path, out=own, fresh=True)
    assert Run(own).settings()


def test_nothing_is_left_where_it_fails(tmp_path: Path, answers: Any) -> None:
    """No half of a run."""
    ids = answers[0].copy()
    ids[0, 0] = N
    with pytest.raises(VbenchError, match="query 0 got id 120"):
        take(write_annb(tmp_path / "a.hdf5", ids, answers[1]))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [("nope.hdf5", "no such file"), ("x.txt", "results are read from"), (".", "no results there")],
)
def test_what_holds_no_results_is_one_line(tmp_path: Path, name: str, said: str) -> None:
    """What is missing, and what would do."""
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(VbenchError, match=said):
        take(tmp_path / name)


def test_a_dataset_is_not_taken_for_results(tmp_path: Path) -> None:
    """It is told where it belongs."""
    with pytest.raises(VbenchError, match="it is a dataset: give it with dataset"):
        take(write_dataset(tmp_path))
