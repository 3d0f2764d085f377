"""Under a load every query is asked once a pass, its answer checked, its time its own."""

from __future__ import annotations

import multiprocessing
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vectors import gaussian_pair

from vbench.bench import wire
from vbench.bench.worker.drive import drive as drive_worker
from vbench.bench.worker.files import array_file
from vbench.bench.worker.worker import Worker
from vbench.indexes.answers import AnswerError

BASE, QUERIES = gaussian_pair(200, 21, 6, seed=16)
M, K = 21, 5


def worker_of(index: str, folder: Path) -> Worker:
    order = wire.Open(
        adapter=f"clients:{index}",
        params={},
        transform="auto",
        metric="l2",
        base=array_file(BASE, folder),
        queries=array_file(QUERIES, folder),
        seed=3,
        order_seed=4,
        threads=1,
        sys_path=list(sys.path),
    )
    worker = Worker(order)
    worker.fit()
    return worker


def drive(worker: Worker, **load: Any) -> tuple[wire.Searched, list[np.ndarray]]:
    usual: dict[str, Any] = {"clients": 1, "by": None, "rate": None, "batch": None, "cores": []}
    ask = wire.Drive(setting={}, k=K, repeats=2, **{"warmup": 0} | usual | load)
    done, arrays = drive_worker(worker, ask)
    wire.encode(done)
    # As the other side checks them.
    for array, wanted in zip(arrays, wire.expected_arrays(ask, done, 200, M), strict=True):
        assert array.shape == wanted.shape
    return done, arrays


def exact() -> np.ndarray:
    distances = ((QUERIES[:, np.newaxis] - BASE) ** 2).sum(axis=2)
    return np.argsort(distances, axis=1, kind="stable")[:, :K]


def test_threads_ask_each_query_once_a_pass(tmp_path: Path) -> None:
    """Their answers are those of the queries, as rows of the dataset."""
    worker = worker_of("Shared", tmp_path)
    done, (ids, latency) = drive(worker, clients=3, by="threads")
    assert (ids == exact()).all()
    assert (latency > 0).all()
    asked: Any = worker.index
    times = Counter(query for _, query in asked.asked)
    assert times == {row.tobytes(): 2 for row in QUERIES}
    assert len(done.wall_s) == len(done.order_seeds) == 2
    assert min(done.wall_s) > 0
    assert done.unstable == done.batch_differs == 0


def test_threads_ask_at_the_same_time(tmp_path: Path) -> None:
    """An index that answers two only together answers them."""
    worker = worker_of("Together", tmp_path)
    worker.questions.queries = worker.questions.queries[:20]
    ask = wire.Drive(
        setting={}, k=K, repeats=1, warmup=0, clients=2, by="threads", rate=None, batch=None,
        cores=[],
    )  # fmt: skip
    _, (ids, _) = drive_worker(worker, ask)
    assert (ids == exact()[:20]).all()


def test_every_thread_has_a_handle_where_the_class_gives_one(tmp_path: Path) -> None:
    """It is closed after the trial; without, a buffer for all mixes the answers up."""
    worker = worker_of("Handles", tmp_path)
    _, (ids, _) = drive(worker, clients=3, by="threads")
    assert (ids == exact()).all()
    index: Any = worker.index
    assert index.closed == 3


def test_a_batch_is_one_call_and_its_time_that_of_each_query(tmp_path: Path) -> None:
    """The last one is smaller where the queries do not divide."""
    worker = worker_of("Shared", tmp_path)
    done, (ids, latency) = drive(worker, batch=8)
    assert (ids == exact()).all()
    index: Any = worker.index
    assert index.sizes == [8, 8, 5] * 2
    for column in latency.T:
        assert sorted(Counter(column.tolist()).values()) == [5, 8, 8]
    assert done.batch_differs == 0


def test_batches_of_several_clients(tmp_path: Path) -> None:
    """Each client divides its share."""
    worker = worker_of("Shared", tmp_path)
    _, (ids, _) = drive(worker, clients=2, by="threads", batch=4)
    assert (ids == exact()).all()
    index: Any = worker.index
    assert Counter(index.sizes) == {4: 8, 3: 2, 2: 2}


def test_at_a_rate_time_counts_from_when_a_query_was_due(tmp_path: Path) -> None:
    """One that answers too slowly lets queries wait, and no waiting is left out."""
    worker = worker_of("Slow", tmp_path)
    done, (ids, latency, wait) = drive(worker, rate=100_000.0)
    assert (ids == exact()).all()
    assert (latency - wait >= 2_000_000).all()  # no sleep is shorter than it was to be
    assert (wait >= 0).all()
    # All are due within a moment; whoever is last waits for all the others.
    assert latency.max(axis=0).min() >= 2_000_000 * (M - 2)
    assert min(done.wall_s) >= 0.002 * M


