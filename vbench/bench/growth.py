"""A call's plan put onto what its folder holds: a run grows, and what changed is measured anew."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from vbench.bench.plan import Plan
from vbench.errors import DamagedFileError, VbenchError
from vbench.runs import files, rows
from vbench.runs.schema import Build, Failure, Level, Manifest, Options, Trial

_WORDS = {
    "repeats": "--repeats",
    "threads": "--threads",
    "build_threads": "--build-threads",
    "seed": "--seed",
    "rule": "--recall-rule",
    "at_recall": "--at-recall",
    "warmup": "warm-up queries",
    "warmup_from": "the source of the warm-up queries",
}


class GrownRun(NamedTuple):
    """What the run is now.

    Attributes
    ----------
    builds, trials, failures, levels
        What stays of what was there, and what the call plans beside it.
    stale
        Trials of builds that are not what they were: their files go to the old ones.
    why
        What changed, in words, for each index.
    added
        How many trials no earlier call had planned.
    """

    builds: list[Build]
    trials: list[Trial]
    failures: list[Failure]
    levels: list[Level]
    stale: list[Trial]
    why: list[str]
    added: int


def check_fits(before: Manifest, plan: Plan, options: Options, folder: Path) -> None:
    """Refuse to go on with a run of other data, or measured with other options.

    Raises
    ------
    VbenchError
        Naming what differs.
    """
    remedy = "give --out another folder, or --fresh to throw that run away"
    if before.dataset.fingerprint != plan.fingerprint:
        raise VbenchError(
            f"{folder} holds a run on other data: {before.dataset.name} with "
            f"{before.dataset.n:,} × {before.dataset.d} and {before.dataset.m:,} queries, "
            f"fingerprint {before.dataset.fingerprint[:8]}, here it is {plan.fingerprint[:8]}; "
            f"{remedy}"
        )
    if all(build.code is None for build in before.builds):
        return  # an older vbench measured it: nothing of it is kept, nothing has to fit
    for name, words in _WORDS.items():
        was, now = getattr(before.options, name), getattr(options, name)
        if was != now:
            raise VbenchError(
                f"{folder} holds a run with {words} {_spelt(was)}, this call has {_spelt(now)}; "
                f"{remedy}"
            )


def _spelt(value: object) -> str:
    return "none" if value is None else str(value)


def grow(before: Manifest | None, plan: Plan, options: Options, done: Collection[str]) -> GrownRun:
    """Put a plan onto what was there; `done` are the keys of the trials that left a result."""
    if before is None:
        builds = [] if plan.groups else plan.builds
        return GrownRun(builds, plan.trials, [], [], [], [], len(plan.trials))
    gone: dict[str, str] = {}
    for old in before.builds:
        source = plan.sources.get(old.index)
        if source is None:
            continue
        new = source.build(old.params, old.number, options, plan.fingerprint)
        if new.key != old.key:
            gone[old.key] = f"{old.index}: {source.changes(old, new, before.created)}"
    kept = [build for build in before.builds if build.key not in gone]
    known = {build.key for build in kept}
    planned = {trial.key for trial in plan.trials}
    failed = {each.trial: each for each in before.failures}
    trials = [
        trial
        for trial in before.trials
        if trial.build in known
        and (trial.key in planned or trial.key in done or trial.key in failed)
    ]
    there = {trial.key for trial in trials}
    new_trials = [trial for trial in plan.trials if trial.key not in there]
    builds = kept + [
        build for build in ([] if plan.groups else plan.builds) if build.key not in known
    ]
    stale = [trial for trial in before.trials if trial.build in gone]
    lost = {build.index for build in before.builds if build.key in gone}
    return GrownRun(
        builds=builds,
        trials=_ordered([*trials, *new_trials], builds) if trials else new_trials,
        failures=[
            each
            for each in before.failures
            if each.trial in there and each.trial not in planned and each.trial not in done
        ],
        levels=[level for level in before.levels if level.index not in lost],
        stale=stale,
        why=list(dict.fromkeys(gone.values())),
        added=len(new_trials),
    )


def _ordered(trials: list[Trial], builds: list[Build]) -> list[Trial]:
    """Trials of one index together, its settings ascending where they are numbers."""
    of = {build.key: build for build in builds}
    indexes = list(dict.fromkeys(build.index for build in builds))
    families = list(dict.fromkeys(repr((build.index, build.params)) for build in builds))

    def place(trial: Trial) -> tuple[int, int, int, tuple[float, ...], int]:
        build = of[trial.build]
        values = tuple(
            float(value) if isinstance(value, int | float) else 0.0
            for _, value in sorted(trial.setting.items())
        )
        family = families.index(repr((build.index, build.params)))
        return indexes.index(build.index), family, build.number, values, trial.k

    return sorted(trials, key=place)


def check_trials(folder: Path) -> tuple[set[str], list[DamagedFileError]]:
    """Read every trial's file of a folder: keys of those that are whole, and what is damaged."""
    done: set[str] = set()
    damaged: list[DamagedFileError] = []
    for path in sorted((folder / files.TRIALS).glob("[!.]*.parquet")):
        try:
            done.add(rows.verify(path).key)
        except DamagedFileError as error:
            damaged.append(error)
    return done, damaged
