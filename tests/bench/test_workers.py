"""Workers of a run: on cores of their own, with files that go when they do."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
from vectors import gaussian_pair

from vbench._process.cores import Sharer, usable_cores
from vbench.bench import wire
from vbench.bench import workers as module
from vbench.bench.session import Closing, TrialError
from vbench.bench.workers import Workers
from vbench.data.dataset import Dataset
from vbench.runs.schema import Build, Options
from vbench.workloads.views import Change


@pytest.fixture
def dataset() -> Dataset:
    return Dataset("tiny", *gaussian_pair(60, 5, 4, seed=7), "l2")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def options(**changes: Any) -> Options:
    asked: dict[str, Any] = {
        "k": [3],
        "builds": 1,
        "repeats": 1,
        "threads": 1,
        "seed": 0,
        "rule": "exact-tie",
        "warmup": 0,
        "timeout": 60.0,
        "memory_limit": None,
    }
    return Options(**asked | changes)


def build(adapter: str) -> Build:
    return Build(
        key=adapter,
        index=adapter,
        adapter=f"misbehaving:{adapter}",
        transform="none",
        params={},
        number=0,
        seed=1,
    )


def test_all_workers_of_a_run_share_their_cores_and_others_do_not(dataset: Dataset) -> None:
    """As far as the machine has enough; else it is said."""
    if len(usable_cores()) < 2:
        pytest.skip("needs two cores")
    with Workers(dataset, options()) as first:
        pids = [first.of(build(name)).session.pid for name in ("Exact", "Plain")]
        assert [psutil.Process(pid).cpu_affinity() for pid in pids] == [first.cores.numbers] * 2
        with Workers(dataset, options()) as second:
            assert not set(first.cores.numbers) & set(second.cores.numbers)


def test_ages_of_a_build_may_have_workers_of_their_own(dataset: Dataset) -> None:
    """Going back to an earlier age builds nothing again; else one worker goes from age to age."""
    old = Change("replace", np.arange(20))
    aged = msgspec.structs.replace(build("Exact"), adapter="changing:Scan")
    with Workers(dataset, options(), is_kept=True, are_apart=True) as workers:
        pids = [workers.after(aged, [old] * age).session.pid for age in (0, 1, 2, 1, 0)]
        assert len(set(pids)) == 3
        assert pids[0] == pids[4]
        assert pids[1] == pids[3]
        workers.release(aged)
        assert not any(psutil.pid_exists(pid) for pid in pids)
    with Workers(dataset, options(), is_kept=True) as workers:
        pids = [workers.after(aged, [old] * age).session.pid for age in (0, 1, 2, 1)]
        assert pids[0] == pids[1] == pids[2] != pids[3]


def test_a_shared_core_is_told(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, when the run begins."""

    class Shared(module.Cores):
        def __init__(self, count: int) -> None:
            super().__init__(count)
            self.shared = [Sharer(5, 17)]

    monkeypatch.setattr(module, "Cores", Shared)
    with Workers(dataset, options()) as workers:
        with pytest.warns(
            UserWarning, match="core 5 is shared with another vbench run .process 17"
        ):
            workers.of(build("Exact"))
        workers.of(build("Plain"))


def test_files_and_processes_go_with_the_run(dataset: Dataset, temporary: Path) -> None:
    """Whatever ends it."""
    for error in (None, KeyboardInterrupt(), ValueError()):
        workers = Workers(dataset, options())
        pid = workers.of(build("Exact")).session.pid
        assert list(temporary.iterdir())
        workers.__exit__(type(error) if error else None, error, None)
        assert not list(temporary.iterdir())
        assert not psutil.pid_exists(pid)


def test_what_closing_met_is_passed_on(dataset: Dataset) -> None:
    """For a build that failed too, and not where the worker was killed."""
    met: dict[str, Closing] = {}
    with Workers(dataset, options()) as workers:
        workers.on_close = lambda key, closing: met.update({key: closing})
        workers.of(build("RaisesInClose"))
        workers.release(build("RaisesInClose"))
        with pytest.raises(TrialError, match="the index server is not there"):
            workers.of(build("RaisesInFit"))
        with pytest.raises(TrialError, match="SIGSEGV"):
            workers.of(build("CrashesInFit"))
    assert set(met) == {"RaisesInClose", "RaisesInFit"}
    assert met["RaisesInFit"].error is None
    assert "would not stop" in (met["RaisesInClose"].error or "")


def test_a_close_nobody_notes_is_a_warning(dataset: Dataset) -> None:
    """As when `tail --graph` looks into an index."""
    workers = Workers(dataset, options())
    workers.of(build("RaisesInClose"))
    with pytest.warns(UserWarning, match="closing an index went wrong: RuntimeError"):
        workers.__exit__(None, None, None)


def test_the_cost_of_the_harness_does_not_need_the_whole_base(dataset: Dataset) -> None:
    """Its worker loads a part."""
    with Workers(dataset, options()) as workers:
        overhead = workers.overhead()
    assert overhead is not None
    assert overhead.inside_ns > 0.0


def test_where_memory_is_short_the_worker_asked_longest_ago_gives_way(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as it takes; its index is built again when it is needed, and answers as before."""
    free = [0]
    monkeypatch.setattr(
        module.psutil, "virtual_memory", lambda: SimpleNamespace(available=free.pop(0))
    )
    one, two, three = (build(name) for name in ("Exact", "Plain", "Swept"))
    search = wire.Search(setting={}, k=3, repeats=1, warmup=0)

    def ids(of: Build) -> np.ndarray:
        live = workers.of(of)
        return live.session.ask(search, wire.Searched, timeout=60, doing="search")[1][0]

    with Workers(dataset, options(memory_limit=10**10)) as workers:
        before = ids(one)
        free[:] = [10**12]
        ids(two)
        ids(one)
        free[:] = [0, 10**12]
        ids(three)
        assert [workers.has(each) for each in (one, two, three)] == [True, False, True]
        free[:] = [0, 0]
        ids(two)
        assert [workers.has(each) for each in (one, two, three)] == [False, True, False]
        free[:] = [10**12]
        assert np.array_equal(ids(one), before)
    assert free == []


def test_the_seed_of_a_build_draws_its_order_where_it_has_no_other(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in runs of the first version."""
    with Workers(dataset, options()) as workers:
        own = msgspec.structs.replace(build("Exact"), order_seed=9)
        assert workers.orders.of(own).order_seed == 9
        assert workers.orders.of(build("Exact")).order_seed == 1
