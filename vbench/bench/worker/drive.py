"""Measure one setting under a load: clients, a rate or batches in place of one query at a time."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.bench import wire
from vbench.bench.worker import clock
from vbench.bench.worker.clients import Asking, Clients, Order, as_connected, as_forks, as_threads
from vbench.bench.worker.cold import ColdFiles, open_cold
from vbench.bench.worker.counts import count_work
from vbench.bench.worker.loop import Asked, Part
from vbench.indexes.answers import check_batch, check_range, stack
from vbench.indexes.handles import server_of

if TYPE_CHECKING:
    from vbench.bench.worker.worker import Worker


class _Pass(NamedTuple):
    """All queries under the load; ids (m, k), times and waits (m,) in the queries' order.

    `outside_ns` is the harness's own time: between calls, or by how much a call came too late.
    """

    ids: NDArray[np.int64]
    latency_ns: NDArray[np.int64]
    wait_ns: NDArray[np.int64]
    wall_ns: int
    cpu_ns: int
    outside_ns: int


def drive(worker: Worker, ask: wire.Drive) -> tuple[wire.Searched, list[NDArray[Any]]]:
    """Warm up, then make `repeats` passes under the load; check every answer."""
    began = worker.time.wall()
    index, m = worker.index, len(worker.questions)
    index.set(**ask.setting)
    worker.condition.take(ask.condition)
    warm = worker.questions.warm_up(ask.warmup)
    with contextlib.suppress(Exception):
        clock.time_singly(index.search_one, warm, ask.k, clock=worker.time)
    alone = None
    if ask.batch is not None:
        alone = clock.time_singly(
            index.search_one, worker.questions.given(), ask.k, clock=worker.time
        ).ids
    index.work()
    seeds = [clock.pass_seed(worker.order.order_seed, number) for number in range(ask.repeats)]
    others = worker.others()
    server_cpu = others.cpu_seconds_below()
    with _on_cores(ask.cores):
        if ask.is_cold:
            with open_cold(index.files()) as files:
                passes = [_make_cold_pass(worker, ask, files, seed) for seed in seeds]
        else:
            with _clients(worker, ask, warm) as clients:
                passes = [_make_pass(worker, ask, clients, seed) for seed in seeds]
    server_cpu = max(0.0, others.cpu_seconds_below() - server_cpu)
    # Of several clients at once the counts of libraries are not exact.
    work = count_work(index) if ask.clients == 1 else None
    for each in passes:
        check_range(each.ids, len(worker.original))
        worker.check_condition(each.ids)
    first = passes[0].ids
    unstable = np.zeros(m, dtype=bool)
    for other in passes[1:]:
        unstable |= (other.ids != first).any(axis=1)
    busy, asked = min(ask.clients, max(1, len(ask.cores))), m * len(passes)
    wall_s = [each.wall_ns * 1e-9 for each in passes]
    answer = wire.Searched(
        cpu_share=[each.cpu_ns / max(1, each.wall_ns * busy) for each in passes],
        order_seeds=seeds,
        wall_s=wall_s,
        unstable=int(unstable.sum()),
        batch_seconds=None if ask.batch is None else sum(wall_s) / len(wall_s),
        batch_differs=0 if alone is None else clock.count_differing(alone, first),
        work=None if work is None else work / asked,
        cpu_ns=_cpu_ns(worker, sum(each.cpu_ns for each in passes) / asked, server_cpu / asked),
        overhead_ns=max(0, sum(each.outside_ns for each in passes)) / asked,
        spent_ns=worker.time.wall() - began,
    )
    arrays: list[NDArray[Any]] = [
        worker.rows_of(first),
        np.stack([each.latency_ns for each in passes], axis=1),
    ]
    if ask.rate is not None:
        arrays.append(np.stack([each.wait_ns for each in passes], axis=1))
    return answer, arrays


def _cpu_ns(worker: Worker, own: float, server_s: float) -> float | None:
    """CPU time a query; of a server it is its own alone, as far as it is seen."""
    if worker.is_served:
        return None if worker.order.server_pid is None else server_s * 1e9
    return own if worker.index.local else None


@contextlib.contextmanager
def _on_cores(cores: Sequence[int]) -> Iterator[None]:
    """Let this thread, and those that it starts, run on these cores."""
    if not cores or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _clients(
    worker: Worker, ask: wire.Drive, warm: NDArray[np.float32]
) -> contextlib.AbstractContextManager[Clients]:
    asking = Asking(k=ask.k, batch=ask.batch, warm=warm)
    if ask.by == "forks":
        return as_forks(worker.index, asking, ask.clients)
    if ask.by != "processes":
        return as_threads(worker.index, asking, ask.clients, worker.time)
    order = Order(
        adapter=worker.order.adapter,
        server=server_of(worker.index),
        setting=ask.setting,
        sys_path=sys.path,
        filter=worker.condition.shared(),
    )
    return as_connected(order, asking, ask.clients)


def _make_pass(worker: Worker, ask: wire.Drive, clients: Clients, seed: int) -> _Pass:
    given = worker.questions.given()
    m, k = len(given), ask.k
    rng = np.random.default_rng(seed)
    order = rng.permutation(m)
    asked = given[order]
    asked.flags.writeable = given.flags.writeable
    if ask.rate is None:
        # Every client's queries lie one after the other in memory.
        plan = [Part(block, ask.batch) for block in np.array_split(asked, ask.clients)]
        shares = np.array_split(order, ask.clients)
    else:
        due = np.cumsum(rng.exponential(1e9 / ask.rate, size=m)).astype(np.int64)
        plan = [Part(asked, due_ns=due.tolist())] * ask.clients
        shares = [order] * ask.clients
    with clock.unchanged(asked), clock.without_gc():
        cpu = worker.time.cpu()
        found = clients.make_pass(plan)
        cpu = worker.time.cpu() - cpu
    ids = np.full((m, k), -1, dtype=np.int64)
    latency, wait = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
    size = ask.batch or 1
    for share, each in zip(shares, found, strict=True):
        rows = [share[number * size : (number + 1) * size] for number in each.numbers]
        _take(each, rows, ids, latency, wait, batches=ask.batch is not None)
    wall = max(each.ended_ns for each in found) - min(each.began_ns for each in found)
    cpu += sum(each.cpu_ns for each in found)
    if ask.rate is not None:
        outside = sum(each.idle_ns for each in found)
    else:
        outside = sum(each.ended_ns - each.began_ns - sum(each.times_ns) for each in found)
    return _Pass(ids, latency, wait, wall, cpu, outside)


def _make_cold_pass(worker: Worker, ask: wire.Drive, files: ColdFiles, seed: int) -> _Pass:
    """Each query alone, its files taken out of memory before: that is part of no time."""
    given, now = worker.questions.given(), worker.time.wall
    m = len(given)
    order = np.random.default_rng(seed).permutation(m)
    asked = given[order]
    asked.flags.writeable = given.flags.writeable
    answers: list[Any] = []
    times: list[int] = []
    cpu = 0
    with clock.unchanged(asked), clock.without_gc():
        for query in asked:
            files.evict()
            spent = worker.time.cpu()
            found, took = clock.time_calls(worker.index.search_one, [query], ask.k, now)
            cpu += worker.time.cpu() - spent
            answers += found
            times += took
    ids = np.full((m, ask.k), -1, dtype=np.int64)
    latency = np.zeros(m, dtype=np.int64)
    ids[order] = stack(answers, ask.k, order)
    latency[order] = times
    return _Pass(ids, latency, np.zeros(m, dtype=np.int64), sum(times), cpu, 0)


def _take(
    found: Asked,
    rows: Sequence[NDArray[np.intp]],
    ids: NDArray[np.int64],
    latency: NDArray[np.int64],
    wait: NDArray[np.int64],
    *,
    batches: bool,
) -> None:
    """Put what a client was answered where it belongs; a batch's time is that of each of it."""
    k = ids.shape[1]
    if batches:
        for place, answer in zip(rows, found.answers, strict=True):
            ids[place] = check_batch(answer, len(place), k)
    elif rows:
        places = np.concatenate(rows)
        ids[places] = stack(found.answers, k, places)
    for place, spent in zip(rows, found.times_ns, strict=True):
        latency[place] = spent
    for place, waited in zip(rows, found.waits_ns or (), strict=False):
        wait[place] = waited
