"""What `--clients 2` reaches, beside two bare processes of the library side by side.

Each bare process searches a copy of the index that it was forked with, in a loop around the
library's own call; `--clients 2` are two forks that share the one index. Both alternate, so that a
slower or faster machine moves both.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from _print import figure

from vbench.bench.worker.clients import Asking, as_forks
from vbench.bench.worker.loop import Part
from vbench.indexes.protocol import Index
from vbench.indexes.registry import resolve

ROUNDS, CLIENTS, K = 9, 2, 10
RNG = np.random.default_rng(0)
BASE = RNG.normal(size=(20_000, 48)).astype(np.float32)
QUERIES = RNG.normal(size=(24_000, 48)).astype(np.float32)
SHARES = np.array_split(QUERIES, CLIENTS)
ASKING = Asking(k=K, batch=None, warm=BASE[:200])


def side_by_side(call: Callable[[Any], Any]) -> float:
    """Answers a second of forked processes that each ask their share."""
    context = multiprocessing.get_context("fork")
    barrier, times = context.Barrier(CLIENTS), context.Queue()

    def ask(number: int) -> None:
        for query in ASKING.warm:
            call(query)
        share = list(SHARES[number])
        barrier.wait()
        began = time.perf_counter_ns()
        for query in share:
            call(query)
        times.put((began, time.perf_counter_ns()))

    processes = [context.Process(target=ask, args=(number,)) for number in range(CLIENTS)]
    for each in processes:
        each.start()
    found = [times.get() for _ in processes]
    for each in processes:
        each.join()
    return len(QUERIES) / (max(end for _, end in found) - min(began for began, _ in found)) * 1e9


def as_clients(index: Index) -> float:
    """Answers a second of the clients of a load."""
    parts = [Part(share) for share in SHARES]
    with as_forks(index, ASKING, CLIENTS) as clients:
        found = clients.make_pass(parts)
    wall = max(each.ended_ns for each in found) - min(each.began_ns for each in found)
    return len(QUERIES) / wall * 1e9


def compare(adapter: str, bare: Callable[[Index], Callable[[Any], Any]], **setting: int) -> None:
    """One library, at a setting that takes about as long as a usual one."""
    index = resolve(adapter)()
    index.fit(BASE, "l2", seed=0, threads=1)
    index.set(**setting)
    ratios = []
    for _ in range(ROUNDS):
        expected = side_by_side(bare(index))
        ratios.append(as_clients(index) / expected)
    shown = " ".join(f"{name}={value}" for name, value in setting.items())
    lost = 1.0 - float(np.median(ratios))
    figure(f"lost by --clients {CLIENTS} against bare processes, {adapter} {shown}", lost, 0.1, "")


if __name__ == "__main__":
    if len(os.sched_getaffinity(0)) < CLIENTS:
        raise SystemExit(f"needs {CLIENTS} cores")
    for ef in (32, 64):
        compare("hnswlib", lambda index: lambda query: index.index.knn_query(query, K, 1), ef=ef)  # type: ignore[attr-defined]  # of hnswlib's alone
    for nprobe in (8,):
        compare("ivf-flat", lambda index: lambda query: index.search_one(query, K), nprobe=nprobe)
