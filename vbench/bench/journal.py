"""run.json while a run goes on: what is planned, what failed, how far it is."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

import vbench
from vbench.bench.described import described
from vbench.bench.machine import environment, git_revision
from vbench.bench.plan import Group, Plan
from vbench.bench.session import TrialError
from vbench.data.copies import copies
from vbench.data.dataset import Dataset
from vbench.results import digests, files
from vbench.results.schema import (
    Build,
    Copies,
    DatasetFacts,
    Environment,
    Failure,
    Level,
    Manifest,
    Options,
    Trial,
)

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is in all."""


def silent(doing: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


class Journal:
    """Keeps the manifest and writes it at every change: a later crash must forget nothing."""

    def __init__(
        self, folder: Path, dataset: Dataset, options: Options, plan: Plan, progress: Progress
    ) -> None:
        self.folder = folder
        self.progress = progress
        self.manifest = new_manifest(dataset, options, plan)
        self.environment = next(iter(self.manifest.environments))
        self._known = {build.key for build in self.manifest.builds}
        self._known |= {trial.key for trial in plan.trials}
        self._finished = sum(self.is_done(trial) for trial in plan.trials)

    def is_done(self, trial: Trial) -> bool:
        """Whether a trial has left its result, now or in an earlier call."""
        return files.trial_path(self.folder, trial.key).is_file()

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
        if new_builds or new_trials:
            self.write(
                builds=[*self.manifest.builds, *new_builds],
                trials=[*self.manifest.trials, *new_trials],
            )

    def add_level(self, group: Group, level: Level) -> None:
        """Add how a group was brought to a mean recall; its trials are put in the knob's order."""
        trials = list(self.manifest.trials)
        if group.knob is not None:
            name, keys = group.knob.name, {build.key for build in group.builds}
            places = [
                place
                for place, trial in enumerate(trials)
                if trial.build in keys
                and trial.k == group.k
                and trial.setting.items() >= group.fixed.items()
            ]
            own = sorted((trials[place] for place in places), key=lambda each: each.setting[name])
            for place, trial in zip(places, own, strict=True):
                trials[place] = trial
        self.write(trials=trials, levels=[*self.manifest.levels, level])

    def finished(self) -> None:
        """Count one more trial that left its result."""
        self._finished += 1

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
        self.write(failures=[*self.manifest.failures, *failures])

    def tell(self, doing: str) -> None:
        """Say what is being done."""
        self.progress(doing, self._finished, len(self.manifest.trials))


def new_manifest(dataset: Dataset, options: Options, plan: Plan) -> Manifest:
    """The manifest of a run that begins."""
    grows = bool(plan.groups)
    here = environment()
    return Manifest(
        vbench=vbench.__version__,
        git=git_revision(),
        created=now(),
        plan=plan.identity,
        environments={environment_id(here): here},
        dataset=dataset_facts(dataset),
        options=options,
        builds=[] if grows else plan.builds,
        trials=plan.trials,
    )


def now() -> str:
    """The time, as run.json and trials write it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def environment_id(environment: Environment) -> str:
    """Name of an environment, the same wherever it is equal but for kernels of later libraries."""
    return digests.of_document([environment.machine, environment.host, environment.packages])


def dataset_facts(dataset: Dataset) -> DatasetFacts:
    """What run.json says of a dataset."""
    equal = copies(dataset)
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
        ground_truth="computed" if dataset.given_truth is None else "given",
        **described(dataset),
    )
