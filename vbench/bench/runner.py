"""Carry a plan out: one isolated worker for each build, one file for each trial, resumable."""

from __future__ import annotations

import datetime
import functools
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil

import vbench
from vbench.bench import wire
from vbench.bench.files import array_file
from vbench.bench.folder import claim
from vbench.bench.machine import git_revision, machine, packages
from vbench.bench.plan import Plan, digest, make_plan
from vbench.bench.score import Scorer
from vbench.bench.session import Session, TrialError, usable_cores
from vbench.data.dataset import Dataset, Truth
from vbench.data.load import check_k
from vbench.data.truth import exact_truth
from vbench.errors import VbenchError
from vbench.measures.hits import RULES, Rule
from vbench.results import files
from vbench.results.findings import findings
from vbench.results.run import Run
from vbench.results.schema import (
    RUN_SCHEMA,
    TRIAL_SCHEMA,
    Build,
    DatasetFacts,
    Failure,
    Manifest,
    Options,
    Overhead,
    Trial,
    TrialFacts,
)

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is in all."""

WARMUP = 1000
_DEPTH = 200
_NULL = "vbench.bench.null:Null"
_MEMORY_SHARE = 0.9
_GIVE_UP_AFTER = 2


def _silent(doing: str, done: int, total: int) -> None:
    pass


def run(
    dataset: Dataset,
    indexes: Sequence[str],
    *,
    k: int | Sequence[int] = 10,
    builds: int = 3,
    repeats: int = 3,
    threads: int = 1,
    settings: Mapping[str, Sequence[Any]] | None = None,
    recall_rule: Rule = "exact-tie",
    timeout: float | None = None,
    memory_limit: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress = _silent,
) -> Run:
    """Build, search and score every index; the run goes on where an earlier call stopped.

    Parameters
    ----------
    dataset
        From :func:`vbench.load`.
    indexes
        As ``--index`` takes them: recipe names, TOML paths, ``package.module:Class``,
        ``faiss:FACTORY``.
    k
        One cutoff or several; each is searched and timed on its own.
    builds
        How often each index is built, each time with its own seed and insertion order.
    repeats
        Counted passes over all queries; a query's latency is the minimum over them.
    threads
        Threads and cores of the worker.
    settings
        Values that replace the recipe's: ``{"ef": [16, 32]}``, ``{"hnsw.ef": [64]}``.
    timeout
        Seconds that a build, or a trial, may take.
    memory_limit
        Bytes that a worker may hold; default nine tenths of what is available now.
    out
        The run folder; default ``results/<run-id>``.
    fresh
        Throw away what an earlier call left in the folder.

    Returns
    -------
    Run
        Trials that failed are in ``run.manifest.failures``.

    Raises
    ------
    VbenchError
        When the call, the data or the folder is wrong; nothing is written then.
    """
    options = Options(
        k=_cutoffs(k, dataset),
        builds=_at_least_one("builds", builds),
        repeats=_at_least_one("repeats", repeats),
        threads=_threads(threads),
        seed=seed,
        rule=_rule(recall_rule),
        warmup=min(WARMUP, dataset.m),
        timeout=timeout,
        memory_limit=memory_limit,
    )
    plan = make_plan(_listed(indexes), settings or {}, options, dataset.fingerprint, dataset.metric)
    folder = Path(out) if out is not None else Path("results") / run_id(dataset, plan)
    with claim(folder, plan, fresh=fresh):
        depth = min(dataset.n, max(_DEPTH, 2 * max(options.k)))
        truth = exact_truth(
            dataset,
            depth,
            threads=len(usable_cores()),
            progress=functools.partial(progress, "exact neighbours"),
        )
        return _Runner(dataset, truth, plan, options, folder, progress).carry_out()


def run_id(dataset: Dataset, plan: Plan) -> str:
    """Name of a run folder, the same for the same plan: ``books-hnsw-1a2b3c4d``."""
    names = list(dict.fromkeys(build.index for build in plan.builds))
    label = "-".join(names[:3]) + (f"-and-{len(names) - 3}-more" if len(names) > 3 else "")
    clean = "".join(c if c.isalnum() or c in "._-" else "_" for c in f"{dataset.name}-{label}")
    return f"{clean[:80]}-{digest([trial.key for trial in plan.trials])[:8]}"


class _Runner:
    def __init__(
        self,
        dataset: Dataset,
        truth: Truth,
        plan: Plan,
        options: Options,
        folder: Path,
        progress: Progress,
    ) -> None:
        self.dataset = dataset
        self.truth = truth
        self.plan = plan
        self.options = options
        self.folder = folder
        self.progress = progress
        self.scorer = Scorer(dataset, truth, options.rule)
        self.finished = 0
        self.failures: list[Failure] = []
        self.memory_limit = options.memory_limit or int(
            psutil.virtual_memory().available * _MEMORY_SHARE
        )

    def carry_out(self) -> Run:
        """Do what is pending, then sum up."""
        pending = [trial for trial in self.plan.trials if not self._is_done(trial)]
        if not pending and (self.folder / files.MANIFEST).is_file():
            return Run(self.folder)
        self.finished = len(self.plan.trials) - len(pending)
        manifest = self._manifest()
        files.write_manifest(self.folder, manifest)
        kept = 2 * max(self.options.k)
        files.write_queries(
            self.folder,
            self.dataset.segments,
            Truth(self.truth.ids[:, :kept], self.truth.distances[:, :kept]),
        )
        with tempfile.TemporaryDirectory(prefix="vbench-") as spool:
            self.base = array_file(self.dataset.base, Path(spool))
            self.queries = array_file(self.dataset.queries, Path(spool))
            manifest = msgspec.structs.replace(manifest, overhead=self._overhead())
            for build in self.plan.builds:
                self._carry_out_build(build, {trial.key for trial in pending}, manifest)
        files.write_manifest(self.folder, msgspec.structs.replace(manifest, failures=self.failures))
        finished = Run(self.folder)
        warnings = findings(finished)
        files.write_manifest(
            self.folder, msgspec.structs.replace(finished.manifest, warnings=warnings)
        )
        return Run(self.folder)

    def _is_done(self, trial: Trial) -> bool:
        return files.trial_path(self.folder, trial.key).is_file()

    def _manifest(self) -> Manifest:
        dataset = self.dataset
        return Manifest(
            schema=RUN_SCHEMA,
            vbench=vbench.__version__,
            git=git_revision(),
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            packages=packages(),
            machine=machine(),
            dataset=DatasetFacts(
                name=dataset.name,
                n=dataset.n,
                m=dataset.m,
                d=dataset.d,
                metric=dataset.metric,
                fingerprint=dataset.fingerprint,
                source=dict(dataset.source),
                card=dict(dataset.card),
                segments=[] if dataset.segments is None else dataset.segments.columns,
            ),
            options=self.options,
            builds=self.plan.builds,
            trials=self.plan.trials,
        )

    def _carry_out_build(self, build: Build, pending: set[str], manifest: Manifest) -> None:
        """All pending trials of one build, in shuffled order.

        A worker that dies takes its trial with it; the rest gets a new worker, until as many in
        a row have died as `_GIVE_UP_AFTER`.
        """
        waiting = [trial for trial in self.plan.trials_of(build) if trial.key in pending]
        random.Random(build.seed).shuffle(waiting)
        deaths = 0
        while waiting and deaths < _GIVE_UP_AFTER:
            try:
                with self._built(build) as (session, opened, fitted):
                    while waiting:
                        trial = waiting.pop(0)
                        try:
                            self._carry_out_trial(build, trial, session, opened, fitted)
                            deaths = 0
                        except TrialError as error:
                            self._fail([trial], error, manifest)
                            if error.fatal:
                                deaths += 1
                                break
            except TrialError as error:
                self._fail(waiting, error, manifest)
                waiting = []
        if waiting:
            reason = f"not tried: {deaths} workers in a row died on other settings of this build"
            self._fail(waiting, TrialError(reason, fatal=True), manifest)

    @contextmanager
    def _built(self, build: Build) -> Iterator[tuple[Session, wire.Opened, wire.Fitted]]:
        self._tell(f"{build.index} build {build.number + 1}/{self.options.builds}")
        with Session(threads=self.options.threads, memory_limit=self.memory_limit) as session:
            opened, _ = session.ask(
                self._open(build.adapter, build.params, build.transform, build.seed),
                wire.Opened,
                timeout=self.options.timeout,
                doing="loading",
            )
            fitted, _ = session.ask(
                wire.Fit(), wire.Fitted, timeout=self.options.timeout, doing="fit"
            )
            yield session, opened, fitted

    def _open(self, adapter: str, params: dict[str, Any], transform: str, seed: int) -> wire.Open:
        import sys

        return wire.Open(
            adapter=adapter,
            params=params,
            transform=transform,
            metric=self.dataset.metric,
            base=self.base,
            queries=self.queries,
            seed=seed,
            threads=self.options.threads,
            sys_path=sys.path,
        )

    def _carry_out_trial(
        self,
        build: Build,
        trial: Trial,
        session: Session,
        opened: wire.Opened,
        fitted: wire.Fitted,
    ) -> None:
        spelt = " ".join(f"{name}={value}" for name, value in trial.setting.items())
        self._tell(f"{build.index} build {build.number + 1}/{self.options.builds} {spelt}")
        ask = wire.Search(
            setting=trial.setting,
            k=trial.k,
            repeats=self.options.repeats,
            warmup=self.options.warmup,
        )
        doing = f"search {spelt}".strip()
        done, (ids, latency) = session.ask(
            ask, wire.Searched, timeout=self.options.timeout, doing=doing
        )
        score = self.scorer.score(ids)
        facts = TrialFacts(
            schema=TRIAL_SCHEMA,
            vbench=vbench.__version__,
            trial=trial,
            build=build,
            space=opened.space,
            build_seconds=fitted.seconds,
            build_cpu_seconds=fitted.cpu_seconds,
            index_bytes=fitted.index_bytes,
            size_source=fitted.size_source,
            peak_bytes=fitted.peak_bytes,
            batch_seconds=done.batch_seconds,
            batch_differs=done.batch_differs,
            work=done.work,
            cpu_share=done.cpu_share,
            redone=done.redone,
            disturbed=done.disturbed,
            unstable=done.unstable,
            duplicates=score.duplicates,
            pads=score.pads,
            ties=score.ties,
            outside_ns=done.overhead_ns,
        )
        rows = files.Rows(ids=ids, hits=score.hits, latency_ns=latency, ratio=score.ratio)
        files.write_trial(self.folder, facts, rows)
        self.finished += 1

    def _fail(self, trials: Sequence[Trial], error: TrialError, manifest: Manifest) -> None:
        """Note why trials have no result, at once: a later crash must not forget it."""
        self.failures += [Failure(trial.key, error.reason, error.log) for trial in trials]
        self.finished += len(trials)
        files.write_manifest(self.folder, msgspec.structs.replace(manifest, failures=self.failures))

    def _tell(self, doing: str) -> None:
        self.progress(doing, self.finished, len(self.plan.trials))

    def _overhead(self) -> Overhead | None:
        """The harness's own cost per query, in a worker like the others."""
        try:
            with Session(threads=self.options.threads) as session:
                session.ask(
                    self._open(_NULL, {}, "none", 0), wire.Opened, timeout=None, doing="null"
                )
                session.ask(wire.Fit(), wire.Fitted, timeout=None, doing="null")
                ask = wire.Search(setting={}, k=self.options.k[0], repeats=3, warmup=WARMUP)
                done, (_, latency) = session.ask(ask, wire.Searched, timeout=None, doing="null")
        except TrialError:
            return None
        return Overhead(inside_ns=float(np.mean(latency.min(axis=1))), outside_ns=done.overhead_ns)


def _listed(indexes: Sequence[str] | str) -> list[str]:
    names = [indexes] if isinstance(indexes, str) else list(indexes)
    if not names:
        raise VbenchError("no index given; name at least one, such as --index hnsw")
    return names


def _cutoffs(k: int | Sequence[int], dataset: Dataset) -> list[int]:
    ks = sorted({k} if isinstance(k, int) else set(k))
    for each in ks:
        check_k(dataset, each)
    return ks


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise VbenchError(f"{name}={value}; give a whole number from 1 on")
    return value


def _threads(threads: int) -> int:
    usable = len(usable_cores())
    if not 1 <= threads <= usable:
        raise VbenchError(
            f"threads={threads}; this process may use {usable} cores, give 1 to {usable}"
        )
    return threads


def _rule(rule: str) -> Rule:
    if rule not in RULES:
        raise VbenchError(f"recall rule {rule!r} is unknown; give one of {', '.join(RULES)}")
    return rule