def test_queries_come_at_moments_that_the_seed_draws(tmp_path: Path) -> None:
    """At so many a second on average, whatever the index does."""
    worker = worker_of("Shared", tmp_path)
    done, (_, latency, wait) = drive(worker, rate=1000.0)
    arrivals = [_drawn(seed).sum() for seed in done.order_seeds]
    for wall, last in zip(done.wall_s, arrivals, strict=True):
        assert wall >= last
    assert (latency >= wait).all()


def _drawn(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rng.permutation(M)
    return rng.exponential(1e-3, size=M)


def test_threads_take_the_next_query_that_is_due(tmp_path: Path) -> None:
    """Two answer faster than one."""
    worker = worker_of("Slow", tmp_path)
    _, (ids, _, wait) = drive(worker, rate=100_000.0, clients=2, by="threads")
    assert (ids == exact()).all()
    index: Any = worker.index
    assert Counter(query for _, query in index.asked) == {row.tobytes(): 2 for row in QUERIES}
    assert wait.shape == (M, 2)


@pytest.mark.parametrize("load", [{}, {"batch": 4}, {"rate": 5000.0}])
@pytest.mark.parametrize("index", ["OneBuffer", "Handles"])
def test_forks_search_what_was_built(tmp_path: Path, index: str, load: dict[str, Any]) -> None:
    """Each asks its share in a process of its own, so that even one buffer for all is enough."""
    worker = worker_of(index, tmp_path)
    _, (ids, latency, *_) = drive(worker, clients=2, by="forks", **load)
    assert (ids == exact()).all()
    assert (latency > 0).all()
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("load", [{}, {"batch": 4}])
def test_a_fork_of_an_index_that_writes_has_a_copy(tmp_path: Path, load: dict[str, Any]) -> None:
    """What one pass does to it is not seen by the next."""
    _, (ids, _) = drive(worker_of("Writes", tmp_path), clients=2, by="forks", **load)
    assert (ids == exact()).all()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_forks_copy_no_index(tmp_path: Path) -> None:
    """Its memory is shared: what a fork has of its own is little."""
    worker = worker_of("Heavy", tmp_path)
    drive(worker, clients=2, by="forks")
    index: Any = worker.index
    told = [int(each.read_text()) for each in Path(index.told).iterdir()]
    shutil.rmtree(index.told)
    assert len(told) == 2
    assert max(told) < 32 << 10


def test_a_fork_that_does_not_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what the class is to say."""
    monkeypatch.setattr("vbench.bench.worker.clients._FIRST_ANSWER_SECONDS", 0.5)
    worker = worker_of("OwnThread", tmp_path)
    with pytest.raises(AnswerError, match=r"did not answer within 0\.5 s .*say forks = False"):
        drive(worker, clients=2, by="forks", warmup=1)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("load", [{}, {"batch": 4}, {"rate": 5000.0}])
def test_processes_connect_to_the_same_service(tmp_path: Path, load: dict[str, Any]) -> None:
    """Each asks its share, and all are gone afterwards."""
    worker = worker_of("Service", tmp_path)
    _, (ids, latency, *_) = drive(worker, clients=2, by="processes", **load)
    assert (ids == exact()).all()
    assert (latency > 0).all()
    worker.close()


@pytest.mark.parametrize(
    ("index", "by", "said"),
    [
        ("Refusing", "processes", "no more than 1 client"),
        ("Unsendable", "processes", "cannot be sent to another process"),
        ("Dies", "forks", r"a client was killed by SIGKILL \(in search\)"),
        ("Raises", "forks", r"a client: OSError: too many files \(in search\)"),
        ("Changes", None, "search changed the queries"),
        ("Changes", "forks", "a client: search changed the queries"),
    ],
)
def test_what_goes_wrong_with_a_client_is_told(
    tmp_path: Path, index: str, by: str | None, said: str
) -> None:
    """In words for who wrote the adapter."""
    load: dict[str, Any] = {"clients": 2, "by": by} if by else {}
    load |= {"batch": 4} if index == "Changes" else {}
    with pytest.raises(AnswerError, match=said):
        drive(worker_of(index, tmp_path), **load)


def test_what_an_index_raises_in_a_thread_is_raised(tmp_path: Path) -> None:
    """It is the failure of the trial."""
    with pytest.raises(OSError, match="too many connections"):
        drive(worker_of("Fails", tmp_path), clients=2, by="threads")
