"""What an index is given by the process that runs it, and what is read off a clock meanwhile."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from machine import Machine
from vectors import gaussian_pair

import vbench
from vbench.bench import wire
from vbench.bench.worker.clock import AnswerError
from vbench.bench.worker.files import array_file
from vbench.bench.worker.search import search
from vbench.bench.worker.worker import Worker

BASE, QUERIES = gaussian_pair(200, 20, 6, seed=16)


def test_an_index_that_writes_gets_copies_of_its_own(tmp_path: Path) -> None:
    """In each pass the queries are as they were, and so they are in the batch."""
    dataset = vbench.load(BASE, queries=QUERIES, metric="cosine")
    run = vbench.run(
        dataset, "misbehaving:WritesToItsInput", k=5, builds=1, repeats=2, out=tmp_path / "run"
    )
    assert run.manifest.failures == []
    assert run.measure("Recall@5")["value"].to_list() == [1.0]
    assert "batch differs" not in {each.about for each in run.manifest.warnings}


def worker_of(
    index: str,
    folder: Path,
    base: np.ndarray = BASE,
    queries: np.ndarray = QUERIES,
    **changes: Any,
) -> Worker:
    """A worker in this process, its index built."""
    order: dict[str, Any] = {
        "adapter": f"timed:{index}",
        "params": {},
        "transform": "auto",
        "metric": "l2",
        "base": array_file(base, folder),
        "queries": array_file(queries, folder),
        "seed": 3,
        "order_seed": 4,
        "threads": 1,
        "sys_path": list(sys.path),
    }
    given = {name: changes.pop(name) for name in list(changes) if name in order}
    worker = Worker(wire.Open(**order | given), **changes)
    worker.fit()
    return worker


def searched(worker: Worker, **changes: Any) -> tuple[wire.Searched, list[np.ndarray]]:
    ask: dict[str, Any] = {"setting": {}, "k": 5, "repeats": 2, "warmup": 50}
    return search(worker, wire.Search(**ask | changes))


@pytest.mark.parametrize(
    ("metric", "name"), [("l2", "none"), ("ip", "mips-l2"), ("cosine", "normalize")]
)
def test_it_warms_up_on_other_vectors_than_it_is_timed_on(
    tmp_path: Path, metric: str, name: str
) -> None:
    """On rows of the base in its space, also where some of these are queries."""
    queries = np.vstack([BASE[:60], QUERIES])
    worker = worker_of("Noting", tmp_path, queries=queries, metric=metric, transform=name)
    done, _ = searched(worker, warmup=200)
    asked = [query.tobytes() for query in worker.index.asked]  # type: ignore[attr-defined]
    warm = asked[: 200 - len(queries) + 20]
    later = asked[len(warm) :][: (2 + done.redone) * len(queries)]
    assert set(later) == {query.tobytes() for query in worker.space.queries(queries)}
    assert set(warm) == {row.tobytes() for row in worker.space.queries(BASE[60:])}


def test_an_index_that_knows_the_queries_alone_is_measured(tmp_path: Path) -> None:
    """Stored answers hold none to the rows of the warm-up, nor to queries that are made up."""
    worker = worker_of("Noting", tmp_path)
    answer, known = worker.index.search_one, {query.tobytes() for query in worker.questions.queries}

    def only_known(query: np.ndarray, k: int) -> np.ndarray:
        if query.tobytes() not in known:
            raise KeyError("no stored answer")
        return answer(query, k)

    worker.index.search_one = only_known  # type: ignore[method-assign]
    done, (ids, *_) = searched(worker)
    assert ids.shape == (len(worker.questions), 5)
    assert done.unseen_ns is None


def test_builds_warm_up_on_rows_of_their_own(tmp_path: Path) -> None:
    """Drawn by the seed of the order, as many as asked for, and in orders of their own."""
    warm, first = [], []
    for seed in (1, 2):
        worker = worker_of("Noting", tmp_path, order_seed=seed)
        searched(worker, warmup=30, repeats=1)
        asked = [query.tobytes() for query in worker.index.asked]  # type: ignore[attr-defined]
        warm.append(asked[:30])
        first.append(asked[30:50])
    assert len(set(warm[0])) == 30
    assert set(warm[0]) != set(warm[1])
    assert set(first[0]) == set(first[1])
    assert first[0] != first[1]


def test_a_base_of_nothing_but_queries_gives_no_warm_up(tmp_path: Path) -> None:
    """No timed query is asked beforehand."""
    worker = worker_of("Noting", tmp_path, queries=BASE)
    done, _ = searched(worker)
    asked = [query.tobytes() for query in worker.index.asked]  # type: ignore[attr-defined]
    queries = {query.tobytes() for query in BASE}
    assert set(asked[: (2 + done.redone) * len(BASE)]) == queries
    assert not queries & set(asked[(2 + done.redone) * len(BASE) :])


def test_what_is_remembered_from_another_setting_is_told_by_new_queries(tmp_path: Path) -> None:
    """They are as hard as the timed ones, and new at each setting and K."""
    machine = Machine()
    worker = worker_of("Remembering", tmp_path, time=machine.clock)
    worker.index.machine = machine  # type: ignore[attr-defined]
    touches = []
    for setting, k in (({"ef": 1}, 10), ({"ef": 2}, 10), ({"ef": 2}, 5)):
        done, (_, latency, first) = searched(worker, setting=setting, k=k)
        touches.append(int(first[0]))
        assert latency[:, 1].tolist() == [1_000] * 20
        assert done.unseen_ns == 100_000
    assert touches == [100_000, 1_000, 1_000]


def test_work_is_divided_by_all_passes(tmp_path: Path) -> None:
    """By those that were made again too, but not by warm-up and batch, which are not counted."""
    machine = Machine()
    worker = worker_of("Counting", tmp_path, time=machine.clock)
    worker.index.machine = machine  # type: ignore[attr-defined]
    worker.index.disturbed = 1  # type: ignore[attr-defined]
    done, _ = searched(worker)
    assert done.redone == 1
    assert done.work == 7
    assert done.disturbed == [False, False]


def test_what_a_pass_was_like_comes_with_it(tmp_path: Path) -> None:
    """Shares, orders, seconds, CPU time; ids, times and first touches by query."""
    machine = Machine()
    worker = worker_of("Counting", tmp_path, time=machine.clock)
    worker.index.machine = machine  # type: ignore[attr-defined]
    worker.index.disturbed = 9  # type: ignore[attr-defined]
    done, (ids, latency, first) = searched(worker)
    assert (done.redone, done.disturbed) == (2, [True, True])
    assert done.cpu_share == pytest.approx([0.1, 0.1])
    assert len(set(done.order_seeds)) == 2
    assert done.wall_s == pytest.approx([20 * 1e-5] * 2)
    assert done.cpu_ns == pytest.approx(1000)
    assert done.batch_seconds == 0.5
    asked = 50 + 4 * 20 + 20
    assert done.spent_ns == 500_000_000 + asked * 10_000
    assert (ids.shape, latency.shape, first.tolist()) == ((20, 5), (20, 2), [10_000] * 20)


def test_an_answer_of_the_batch_alone_that_is_none_is_refused(tmp_path: Path) -> None:
    """Also where every single one was right."""
    worker = worker_of("Noting", tmp_path)
    search = worker.index.search

    def beyond(queries: np.ndarray, k: int) -> np.ndarray:
        return search(queries, k) + (len(BASE) if len(queries) > 1 else 0)

    worker.index.search = beyond  # type: ignore[method-assign]
    with pytest.raises(AnswerError, match=r"\b200\b|199"):
        searched(worker)


def test_an_answer_that_differs_in_one_pass_is_unstable(tmp_path: Path) -> None:
    """Though the last pass is as the first."""
    machine = Machine()
    worker = worker_of("Counting", tmp_path, time=machine.clock)
    worker.index.machine = machine  # type: ignore[attr-defined]
    answer, calls = worker.index.search_one, []

    def search_one(query: np.ndarray, k: int) -> np.ndarray:
        calls.append(query)
        ids = np.asarray(answer(query, k))
        return ids[::-1] if 20 < len(calls) <= 25 else ids

    worker.index.search_one = search_one  # type: ignore[method-assign]
    done, _ = searched(worker, repeats=3, warmup=0)
    assert (done.redone, done.unstable) == (0, 5)


def test_cpu_time_of_processes_that_it_started_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During the passes, shared by all their queries."""
    machine = Machine()
    worker = worker_of("Counting", tmp_path, time=machine.clock)
    worker.index.machine = machine  # type: ignore[attr-defined]
    spent = iter([2.0, 2.008])
    tree = SimpleNamespace(cpu_seconds_below=lambda: next(spent))
    monkeypatch.setattr("vbench.bench.worker.worker.Tree", lambda pid: tree)
    done, _ = searched(worker)
    assert done.cpu_ns == pytest.approx(1_000 + 8e6 / (2 * 20))


def test_a_server_of_nobody_has_no_cpu_time(tmp_path: Path) -> None:
    """What another process spends is not known; none is none."""
    done, _ = searched(worker_of("Remote", tmp_path))
    assert done.cpu_ns is None


def test_an_adapter_cannot_change_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither when it is made nor when it is built or asked."""
    for name in ("perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "monotonic"):
        monkeypatch.setattr(time, name, getattr(time, name))
    worker = worker_of("StopsClocks", tmp_path)
    assert time.perf_counter_ns() == 0
    done, (_, latency, first) = searched(worker)
    assert latency.min() > 0
    assert first.min() > 0
    assert min(done.wall_s) > 0
    assert done.batch_seconds > 0
    assert done.spent_ns > latency.sum()


def test_answers_in_memory_that_is_used_again_are_right(tmp_path: Path) -> None:
    """Through `search` alone, the list of rows filled anew at every call."""
    dataset = vbench.load(BASE, queries=QUERIES, metric="l2")
    run = vbench.run(dataset, "timed:RefillsRows", k=5, builds=1, repeats=2, out=tmp_path / "run")
    assert run.manifest.failures == []
    assert run.measure("Recall@5")["value"].to_list() == [1.0]
