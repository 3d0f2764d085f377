"""Dask workers beside bare processes that do the same, side by side on the cores at hand.

Exact search by workers that have just opened the vectors, and a run of a build for each worker,
beside processes that each do their share of it alone. Workers are started before the clock.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _print import figure

import vbench
from vbench._process.cores import usable_cores
from vbench.bench.cluster.cluster import open_cluster
from vbench.bench.cluster.parts import place_of
from vbench.bench.cluster.truth import find_ground_truth
from vbench.data.dataset import Dataset
from vbench.data.load import load

N, D, DEPTH, ROUNDS = 400_000, 96, 200, 3
QUERIES = 2_000
"""For each core."""
BUILT = 40_000
_SEARCH = """
import sys
import vbench
from vbench.data.load import load
from vbench.neighbors.exact import nearest
print("ready", flush=True)
sys.stdin.readline()
base, queries, part, of = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
dataset = vbench.load(base, queries=queries, metric="l2")
first, last = dataset.m * part // of, dataset.m * (part + 1) // of
nearest(dataset.queries[first:last], dataset.base, "l2", {depth})
"""
_RUN = """
import sys
import vbench
import vbench.bench.runner
print("ready", flush=True)
sys.stdin.readline()
base, queries, part, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
dataset = vbench.load(base, queries=queries, metric="l2")
vbench.run(dataset, "hnsw", builds=1, repeats=1, seed=part, keep_indexes=False, out=out)
"""


def main() -> None:
    """By turns, the median of some ratios each."""
    cores = len(usable_cores())
    if cores < 2:
        print("needs two cores")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["VBENCH_HOME"] = str(folder / "home")
        search, run = (
            _made(folder / "search", N, QUERIES * cores),
            _made(folder / "run", BUILT, 1_000),
        )
        vbench.run(run, "flat", builds=1, repeats=1, out=folder / "first")  # its exact neighbors
        searches, runs = [], []
        for _ in range(ROUNDS):
            searches.append(_clustered_search(search) / _bare(folder / "search", cores, _SEARCH))
            out = folder / "out"
            runs.append(_clustered_run(run, out, cores) / _bare(folder / "run", cores, _RUN, out))
            shutil.rmtree(out)
    beside = f"on {cores} cores beside bare processes, ratio"
    figure(f"exact search by workers {beside}", statistics.median(searches), 1 / 0.8, "")
    figure(f"builds and searches by workers {beside}", statistics.median(runs), 1 / 0.9, "")


def _made(folder: Path, n: int, m: int) -> Dataset:
    folder.mkdir()
    rng = np.random.default_rng(0)
    np.save(folder / "base.npy", rng.standard_normal((n, D), dtype=np.float32))
    np.save(folder / "queries.npy", rng.standard_normal((m, D), dtype=np.float32))
    return load(folder / "base.npy", queries=folder / "queries.npy", metric="l2")


def _clustered_search(dataset: Dataset) -> float:
    shutil.rmtree(Path(os.environ["VBENCH_HOME"]) / "truth" / dataset.fingerprint, True)
    with open_cluster("local", 1) as cluster:
        began = time.perf_counter()
        find_ground_truth(cluster, place_of(dataset, cluster), dataset, DEPTH)
        return time.perf_counter() - began


def _clustered_run(dataset: Dataset, out: Path, cores: int) -> float:
    """Less what starting the workers takes, which is measured apart."""
    began = time.perf_counter()
    with open_cluster("local", 1):
        pass
    starting = time.perf_counter() - began
    began = time.perf_counter()
    vbench.run(
        dataset,
        "hnsw",
        builds=cores,
        repeats=1,
        keep_indexes=False,
        workers="local",
        out=out / "workers",
    )
    return time.perf_counter() - began - starting


def _bare(folder: Path, cores: int, code: str, out: Path | None = None) -> float:
    """Processes of their own on the same cores, from when all have imported what they need."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    files = [str(folder / "base.npy"), str(folder / "queries.npy")]
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", code.replace("{depth}", str(DEPTH)), *files, str(part)),
                str(cores) if out is None else str(out / str(part)),
            ],
            env={**os.environ, **limits},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for part in range(cores)
    ]
    for each in processes:
        assert each.stdout is not None
        each.stdout.readline()
    began = time.perf_counter()
    for each in processes:
        assert each.stdin is not None
        each.stdin.write(b"go\n")
        each.stdin.flush()
    for each in processes:
        assert each.wait() == 0
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
