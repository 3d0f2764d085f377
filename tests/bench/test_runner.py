"""Runs, end to end: what they leave, how they go on, and what a misbehaving index costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import learners
import misbehaving
import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

import vbench
from vbench._process import child
from vbench.bench.findings.findings import findings
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.metric import distance
from vbench.runs import files
from vbench.runs.rows import amend_trial

TESTS = Path(__file__).parents[1]
N, M, K = 300, 40, 5


@pytest.fixture
def dataset() -> Dataset:
    return Dataset("tiny", *gaussian_pair(N, M, 8, seed=5), "l2")


def once(dataset: Dataset, index: str, out: Path, **changes: object) -> vbench.Run:
    options: dict = {"k": K, "builds": 1, "repeats": 1, "out": out}
    return vbench.run(dataset, index, **options | changes)


def test_a_run_scores_what_the_index_answered(dataset: Dataset, tmp_path: Path) -> None:
    """Hits equal a plain computation, for every setting, though the base was permuted."""
    run = once(dataset, "misbehaving:Swept", tmp_path / "run", builds=2)
    exact = distance(dataset.queries[:, None], dataset.base[None], "l2").argsort(axis=1)[:, :K]
    assert len(run.done) == 2 * 3
    for trial in run.done:
        answers = run.answers(trial)
        plain = [len(set(a) & set(b)) for a, b in zip(answers.ids, exact, strict=True)]
        assert answers.hits.tolist() == plain
        assert answers.latency_ns.shape == (M, 1)
        facts, first = run.facts(trial), run.rows(trial, ("first_ns",)).first_ns
        assert first is not None
        assert first.shape == (M,)
        assert facts.passes[0].order_seed is not None
        assert facts.clock_ratio is not None
        assert 0 < facts.clock_ratio <= 1
    frame = run.measure(f"Recall@{K}")
    assert frame["setting"].to_list() == ["keep=0.5", "keep=0.75", "keep=1.0"]
    assert frame["value"].to_list()[-1] == 1.0
    assert frame["value"].is_sorted()


def test_builds_differ_by_seed_and_order_and_a_seed_repeats_them(
    dataset: Dataset, tmp_path: Path
) -> None:
    """Half of a shuffled base is another half in each build, and the same one next time."""
    first, again = (once(dataset, "misbehaving:Swept", tmp_path / x, builds=2) for x in "ab")
    hits = [run.settings()[0].hits for run in (first, again)]
    assert (hits[0][0] != hits[0][1]).any()
    assert np.array_equal(*hits)
    other = once(dataset, "misbehaving:Swept", tmp_path / "c", builds=2, seed=1)
    assert not np.array_equal(hits[0], other.settings()[0].hits)


def test_a_run_whose_queries_file_is_gone_measures_nothing_again(
    dataset: Dataset, tmp_path: Path
) -> None:
    """The file is written anew, as its error says; the trials stay as they are."""
    run = once(dataset, "flat", tmp_path / "run", k=np.int64(K))
    (trial,) = run.done
    before = files.trial_path(run.path, trial.key).stat().st_mtime_ns
    (run.path / files.QUERIES).unlink()
    with pytest.raises(VbenchError, match=r"run. again"):
        vbench.open(run.path).queries  # noqa: B018  # read when it is asked for
    again = once(dataset, "flat", tmp_path / "run")
    assert again.queries.height == M
    assert files.trial_path(run.path, trial.key).stat().st_mtime_ns == before


def test_each_k_is_a_trial_of_its_own(dataset: Dataset, tmp_path: Path) -> None:
    """Several cutoffs are searched and scored apart."""
    run = once(dataset, "flat", tmp_path / "run", k=[3, 7])
    assert sorted(trial.k for trial in run.done) == [3, 7]
    assert run.measure("Recall@7")["value"].to_list() == [1.0]
    with pytest.raises(VbenchError, match="K=3, 7"):
        run.measure("Recall@5")


def test_the_same_call_again_measures_nothing(dataset: Dataset, tmp_path: Path) -> None:
    """A finished run is opened as it is; `fresh` measures again."""
    before = once(dataset, "flat", tmp_path / "run")
    path = files.trial_path(before.path, before.done[0].key)
    stamp = path.stat().st_mtime_ns
    once(dataset, "flat", tmp_path / "run")
    assert path.stat().st_mtime_ns == stamp
    once(dataset, "flat", tmp_path / "run", fresh=True)
    assert path.stat().st_mtime_ns > stamp


AT_FAULT = {
    "Floats": "float64",
    "TooWide": f"k={K}",
    "OutOfRange": f"0 to {N - 1}",
    "ChangesQueries": "changed the queries",
    "ChangesBase": "read-only",
    "CrashesInFit": "SIGSEGV",
    "CrashesInSearch": "SIGSEGV",
    "RaisesInFit": "the index server is not there (in fit)",
    "RaisesInInit": "no license found",
    "Quits": "SystemExit: goodbye from the index (in search)",
    "NegativeSize": "size_bytes returned -3",
}


def test_an_index_at_fault_fails_its_trials_and_no_others(dataset: Dataset, tmp_path: Path) -> None:
    """The reason of each is noted, the other index has its result."""
    names = [f"misbehaving:{name}" for name in AT_FAULT]
    run = once(dataset, [*names, "flat"], tmp_path / "run")
    for failure, (name, reason) in zip(run.manifest.failures, AT_FAULT.items(), strict=True):
        trial = next(each for each in run.manifest.trials if each.key == failure.trial)
        assert run.build_of(trial).index == f"misbehaving:{name}"
        assert reason in failure.reason
    (done,) = run.done
    assert run.build_of(done).index == "flat"
    # How busy and how old the machine is says nothing about the index.
    codes = {warning.code for warning in run.manifest.warnings}
    assert codes - {"disturbed", "busy-machine", "old-kernel"} == {"failed-trials"}


def test_a_hang_ends_at_the_timeout(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that never returns costs the timeout, once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "time", misbehaving.LateClock)
    run = once(dataset, "misbehaving:HangsInSearch", tmp_path / "run", timeout=3600)
    assert "no result after 3600 s (in search" in run.manifest.failures[0].reason


def test_an_index_that_eats_memory_is_stopped(dataset: Dataset, tmp_path: Path) -> None:
    """The limit holds for the worker, and the reason gives both numbers."""
    run = once(dataset, "misbehaving:EatsMemory", tmp_path / "run", memory_limit=600_000_000)
    assert "more than the limit of 0.60 GB" in run.manifest.failures[0].reason


@pytest.mark.parametrize("index", ["RaisesAtSetting", "CrashesAtSetting"])
def test_a_fault_at_one_setting_leaves_the_others(
    dataset: Dataset, tmp_path: Path, index: str
) -> None:
    """After a crash the build is made again for the settings that are left."""
    run = once(dataset, f"misbehaving:{index}", tmp_path / "run")
    assert len(run.manifest.failures) == 1
    assert len(run.done) == 2


def test_pads_repeats_and_unstable_answers_are_counted(dataset: Dataset, tmp_path: Path) -> None:
    """They are no failures: the rules of hits score them, and a warning tells."""
    indexes = [f"misbehaving:{name}" for name in ("Pads", "Duplicates", "Fickle", "BatchDiffers")]
    run = once(dataset, indexes, tmp_path / "run", repeats=2)
    assert not run.manifest.failures
    abouts = {warning.about for warning in run.manifest.warnings}
    assert {"short answers", "repeated ids", "unstable ids", "batch differs"} <= abouts


def test_the_size_of_a_saved_folder_is_that_of_its_files(dataset: Dataset, tmp_path: Path) -> None:
    """Where the adapter does not say its size, what `save` wrote is counted, all of it."""
    run = once(dataset, "misbehaving:WritesFolder", tmp_path / "run")
    assert run.facts(run.done[0]).sizes == {"index": 10}


def test_a_close_that_goes_wrong_is_told(dataset: Dataset, tmp_path: Path) -> None:
    """With the last trial of its build, and as a warning; the trials stand."""
    run = once(dataset, "misbehaving:RaisesInClose", tmp_path / "run", builds=2)
    for trial in run.done:
        close = run.facts(trial).close
        assert close is not None
        assert close.error == "RuntimeError: the server would not stop (in close)"
    (warning,) = (each for each in run.manifest.warnings if each.about == "close")
    assert "went wrong 2 of 2 times: RuntimeError: the server would not stop" in warning.message


def test_a_close_that_goes_well_is_noted_only(dataset: Dataset, tmp_path: Path) -> None:
    """How long it took."""
    run = once(dataset, "flat", tmp_path / "run")
    close = run.facts(run.done[0]).close
    assert close is not None
    assert close.s > 0.0
    assert close.error is None
    assert "close" not in {each.about for each in run.manifest.warnings}


def test_more_cores_than_threads_is_a_finding(dataset: Dataset, tmp_path: Path) -> None:
    """Those of all that the index started count."""
    run = once(dataset, "flat", tmp_path / "run")
    key = run.done[0].key
    for cores, told in ((None, False), (1.1, False), (3.0, True)):
        amend_trial(run.path, key, cores_seen=cores)
        abouts = {each.about: each.message for each in findings(vbench.open(run.path))}
        assert ("more cores" in abouts) == told
    assert "kept 3.0 cores busy, with 1 threads allowed" in abouts["more cores"]


def test_what_an_index_starts_ends_with_its_worker(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a process that has left the worker's group."""
    monkeypatch.chdir(tmp_path)
    once(dataset, "misbehaving:StartsServer", tmp_path / "run")
    assert not misbehaving.servers()


