"""run.json while a run goes on: what is planned, what failed, how far it is."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

import vbench
from vbench.bench.call import current_call
from vbench.bench.describe import describe_dataset
from vbench.bench.folder import ClaimedFolder, GrownRun, grow
from vbench.bench.machine import environment, git_revision
from vbench.bench.plan import Group, Plan
from vbench.bench.prepare import PreparedRun
from vbench.bench.session import TrialError
from vbench.data.copies import copies
from vbench.data.dataset import Dataset
from vbench.errors import warn
from vbench.runs import digests, files
from vbench.runs.schema import (
    Build,
    Call,
    Copies,
    DatasetFacts,
    Failure,
    Later,
    LearnInfo,
    Level,
    Load,
    Manifest,
    Options,
    Trial,
    View,
)

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is in all."""


def silent(doing: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


class Journal:
    """Keeps the manifest and writes it at every change: a later crash must forget nothing.

    Attributes
    ----------
    tried
        Trials that were measured, or failed, since it was made.
    environment
        Name of what they are measured on.
    """

    def __init__(
        self,
        folder: Path,
        prepared: PreparedRun,
        claimed: ClaimedFolder,
        progress: Progress,
    ) -> None:
        dataset, options, plan = prepared
        self.folder = folder
        self.progress = progress
        self.tried = 0
        self._before = claimed.before
        found = grow(claimed.before, plan, options, claimed.done)
        self.why = found.why
        self._added = found.added
        self._was_done = {trial.key for trial in found.trials} & claimed.done
        for trial in found.stale:
            path = files.trial_path(folder, trial.key)
            if path.is_file():
                files.set_aside(folder, path)
        self.manifest, self.environment = _manifest(claimed.before, dataset, options, plan, found)
        self._known = {build.key for build in self.manifest.builds}
        self._known |= {trial.key for trial in self.manifest.trials}
        self._finished = sum(self.is_done(trial) for trial in self.manifest.trials)

    def is_done(self, trial: Trial) -> bool:
        """Whether a trial has left its result, now or in an earlier call."""
        return files.trial_path(self.folder, trial.key).is_file()

    def noted_build(self, build: Build) -> Build:
        """A build as the manifest has it, with what was noted when it was made."""
        return {each.key: each for each in self.manifest.builds}.get(build.key, build)

    def done_of(self, build: Build) -> list[Trial]:
        """The trials of a build that have left their result."""
        return [
            trial
            for trial in self.manifest.trials
            if trial.build == build.key and self.is_done(trial)
        ]

    def write(self, **changes: Any) -> None:
        """Change fields of the manifest, and write it."""
        self.manifest = msgspec.structs.replace(self.manifest, **changes)
        files.write_manifest(self.folder, self.manifest)

    def plan(self, builds: Sequence[Build], trials: Sequence[Trial]) -> None:
        """Add what has been chosen to do next, as far as it is not planned already."""
        new_builds = [build for build in builds if build.key not in self._known]
        new_trials = [trial for trial in trials if trial.key not in self._known]
        self._known |= {build.key for build in new_builds} | {trial.key for trial in new_trials}
        self._finished += sum(self.is_done(trial) for trial in new_trials)
        self._added += len(new_trials)
        if new_builds or new_trials:
            self.write(
                builds=[*self.manifest.builds, *new_builds],
                trials=[*self.manifest.trials, *new_trials],
            )

    def renew(self, build: Build, trials: Sequence[Trial], why: str) -> None:
        """Set the results of a build aside, which are to be measured again."""
        for trial in trials:
            files.set_aside(self.folder, files.trial_path(self.folder, trial.key))
        self._finished -= len(trials)
        self.why.append(why)
        warn(why)

    def note_build(self, build: Build, **facts: Any) -> None:
        """Add what is only known once a build is made."""
        changed = [
            msgspec.structs.replace(each, **facts) if each.key == build.key else each
            for each in self.manifest.builds
        ]
        if changed != self.manifest.builds:
            self.write(builds=changed)

    def note_kernels(self, kernels: Mapping[str, str]) -> None:
        """Add the kernels that a worker's libraries run."""
        here = self.manifest.environments[self.environment]
        joined = {**here.kernels, **kernels}
        if joined != here.kernels:
            changed = msgspec.structs.replace(here, kernels=joined)
            self.write(environments={**self.manifest.environments, self.environment: changed})

    def conclude(self, call: Call) -> None:
        """Note what this call did to a run that was there before."""
        if self._before is None or not (self.tried or self._added or self.why):
            return
        again = self.tried - self._added if self.why else 0
        later = Later(
            at=now(), call=call, added=self._added, remeasured=max(0, again), why=self.why
        )
        self.write(later=[*self.manifest.later, later])

    def add_level(self, group: Group, level: Level) -> None:
        """Add how a group was brought to a mean recall; its trials are put in order."""
        trials = list(self.manifest.trials)
        if group.range is not None:
            name, keys = group.range.name, {build.key for build in group.builds}
            places = [
                place
                for place, trial in enumerate(trials)
                if trial.build in keys
                and (trial.k, trial.view) == (group.k, group.view)
                and trial.setting.items() >= group.fixed.items()
            ]
            own = sorted((trials[place] for place in places), key=lambda each: each.setting[name])
            for place, trial in zip(places, own, strict=True):
                trials[place] = trial
        by_group = {_same_group(each): each for each in self.manifest.levels}
        # One that was there keeps its place.
        by_group[_same_group(level)] = level
        self.write(trials=trials, levels=list(by_group.values()))

    def count_trial(self) -> None:
        """Count one more trial that left its result."""
        self._finished += 1
        self.tried += 1

    def fail(self, trials: Sequence[Trial], error: TrialError) -> None:
        """Note why trials have no result."""
        failures = [
            Failure(
                trial=trial.key,
                reason=error.reason,
                log=error.log,
                kind=error.kind,
            )
            for trial in trials
        ]
        self._finished += len(trials)
        self.tried += len(trials)
        self.write(failures=[*self.manifest.failures, *failures])

    def tell(self, doing: str) -> None:
        """Say what is being done."""
        self.progress(doing, self._finished, len(self.manifest.trials))


def _manifest(
    before: Manifest | None, dataset: Dataset, options: Options, plan: Plan, found: GrownRun
) -> tuple[Manifest, str]:
    """The manifest of a run that begins or goes on, and the name of what it is measured on."""
    here = environment()
    # The same wherever it is equal but for kernels of later libraries.
    name = digests.of_document([here.machine, here.host, here.packages])
    environments = {name: here}
    created, call, later = now(), current_call(), list[Later]()
    if before is not None:
        known = before.environments.get(name, here)
        environments = {**before.environments, name: known}
        created, call, later = before.created, before.call, before.later
        options = msgspec.structs.replace(
            options,
            k=sorted({*before.options.k, *options.k} if found.trials else options.k),
            builds=max(before.options.builds, options.builds),
        )
    views = [View(live=dataset.n), *(each.view for each in plan.views)]
    if before is not None:
        views[1:1] = before.views
    made = Manifest(
        vbench=vbench.__version__,
        git=git_revision(),
        created=created,
        plan=plan.identity,
        call=call,
        later=later,
        environments=environments,
        dataset=dataset_facts(dataset),
        options=options,
        views=list({view.key: view for view in views}.values()),
        loads=_loads(before, plan),
        workload=plan.workload if plan.workload.steps or before is None else before.workload,
        builds=found.builds,
        trials=found.trials,
        failures=found.failures,
        levels=found.levels,
        overhead=None if before is None else before.overhead,
    )
    return made, name


def _loads(before: Manifest | None, plan: Plan) -> list[Load]:
    """The usual load, and all that this call or an earlier one asks for."""
    known = [Load()] if before is None else before.loads
    planned = [load for loads in plan.loads.values() for load in loads]
    return list({load.key: load for load in (*known, *planned)}.values())


def _same_group(level: Level) -> str:
    return repr((level.index, level.build, level.fixed, level.k, level.view, level.load))


def now() -> str:
    """The time, as run.json and trials write it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def dataset_facts(dataset: Dataset) -> DatasetFacts:
    """What run.json says of a dataset."""
    equal, learn = copies(dataset), dataset.learn
    return DatasetFacts(
        name=dataset.name,
        n=dataset.n,
        m=dataset.m,
        d=dataset.d,
        metric=dataset.metric,
        fingerprint=dataset.fingerprint,
        dtype=dataset.base.dtype.name,
        parts=dataset.parts,
        zero_rows=dataset.zero_rows,
        copies=Copies(share=len(equal.rows) / dataset.n, largest=equal.largest),
        queries_in_base=equal.queries_in_base,
        hold_out=dataset.hold_out,
        queries_at_most=None if dataset.queries_at_most is None else {**dataset.queries_at_most},
        base_at_most=None if dataset.base_at_most is None else {**dataset.base_at_most},
        learn=None if learn is None else LearnInfo(rows=learn.rows, digest=learn.digest),
        ground_truth="computed" if dataset.given_ground_truth is None else "given",
        **describe_dataset(dataset),
    )
