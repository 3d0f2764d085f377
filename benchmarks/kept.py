"""One more setting, or K, on a finished run: beside loading the index and its searches."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from _print import figure

import vbench

N, D, M = 400_000, 96, 10_000
START_SECONDS = 2.0
"""To start a worker, whatever the size of the data."""


def main() -> None:
    """`ivf-flat` over 400,000 × 96 , 5,000 queries: nprobe 32 beside 8, then K = 20."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        centers = rng.normal(size=(1_000, D))
        for file, rows in (("base", N), ("queries", M)):
            drawn = centers[rng.integers(len(centers), size=rows)] + rng.normal(size=(rows, D))
            np.save(folder / f"{file}.npy", drawn.astype(np.float32))
        measure(folder, {"nprobe": [8]}, 10)
        for what, nprobe, k in (("setting", [8, 32], 10), ("K", [8], 20)):
            known = {trial.key for trial in vbench.open(folder / "run").done}
            began = time.perf_counter()
            run = measure(folder, {"nprobe": nprobe}, k)
            wall = time.perf_counter() - began
            own = sum(seconds_of(run, each) for each in run.done if each.key not in known)
            figure(
                f"one more {what}: wall {wall:.1f} s beside 1.1 × {own:.1f} s + "
                f"{START_SECONDS:g} s, ratio",
                wall / (1.1 * own + START_SECONDS),
                1,
                "",
            )


def measure(folder: Path, settings: dict[str, list[int]], k: int) -> vbench.Run:
    """Open the files and measure, as a command does."""
    dataset = vbench.load(folder / "base.npy", queries=folder / "queries.npy", metric="l2")
    return vbench.run(
        dataset, "ivf-flat", builds=1, k=k, settings=settings, out=folder / "run", progress=False
    )


def seconds_of(run: vbench.Run, trial: object) -> float:
    """Loading the index, warm-up, all passes and the batch."""
    facts = run.facts(trial)
    passes = run.answers(trial).latency_ns.sum(axis=0) * 1e-9
    # The warm-up is of a thousand queries.
    warm = passes.mean() * 1_000 / M
    searches = passes.sum() + passes.mean() * facts.redone + warm + facts.batch.seconds
    return facts.phases["load"] + searches


if __name__ == "__main__":
    main()
