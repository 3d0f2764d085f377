"""Certified ground truth beside `faiss.knn` (float32, not certified), on the same threads.

On one thread CPU time is compared, which hardly depends on what else the machine does.
faiss brings a BLAS of its own, which may not know the processor: it is asked with each of the
kernels that it has for one, and its best time counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from _print import figure

from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth

QUERIES = 1_000
KERNELS = ("Haswell", "SkylakeX", "Zen")
CASES = (
    # n, d, k, threads, repeats, times that are allowed
    (50_000, 64, 100, 1, 5, 1.2),
    (50_000, 64, 1000, 1, 5, 1.5),
    (50_000, 64, 100, 2, 5, 1.3),
    (1_000_000, 128, 100, 1, 4, 1.2),
)


def made(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Base and queries."""
    random = np.random.default_rng(0)
    base = random.standard_normal((n, d), dtype=np.float32)
    return base, random.standard_normal((QUERIES, d), dtype=np.float32)


def clock_of(threads: int) -> Callable[[], float]:
    """What time is read from."""
    return time.process_time if threads == 1 else time.perf_counter


def time_faiss(n: int, d: int, k: int, threads: int) -> float:
    """Seconds that it takes, the second time, in this process."""
    import faiss

    base, queries = made(n, d)
    faiss.omp_set_num_threads(threads)
    faiss.knn(queries[:64], base, k)
    now = clock_of(threads)
    start = now()
    faiss.knn(queries, base, k)
    return now() - start


def best_of_faiss(n: int, d: int, k: int, threads: int) -> float:
    """Seconds with the best of its kernels, each in a process of its own."""
    found = []
    for kernel in KERNELS:
        environment = {
            **os.environ,
            "OPENBLAS_CORETYPE": kernel,
            "OPENBLAS_NUM_THREADS": str(threads),
        }
        command = [sys.executable, __file__, *map(str, (n, d, k, threads))]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        found.append(float(done.stdout))
    return min(found)


def ratio(n: int, d: int, k: int, threads: int, repeats: int) -> float:
    """The quickest of some runs of each, in turns: ours divided by faiss's."""
    base, queries = made(n, d)
    dataset = Dataset("normal", base, queries, "l2")
    compute_ground_truth(Dataset("few", base[:5000], queries, "l2"), k, threads=1, cache=False)
    ours, theirs = [], []
    now = clock_of(threads)
    for _ in range(repeats):
        start = now()
        compute_ground_truth(dataset, k, threads=threads, cache=False)
        ours.append(now() - start)
        theirs.append(best_of_faiss(n, d, k, threads))
    print(f"  ours {min(ours):.2f} s, faiss {min(theirs):.2f} s")
    return min(ours) / min(theirs)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(time_faiss(*map(int, sys.argv[1:])))
    else:
        for n, d, k, threads, repeats, allowed in CASES:
            what = f"ground truth / faiss.knn, {n:,} × {d}, k={k}, threads: {threads}"
            figure(what, ratio(n, d, k, threads, repeats), allowed, "times")