def test_failed_trials_are_warned_of_in_python(dataset: Dataset, tmp_path: Path) -> None:
    """Whoever calls from Python reads no table; the repr counts too."""
    with pytest.warns(vbench.VbenchWarning, match="1 of 2 trials done, 1 failed: .*not there"):
        run = once(dataset, ["flat", "misbehaving:RaisesInFit"], tmp_path / "run")
    assert repr(run) == f"<Run {tmp_path / 'run'}: 1 of 2 trials done, 1 failed>"
    with pytest.warns(vbench.VbenchWarning, match="0 of 1 trials done, 1 failed"):
        once(dataset, "misbehaving:RaisesInFit", tmp_path / "none")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert repr(once(dataset, "flat", tmp_path / "whole")).endswith(": 1 of 1 trials done>")


def test_a_parameter_without_effect_is_reported(dataset: Dataset, tmp_path: Path) -> None:
    """A sweep that never changes the answers is a finding."""
    run = once(dataset, "misbehaving:Deaf", tmp_path / "run")
    assert "same-answers" in {warning.code for warning in run.manifest.warnings}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"index": "hnws"}, "did you mean 'hnsw'"),
        ({"settings": {"ef": ["many"]}}, "ef='many'"),
        ({"k": N + 1}, str(N)),
        ({"builds": 0}, "builds=0"),
    ],
)
def test_a_wrong_call_writes_nothing(
    dataset: Dataset, tmp_path: Path, changes: dict, says: str
) -> None:
    """What was given and what is allowed are named before anything is made."""
    arguments = {"index": "hnsw"} | changes
    with pytest.raises(VbenchError, match=says):
        once(dataset, arguments.pop("index"), tmp_path / "run", **arguments)
    assert not (tmp_path / "run").exists()


