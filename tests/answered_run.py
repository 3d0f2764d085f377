"""Run folders whose hits a test chooses: truth, answers and files as a run would leave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from vbench.data.dataset import Truth
from vbench.measures.hits import Rule
from vbench.runs import files, tables
from vbench.runs.facts import Batch, Pass, TrialFacts
from vbench.runs.rows import Rows, write_trial
from vbench.runs.run import Run
from vbench.runs.schema import Build, DatasetFacts, Manifest, Options, Trial

N = 1000


def answered(
    folder: Path,
    indexes: Mapping[str, Mapping[int, Any]],
    *,
    k: int = 10,
    columns: Mapping[str, Sequence[Any]] | None = None,
    fingerprint: str = "f" * 64,
    rule: Rule = "exact-tie",
    truth_from: int = 0,
) -> Run:
    """A run of the given hits: ``{"hnsw": {16: hits (builds, m)}}`` at ef=16.

    The true neighbors of every query are `truth_from`, `truth_from` + 1, …; what comes instead
    of the last of them has ids from 500 on. A query takes 1,000 ns for each unit of ef.
    """
    (folder / "trials").mkdir(parents=True)
    answers = {
        name: {ef: np.atleast_2d(h) for ef, h in each.items()} for name, each in indexes.items()
    }
    m = next(iter(next(iter(answers.values())).values())).shape[1]
    truth = Truth(
        np.tile(np.arange(truth_from, truth_from + 2 * k, dtype=np.int32), (m, 1)),
        np.tile(np.arange(1.0, 2 * k + 1), (m, 1)),
    )
    tables.write_queries(folder, m, None if columns is None else pl.DataFrame(columns), None)
    tables.write_ground_truth(folder, truth)
    builds: dict[str, Build] = {}
    trials: list[Trial] = []
    for place, (name, by_ef) in enumerate(answers.items()):
        for ef, hits in by_ef.items():
            for number, row in enumerate(hits):
                key = f"b{place}-{number}"
                builds[key] = Build(
                    key=key,
                    index=name,
                    adapter="tests:Made",
                    params={"M": 16},
                    number=number,
                    seed=number,
                    tune_parameter="ef",
                )
                trial = Trial(key=f"{key}-{ef}-{k}", build=key, setting={"ef": ef}, k=k)
                trials.append(trial)
                _write_trial(folder, trials[-1], builds[key], row, truth.ids[:, :k])
    facts = DatasetFacts(
        name="made",
        n=N,
        m=m,
        d=4,
        metric="l2",
        fingerprint=fingerprint,
        columns=dict.fromkeys(columns or {}, "segment"),
    )
    most = max(len(h) for h in answers[name].values())
    manifest = Manifest(
        vbench="0",
        created="2026-01-02T03:04:05+00:00",
        dataset=facts,
        options=Options(k=[k], builds=most, repeats=1, rule=rule),
        builds=list(builds.values()),
        trials=trials,
    )
    files.write_manifest(folder, manifest)
    return Run(folder)


def _write_trial(
    folder: Path, trial: Trial, build: Build, hits: np.ndarray, truth: np.ndarray
) -> None:
    m, k = len(hits), trial.k
    places = np.arange(k)
    ids = np.where(places < hits[:, np.newaxis], truth, 500 + places).astype(np.int32)
    facts = TrialFacts(
        vbench="0",
        key=trial.key,
        trial=trial,
        build=build,
        passes=[Pass(cpu_share=1.0)],
        phases={"fit": 1.0 + build.number},
        sizes={"index": 1000},
        size_source="adapter",
        batches=[Batch(size=m, seconds=0.1)],
    )
    latency = np.full((m, 1), 1000 * trial.setting["ef"], dtype=np.int64)
    rows = Rows(ids=ids, hits=hits.astype(np.int32), latency_ns=latency, ratio=hits / k)
    write_trial(folder, facts, rows)
