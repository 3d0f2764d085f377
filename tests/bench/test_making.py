"""Builds side by side: on cores of their own, asked alone, ended together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from vectors import gaussian_pair

import vbench
from vbench._process.cores import usable_cores
from vbench.bench.workers import Workers, _divide
from vbench.data.dataset import Dataset
from vbench.errors import FailedTrialsWarning, VbenchError
from vbench.runs.schema import Build, Options

pytestmark = pytest.mark.skipif(len(usable_cores()) < 2, reason="needs two cores")


@pytest.fixture
def dataset() -> Dataset:
    return Dataset("tiny", *gaussian_pair(200, 20, 6, seed=5), "l2")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where builds meet."""
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.setenv("MEETING_PLACE", str(folder))
    return folder


def options(jobs: int) -> Options:
    return Options(k=[3], builds=2, repeats=1, jobs=jobs, timeout=120.0)


def builds(*names: str, adapter: str = "meeting:Meets", **params: object) -> list[Build]:
    return [
        Build(key=name, index=name, adapter=adapter, seed=number, params=params)
        for number, name in enumerate(names)
    ]


def test_builds_are_made_side_by_side_and_asked_alone(dataset: Dataset, tmp_path: Path) -> None:
    """Each waits for the other in `fit`; none is searched meanwhile. The run says so."""
    told: list[str] = []
    run = vbench.run(
        dataset,
        "meeting:Meets",
        k=3,
        builds=2,
        repeats=1,
        jobs=2,
        out=tmp_path / "run",
        progress=lambda doing, done, total: told.append(doing),
    )
    assert run.manifest.failures == []
    assert [run.facts(trial).beside for trial in run.done] == [1, 1]
    assert "builds-side-by-side" in {each.code for each in run.manifest.warnings}
    assert "meeting:Meets build 1/2 beside meeting:Meets build 2/2" in told
    # Stored with the kept index too.
    other = vbench.run(dataset, "meeting:Meets", k=3, builds=2, repeats=1, out=tmp_path / "other")
    assert [other.facts(trial).beside for trial in other.done] == [1, 1]


def test_one_that_fails_does_not_harm_the_other(dataset: Dataset, tmp_path: Path) -> None:
    """It fails when it is asked for."""
    with pytest.warns(FailedTrialsWarning, match="not today"):
        run = vbench.run(
            dataset,
            "meeting:Fails",
            k=3,
            builds=1,
            repeats=1,
            jobs=2,
            settings={"fails": [True, False]},
            out=tmp_path / "run",
        )
    assert [run.build_of(trial).params for trial in run.done] == [{"fails": False}]
    assert len(run.manifest.failures) == 1


def test_each_job_has_cores_of_its_own(dataset: Dataset) -> None:
    """And a build that is made keeps them."""
    with Workers(dataset, options(2)) as workers:
        made = builds("a", "b")
        workers.make(made, lambda names: None)
        cores = [psutil.Process(workers.of(each).session.pid).cpu_affinity() for each in made]
        assert sorted(map(len, cores)) == [1, 1]
        assert cores[0] != cores[1]


def test_an_interrupt_ends_all(dataset: Dataset) -> None:
    """Those that are being made, too; and nothing is left to be asked."""
    before = {*psutil.Process().children(recursive=True)}
    seen: list[psutil.Process] = []

    def interrupt(now: Sequence[Build]) -> None:
        if len(now) == 2:
            seen.extend({*psutil.Process().children(recursive=True)} - before)
            raise KeyboardInterrupt

    workers = Workers(dataset, options(2))
    with pytest.raises(KeyboardInterrupt):
        workers.make(builds("a", "b", "c"), interrupt)
    workers.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    _, alive = psutil.wait_procs(seen, timeout=60)
    assert not alive


def test_more_jobs_than_cores_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    """With the number that there is room for."""
    usable = len(usable_cores())
    for jobs, threads in ((usable + 1, 1), (2, usable)):
        with pytest.raises(VbenchError, match=rf"jobs={jobs}; .* enough for {usable // threads} "):
            vbench.run(dataset, "hnsw", jobs=jobs, threads=threads, out=tmp_path / "run")
    with pytest.raises(VbenchError, match="jobs=0; give a whole number from 1 on"):
        vbench.run(dataset, "hnsw", jobs=0, out=tmp_path / "run")


def test_threads_of_builds_are_others_than_those_of_searches(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With their cores, a kept one too; as many as searches have are the same as none said."""
    fits = tmp_path / "fits"
    monkeypatch.setenv("KEEPING_FITS", str(fits))

    def measure(index: str, name: str, **threads: int) -> vbench.Run:
        return vbench.run(dataset, index, k=3, builds=1, repeats=1, out=tmp_path / name, **threads)

    for name in ("a", "b"):
        run = measure("meeting:Wide", name, build_threads=2)
        assert run.manifest.failures == []
        assert run.manifest.options.build_threads == 2
    assert len(fits.read_text().split()) == 1
    plain, said = measure("keeping:Keeps", "c"), measure("keeping:Keeps", "d", build_threads=1)
    assert plain.manifest.builds[0].key == said.manifest.builds[0].key
    assert said.manifest.options.build_threads is None
    with pytest.raises(VbenchError, match="keeping:Keeps cannot be built with 2 threads and"):
        measure("keeping:Keeps", "e", build_threads=2)
    with pytest.raises(VbenchError, match="build_threads=99; this process may use"):
        measure("keeping:Keeps", "e", build_threads=99)


def test_cores_are_divided_from_the_end() -> None:
    """The last group is the one that a single job has."""
    assert _divide([0, 1, 2, 3, 4], 2, 2) == [[1, 2], [3, 4]]
    assert _divide([0, 1, 2], 1, 1) == [[2]]
    assert _divide([0], 1, 2) == [[0], [0]]