def test_segments_may_have_any_name(dataset: Dataset, tmp_path: Path) -> None:
    """Also one that the run folder uses itself."""
    segments = pl.DataFrame({"query": ["q"] * M})
    named = Dataset("named", dataset.base, dataset.queries, "l2", segments=segments)
    run = once(named, "flat", tmp_path / "run")
    assert run.columns["query"].to_list() == ["q"] * M


def test_a_folder_with_something_else_is_left_alone(dataset: Dataset, tmp_path: Path) -> None:
    """Neither other files nor a run of other options are written over."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(VbenchError, match="something else"):
        once(dataset, "flat", tmp_path, fresh=True)
    once(dataset, "flat", tmp_path / "run")
    with pytest.raises(VbenchError, match=r"seed 0, this call has 7"):
        once(dataset, "flat", tmp_path / "run", seed=7)
    once(dataset, "flat", tmp_path / "run", seed=7, fresh=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_is_written_by_one_run_at_a_time(dataset: Dataset, tmp_path: Path) -> None:
    """A second run in the same folder is refused while the first holds it."""
    run = once(dataset, "flat", tmp_path / "run")
    with files.hold_folder(run.path), pytest.raises(VbenchError, match="another vbench run"):
        once(dataset, "flat", tmp_path / "run")


_SCRIPT = """
import sys, numpy as np, vbench
sys.path.insert(0, {tests!r})
rng = np.random.default_rng(1)
base, queries = (rng.normal(size=(size, 6)).astype(np.float32) for size in (200, 30))
dataset = vbench.Dataset("tiny", base, queries, "ip")
vbench.run(dataset, "misbehaving:Slow", k=3, builds=2, repeats=1, out={out!r})
"""


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """After kill -9 nothing is lost, nothing is done twice, and no worker is left behind."""
    script = _SCRIPT.format(tests=str(TESTS), out=str(tmp_path / "run"))
    trials = tmp_path / "run" / "trials"
    first = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 300
    while not list(trials.glob("*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = children(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    kept = {path: path.stat().st_mtime_ns for path in trials.glob("*.parquet")}
    assert kept
    while any(is_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(is_alive(pid) for pid in workers)
    subprocess.run([sys.executable, "-c", script], check=True)
    run = vbench.open(tmp_path / "run")
    assert len(run.done) == len(run.manifest.trials)
    assert kept.items() <= {p: p.stat().st_mtime_ns for p in trials.glob("*.parquet")}.items()


def children(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def is_alive(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("index", ["flat", "misbehaving:Exact", "hnsw"])
def test_zero_rows_are_given_to_no_index(index: str, tmp_path: Path) -> None:
    """In many dimensions they would be nearer than most, whatever transform an index needs."""
    base, queries = gaussian_pair(200, 20, 60, seed=8)
    base[[0, 7, 199]] = 0.0
    with pytest.warns(UserWarning, match="3 of 200 base vectors are zero vectors"):
        data = vbench.load(base, queries=queries, metric="cosine", name="hollow")
    run = once(data, index, tmp_path / "run", k=50)
    assert run.done
    answers = run.answers(run.done[-1])
    assert not np.isin(answers.ids, [0, 7, 199]).any()
    assert answers.hits.mean() > 49
    assert run.manifest.dataset.zero_rows == 3
    if index != "hnsw":
        assert (answers.hits == 50).all()


def test_an_index_learns_from_queries_that_are_never_asked(tmp_path: Path) -> None:
    """Both indexes are asked the same ones, and run.json says who learned from what."""
    base, queries = gaussian_pair(N, M, 8, seed=5)
    dataset = vbench.load(base, queries=queries, metric="ip", learn=10)
    np.save(tmp_path / "asked.npy", dataset.queries)
    run = vbench.run(
        dataset,
        ["learners:Asks", "flat"],
        settings={"asked": [str(tmp_path / "asked.npy")]},
        k=K,
        builds=1,
        repeats=1,
        out=tmp_path / "run",
    )
    assert run.manifest.failures == []
    assert run.manifest.dataset.m == 30
    assert dataset.learn is not None
    known = run.manifest.dataset.learn
    assert known is not None
    assert (known.rows, known.digest) == (10, dataset.learn.digest)
    assert {each.index: each.learn for each in run.manifest.builds} == {
        "learners:Asks": known.digest,
        "flat": None,
    }


def test_a_class_learns_in_the_space_that_it_searches(tmp_path: Path) -> None:
    """Queries to learn from are transformed as those that are asked; what it learned matters."""
    queries = np.abs(gaussian_pair(N, M, 8, seed=6)[1]) + 0.5
    base = gaussian_pair(N, M, 8, seed=6)[0]
    options: dict = {"metric": "cosine", "k": K, "builds": 1, "repeats": 1}
    run = vbench.run(
        *(base, learners.Needed), queries=queries, learn=20, out=tmp_path / "run", **options
    )
    assert run.manifest.failures == []
    learned = run.settings()[0].recall
    plain = vbench.run(
        vbench.load(base, queries=run_queries(run, queries), metric="cosine"),
        *(learners.Needed,),
        out=tmp_path / "plain",
        **{x: y for x, y in options.items() if x != "metric"},
    )
    assert learned > plain.settings()[0].recall + 0.2
    found = plain.compare(run, settings="keep=0.25", measures=f"Recall@{K}")
    changes = {each.name: each.baseline for each in found.changes}
    assert changes["queries learned from"] == "–"


def run_queries(run: vbench.Run, queries: np.ndarray) -> np.ndarray:
    """Those of the queries that a run asked."""
    return queries[run.query_ids.to_numpy()]


def test_an_index_that_changes_what_it_learns_from_fails(tmp_path: Path) -> None:
    """As where it changes the base."""
    base, queries = gaussian_pair(N, M, 8, seed=5)
    dataset = vbench.load(base, queries=queries, metric="ip", learn=10)
    with pytest.warns(vbench.VbenchWarning):
        run = once(dataset, "learners:ChangesLearn", tmp_path / "run")
    assert "fit changed the queries to learn from" in run.manifest.failures[0].reason
