"""Run folders made up in a moment: any number of indexes, settings and builds, and the odd ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from run_folder import RunFolder

from vbench.data.dataset import GroundTruth
from vbench.runs import tables
from vbench.runs.facts import Batch, Pass
from vbench.runs.run import Run
from vbench.runs.schema import DatasetFacts, Environment, Machine, Options, Overhead, Trial, Warn

ITEMS = 800
"""Base vectors that stand in some list."""
ODD_NAMES = (
    "quote \" and ' and `",
    "</script><script>alert(1)</script>",
    "Größe–δ@K 索引 🌳",
    "an index whose name is as long as eighty characters which is the most one would give",
    "a,comma;semicolon",
    "{{ jinja }} {% raw %}",
    "1",
    "datum['x'] \\ backslash",
)


def make_run(
    folder: Path,
    *,
    names: Sequence[str] = ("hnsw", "ivf-flat"),
    settings: int = 3,
    builds: int = 3,
    m: int = 400,
    ks: Sequence[int] = (10,),
    segments: bool = True,
    hardness: bool = False,
    latency: bool = True,
    failed: Sequence[int] = (),
    pending: int = 0,
    warnings: Sequence[Warn] = (),
    dataset: str = "made",
    seed: int = 0,
) -> Run:
    """Write a run folder whose hits have the shape of real ones, and open it.

    Every second index answers like a graph (all or nothing), the others like a partition.

    Parameters
    ----------
    failed
        Numbers of the indexes whose trials all failed.
    pending
        How many of the last trials were never reached.
    """
    rng = np.random.default_rng(seed)
    activity = rng.choice(["light", "middle", "heavy"], size=m, p=[0.5, 0.3, 0.2])
    difficulty = rng.normal(size=m) + (activity == "heavy")
    depth = max(ks)
    truth = GroundTruth(_lists(m, depth, seed), np.tile(np.arange(depth, dtype=np.float64), (m, 1)))
    run = RunFolder(folder, truth, {"activity": activity} if segments else None)
    if segments:
        shelf = pl.DataFrame(
            {"shelf": [("fiction", "science")[row % 3 == 0] for row in range(ITEMS)]}
        )
        tables.write_items(folder, np.arange(ITEMS), shelf, None)
    if hardness:
        _write_hardness(folder, ks, difficulty)
    made = [run.build(name, number) for name in names for number in range(builds)]
    trials = [
        run.trial(build, 8 * 2**step, k) for build in made for step in range(settings) for k in ks
    ]
    broken = {names[number] for number in failed}
    luck = {build.key: rng.normal(size=m) for build in made}
    for place, trial in enumerate(trials):
        build = run.builds[trial.build]
        if build.index in broken:
            run.fail(
                trial,
                "killed by signal 11 (segmentation fault)",
                log="last <words>",
                kind="signal",
            )
        elif place < len(trials) - pending:
            step = place // len(ks) % settings
            hits = _hits(rng, names.index(build.index), step, trial.k, difficulty, luck[build.key])
            _answer(run, trial, truth.ids, hits, step, latency, rng)
    print_ = hashlib.sha256(f"{dataset}-{m}-{seed}".encode()).hexdigest()
    return run.close(
        DatasetFacts(
            name=dataset,
            n=50_000,
            m=m,
            d=64,
            metric="l2",
            fingerprint=print_,
            card={"title": "Made up", "license": "CC0", "citation": "Nobody, 2026"},
            columns=run.roles,
        ),
        Options(k=list(ks), builds=builds, repeats=3, seed=seed, warmup=100),
        environments={
            "here": Environment(
                machine=Machine(processor="A <processor>", cores=2, memory_bytes=8_000_000_000),
                packages={"numpy": "2.0", "hnswlib": "0.8"},
            )
        },
        overhead=Overhead(inside_ns=120.0, outside_ns=1500.0),
        warnings=list(warnings),
    )


def _lists(m: int, depth: int, seed: int) -> np.ndarray:
    """Exact lists that share items: many begin at the first ones."""
    first = np.random.default_rng(seed + 1).exponential(ITEMS / 10, size=m).astype(np.int32)
    return (first[:, np.newaxis] + np.arange(depth, dtype=np.int32)) % ITEMS


def _hits(
    rng: np.random.Generator,
    number: int,
    step: int,
    k: int,
    difficulty: np.ndarray,
    luck: np.ndarray,
) -> np.ndarray:
    ease = 1.0 + 0.6 * step + 0.05 * number
    if number % 2 == 0:
        lost = 0.6 * difficulty + 0.8 * luck > ease + 0.3
        chance = np.where(lost, 0.02, 1 / (1 + np.exp(-ease - 1.2 + 0.4 * difficulty)))
    else:
        chance = 1 / (1 + np.exp(-ease + 0.7 * difficulty + 0.15 * luck))
    return rng.binomial(k, chance).astype(np.int32)


def _write_hardness(folder: Path, ks: Sequence[int], difficulty: np.ndarray) -> None:
    noise = np.random.default_rng(1).normal(size=(3, len(difficulty)))
    measures = {
        "lid": np.exp(2.5 + 0.4 * difficulty + 0.2 * noise[0]),
        "relative_contrast": 2 - 0.2 * difficulty + 0.2 * noise[1],
        "norm": 10 + noise[2],
    }
    for k in ks:
        # Where the first version kept it: a folder that is shared by tests has no home.
        tables.write_frame(folder / f"hardness-{k}.parquet", pl.DataFrame(measures))


def _answer(
    run: RunFolder,
    trial: Trial,
    truth: np.ndarray,
    hits: np.ndarray,
    step: int,
    latency: bool,
    rng: np.random.Generator,
) -> None:
    places = np.arange(trial.k, dtype=np.int32)
    ids = np.where(places < hits[:, np.newaxis], truth[:, : trial.k], -1)
    times = rng.lognormal(np.log(4e4 * 1.7**step), 0.4, size=(run.m, 3)).astype(np.int64)
    build = run.builds[trial.build]
    run.answer(
        trial,
        ids,
        hits,
        times if latency else times[:, :0],
        passes=[Pass(cpu_share=0.99)] * 3,
        phases={"fit": 12.0 + build.number},
        sizes={"index": 40_000_000 + 1_000_000 * (len(build.index) % 7)},
        peak_bytes=60_000_000,
        batches=[Batch(size=run.m, seconds=run.m * 4e-5 * 1.7**step if latency else 0.0)],
        work=300.0 * 1.8**step,
        outside_ns=900.0,
    )
