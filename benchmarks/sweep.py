"""A whole sweep, end to end: the wall time beside what the index itself took."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from _print import figure

import vbench
from vbench.data.dataset import Dataset

EF = [16, 32, 48, 64, 96, 128]


def main() -> None:
    """Six settings × three repeats × 1,000 queries of hnswlib on 50,000 × 64, one build."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(50_000, 64)).astype(np.float32)
    queries = rng.normal(size=(1_000, 64)).astype(np.float32)
    dataset = Dataset("made", base, queries, "l2")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run = vbench.run(dataset, ["hnsw"], builds=1, settings={"ef": EF}, out=Path(folder) / "run")
        wall = time.perf_counter() - start
        facts = [run.facts(trial) for trial in run.done]
        searches = 0.0
        for trial, each in zip(run.done, facts, strict=True):
            passes = run.answers(trial).latency_ns.sum(axis=0) * 1e-9
            # The warm-up is one more pass, and so is each that was repeated.
            searches += passes.sum() + passes.mean() * (1 + each.redone) + each.batch.seconds
        own = facts[0].build_seconds + searches
    figure(
        f"sweep of 6 ef: wall {wall:.1f} s beside 1.25 × {own:.1f} s + 2 s, ratio",
        wall / (1.25 * own + 2),
        1,
        "",
    )


if __name__ == "__main__":
    main()
