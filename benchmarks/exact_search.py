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

D, K = 96, 100
SIZES = (400_000, 1_000), (2_000_000, 4_000)
"""Base vectors and queries, for two cores and for more."""
SIDE, ROUNDS = 2048, 5
RNG = np.random.default_rng(0)


def speeds(threads: int) -> tuple[float, float]:
    """Multiplications a second of a large product, and of exact search: the best of some rounds."""
    now = time.process_time if threads == 1 else time.perf_counter
    n, m = SIZES[threads > 2]
    base = RNG.standard_normal((n, D), dtype=np.float32)
    queries = RNG.standard_normal((m, D), dtype=np.float32)
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
        searches.append((now() - began) / (n * m * D))
    return 1 / min(products), 1 / min(searches)


if __name__ == "__main__":
    cores = len(os.sched_getaffinity(0))
    for threads in sorted({1, cores}):
        product, search = speeds(threads)
        print(f"  {threads} of {cores} cores: {search:.2g} of {product:.2g} products a second")
        n, m = SIZES[threads > 2]
        what = f"product / exact search, {n:,} × {D}, {m:,} queries, k={K}, threads: {threads}"
        figure(what, product / search, 2.0, "times")
