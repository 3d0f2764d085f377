"""Workers that hold no index: a test says what each build answers, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vbench.bench import wire
from vbench.bench.bench import Bench
from vbench.bench.folder import ClaimedFolder
from vbench.bench.journal import Journal, Progress, silent
from vbench.bench.live import Live
from vbench.bench.making import Tell
from vbench.bench.prepare import PreparedRun
from vbench.bench.score import Scorer
from vbench.bench.session import Closing, TrialError
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth
from vbench.runs import files
from vbench.runs.schema import STATIC, Build, Overhead
from vbench.workloads.views import Change

NOTHING = ClaimedFolder(None, frozenset(), False)
"""What an empty folder holds."""
Hits = Callable[[Build, Mapping[str, Any]], ArrayLike]
"""How many of the true neighbors a build gives at a setting: to each query, or to all."""


class MadeWorkers:
    """In the place of `Workers`: notes what it is asked.

    Attributes
    ----------
    started, released : keys of builds, in order
    asked : key of the build, setting and repeats of each question
    faults
        What is raised at a question, by the index of its setting's value, or by the build's key
        while it is built.
    said : what the index says of its version
    knows_early : whether it says so before it is built
    """

    cores = SimpleNamespace(numbers=[0])

    def __init__(self, dataset: Dataset, truth: np.ndarray, hits: Hits) -> None:
        self.truth, self.n, self.hits = truth, dataset.n, hits
        self.live: dict[str, Live] = {}
        self.started: list[str] = []
        self.released: list[str] = []
        self.asked: list[tuple[str, dict[str, Any], int]] = []
        self.faults: dict[Any, TrialError] = {}
        self.said: dict[str, str] = {}
        self.knows_early = True
        self.on_close: Callable[[str, Closing], None] = lambda key, closing: None

    def has(self, build: Build) -> bool:
        return build.key in self.live

    def of(self, build: Build) -> Live:
        if build.key not in self.live:
            self.started.append(build.key)
            if build.key in self.faults:
                raise self.faults[build.key]
            fitted = wire.Fitted(
                seconds=2.0,
                cpu_seconds=2.0,
                peak_bytes=10,
                index_bytes=1000,
                size_source="adapter",
                kernels={"lib": "AVX"},
                version=self.said,
            )
            session: Any = _Session(self, build)
            self.live[build.key] = Live(session, wire.Opened(space="none"), fitted, 0.5)
        return self.live[build.key]

    def make(self, builds: Sequence[Build], tell: Tell) -> None:
        tell(builds)

    def after(self, build: Build, changes: Sequence[Change]) -> Live:
        assert not changes
        return self.of(build)

    def release(self, build: Build) -> None:
        if self.live.pop(build.key, None):
            self.released.append(build.key)
            self.on_close(build.key, Closing(0.25, None))

    def version(self, build: Build) -> dict[str, str]:
        return self.said if self.knows_early else {}

    def overhead(self) -> Overhead:
        return Overhead(1.0, 2.0)


class _Session:
    cores_seen, seconds, service = 0.75, 1.0, None

    def __init__(self, workers: MadeWorkers, build: Build) -> None:
        self.workers, self.build = workers, build

    def ask(self, message: wire.Search, *_: object, **__: object) -> Any:
        workers, repeats = self.workers, message.repeats
        workers.asked.append((self.build.key, dict(message.setting), repeats))
        fault = workers.faults.get(next(iter(message.setting.values()), None))
        if fault is not None:
            raise fault
        true = workers.truth[:, : message.k]
        hits = workers.hits(self.build, message.setting)
        ids = np.where(np.arange(message.k) < np.reshape(hits, (-1, 1)), true, -1)
        done = wire.Searched(
            cpu_share=[1.0] * repeats,
            disturbed=[False] * repeats,
            order_seeds=list(range(repeats)),
            wall_s=[0.5] * repeats,
            redone=1,
            unstable=0,
            batch_seconds=0.1,
            batch_differs=3,
            work=7.0,
            cpu_ns=900.0,
            unseen_ns=None,
            overhead_ns=50.0,
            spent_ns=900_000_000,
        )
        latency = np.full((len(ids), repeats), 1000)
        return done, [ids.astype(np.int32), latency, latency[:, 0]]


def made_bench(
    prepared: PreparedRun,
    folder: Path,
    hits: Hits = lambda build, setting: 0,
    *,
    claimed: ClaimedFolder = NOTHING,
    progress: Progress = silent,
) -> tuple[Bench, MadeWorkers]:
    """A bench on such workers, into this folder."""
    (folder / files.TRIALS).mkdir(parents=True, exist_ok=True)
    dataset = prepared.dataset
    truth = compute_ground_truth(dataset, 20, cache=False)
    workers: Any = MadeWorkers(dataset, truth.ids, hits)
    journal = Journal(folder, prepared, claimed, progress)
    scorers = {STATIC: Scorer(dataset, truth, prepared.options.rule)}
    return Bench(journal, workers, scorers, prepared.plan.views), workers
