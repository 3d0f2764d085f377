"""Two builds side by side with `--jobs 2`, beside two bare processes of the library."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _print import figure

from vbench._process.cores import usable_cores
from vbench.bench.workers import Workers
from vbench.data.dataset import Dataset
from vbench.runs.schema import Build, Options

N, D, ROUNDS = 60_000, 64, 5
_BARE = """
import os, sys
import hnswlib
import numpy as np
os.sched_setaffinity(0, {int(sys.argv[3])})
base = np.load(sys.argv[1])
base = base[np.random.default_rng(int(sys.argv[2])).permutation(len(base))]
index = hnswlib.Index("l2", base.shape[1])
index.init_index(len(base), M=16, ef_construction=200, random_seed=int(sys.argv[2]))
index.add_items(base, num_threads=1)
"""


def main() -> None:
    """`hnsw` over 60,000 × 64, by turns, who is first too; the median of five ratios."""
    if len(usable_cores()) < 2:
        print("needs two cores")
        return
    base = np.random.default_rng(0).normal(size=(N, D)).astype(np.float32)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "base.npy"
        np.save(path, base)
        stored = np.load(path, mmap_mode="r")
        dataset = Dataset("made", stored, base[:100].copy(), "l2")
        ratios = []
        for seed in range(ROUNDS):
            before = bare_seconds(path, seed) if seed % 2 else None
            ours = jobs_seconds(dataset, seed)
            ratios.append(ours / (before or bare_seconds(path, seed)))
    cores = len(usable_cores())
    figure(
        f"two builds with --jobs 2 on {cores} cores beside two bare processes, ratio",
        statistics.median(ratios),
        1 / 0.9,
        "",
    )


def jobs_seconds(dataset: Dataset, seed: int) -> float:
    """Workers started, loaded and built."""
    options = Options(k=[10], builds=2, repeats=1, jobs=2)
    builds = [
        Build(key=str(number), index="hnsw", adapter="hnswlib", seed=10 * seed + number)
        for number in range(2)
    ]
    with Workers(dataset, options) as workers:
        began = time.perf_counter()
        workers.make(builds, lambda now: None)
        spent = time.perf_counter() - began
        for each in builds:
            workers.of(each)  # raises where it was not built
    return spent


def bare_seconds(path: Path, seed: int) -> float:
    """The library alone, in processes of their own on the same cores."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    began = time.perf_counter()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _BARE, str(path), str(10 * seed + number), str(core)],
            env={**os.environ, **limits},
        )
        for number, core in enumerate(usable_cores()[-2:])
    ]
    for each in processes:
        assert each.wait() == 0
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
