"""Runs on a real Dask scheduler with real worker processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from schedulers import local_cluster
from vectors import gaussian_pair

import vbench
from vbench.bench.cluster.cluster import open_cluster, unlike_packages
from vbench.bench.cluster.parts import place_of
from vbench.bench.cluster.truth import find_by_workers, find_ground_truth
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth
from vbench.errors import FailedTrialsWarning, MissingExtraError, VbenchError
from vbench.runs import files
from vbench.runs.rows import read_rows
from vbench.runs.run import Run

pytest.importorskip("distributed")
N, M = 300, 40


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One for the workers of all tests here, and for this process."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VBENCH_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    """A scheduler with two workers."""
    with local_cluster(2) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Vectors that lie on disk, with ties."""
    folder = tmp_path_factory.mktemp("data")
    base, queries = gaussian_pair(N, M, 6, seed=3)
    base[200:] = base[:100]
    np.save(folder / "base.npy", base)
    np.save(folder / "queries.npy", queries)
    return vbench.load(folder / "base.npy", queries=folder / "queries.npy", metric="l2")


def answers(run: Run) -> dict[str, list[list[int]]]:
    found = {}
    for trial in run.done:
        ids = read_rows(files.trial_path(run.path, trial.key), run.facts(trial), ("ids",)).ids
        assert ids is not None
        found[trial.key] = ids.tolist()
    return found


def test_a_run_on_workers_is_that_of_one_machine(
    dataset: Dataset, address: str, tmp_path: Path
) -> None:
    """The same trials and answers, a machine for each; also where a run goes on on workers."""
    asked = {"k": 3, "builds": 2, "repeats": 1, "keep_indexes": False}
    alone = vbench.run(dataset, "hnsw", settings={"ef": [4, 8]}, out=tmp_path / "alone", **asked)
    first = vbench.run(dataset, "hnsw", settings={"ef": [4]}, out=tmp_path / "run", **asked)
    before = answers(first)
    run = vbench.run(
        dataset, "hnsw", settings={"ef": [4, 8]}, out=tmp_path / "run", workers=address, **asked
    )
    assert answers(run) == answers(alone)
    assert before.items() <= answers(run).items()
    assert not run.manifest.failures
    places = {run.facts(trial).environment for trial in run.done}
    assert places <= run.manifest.environments.keys()
    assert all(build.environment in places for build in run.manifest.builds)
    assert run.manifest.options.jobs == 2
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {path.name for path in (tmp_path / "alone").iterdir()}


@pytest.mark.slow
def test_a_level_is_found_on_a_worker(dataset: Dataset, address: str, tmp_path: Path) -> None:
    """Settings that are chosen over all builds are chosen where they are made."""
    asked = {"k": 3, "builds": 2, "repeats": 1, "at_recall": 0.8}
    run = vbench.run(dataset, "ivf-flat", out=tmp_path / "run", workers=address, **asked)
    alone = vbench.run(dataset, "ivf-flat", out=tmp_path / "alone", **asked)
    assert run.levels == alone.levels
    assert answers(run) == answers(alone)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_task_only(
    dataset: Dataset, address: str, tmp_path: Path
) -> None:
    """It is done again by another, and the run is whole."""
    run = vbench.run(
        dataset,
        "clustered:Deadly",
        k=3,
        builds=2,
        repeats=1,
        settings={"place": [str(tmp_path)]},
        out=tmp_path / "run",
        workers=address,
    )
    assert len(list(tmp_path.glob("killed-*"))) == 1
    assert len(run.done) == 2
    assert not run.manifest.failures


@pytest.mark.slow
def test_a_task_that_kills_every_worker_is_given_up(
    dataset: Dataset, address: str, tmp_path: Path
) -> None:
    """Its trial is a failure that says so."""
    with pytest.warns(FailedTrialsWarning, match="workers were lost on it"):
        run = vbench.run(
            dataset,
            "clustered:Deadly",
            k=3,
            builds=1,
            repeats=1,
            settings={"place": [str(tmp_path)], "times": [9]},
            out=tmp_path / "run",
            workers=address,
        )
    assert not run.done
    assert [each.kind for each in run.manifest.failures] == ["lost"]


@pytest.mark.parametrize(("slots", "depth"), [(2, 20), (7, 3)])
def test_exact_neighbors_are_those_of_one_machine(
    dataset: Dataset,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    slots: int,
    depth: int,
) -> None:
    """However queries and base are divided, ties by ascending id."""
    alone = compute_ground_truth(dataset, depth, cache=False)
    monkeypatch.setenv("VBENCH_HOME", str(tmp_path))
    told: list[tuple[int, int]] = []
    with open_cluster(address, 1) as cluster:
        place = place_of(dataset, cluster)
        found = find_ground_truth(
            cluster._replace(slots=slots), place, dataset, depth, lambda *now: told.append(now)
        )
    np.testing.assert_array_equal(found.ids, alone.ids)
    np.testing.assert_array_equal(found.distances, alone.distances)
    assert told[-1] == (N * M, N * M)
    # It is kept: no cluster is asked again, and what is asked here finds it.
    assert list(tmp_path.glob(f"truth/*/depth-{depth}.npz"))


