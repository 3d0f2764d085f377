"""Run folders as a run would leave them, made of what a test chooses.

Every fabricated run is written here: a new field of its documents is one edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from vbench.data.dataset import GroundTruth
from vbench.measures.answers import repeated
from vbench.measures.hits import Rule
from vbench.runs import files, tables
from vbench.runs.facts import Batch, Pass, TrialFacts
from vbench.runs.rows import Rows, write_trial
from vbench.runs.run import Run
from vbench.runs.schema import (
    STATIC,
    USUAL_LOAD,
    Build,
    DatasetFacts,
    Failure,
    Load,
    Manifest,
    Options,
    Trial,
    View,
)


class RunFolder:
    """A run folder that is being written: builds, their trials, and what became of each.

    Parameters
    ----------
    truth
        Its rows are the queries of the run.
    columns
        One value for each query.
    """

    def __init__(
        self,
        folder: Path,
        truth: GroundTruth,
        columns: pl.DataFrame | Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        (folder / "trials").mkdir(parents=True)
        frame = None if columns is None else pl.DataFrame(columns)
        tables.write_queries(folder, len(truth.ids), frame, None)
        tables.write_ground_truth(folder, truth)
        self.folder, self.m = folder, len(truth.ids)
        self.roles = {} if frame is None else dict.fromkeys(frame.columns, "segment")
        self.builds: dict[str, Build] = {}
        self.trials: list[Trial] = []
        self.loads = {USUAL_LOAD.key: USUAL_LOAD}
        self.views = {STATIC: View()}
        self.failures: list[Failure] = []

    def build(self, index: str, number: int = 0, **changes: Any) -> Build:
        """Plan a build, of the seed `number`."""
        # Names of indexes may be no names of files.
        place = list(dict.fromkeys([*(each.index for each in self.builds.values()), index]))
        made = Build(
            key=f"b{place.index(index)}-{number}",
            index=index,
            adapter="tests:Made",
            params={"M": 16},
            number=number,
            seed=number,
            tune_parameter="ef",
        )
        made = msgspec.structs.replace(made, **changes)
        self.builds[made.key] = made
        return made

    def trial(
        self,
        build: Build,
        value: int,
        k: int,
        load: Load = USUAL_LOAD,
        view: View = View(),  # noqa: B008 (frozen)
    ) -> Trial:
        """Plan a trial, of ef = `value`."""
        key = f"{build.key}-{value}-{k}" + ("" if load is USUAL_LOAD else f"-{load.key}")
        key += "" if view.key == STATIC else f"-{view.key}"
        setting = {build.tune_parameter or "ef": value}
        made = Trial(key=key, build=build.key, setting=setting, k=k, load=load.key, view=view.key)
        self.trials.append(made)
        self.loads.setdefault(load.key, load)
        self.views.setdefault(view.key, view)
        return made

    def answer(
        self,
        trial: Trial,
        ids: NDArray[np.integer[Any]],
        hits: NDArray[np.integer[Any]],
        latency_ns: ArrayLike = 1000,
        place: NDArray[np.integer[Any]] | None = None,
        **facts: Any,
    ) -> None:
        """Write a trial's file.

        Parameters
        ----------
        ids : (m, k)
        hits : (m,)
        latency_ns : (m, passes), or one for all
        place : uint16 (m, k)
            Where ids tie that are not of the exact list.
        """
        latency = np.asarray(latency_ns, dtype=np.int64)
        facts.setdefault("duplicates", int(repeated(ids).sum()))
        write_trial(
            self.folder,
            facts_of(trial, self.builds[trial.build], self.m, **facts),
            Rows(
                ids=ids,
                hits=hits.astype(np.int32),
                place=place,
                latency_ns=latency if latency.ndim else np.full((self.m, 1), latency),
                ratio=hits / trial.k,
            ),
        )

    def fail(self, trial: Trial, reason: str, **more: Any) -> None:
        """Note that a trial left no result."""
        self.failures.append(Failure(trial=trial.key, reason=reason, **more))

    def close(
        self, dataset: DatasetFacts | None = None, options: Options | None = None, **more: Any
    ) -> Run:
        """Write run.json, and open the run."""
        number = max(build.number for build in self.builds.values()) + 1
        manifest = Manifest(
            vbench="0",
            created="2026-01-02T03:04:05+00:00",
            dataset=dataset or dataset_facts(self.m, columns=self.roles),
            options=options
            or Options(k=sorted({trial.k for trial in self.trials}), builds=number, repeats=1),
            builds=list(self.builds.values()),
            loads=list(self.loads.values()),
            views=list(self.views.values()),
            trials=self.trials,
            failures=self.failures,
        )
        files.write_manifest(self.folder, msgspec.structs.replace(manifest, **more))
        return Run(self.folder)


def facts_of(trial: Trial, build: Build, m: int, **changes: Any) -> TrialFacts:
    """Facts of a trial without incident."""
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
    return msgspec.structs.replace(facts, **changes)


def dataset_facts(m: int, **changes: Any) -> DatasetFacts:
    """What a run of 1,000 vectors says of them."""
    facts = DatasetFacts(name="made", n=1000, m=m, d=4, metric="l2", fingerprint="f" * 64)
    return msgspec.structs.replace(facts, **changes)


def answered(
    folder: Path,
    indexes: Mapping[str, Mapping[int, ArrayLike]],
    *,
    k: int = 10,
    columns: Mapping[str, Sequence[Any]] | None = None,
    fingerprint: str = "f" * 64,
    rule: Rule = "exact-tie",
    truth_from: int = 0,
    loads: Mapping[Load, float] | None = None,
    views: Mapping[View, Mapping[str, Mapping[int, ArrayLike]]] | None = None,
) -> Run:
    """A run of the given hits: ``{"hnsw": {16: hits (builds, m)}}`` at ef=16.

    The true neighbors of every query are `truth_from`, `truth_from` + 1, …; what comes instead
    of the last of them has ids from 500 on. A query takes 1,000 ns for each unit of ef, and under
    each of the `loads` so many times as long. Under each of the `views`, where a tenth of the base
    passes, it has other hits.
    """

    def stack(some: Mapping[str, Mapping[int, ArrayLike]]) -> dict[str, dict[int, NDArray[Any]]]:
        return {
            name: {ef: np.atleast_2d(np.asarray(hits)) for ef, hits in each.items()}
            for name, each in some.items()
        }

    given = stack(indexes)
    shapes = [hits.shape for each in given.values() for hits in each.values()]
    m = shapes[0][1]
    truth = GroundTruth(
        np.tile(np.arange(truth_from, truth_from + 2 * k, dtype=np.int32), (m, 1)),
        np.tile(np.arange(1.0, 2 * k + 1), (m, 1)),
    )
    run = RunFolder(folder, truth, columns)
    places = np.arange(k, dtype=np.int32)
    for name, by_ef in given.items():
        for ef, hits in by_ef.items():
            for number, row in enumerate(hits):
                ids = np.where(places < row[:, np.newaxis], truth.ids[:, :k], 500 + places)
                for load, slower in {USUAL_LOAD: 1, **(loads or {})}.items():
                    trial = run.trial(run.build(name, number), ef, k, load)
                    wall = 1e-6 * ef * m * slower
                    times = {"passes": [Pass(cpu_share=1.0, wall_s=wall)]} if loads else {}
                    of_load = {} if load is USUAL_LOAD else {"wall_s": wall}
                    run.answer(trial, ids, row, round(1000 * ef * slower), **times, **of_load)
    for view, seen in (views or {}).items():
        columns_of_view = {"selectivity": np.full(m, 0.1), "correlation": np.full(m, 0.5)}
        few = GroundTruth(truth.ids, truth.distances, np.full(m, 100))
        tables.write_ground_truth(folder, few, view.key, **columns_of_view)
        for name, by_ef in stack(seen).items():
            for ef, hits in by_ef.items():
                for number, row in enumerate(hits):
                    trial = run.trial(run.build(name, number), ef, k, view=view)
                    ids = np.where(places < row[:, np.newaxis], truth.ids[:, :k], 500 + places)
                    run.answer(trial, ids, row, 1000 * ef, filter_setup_s=0.001)
    return run.close(
        dataset_facts(m, fingerprint=fingerprint, columns=run.roles),
        Options(k=[k], builds=max(shape[0] for shape in shapes), repeats=1, rule=rule),
    )
