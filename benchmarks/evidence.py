"""Hardness of 10,000 queries; intervals and tests of 20 settings × 10,000 queries × 3 builds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from _print import figure
from _run_folder import RunFolder
from storage import made_answers, made_truth

from vbench.analysis.compare import compare_pairs
from vbench.analysis.summary import summarize
from vbench.data.dataset import GroundTruth
from vbench.measures.hardness import hardness
from vbench.runs.pairing import Pair
from vbench.runs.run import Run

SETTINGS, BUILDS, M, K = 20, 3, 10_000, 10
N, D, DEPTH = 100_000, 64, 200


def main() -> None:
    """Print both figures."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        run = stored(Path(name), rng)
        sides = run.settings()
        pairs = [Pair(a, b) for a, b in zip(sides[::2], sides[1::2], strict=True)]
        compare_pairs(pairs[:1])  # imports are not what is measured
        start = time.perf_counter()
        summarize(run)
        compare_pairs(pairs)
        spent = time.perf_counter() - start
    figure("every interval, and 10 comparisons, of 20 settings × 3 builds", spent, 3.0, "s")

    base = rng.normal(size=(N, D)).astype(np.float32)
    queries = rng.normal(size=(M, D)).astype(np.float32)
    truth = exact(base, queries)
    start = time.perf_counter()
    hardness(base, queries, truth.ids, truth.distances, "l2", k=K)
    figure(f"hardness of {M:,} queries on {N:,} × {D}", time.perf_counter() - start, 3.0, "s")


def stored(folder: Path, rng: np.random.Generator) -> Run:
    """A run of made-up answers."""
    run = RunFolder(folder, made_truth(rng))
    builds = [run.build("made", number) for number in range(BUILDS)]
    for ef in range(SETTINGS):
        for build in builds:
            run.answer(run.trial(build, ef, K), *made_answers(rng))
    return run.close()


def exact(base: np.ndarray, queries: np.ndarray) -> GroundTruth:
    """Neighbors as faiss finds them: what is timed is what comes after."""
    import faiss

    squares, ids = faiss.knn(queries, base, DEPTH)
    return GroundTruth(ids, np.sqrt(np.maximum(squares, 0.0)).astype(np.float64))


if __name__ == "__main__":
    main()