def test_workers_that_are_started_here_look_at_nothing_beside() -> None:
    """No profile is taken of what is timed, and the client is as it was afterwards."""
    import dask

    before = dask.config.get("distributed.worker.profile.enabled")
    with open_cluster("local", len(os.sched_getaffinity(0))) as cluster:
        found = cluster.client.run(dask.config.get, "distributed.worker.profile.enabled")
    assert set(found.values()) == {False}
    assert dask.config.get("distributed.worker.profile.enabled") == before


def test_vectors_in_memory_are_refused(address: str, tmp_path: Path) -> None:
    """No worker sees them."""
    made = Dataset("made", *gaussian_pair(50, 5, 4, seed=0), "l2")
    with pytest.raises(VbenchError, match="memory of this process"):
        vbench.run(made, "flat", k=3, out=tmp_path / "run", workers=address)
    with pytest.raises(VbenchError, match="memory of this process"):
        find_by_workers(address, made, 3)
    assert not (tmp_path / "run").exists()


def test_other_vectors_at_a_worker_are_refused(
    dataset: Dataset, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told by their fingerprint."""
    monkeypatch.setenv("VBENCH_HOME", str(tmp_path))
    with open_cluster(address, 1) as cluster:
        place = place_of(dataset, cluster)._replace(fingerprint="0" * 64)
        with pytest.raises(VbenchError, match="has other data at"):
            find_ground_truth(cluster, place, dataset, 3)


def test_other_versions_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first package that differs is named."""
    known = vbench.bench.machine.packages()
    monkeypatch.setattr("vbench.bench.machine.packages", lambda: {**known, "numpy": "0.1"})
    with (
        pytest.raises(VbenchError, match=r"worker tcp.* has numpy [\d.]+, here it is 0.1"),
        open_cluster(address, 1),
    ):
        pass
    assert unlike_packages({"a": "1"}, {}) == "no a, here it is 1"
    assert unlike_packages({}, {"a": "1"}) == "a 1, here it is not installed"
    assert unlike_packages({"a": "1"}, {"a": "1"}) is None


def test_a_folder_that_is_not_shared_is_refused(
    dataset: Dataset, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker must see what is written here, and the other way round."""
    real = Path.write_text

    def write_elsewhere(path: Path, text: str) -> int:
        return real(path.with_name("elsewhere"), text)

    monkeypatch.setattr(Path, "write_text", write_elsewhere)
    with pytest.raises(VbenchError, match=r"does not see .* all machines share with out"):
        vbench.run(dataset, "flat", k=3, out=tmp_path / "run", workers=address)
    assert not (tmp_path / "run").exists()


def test_a_cluster_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what was given, and what to give."""
    monkeypatch.setattr("vbench.bench.cluster.cluster._REACH_WITHIN_SECONDS", 0.2)
    for given, why in [
        ("tcp://127.0.0.1:9", "no cluster can be reached at tcp://127.0.0.1:9"),
        ("here", "'here' is no address, such as tcp://HOST:8786"),
        ("http://127.0.0.1:9", "is no address"),
    ]:
        with pytest.raises(VbenchError, match=why), open_cluster(given, 1):
            pass


def test_workers_that_offer_nothing_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tasks could be timed on the same cores; nor is a cluster of use that has no worker."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=0,
        processes=False,
        protocol="tcp://",
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
    ) as cluster:
        monkeypatch.setattr("vbench.bench.cluster.cluster._WORKERS_WITHIN_SECONDS", 0.2)
        with (
            pytest.raises(VbenchError, match="has no worker; start some: dask worker"),
            open_cluster(cluster.scheduler_address, 1),
        ):
            pass
        monkeypatch.setattr("vbench.bench.cluster.cluster._WORKERS_WITHIN_SECONDS", 60)
        cluster.scale(1)
        with (
            pytest.raises(VbenchError, match="offers no resource 'vbench'"),
            open_cluster(cluster.scheduler_address, 1),
        ):
            pass


def test_jobs_are_of_one_machine(dataset: Dataset) -> None:
    """With workers, each makes one build at a time."""
    with pytest.raises(VbenchError, match="device='cuda' is of this machine"):
        vbench.run(dataset, "flat", k=3, device="cuda", workers="local")
    with pytest.raises(VbenchError, match="jobs=2 is of one machine"):
        vbench.run(dataset, "flat", k=3, jobs=2, workers="local")


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"vbench-ann\[dask\]"), open_cluster("local", 1):
        pass


@pytest.mark.slow
def test_the_command_starts_workers_here(dataset: Dataset, tmp_path: Path) -> None:
    """`--workers local`: nothing of them is left, neither processes nor lines."""
    source = dataset.source
    words = ["run", "-i", "flat", "-d", source["name_or_path"], "-k", "3", "--workers", "local"]
    words += ["--queries", source["queries"], "--metric", "l2", "--builds", "1", "--repeats", "1"]
    on_one_core = (
        "import os; cores = sorted(os.sched_getaffinity(0)); os.sched_setaffinity(0, cores[:1]); "
        "from vbench.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", on_one_core, *words, "--out", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "distributed" not in done.stderr
    assert len(Run(tmp_path / "run").done) == 1
    assert not (tmp_path / "run" / "parts").exists()
