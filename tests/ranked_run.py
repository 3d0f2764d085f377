"""A small dataset with judgments, and runs over it whose misses a test chooses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from run_folder import RunFolder

import vbench
from vbench.bench.journal import dataset_facts
from vbench.data.dataset import Dataset, GroundTruth
from vbench.metric import distance
from vbench.ranking.stage import Stage, set_up
from vbench.runs.run import Run

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
    near = distance(dataset.queries[:, np.newaxis], dataset.base, dataset.metric)
    order = np.argsort(near, axis=1, kind="stable").astype(np.int32)
    depth = 2 * k
    truth = GroundTruth(order[:, :depth], np.take_along_axis(near, order, axis=1)[:, :depth])
    run = RunFolder(folder, truth, dataset.segments)
    for name, settings in (missing or {"hnsw": {16: 0.4, 32: 0.1}, "ivf": {1: 0.3}}).items():
        for number in range(builds):
            build = run.build(name, number)
            for ef, share in settings.items():
                ids = _missed(order, share, k, rng)
                hits = (ids[:, :, np.newaxis] == truth.ids[:, np.newaxis, :k]).any(axis=2)
                run.answer(run.trial(build, ef, k), ids, hits.sum(axis=1))
    return run.close(dataset_facts(dataset))


def _missed(order: np.ndarray, share: float, k: int, rng: np.random.Generator) -> np.ndarray:
    """The first `k` of each row of `order` that are not missed."""
    found = rng.random(order.shape) >= share
    place = np.argsort(~found, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(order, place, axis=1)


def taken_dataset(folder: Path) -> Dataset:
    """A dataset whose nearest items were had before: what is relevant begins after 8."""
    plain = judged_dataset(folder.with_name(f"{folder.name}-plain"))
    near = np.argsort(distance(plain.queries[:, np.newaxis], plain.base, "ip"), axis=1)
    pairs = {"query": np.repeat(np.arange(JUDGED), 8), "item": near[:JUDGED, 8:16].ravel()}
    return judged_dataset(folder, relevance=pl.DataFrame(pairs))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """300 items, 90 queries, 70 of them judged."""
    return judged_dataset(tmp_path / "small")


@pytest.fixture
def run(tmp_path: Path, dataset: Dataset) -> Run:
    """Three settings of two builds, K=20."""
    return ranked_run(tmp_path / "run", dataset)


@pytest.fixture
def stage(run: Run, dataset: Dataset) -> Stage:
    """Their candidates."""
    return set_up([run], dataset)
