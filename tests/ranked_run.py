"""A small dataset with judgments, and runs over it whose misses a test chooses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

import vbench
from vbench.bench.journal import dataset_facts
from vbench.data.dataset import Dataset, Truth
from vbench.metric import distance
from vbench.runs import files, tables
from vbench.runs.facts import Batch, Pass, TrialFacts
from vbench.runs.rows import Rows, write_trial
from vbench.runs.run import Run
from vbench.runs.schema import Build, Manifest, Options, Trial

N, M, D, JUDGED = 300, 90, 6, 70


def judged_dataset(folder: Path, **changes: pl.DataFrame | None) -> Dataset:
    """A dataset folder, opened: the judgments are of near items, for the first 70 queries.

    `changes` are other frames for `queries`, `items` or `relevance`; None leaves one out.
    """
    rng = np.random.default_rng(5)
    folder.mkdir(parents=True)
    base = rng.normal(size=(N, D)).astype(np.float32)
    queries = rng.normal(size=(M, D)).astype(np.float32)
    near = np.argsort(distance(queries[:, np.newaxis], base, "ip"), axis=1)
    odds = 0.8 ** np.arange(30)
    pairs = [
        (query, item)
        for query in range(JUDGED)
        for item in rng.choice(near[query, :30], 1 + query % 4, replace=False, p=odds / odds.sum())
    ]
    activity = np.where(np.arange(M) % 3 == 0, "heavy", "light")
    tables = {
        "queries": pl.DataFrame({"activity": activity}),
        "items": pl.DataFrame({"popularity": rng.integers(1, 100, N)}),
        "relevance": pl.DataFrame(pairs, schema=["query", "item"], orient="row"),
    } | changes
    np.save(folder / "base.npy", base)
    np.save(folder / "queries.npy", queries)
    for name, table in tables.items():
        if table is not None:
            table.write_parquet(folder / f"{name}.parquet")
    (folder / "dataset.toml").write_text('metric = "ip"\n')
    return vbench.load(folder)


def ranked_run(
    folder: Path,
    dataset: Dataset,
    missing: Mapping[str, Mapping[int, float]] | None = None,
    *,
    k: int = 20,
    builds: int = 2,
    seed: int = 0,
) -> Run:
    """A run folder: ``{"hnsw": {16: 0.3}}`` misses each neighbor with probability 0.3 at ef=16.

    What comes instead of a missed neighbor are the next ones, in order.
    """
    rng = np.random.default_rng(seed)
    (folder / "trials").mkdir(parents=True)
    near = distance(dataset.queries[:, np.newaxis], dataset.base, dataset.metric)
    order = np.argsort(near, axis=1, kind="stable").astype(np.int32)
    depth = 2 * k
    truth = Truth(order[:, :depth], np.take_along_axis(near, order, axis=1)[:, :depth])
    tables.write_queries(folder, dataset.m, dataset.segments, None)
    tables.write_ground_truth(folder, truth)
    made: dict[str, Build] = {}
    trials: list[Trial] = []
    for name, settings in (missing or {"hnsw": {16: 0.4, 32: 0.1}, "ivf": {1: 0.3}}).items():
        for number in range(builds):
            key = f"{name}-{number}"
            made[key] = Build(
                key=key,
                index=name,
                adapter="tests:Made",
                params={"M": 16},
                number=number,
                seed=number,
                tune_parameter="ef",
            )
            for ef, share in settings.items():
                trials.append(Trial(key=f"{key}-{ef}-{k}", build=key, setting={"ef": ef}, k=k))
                ids = _missed(order, share, k, rng)
                _write(folder, trials[-1], made[key], ids, truth.ids[:, :k])
    manifest = Manifest(
        vbench="0",
        created="2026-01-02T03:04:05+00:00",
        dataset=dataset_facts(dataset),
        options=Options(k=[k], builds=builds, repeats=1),
        builds=list(made.values()),
        trials=trials,
    )
    files.write_manifest(folder, manifest)
    return Run(folder)


def _missed(order: np.ndarray, share: float, k: int, rng: np.random.Generator) -> np.ndarray:
    """The first `k` of each row of `order` that are not missed."""
    found = rng.random(order.shape) >= share
    place = np.argsort(~found, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(order, place, axis=1)


def _write(folder: Path, trial: Trial, build: Build, ids: np.ndarray, truth: np.ndarray) -> None:
    m = len(ids)
    hits = (ids[:, :, np.newaxis] == truth[:, np.newaxis]).any(axis=2).sum(axis=1)
    facts = TrialFacts(
        vbench="0",
        key=trial.key,
        trial=trial,
        build=build,
        passes=[Pass(cpu_share=1.0)],
        phases={"fit": 0.0},
        sizes={"index": 0},
        batches=[Batch(size=m, seconds=0.0)],
    )
    rows = Rows(
        ids=ids,
        hits=hits.astype(np.int32),
        latency_ns=np.full((m, 1), 1000, dtype=np.int64),
        ratio=hits / trial.k,
    )
    write_trial(folder, facts, rows)
