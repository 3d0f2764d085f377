"""Claim a folder for a run, and put a call's plan onto what it holds.

It is empty, or holds a run, which grows; what changed is measured anew. Nobody else writes there.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from vbench._invocation import spell_option
from vbench._leftovers import is_leftover, sweep
from vbench.bench.plan import Plan
from vbench.bench.prepare import PreparedRun
from vbench.errors import DamagedFileError, VbenchError, warn
from vbench.indexes.given import KEPT
from vbench.runs import files, rows
from vbench.runs.schema import STATIC, Build, Failure, Level, Manifest, Options, Trial

_ARGUMENTS = {"rule": "recall_rule"} | {
    name: name for name in ("repeats", "threads", "build_threads", "seed", "at_recall")
}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:")
_WORDS = {
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
    """Refuse to go on with a run of other data, or measured with other options."""
    another = f"give another folder with {spell_option('out')}"
    remedy = f"{another}, or {spell_option('fresh', True)} to throw that run away"
    if before.dataset.fingerprint != plan.fingerprint:
        raise VbenchError(
            f"{folder} holds a run on other data: {before.dataset.name} with "
            f"{before.dataset.n:,} × {before.dataset.d} and {before.dataset.m:,} queries, "
            f"fingerprint {before.dataset.fingerprint[:8]}, here it is {plan.fingerprint[:8]}; "
            f"{remedy}"
        )
    if all(build.code is None for build in before.builds):
        return  # an older vbench measured it: nothing of it is kept, nothing has to fit
    words = {name: spell_option(each) for name, each in _ARGUMENTS.items()} | _WORDS
    for name, word in words.items():
        was, now = getattr(before.options, name), getattr(options, name)
        if was != now:
            raise VbenchError(
                f"{folder} holds a run with {word} {_spelt(was)}, this call has {_spelt(now)}; "
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
        new = source.build(old.params, old.number, options, plan.fingerprint, plan.order_digest)
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

    views = list(dict.fromkeys([STATIC, *(trial.view for trial in trials)]))

    def place(trial: Trial) -> tuple[int, int, int, int, tuple[float, ...], int]:
        build = of[trial.build]
        values = tuple(
            float(value) if isinstance(value, int | float) else 0.0
            for _, value in sorted(trial.setting.items())
        )
        family = families.index(repr((build.index, build.params)))
        view = views.index(trial.view)
        return indexes.index(build.index), family, build.number, view, values, trial.k

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


_OURS = {
    *(files.MANIFEST, files.QUERIES, files.ITEMS, files.GROUND_TRUTH, files.TRIALS, files.OLD),
    *(files.COMPARISONS, files.INTERNALS, files.COMBINED, files.GRAPHS, files.RANK),
    *("inside.json", "ranking.json"),
    *(files.TUNE, "report.html", "tune.html", "figures", KEPT, files.PARTS),
}


class ClaimedFolder(NamedTuple):
    """What a folder holds: its manifest, and the keys of the trials that are whole."""

    before: Manifest | None
    done: frozenset[str]
    damaged: bool
    """Whether something of it was damaged, and is to be made anew."""


@contextmanager
def claim(folder: Path, prepared: PreparedRun, *, fresh: bool) -> Iterator[ClaimedFolder]:
    """Make the folder ready and hold it.

    Raises
    ------
    VbenchError
        When it holds something that is not a run, or one of other data or options, or another
        process writes it.
    """
    if _SCHEME.fullmatch(folder.parts[0] if folder.parts else ""):
        raise VbenchError(
            f"{folder.parts[0]}//… is an address, which only `vbench run` writes to; give a folder "
            f"with {spell_option('out')}"
        )
    existed = folder.exists()
    if existed:
        _check_contents(folder)
    try:
        (folder / files.TRIALS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VbenchError(f"cannot make the run folder {folder}: {error.strerror}") from None
    with files.hold_folder(folder):
        if fresh:
            _empty(folder)
        for place in (folder, *(path for path in folder.iterdir() if path.is_dir())):
            sweep(place)
        try:
            yield _claimed(folder, prepared)
        finally:
            if not existed and not (folder / files.MANIFEST).exists():
                shutil.rmtree(folder)


def _claimed(folder: Path, prepared: PreparedRun) -> ClaimedFolder:
    """What is there, after what is damaged has been set aside and told."""
    before, damaged = None, False
    if (folder / files.MANIFEST).is_file():
        try:
            before = files.read_manifest(folder)
        except DamagedFileError as error:
            damaged = True
            files.set_aside(folder, folder / files.MANIFEST)
            warn(f"{error.path} is damaged ({error.problem}): made anew, from what was measured")
        else:
            check_fits(before, prepared.plan, prepared.options, folder)
    done, wrong = check_trials(folder)
    for each in wrong:
        damaged = True
        files.set_aside(folder, Path(str(each.path)))
        warn(
            f"{each.path} is damaged ({each.problem}): set aside, and measured again where "
            "this call asks for it"
        )
    return ClaimedFolder(before, frozenset(done), damaged)


def _check_contents(folder: Path) -> None:
    if not folder.is_dir():
        raise VbenchError(f"{folder} is a file; give a folder with {spell_option('out')}")
    names = {entry.name for entry in folder.iterdir() if not is_leftover(entry)}
    is_run = files.MANIFEST in names or (names <= _OURS and files.TRIALS in names)
    if names and not is_run:
        raise VbenchError(
            f"{folder} holds something else than a run; "
            f"give another folder with {spell_option('out')}"
        )


def _empty(folder: Path) -> None:
    (folder / files.MANIFEST).unlink(missing_ok=True)
    for name in (files.TRIALS, files.OLD):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / files.TRIALS).mkdir()
    for path in files.derived_paths(folder):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
