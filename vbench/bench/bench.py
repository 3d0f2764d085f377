"""Measure trials: a worker is asked, its answers are scored, the trial's file is written."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

import vbench
from vbench.bench import wire
from vbench.bench.asking import Condition, ask_for
from vbench.bench.journal import Journal, now
from vbench.bench.live import Live
from vbench.bench.plan import Plan, make_trial
from vbench.bench.score import Scorer
from vbench.bench.session import ChangeError, Closing, TrialError
from vbench.bench.workers import Workers
from vbench.errors import DamagedFileError
from vbench.runs import files
from vbench.runs.facts import Close, TrialFacts
from vbench.runs.loads import find_load, label_load
from vbench.runs.rows import Rows, amend_trial, read_facts, read_rows, write_trial
from vbench.runs.schema import SINGLE, STATIC, USUAL_LOAD, Build, Load, Trial
from vbench.runs.settings import spell
from vbench.workloads.views import Change, PlannedView

_GIVE_UP_AFTER = 2


class Bench:
    """Measures trials into a claimed run folder."""

    def __init__(
        self,
        journal: Journal,
        workers: Workers,
        scorers: Mapping[str, Scorer],
        views: Sequence[PlannedView],
    ) -> None:
        self.journal = journal
        self.workers = workers
        self._scorers = scorers
        self._views = {each.view.key: each for each in views}
        self._of_part = any(each.fitted is not None for each in views)
        self._turn = 1
        self._asked: set[str] = set()
        self._latest: dict[str, str] = {}
        workers.on_close = self._closed

    def possible(self, view: str, k: int) -> NDArray[np.int64]:
        """How many of K neighbors each query has to find in a view: (m,)."""
        truth = self._scorers[view].ground_truth
        allowed = np.full(len(truth.ids), k) if truth.allowed is None else truth.allowed
        return np.minimum(allowed, k)

    def ask(
        self,
        builds: Sequence[Build],
        setting: Mapping[str, Any],
        k: int,
        load: Load = USUAL_LOAD,
        view: str = STATIC,
    ) -> list[Trial]:
        """Measure one setting on every build, as far as that is not done yet.

        The builds' workers stay alive for the next setting. Every second time they are asked
        backwards: where memory does not hold all of them, the last ones are still there.

        Raises
        ------
        TrialError
            When a build leaves no result; the failure is noted.
        """
        options = self.journal.manifest.options
        trials = [make_trial(build, dict(setting), k, options, load, view) for build in builds]
        self.journal.plan(builds, trials)
        for build in builds:
            self._forget_outdated(build)
        pairs = list(zip(builds, trials, strict=True))[:: self._turn]
        waiting = [(build, trial) for build, trial in pairs if not self.journal.is_done(trial)]
        if waiting:
            self._turn = -self._turn
            self.make([build for build, _ in waiting])
        while waiting:
            build, trial = waiting.pop(0)
            try:
                self.measure(self.worker(build), build, trial)
            except TrialError as error:
                self.journal.fail([trial], error)
                if error.fatal:
                    self.workers.release(build)
                left_out = TrialError(
                    f"not tried: build {build.number + 1} left no result at this setting",
                    fatal=False,
                )
                self.journal.fail([trial for _, trial in waiting], left_out)
                raise
        return trials

    def make(self, builds: Sequence[Build]) -> None:
        """Make builds side by side where there are jobs for it; they are asked later."""
        if len(builds) > 1 and self.journal.manifest.options.jobs > 1:
            self._measure_overhead()
            self.workers.make(builds, self._tell_making)

    def carry_out_all(self, plan: Plan) -> None:
        """Measure all pending trials of a plan: as many builds as there are jobs are made at once.

        Then each is asked alone, while no other is made.
        """
        for build in plan.builds:
            self._forget_outdated(build)
        pending = [
            (build, trials)
            for build in plan.builds
            if not all(map(self.journal.is_done, trials := plan.trials_of(build)))
        ]
        jobs = self.journal.manifest.options.jobs
        for start in range(0, len(pending), jobs):
            group = pending[start : start + jobs]
            self.make([build for build, _ in group])
            for build, trials in group:
                self.carry_out(build, trials)

    def carry_out(self, build: Build, trials: Sequence[Trial]) -> None:
        """Measure all pending trials of one build, view by view, in shuffled order.

        A worker that dies takes its trial with it; the rest gets a new worker, until as many in
        a row have died as `_GIVE_UP_AFTER`.
        """
        self._forget_outdated(build)
        waiting = [trial for trial in trials if not self.journal.is_done(trial)]
        random.Random(build.seed).shuffle(waiting)
        views = list(self._views)
        waiting.sort(key=lambda trial: views.index(trial.view))
        deaths = 0
        while waiting and deaths < _GIVE_UP_AFTER:
            try:
                live = self.worker(build)
            except TrialError as error:
                self.journal.fail(waiting, error)
                return
            trial = waiting.pop(0)
            try:
                self.measure(live, build, trial)
                deaths = 0
            except ChangeError as error:
                # All that wait are of this step or of later ones.
                self.journal.fail([trial, *waiting], error)
                return
            except TrialError as error:
                self.journal.fail([trial], error)
                if error.fatal:
                    self.workers.release(build)
                    deaths += 1
        self.workers.release(build)
        if waiting:
            reason = f"not tried: {deaths} workers in a row died on other settings of this build"
            self.journal.fail(waiting, TrialError(reason, fatal=True))

    def worker(self, build: Build) -> Live:
        """The worker that holds a build; TrialError when it cannot be built."""
        if self.workers.has(build):
            return self.workers.of(build)
        self._measure_overhead()
        self.journal.tell(self._name(build))
        live = self.workers.of(build)
        self.journal.note_kernels(live.fitted.kernels)
        self._renew_if_another(live, build)
        return live

    def _measure_overhead(self) -> None:
        if self.journal.manifest.overhead is None:
            self.journal.tell("the harness itself")
            self.journal.write(overhead=self.workers.overhead())

    def _tell_making(self, builds: Sequence[Build]) -> None:
        if builds:
            self.journal.tell(" beside ".join(map(self._name, builds)))

    def _forget_outdated(self, build: Build) -> None:
        """Set the results of a build aside whose server says that it is of another version now."""
        known = self.journal.noted_build(build).server
        if not known or build.key in self._asked or self.workers.has(build):
            return
        self._asked.add(build.key)
        version = self.workers.version(build)
        if version and version != known and (done := self.journal.done_of(build)):
            self.journal.renew(build, done, self._of_another_version(build, version, known))
            self.journal.note_build(build, server=version)

    def _of_another_version(
        self, build: Build, version: Mapping[str, str], known: Mapping[str, str] | None
    ) -> str:
        return (
            f"{self._name(build)}: it is of version {_versions(version)} now, "
            f"was {_versions(known)}; measured again"
        )

    def _renew_if_another(self, live: Live, build: Build) -> None:
        """Measure again what was measured on a build that this one is not the same as.

        An index that no seed rules, or a server of another version, is another index under the
        same key; half of a build's results must not be of the one and half of the other.
        """
        done = self.journal.done_of(build)
        # Of conditions of earlier calls nothing is known here.
        views = [key for key in (STATIC, *self._views) if not self._of_part or key != STATIC]
        again = [trial for trial in done if trial.view in views]
        again.sort(key=lambda trial: views.index(trial.view))
        noted = self.journal.noted_build(build)
        known, version = noted.server, live.fitted.version or None
        is_the_same = live.kept is not None and live.kept == noted.kept
        why = ""
        if done and known != version:
            why = self._of_another_version(build, version or {}, known)
        elif (
            again
            and not is_the_same
            and not self._answers_alike(build, next(filter(_is_usual, again), again[0]))
        ):
            why = (
                f"{self._name(build)}: built again from the same seed it answers otherwise; "
                f"measured again: {len(done)} trials"
            )
        if why:
            self.journal.renew(build, done, why)
            for trial in again:
                self.measure(live, build, trial)
        self.journal.note_build(
            build, server=version, environment=self.journal.environment, kept=live.kept
        )

    def _answers_alike(self, build: Build, trial: Trial) -> bool:
        """Whether an index gives the ids that a stored trial has.

        Queries whose ids changed there from one pass to the next may change again.
        """
        path = files.trial_path(self.journal.folder, trial.key)
        facts = read_facts(path)
        stored = read_rows(path, facts, ("ids",)).ids
        file, per_query = self._condition(trial)
        live = self.workers.after(build, self._changes(trial))
        ask = wire.Search(
            setting=trial.setting,
            k=trial.k,
            repeats=1,
            warmup=0,
            condition=file,
            is_per_query=per_query,
        )
        _, (ids, *_) = live.session.ask(
            ask, wire.Searched, timeout=self.journal.manifest.options.timeout, doing="search"
        )
        return stored is None or int((stored != ids).any(axis=1).sum()) <= facts.unstable

    def measure(self, live: Live, build: Build, trial: Trial) -> None:
        """Ask for one trial, score it and write its file; TrialError when it leaves no result."""
        options = self.journal.manifest.options
        load = find_load(self.journal.manifest.loads, trial.load)
        spelt = f"{spell(trial.setting)} {label_load(load)}".strip()
        self.journal.tell(f"{self._name(build)} {spelt}")
        live = self.workers.after(build, self._changes(trial))
        started = now()
        doing = f"search {spelt}".strip()
        condition = self._condition(trial)
        cores = self.workers.cores.numbers
        done = ask_for(live, trial, load, options, cores, doing, condition)
        score = self._scorers[trial.view].score(done.ids)
        built = live.altered[-1] if live.altered else live.fitted
        facts = TrialFacts(
            vbench=vbench.__version__,
            key=trial.key,
            trial=trial,
            view=trial.view,
            build=msgspec.structs.replace(build, space=live.opened.space),
            environment=self.journal.environment,
            started=started,
            ended=now(),
            load=trial.load,
            passes=done.passes,
            redone=done.redone,
            phases=_phases(live),
            built=live.built,
            beside=live.beside,
            step_seconds=[each.seconds for each in live.altered] or None,
            sizes={**built.sizes}
            | ({} if built.index_bytes is None else {"index": built.index_bytes}),
            size_source=built.size_source,
            peak_bytes=live.fitted.peak_bytes,
            peak_of="worker" if live.session.service is None else "server",
            batches=done.batches,
            wall_s=done.wall_s,
            work=done.work,
            unstable=done.unstable,
            duplicates=score.duplicates,
            pads=score.pads,
            ties=score.ties,
            outside_ns=done.outside_ns,
            cores_seen=max(
                (cores for cores in (live.fit_cores, live.session.cores_seen) if cores is not None),
                default=None,
            ),
            cpu_ns=done.cpu_ns,
            unseen_ns=done.unseen_ns,
            clock_ratio=done.spent_ns * 1e-9 / live.session.seconds,
            filter_setup_s=done.filter_setup_s,
        )
        rows = Rows(
            ids=done.ids,
            hits=score.hits,
            place=score.place,
            ratio=score.ratio,
            latency_ns=done.latency_ns,
            first_ns=done.first_ns,
            wait_ns=done.wait_ns,
            filter_ns=done.filter_ns,
        )
        write_trial(self.journal.folder, facts, rows)
        self.journal.count_trial()
        self._latest[build.key] = trial.key

    def _condition(self, trial: Trial) -> Condition:
        """The condition of a trial, as its worker takes it."""
        view = self._views.get(trial.view)
        if view is None or view.allowed is None or not view.is_filtered:
            return Condition()
        allowed = view.allowed
        return Condition(
            self.workers.orders.condition_file(trial.view, allowed), not allowed.is_shared
        )

    def _changes(self, trial: Trial) -> Sequence[Change]:
        """What happens to the base before a trial."""
        view = self._views.get(trial.view)
        return () if view is None else view.changes

    def _closed(self, build: str, closing: Closing) -> None:
        """Note what closing an index met, with the last trial that was measured on it."""
        trial = self._latest.pop(build, None)
        if trial is not None:
            close = Close(s=closing.seconds, error=closing.error)
            with contextlib.suppress(DamagedFileError):
                amend_trial(self.journal.folder, trial, close=close)

    def _name(self, build: Build) -> str:
        builds = self.journal.manifest.options.builds
        return f"{build.index} build {build.number + 1}/{builds}"


def _phases(live: Live) -> dict[str, float]:
    """Seconds of building, of loading what was built, and of settling after changes."""
    settling = [each.settle_seconds for each in live.altered if each.settle_seconds is not None]
    building = live.fitted.phases or {"fit": live.fitted.seconds}
    # Of what is built in a server, loading is a phase of the build; nothing of it is kept.
    found = {**building, **({} if live.load_seconds is None else {"load": live.load_seconds})}
    return {**found, **({"settle": sum(settling)} if settling else {})}


def _is_usual(trial: Trial) -> bool:
    return trial.load == SINGLE


def _versions(of: Mapping[str, str] | None) -> str:
    return ", ".join(f"{name} {each}" for name, each in (of or {}).items()) or "not known"
