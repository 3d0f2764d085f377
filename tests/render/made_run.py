"""Run folders made up in a moment: any number of indexes, settings and builds, and the odd ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from vbench.data.dataset import Truth
from vbench.runs import files, tables
from vbench.runs.facts import Batch, Pass, TrialFacts
from vbench.runs.rows import Rows, write_trial
from vbench.runs.run import Run
from vbench.runs.schema import (
    Build,
    DatasetFacts,
    Environment,
    Failure,
    Machine,
    Manifest,
    Options,
    Overhead,
    Trial,
    Warn,
)

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
    (folder / "trials").mkdir(parents=True)
    print_ = hashlib.sha256(f"{dataset}-{m}-{seed}".encode()).hexdigest()
    activity = rng.choice(["light", "middle", "heavy"], size=m, p=[0.5, 0.3, 0.2])
    difficulty = rng.normal(size=m) + (activity == "heavy")
    _write_queries(folder, m, ks, activity if segments else None, difficulty, hardness, print_)
    made_builds = [
        _build(place, name, number) for place, name in enumerate(names) for number in range(builds)
    ]
    trials = [
        Trial(
            key=f"{build.key}-{step}-{k}",
            build=build.key,
            setting={build.tune_parameter: 8 * 2**step},
            k=k,
        )
        for build in made_builds
        for step in range(settings)
        for k in ks
    ]
    broken = {names[number] for number in failed}
    of = {build.key: build for build in made_builds}
    failures = [
        Failure(
            trial=trial.key,
            reason="killed by signal 11 (segmentation fault)",
            log="last <words>",
            kind="signal",
        )
        for trial in trials
        if of[trial.build].index in broken
    ]
    reached = trials[: len(trials) - pending]
    luck = {build.key: rng.normal(size=m) for build in made_builds}
    for trial in reached:
        build = of[trial.build]
        if build.index not in broken:
            number = names.index(build.index)
            step = int(np.log2(trial.setting[build.tune_parameter] / 8))
            hits = _hits(rng, number, step, trial.k, difficulty, luck[build.key])
            _write_trial(folder, trial, build, hits, step, latency, rng)
    files.write_manifest(
        folder,
        _manifest(
            dataset, m, made_builds, trials, failures, warnings, ks, builds, segments, seed, print_
        ),
    )
    return Run(folder)


def _build(place: int, name: str, number: int) -> Build:
    return Build(
        key=f"b{place}-{number}",
        index=name,
        adapter="tests:Made",
        params={"M": 16},
        number=number,
        seed=number,
        tune_parameter="ef",
    )


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


def _write_queries(
    folder: Path,
    m: int,
    ks: Sequence[int],
    activity: np.ndarray | None,
    difficulty: np.ndarray,
    hardness: bool,
    fingerprint: str,
) -> None:
    depth = max(ks)
    truth = Truth(
        np.tile(np.arange(depth, dtype=np.int32), (m, 1)),
        np.tile(np.arange(depth, dtype=np.float64), (m, 1)),
    )
    columns: dict[str, Any] = {}
    if activity is not None:
        columns["activity"] = activity
    tables.write_queries(folder, m, pl.DataFrame(columns) if columns else None, None)
    tables.write_ground_truth(folder, truth)
    if hardness:
        noise = np.random.default_rng(1).normal(size=(3, m))
        measures = {
            "lid": np.exp(2.5 + 0.4 * difficulty + 0.2 * noise[0]),
            "relative_contrast": 2 - 0.2 * difficulty + 0.2 * noise[1],
            "norm": 10 + noise[2],
        }
        for k in ks:
            # Where the first version kept it: a folder that is shared by tests has no home.
            tables.write_frame(folder / f"hardness-{k}.parquet", pl.DataFrame(measures))


def _write_trial(
    folder: Path,
    trial: Trial,
    build: Build,
    hits: np.ndarray,
    step: int,
    latency: bool,
    rng: np.random.Generator,
) -> None:
    m = len(hits)
    places = np.arange(trial.k, dtype=np.int32)
    ids = np.where(places < hits[:, np.newaxis], places, -1).astype(np.int32)
    times = rng.lognormal(np.log(4e4 * 1.7**step), 0.4, size=(m, 3)).astype(np.int64)
    facts = TrialFacts(
        vbench="0",
        key=trial.key,
        trial=trial,
        build=build,
        passes=[Pass(cpu_share=0.99)] * 3,
        phases={"fit": 12.0 + build.number},
        sizes={"index": 40_000_000 + 1_000_000 * (len(build.index) % 7)},
        size_source="adapter",
        peak_bytes=60_000_000,
        batches=[Batch(size=m, seconds=m * 4e-5 * 1.7**step if latency else 0.0)],
        work=300.0 * 1.8**step,
        outside_ns=900.0,
    )
    rows = Rows(
        ids=ids,
        hits=hits,
        latency_ns=times if latency else times[:, :0],
        ratio=hits / trial.k,
    )
    write_trial(folder, facts, rows)


def _manifest(
    dataset: str,
    m: int,
    builds: list[Build],
    trials: list[Trial],
    failures: list[Failure],
    warnings: Sequence[Warn],
    ks: Sequence[int],
    number: int,
    segments: bool,
    seed: int,
    print_: str,
) -> Manifest:
    return Manifest(
        vbench="0",
        created="2026-01-02T03:04:05+00:00",
        environments={
            "here": Environment(
                machine=Machine(processor="A <processor>", cores=2, memory_bytes=8_000_000_000),
                packages={"numpy": "2.0", "hnswlib": "0.8"},
            )
        },
        dataset=DatasetFacts(
            name=dataset,
            n=50_000,
            m=m,
            d=64,
            metric="l2",
            fingerprint=print_,
            card={"title": "Made up", "license": "CC0", "citation": "Nobody, 2026"},
            columns={"activity": "segment"} if segments else {},
        ),
        options=Options(
            k=list(ks),
            builds=number,
            repeats=3,
            seed=seed,
            warmup=100,
        ),
        builds=builds,
        trials=trials,
        failures=failures,
        overhead=Overhead(inside_ns=120.0, outside_ns=1500.0),
        warnings=list(warnings),
    )
