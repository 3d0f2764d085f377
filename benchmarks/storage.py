"""Storing 20 trials of 10,000 queries, and computing every measure from the stored files."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from _print import figure

from vbench.analysis.summary import summary
from vbench.data.dataset import Truth
from vbench.runs import files, tables
from vbench.runs.facts import Batch, Pass, TrialFacts
from vbench.runs.rows import Rows, write_trial
from vbench.runs.run import Run
from vbench.runs.schema import Build, DatasetFacts, Manifest, Options, Trial

TRIALS, M, K = 20, 10_000, 10


def main() -> None:
    """Print both figures."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "trials").mkdir()
        builds = [Build(key=f"b{i}", index=f"index{i}", adapter="null") for i in range(TRIALS)]
        trials = [Trial(key=f"t{i}", build=f"b{i}", setting={"ef": i}, k=K) for i in range(TRIALS)]
        files.write_manifest(folder, manifest(builds, trials))
        truth = Truth(
            rng.integers(0, 50_000, (M, 2 * K)).astype(np.int32), np.sort(rng.random((M, 2 * K)))
        )
        tables.write_queries(folder, M, None, None)
        tables.write_ground_truth(folder, truth)
        rows = [made(rng) for _ in trials]
        start = time.perf_counter()
        for build, trial, each in zip(builds, trials, rows, strict=True):
            write_trial(folder, facts(build, trial), each)
        figure("storing 20 trials × 10,000 queries", time.perf_counter() - start, 0.5, "s")
        summary(Run(folder))  # imports are not what is measured
        start = time.perf_counter()
        summary(Run(folder))
        spent = time.perf_counter() - start
        figure("reading them, every measure with its interval", spent, 0.5, "s")


def made(rng: np.random.Generator) -> Rows:
    """Answers with a tail."""
    hits = rng.binomial(K, rng.beta(4, 0.5, M)).astype(np.int32)
    return Rows(
        ids=rng.integers(0, 50_000, (M, K)).astype(np.int32),
        hits=hits,
        latency_ns=rng.integers(10_000, 90_000, (M, 3)),
        ratio=hits / K,
    )


def manifest(builds: list[Build], trials: list[Trial]) -> Manifest:
    """A manifest around them."""
    return Manifest(
        vbench="0",
        created="2026-01-01T00:00:00+00:00",
        dataset=DatasetFacts(name="made", n=50_000, m=M, d=64, metric="l2", fingerprint="0"),
        options=Options(k=[K], builds=1, repeats=3),
        builds=builds,
        trials=trials,
    )


def facts(build: Build, trial: Trial) -> TrialFacts:
    """Facts of a trial without incident."""
    return TrialFacts(
        vbench="0",
        key=trial.key,
        trial=trial,
        build=build,
        passes=[Pass(cpu_share=1.0)],
        phases={"fit": 1.0},
        sizes={"index": 1},
        size_source="adapter",
        peak_bytes=1,
        batches=[Batch(size=M, seconds=1.0)],
    )


if __name__ == "__main__":
    main()
