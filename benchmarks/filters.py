"""Filters: exact neighbors under many of them; the harness beside a query's own filter."""

from __future__ import annotations

import time

import numpy as np
import polars as pl
from _print import figure

from vbench.bench.worker import clock
from vbench.data.dataset import Dataset, GroundTruth
from vbench.indexes.flat import Flat
from vbench.indexes.protocol import Filter
from vbench.neighbors.exact import nearest
from vbench.workloads.filters import read_filter
from vbench.workloads.views import DEEP, find_neighbors

N, D, QUERIES, K = 100_000, 64, 2_000, 10
DEPTH, THREADS = 200, 2
FILTERS = 20


def made() -> Dataset:
    """Vectors with as many attributes as there are filters."""
    random = np.random.default_rng(0)
    base = random.standard_normal((N, D), dtype=np.float32)
    queries = random.standard_normal((QUERIES, D), dtype=np.float32)
    items = pl.DataFrame({f"a{each}": random.random(N) for each in range(FILTERS)})
    return Dataset("normal", base, queries, "l2", items=items)


def neighbors_under_filters(dataset: Dataset) -> float:
    """CPU seconds for all of them and the view without, divided by those of that view alone."""
    texts = [f"a{each} < {0.9 * (each + 1) / FILTERS:.3f}" for each in range(FILTERS)]
    ratios = []
    for _ in range(3):
        began = time.process_time()
        nearest(dataset.queries, dataset.base, "l2", DEPTH, threads=THREADS)
        plain = time.process_time() - began
        began = time.process_time()
        deep = GroundTruth(*nearest(dataset.queries, dataset.base, "l2", DEEP, threads=THREADS))
        for text in texts:
            allowed = read_filter(text).resolve(dataset, 0)
            find_neighbors(dataset, deep, allowed, 2 * K, threads=THREADS)
        ratios.append((time.process_time() - began) / plain)
    return float(np.median(ratios))


def harness_of_a_filter(dataset: Dataset) -> float:
    """Microseconds a query beside the adapter's own calls, where each query has its own filter."""
    index = Flat()
    index.fit(np.asarray(dataset.base[:200]), "l2", seed=0, threads=1)
    random = np.random.default_rng(1)
    filters = [Filter(random.random(200) < 0.5, is_shared=False) for _ in range(QUERIES)]
    queries = np.asarray(dataset.queries)
    conditions = clock.Conditions(index.allow, lambda rows: [filters[row] for row in rows], QUERIES)
    ours, bare = [], []
    for _ in range(5):
        done = clock.time_singly(index.search_one, queries, K, conditions=conditions)
        ours.append(float(done.latency_ns.mean()))
        began = time.perf_counter_ns()
        for condition, query in zip(filters, queries, strict=True):
            index.allow(condition)
            index.search_one(query, K)
        bare.append((time.perf_counter_ns() - began) / QUERIES)
    return (min(ours) - min(bare)) / 1000


if __name__ == "__main__":
    data = made()
    figure(
        f"exact neighbors under {FILTERS} filters / without",
        neighbors_under_filters(data),
        3.0,
        "times",
    )
    figure(
        "harness inside the timed call of a query with its own filter",
        harness_of_a_filter(data),
        5.0,
        "µs",
    )
