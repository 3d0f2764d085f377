"""Run folders whose hits a test chooses: truth, answers and files as a run would leave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from vbench.data.dataset import Truth
from vbench.measures.hits import Rule
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

    The true neighbours of every query are `truth_from`, `truth_from` + 1, …; what comes instead
    of the last of them has ids from 500 on. A query takes 1,000 ns for each unit of ef.
    """
    (folder / "trials").mkdir(parents=True)
    tables = {
        name: {ef: np.atleast_2d(h) for ef, h in each.items()} for name, each in indexes.items()
    }
    m = next(iter(next(iter(tables.values())).values())).shape[1]
    truth = Truth(
        np.tile(np.arange(truth_from, truth_from + 2 * k, dtype=np.int32), (m, 1)),
        np.tile(np.arange(1.0, 2 * k + 1), (m, 1)),
    )
    files.write_queries(folder, None if columns is None else pl.DataFrame(columns), truth)
    builds: dict[str, Build] = {}
    trials: list[Trial] = []
    for place, (name, by_ef) in enumerate(tables.items()):
        for ef, hits in by_ef.items():
            for number, row in enumerate(hits):
                key = f"b{place}-{number}"
                builds[key] = Build(
                    key, name, "tests:Made", "none", {"M": 16}, number, number, "ef"
                )
                trials.append(Trial(f"{key}-{ef}-{k}", key, {"ef": ef}, k))
                _write_trial(folder, trials[-1], builds[key], row, truth.ids[:, :k])
    facts = DatasetFacts("made", N, m, 4, "l2", fingerprint, {}, {}, list(columns or {}))
    options = Options([k], max(len(h) for h in tables[name].values()), 1, 1, 0, rule, 0, None, None)
    manifest = Manifest(
        RUN_SCHEMA, "0", None, "2026-01-02T03:04:05+00:00", {}, {}, facts, options,
        list(builds.values()), trials,
    )  # fmt: skip
    files.write_manifest(folder, manifest)
    return Run(folder)


def _write_trial(
    folder: Path, trial: Trial, build: Build, hits: np.ndarray, truth: np.ndarray
) -> None:
    m, k = len(hits), trial.k
    places = np.arange(k)
    ids = np.where(places < hits[:, np.newaxis], truth, 500 + places).astype(np.int32)
    facts = TrialFacts(
        schema=TRIAL_SCHEMA,
        vbench="0",
        trial=trial,
        build=build,
        space="none",
        build_seconds=1.0 + build.number,
        build_cpu_seconds=1.0,
        index_bytes=1000,
        size_source="adapter",
        peak_bytes=None,
        batch_seconds=0.1,
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
    latency = np.full((m, 1), 1000 * trial.setting["ef"], dtype=np.int64)
    rows = files.Rows(ids=ids, hits=hits.astype(np.int32), latency_ns=latency, ratio=hits / k)
    files.write_trial(folder, facts, rows)
