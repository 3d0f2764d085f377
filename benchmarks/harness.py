"""The harness's own time for each query, beside that of the library's bare call.

Bare and measured calls alternate, so that a slower or faster machine moves both.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import faiss
import hnswlib
import numpy as np
from _print import figure

from vbench.bench.worker import clock
from vbench.bench.worker.clock import Null
from vbench.indexes.registry import resolve

ROUNDS = 15
BASE = np.random.default_rng(0).normal(size=(200, 16)).astype(np.float32)
QUERIES = np.random.default_rng(1).normal(size=(5000, 16)).astype(np.float32)


def bare(call: Callable[[Any], Any]) -> float:
    """Median ns of a call, the clock read around it as in a measured pass."""
    times = []
    with clock.without_gc():
        for row in list(QUERIES):
            start = time.perf_counter_ns()
            call(row)
            times.append(time.perf_counter_ns() - start)
    return float(np.median(times))


def outside(k: int) -> None:
    """Time per query outside the timed call, with an index that does nothing."""
    index = Null()
    index.fit(BASE, "l2", seed=0, threads=1)
    spent = min(clock.time_singly(index.search_one, QUERIES, k).outside_ns for _ in range(ROUNDS))
    figure(f"harness outside the timed call, k={k}", spent / 1e3, {10: 2, 100: 5}[k], "µs")


def inside(name: str, adapter: str, setting: dict[str, int], call: Callable[[Any], Any]) -> None:
    """Time per query inside the timed call, beyond the library's own call."""
    index = resolve(adapter)()
    index.fit(BASE, "l2", seed=0, threads=1)
    index.set(**setting)
    beyond = []
    for _ in range(ROUNDS):
        own = bare(call)
        latency = clock.time_singly(index.search_one, QUERIES, 10).latency_ns
        beyond.append(float(np.median(latency)) - own)
    figure(f"harness inside the timed call, beyond {name}", np.median(beyond) / 1e3, 1, "µs")


def bare_hnswlib() -> Callable[[Any], Any]:
    """knn_query of hnswlib on the same vectors."""
    index = hnswlib.Index("l2", 16)
    index.init_index(len(BASE), M=16, ef_construction=200, random_seed=0)
    index.add_items(BASE, num_threads=1)
    return lambda query: index.knn_query(query, 10, 1)


def bare_faiss() -> Callable[[Any], Any]:
    """The C call of a flat faiss index, with pointers that are already there."""
    index = faiss.IndexFlatL2(16)
    index.add(BASE)
    distances, ids = np.empty((1, 10), np.float32), np.empty((1, 10), np.int64)
    pointers = faiss.swig_ptr(distances), faiss.swig_ptr(ids)
    queries = itertools.cycle([faiss.swig_ptr(query) for query in QUERIES])
    return lambda _: index.search_c(1, next(queries), 10, *pointers)


if __name__ == "__main__":
    faiss.omp_set_num_threads(1)
    for cutoff in (10, 100):
        outside(cutoff)
    inside("hnswlib's", "hnswlib", {"ef": 10}, bare_hnswlib())
    inside("faiss's", "flat", {}, bare_faiss())
