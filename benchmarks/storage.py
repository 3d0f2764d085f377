"""Storing 20 trials of 10,000 queries, and computing every measure from the stored files."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from _print import figure

from vbench.data.dataset import Truth
from vbench.results import files
from vbench.results.run import Run
from vbench.results.schema import (
    RUN_SCHEMA,
    TRIAL_SCHEMA,
    Build,
    DatasetFacts,
    Manifest,
    Options,
    Trial,
    TrialFacts,
)
from vbench.results.summary import summary

TRIALS, M, K = 20, 10_000, 10


def main() -> None:
    """Print both figures."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "trials").mkdir()
        builds = [Build(f"b{i}", f"index{i}", "null", "none", {}, 0, i) for i in range(TRIALS)]
        trials = [Trial(f"t{i}", f"b{i}", {"ef": i}, K) for i in range(TRIALS)]
        files.write_manifest(folder, manifest(builds, trials))
        truth = Truth(
            rng.integers(0, 50_000, (M, 2 * K)).astype(np.int32), np.sort(rng.random((M, 2 * K)))
        )
        files.write_queries(folder, None, truth)
        rows = [made(rng) for _ in trials]
        start = time.perf_counter()
        for build, trial, each in zip(builds, trials, rows, strict=True):
            files.write_trial(folder, facts(build, trial), each)
        figure("storing 20 trials × 10,000 queries", time.perf_counter() - start, 0.5, "s")
        summary(Run(folder))  # imports are not what is measured
        start = time.perf_counter()
        summary(Run(folder))
        spent = time.perf_counter() - start
        figure("reading them, every measure with its interval", spent, 0.5, "s")


def made(rng: np.random.Generator) -> files.Rows:
    """Answers with a tail."""
    hits = rng.binomial(K, rng.beta(4, 0.5, M)).astype(np.int32)
    return files.Rows(
        ids=rng.integers(0, 50_000, (M, K)).astype(np.int32),
        hits=hits,
        latency_ns=rng.integers(10_000, 90_000, (M, 3)),
        ratio=hits / K,
    )


def manifest(builds: list[Build], trials: list[Trial]) -> Manifest:
    """A manifest around them."""
    return Manifest(
        schema=RUN_SCHEMA,
        vbench="0",
        git=None,
        created="2026-01-01T00:00:00+00:00",
        packages={},
        machine={},
        dataset=DatasetFacts("made", 50_000, M, 64, "l2", "0", {}, {}, []),
        options=Options([K], 1, 3, 1, 0, "exact-tie", 0, None, None),
        builds=builds,
        trials=trials,
    )


def facts(build: Build, trial: Trial) -> TrialFacts:
    """Facts of a trial without incident."""
    return TrialFacts(
        schema=TRIAL_SCHEMA,
        vbench="0",
        trial=trial,
        build=build,
        space="none",
        build_seconds=1.0,
        build_cpu_seconds=1.0,
        index_bytes=1,
        size_source="adapter",
        peak_bytes=1,
        batch_seconds=1.0,
        batch_differs=0,
        work=None,
        cpu_share=[1.0],
        redone=0,
        disturbed=False,
        unstable=0,
        duplicates=0,
        pads=0,
        ties=0,
        outside_ns=0.0,
    )


if __name__ == "__main__":
    main()
