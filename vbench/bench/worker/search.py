"""Measure one setting in the usual way: one client, one query at a time, then all at once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench.bench import wire
from vbench.bench.worker import clock
from vbench.bench.worker.counts import count_work
from vbench.indexes.answers import check_batch, check_range
from vbench.indexes.protocol import Index

if TYPE_CHECKING:
    from vbench.bench.worker.worker import Worker


def search(worker: Worker, ask: wire.Search) -> tuple[wire.Searched, list[NDArray[Any]]]:
    """Warm up, ask one by one `repeats` times, then all at once; check every answer."""
    began = worker.time.wall()
    index, k, m = worker.index, ask.k, len(worker.questions)
    index.set(**ask.setting)
    setup = worker.condition.take(ask.condition)
    conditions = worker.condition.of_queries()
    # An index that answers the queries and nothing else, from stored answers say, is one too.
    with contextlib.suppress(Exception):
        if ask.warmup:
            warm = worker.questions.warm_up(ask.warmup)
            clock.time_singly(index.search_one, warm, k, clock=worker.time)
    index.work()
    others = worker.others()
    children_cpu = others.cpu_seconds_below()
    done = clock.measure(
        index.search_one,
        worker.questions.given,
        k,
        repeats=ask.repeats,
        order_seed=worker.order.order_seed,
        local=index.local,
        clock=worker.time,
        conditions=conditions,
    )
    children_cpu = max(0.0, others.cpu_seconds_below() - children_cpu)
    work = count_work(index)
    unseen_ns = _unseen_ns(worker, k, conditions) if ask.warmup else None
    batch, batch_ns = None, None
    if conditions is None and _has_batch(worker):
        batch, batch_ns = _ask_batch(worker, k)
    counted, asked = done.counted, done.total * m
    for ids in (*(each.ids for each in counted), *(() if batch is None else (batch,))):
        check_range(ids, len(worker.original))
        worker.check_condition(ids)
    first = counted[0].ids
    unstable = np.zeros(len(first), dtype=bool)
    for other in counted[1:]:
        unstable |= (other.ids != first).any(axis=1)
    own_cpu_ns = float(np.mean([each.own_cpu_ns for each in counted]))
    latency = np.stack([each.latency_ns for each in counted], axis=1)
    answer = wire.Searched(
        cpu_share=[each.cpu_share for each in counted],
        disturbed=[clock.is_disturbed(each, local=index.local) for each in counted],
        order_seeds=done.order_seeds,
        wall_s=[each.wall_ns * 1e-9 for each in counted],
        redone=done.redone,
        unstable=int(unstable.sum()),
        batch_seconds=None if batch_ns is None else batch_ns * 1e-9,
        batch_differs=0 if batch is None else clock.count_differing(first, batch),
        work=None if work is None else work / asked,
        cpu_ns=_cpu_ns(worker, own_cpu_ns, children_cpu * 1e9 / asked),
        unseen_ns=unseen_ns,
        overhead_ns=max(0.0, min(each.outside_ns for each in counted)),
        spent_ns=worker.time.wall() - began,
        filter_setup_s=setup,
    )
    given = [each.filter_ns for each in counted if each.filter_ns is not None]
    more = [np.min(given, axis=0)] if given else []
    return answer, [worker.rows_of(first), latency, done.first_ns, *more]


def _cpu_ns(worker: Worker, own: float, others: float) -> float | None:
    """CPU time a query: of a server it is its own alone, as far as it is seen."""
    if worker.is_served:
        return None if worker.order.server_pid is None else others
    return own + others if worker.index.local or others else None


def _unseen_ns(worker: Worker, k: int, conditions: clock.Conditions | None) -> float | None:
    """Median time of queries that are new to the index; None where they are not answered."""
    vectors, rows = worker.questions.unseen()
    if conditions is not None:
        of = conditions.of
        conditions = conditions._replace(of=lambda which: of(rows[which]))
    try:
        done = clock.time_singly(
            worker.index.search_one, vectors, k, clock=worker.time, conditions=conditions
        )
    except Exception:
        return None
    return float(np.median(done.latency_ns))


def _has_batch(worker: Worker) -> bool:
    """Whether a server takes many queries in one call; nothing is to be learned of a loop."""
    return not worker.is_served or type(worker.index).search is not Index.search


def _ask_batch(worker: Worker, k: int) -> tuple[NDArray[np.int64], int]:
    """Ids of all queries in one call, and its time in ns."""
    given = worker.questions.given()
    with clock.unchanged(given):
        began = worker.time.wall()
        answer = worker.index.search(given, k)
        spent = worker.time.wall() - began
    return check_batch(answer, len(given), k), spent
