"""Exact search beside nothing but the products that it needs, on the cores at hand.

What a product can reach at most is a large one of square matrices by the same BLAS. On one thread
CPU time is compared, which hardly depends on what else the machine does.
"""

from __future__ import annotations

import os
import time

import numpy as np
from _print import figure
from threadpoolctl import threadpool_limits

from vbench.neighbors.exact import nearest

N, D, K = 400_000, 96, 100
QUERIES = 1_000
SIDE, ROUNDS = 2048, 5
RNG = np.random.default_rng(0)


def speeds(threads: int) -> tuple[float, float]:
    """Multiplications a second of a large product, and of exact search: the best of some rounds."""
    now = time.process_time if threads == 1 else time.perf_counter
    base = RNG.standard_normal((N, D), dtype=np.float32)
    queries = RNG.standard_normal((QUERIES, D), dtype=np.float32)
    square = RNG.standard_normal((SIDE, SIDE), dtype=np.float32)
    nearest(queries, base[:10_000], "l2", K, threads=threads)
    products, searches = [], []
    for _ in range(ROUNDS):
        with threadpool_limits(threads, user_api="blas"):
            began = now()
            for _ in range(4):
                square @ square
            products.append((now() - began) / (4 * SIDE**3))
        began = now()
        nearest(queries, base, "l2", K, threads=threads)
        searches.append((now() - began) / (N * QUERIES * D))
    return 1 / min(products), 1 / min(searches)


if __name__ == "__main__":
    cores = len(os.sched_getaffinity(0))
    for threads in sorted({1, cores}):
        product, search = speeds(threads)
        print(f"  {threads} of {cores} cores: {search:.2g} of {product:.2g} products a second")
        what = f"product / exact search, {N:,} × {D}, k={K}, threads: {threads}"
        figure(what, product / search, 2.0, "times")
