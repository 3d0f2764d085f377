"""Certified ground truth beside `faiss.knn` (float32, not certified), on the same threads."""

from __future__ import annotations

import time

import faiss
import numpy as np
import threadpoolctl
from _print import figure

from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth

K = 100
QUERIES = 1_000
ALLOWED = 1.3


def ratio(n: int, d: int, threads: int, repeats: int) -> float:
    """The quickest of some runs of each, in turns: ours divided by faiss's."""
    random = np.random.default_rng(0)
    base = random.standard_normal((n, d), dtype=np.float32)
    queries = random.standard_normal((QUERIES, d), dtype=np.float32)
    dataset = Dataset("normal", base, queries, "l2")
    ours, theirs = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        truth = compute_ground_truth(dataset, K, threads=threads, cache=False)
        ours.append(time.perf_counter() - start)
        with threadpoolctl.threadpool_limits(threads):
            start = time.perf_counter()
            _, ids = faiss.knn(queries, base, K)
            theirs.append(time.perf_counter() - start)
    agreement = float((ids == truth.ids).mean())
    print(f"  ours {min(ours):.2f} s, faiss {min(theirs):.2f} s, {agreement:.4%} of ids the same")
    return min(ours) / min(theirs)


if __name__ == "__main__":
    for n, d, threads, repeats in (
        (50_000, 64, 1, 5),
        (50_000, 64, 2, 5),
        (1_000_000, 128, 1, 1),
    ):
        what = f"ground truth / faiss.knn, {n:,} × {d}, k={K}, threads: {threads}"
        figure(what, ratio(n, d, threads, repeats), ALLOWED, "times")
