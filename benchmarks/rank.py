"""Ranking 20 trials of 10,000 queries and 100 candidates, with `cross`, training included."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from _print import figure
from _run_folder import RunFolder

import vbench
from vbench.bench.journal import dataset_facts
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth
from vbench.ranking.ranked import measure_list
from vbench.ranking.stage import set_up
from vbench.runs.run import Run

VBENCH = str(Path(sys.executable).with_name("vbench"))
N, M, D, K, SETTINGS, BUILDS = 50_000, 10_000, 64, 100, 10, 2


def main() -> None:
    """Print both figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["VBENCH_HOME"] = str(folder / "home")
        dataset = made_dataset(folder / "data")
        run = made_run(folder / "run", dataset)
        measures_alone(run, dataset)
        start = time.perf_counter()
        command = [
            VBENCH, "rank", str(run.path), "--ranker", "cross",
            "--interactions", str(folder / "data" / "taken.parquet"),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
        figure("vbench rank --ranker cross, 20 trials × 10,000 × K=100", seconds, 60.0, "s")


def measures_alone(run: Run, dataset: Dataset) -> None:
    """Time all measures of all trials, from scores that are there."""
    stage = set_up([run], dataset)
    scores = np.random.default_rng(0).random(len(stage.pool))
    start = time.perf_counter()
    for places in stage.pool.places[1:]:
        measure_list(stage, scores[places], places)
    seconds = time.perf_counter() - start
    figure("nDCG, MRR, Hit, MAP, GAUC of those, ranked", seconds, 1.0, "s")


def made_dataset(folder: Path, m: int = M) -> Dataset:
    """Users and items of a latent space, what users took, and what they took later."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    popular = rng.gamma(0.5, 1.0, N).astype(np.float32)
    base = rng.normal(size=(N, D)).astype(np.float32)
    users = rng.normal(size=(m, D)).astype(np.float32)
    taken = []
    for user in range(m):
        pool = rng.integers(0, N, 600)
        liked = base[pool] @ users[user] / 8 + np.log(popular[pool] + 1e-3)
        taken.append(pool[np.argsort(-liked)[: rng.integers(10, 60)]])
    query = np.repeat(np.arange(m), [len(row) for row in taken])
    item = np.concatenate(taken)
    later = rng.random(len(item)) < 0.1
    np.save(folder / "base.npy", base)
    np.save(folder / "queries.npy", users)
    ids = {"q": [f"u{row}" for row in range(m)], "i": [f"i{row}" for row in range(N)]}
    counts = np.bincount(item[~later], minlength=N)
    segments = {"id": ids["q"], "activity": np.where(np.arange(m) % 2, "heavy", "light")}
    pl.DataFrame(segments).write_parquet(folder / "queries.parquet")
    pl.DataFrame({"id": ids["i"], "popularity": counts}).write_parquet(folder / "items.parquet")
    pl.DataFrame({"query": query[later], "item": item[later]}).unique().write_parquet(
        folder / "relevance.parquet"
    )
    pl.DataFrame(
        {"user": [ids["q"][q] for q in query[~later]], "item": [ids["i"][i] for i in item[~later]]}
    ).write_parquet(folder / "taken.parquet")
    (folder / "dataset.toml").write_text('metric = "ip"\n')
    return vbench.load(folder)


def made_run(folder: Path, dataset: Dataset, builds: int = BUILDS) -> Run:
    """Trials that miss between 2 and 40 % of the neighbors."""
    rng = np.random.default_rng(1)
    truth = compute_ground_truth(dataset, 2 * K)
    run = RunFolder(folder, truth, dataset.segments)
    for number in range(builds):
        build = run.build("made", number)
        for ef in range(SETTINGS):
            answers = made_answers(truth.ids, 0.4 / (1 + ef), rng)
            run.answer(run.trial(build, ef, K), *answers, 10_000)
    return run.close(dataset_facts(dataset))


def made_answers(
    order: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The first K of each row that are not missed, each with probability `share`; their hits."""
    place = np.argsort(rng.random(order.shape) < share, axis=1, kind="stable")[:, :K]
    return np.take_along_axis(order, place, axis=1), (place < K).sum(axis=1)


if __name__ == "__main__":
    main()
