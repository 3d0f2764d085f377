"""Storing 20 trials of 10,000 queries, and computing every measure from the stored files."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from _print import figure
from _run_folder import RunFolder

from vbench.analysis.summary import summarize
from vbench.data.dataset import GroundTruth
from vbench.runs.run import Run

TRIALS, M, K = 20, 10_000, 10


def main() -> None:
    """Print both figures."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        run = RunFolder(Path(name), made_truth(rng))
        trials = [run.trial(run.build(f"index{i}"), i, K) for i in range(TRIALS)]
        answers = [made_answers(rng) for _ in trials]
        start = time.perf_counter()
        for trial, each in zip(trials, answers, strict=True):
            run.answer(trial, *each)
        figure("storing 20 trials × 10,000 queries", time.perf_counter() - start, 0.5, "s")
        run.close()
        summarize(Run(run.folder))  # imports are not what is measured
        start = time.perf_counter()
        summarize(Run(run.folder))
        spent = time.perf_counter() - start
        figure("reading them, every measure with its interval", spent, 0.5, "s")


def made_truth(rng: np.random.Generator) -> GroundTruth:
    """Exact neighbors of nothing."""
    ids = rng.integers(0, 50_000, (M, 2 * K)).astype(np.int32)
    return GroundTruth(ids, np.sort(rng.random((M, 2 * K))))


def made_answers(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids, hits with a tail, and latencies of three passes."""
    hits = rng.binomial(K, rng.beta(4, 0.5, M))
    ids = rng.integers(0, 50_000, (M, K)).astype(np.int32)
    return ids, hits, rng.integers(10_000, 90_000, (M, 3))


if __name__ == "__main__":
    main()
