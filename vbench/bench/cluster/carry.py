"""Carry out a run on a cluster: hand its parts out, take what they leave into the run folder."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import msgspec
import numpy as np

from vbench.bench.cluster.cluster import Cluster, open_cluster
from vbench.bench.cluster.parts import (
    TRUTH,
    Made,
    Order,
    Part,
    bring_part,
    check_seen,
    divide,
    measure,
    place_of,
)
from vbench.bench.cluster.truth import find_ground_truth
from vbench.bench.folder import ClaimedFolder
from vbench.bench.journal import Journal, Progress
from vbench.bench.making import threads_of
from vbench.bench.opening import open_journal, truth_depth
from vbench.bench.plan import make_trial
from vbench.bench.prepare import Asked
from vbench.bench.session import TrialError
from vbench.data.files import whole_file
from vbench.data.store import Store
from vbench.errors import VbenchError, warn
from vbench.indexes.recipe import load_recipe
from vbench.runs import files
from vbench.runs.mirror import Mirror
from vbench.runs.schema import Trial


def carry_out_on(
    address: str,
    call: Asked,
    folder: Path,
    claimed: ClaimedFolder,
    progress: Progress,
    mirror: Mirror | None = None,
) -> int:
    """Carry out a call on a cluster; how many trials were measured, or failed.

    The journal, and all that has a name in the run folder, is written here alone. With a mirror
    workers take and leave all at its address, and need not see the folder.

    Raises
    ------
    VbenchError
        The cluster cannot be used, or the dataset lies in this process alone.
    """
    prepared = call.prepared
    dataset, options, plan = prepared
    check_seen(dataset)
    parts = folder / files.PARTS
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    # Workers need not stand where this process does.
    folder, parts = folder.resolve(), parts.resolve()
    shared: Path | Store = parts
    if mirror is not None:
        shared = Store(f"{mirror.store.address}/{files.PARTS}")
        shared.remove(shared.marks())
    try:
        progress("waiting for workers", 0, 1)
        with open_cluster(address, threads_of(options), shared) as cluster:
            place = place_of(dataset, cluster)
            ks = {*options.k, *(claimed.before.options.k if claimed.before else ())}
            truth = find_ground_truth(
                cluster,
                place,
                dataset,
                truth_depth(prepared, sorted(ks)),
                lambda done, total: progress("exact neighbors", done, total),
            )
            with whole_file(folder / TRUTH) as stream:
                np.savez(stream, ids=truth.ids, distances=truth.distances)
            journal, _, _ = open_journal(prepared, folder, claimed, progress)
            together = msgspec.structs.replace(journal.manifest.options, jobs=cluster.beside)
            journal.write(options=together)
            if mirror is not None:
                mirror.put()
                mirror.store.put(folder / TRUTH, TRUTH)
            orders = [
                Order(
                    place=place,
                    indexes=[load_recipe(each) for each in call.indexes],
                    settings=call.settings,
                    asked=call.options,
                    fresh=call.fresh,
                    part=part,
                    run=str(folder) if mirror is None else mirror.store.address,
                )
                for part in divide(plan)
                if part.groups or not all(journal.is_done(trial) for trial in part.of(plan).trials)
            ]
            _hand_out(cluster, orders, journal, mirror)
        return journal.tried
    finally:
        # What a task still writes to that nobody waits for ends with its folder.
        shutil.rmtree(parts, ignore_errors=True)
        if isinstance(shared, Store):
            with contextlib.suppress(VbenchError):
                shared.remove(shared.marks())


def _hand_out(
    cluster: Cluster, orders: list[Order], journal: Journal, mirror: Mirror | None
) -> None:
    """Hand out all parts, and take each one's results as it ends."""
    from distributed.scheduler import KilledWorker

    tasks = {cluster.submit(measure, order): order for order in orders}
    told: set[str] = set()

    def tell() -> None:
        journal.tell(f"{len(waiting)} builds or groups of them, {cluster.slots} at a time")

    waiting = set(tasks)
    tell()
    for task in cluster.finished(tasks, tell):
        waiting.discard(task)
        order = tasks[task]
        try:
            made: Made = task.result()
        except KilledWorker as lost:
            _note_lost(journal, order.part, lost.allowed_failures + 1)
            continue
        told |= (new := set(made.told) - told)
        for each in new:
            warn(f"{made.worker}: {each}")
        if mirror is not None:
            bring_part(mirror.store, made.folder, journal.folder)
        take(journal, journal.folder / files.PARTS / made.folder, order.part)
        tell()


def take(journal: Journal, left: Path, part: Part) -> None:
    """Take what a part's folder has into the run's: trials by renaming, all else by the journal."""
    theirs = files.read_manifest(left)
    keys = {build.key for build in part.builds}
    trials = [trial for trial in theirs.trials if trial.build in keys]
    journal.plan(part.builds, trials)
    known = journal.manifest.environments
    joined = {
        name: msgspec.structs.replace(each, kernels={**known[name].kernels, **each.kernels})
        if name in known
        else each
        for name, each in theirs.environments.items()
    }
    journal.write(
        environments={**known, **joined},
        overhead=journal.manifest.overhead or theirs.overhead,
    )
    for build in theirs.builds:
        if build.key in keys:
            facts = {name: getattr(build, name) for name in ("server", "environment", "kept")}
            journal.note_build(build, **facts)
    for path in sorted((left / files.OLD).glob("*")):
        # It was measured anew: another index under the same seed, or of another version.
        files.set_aside(journal.folder, path)
    if theirs.later:
        journal.why += [each for each in theirs.later[-1].why if each not in journal.why]
    for trial in trials:
        made = files.trial_path(left, trial.key)
        if made.is_file():
            is_new = not journal.is_done(trial)
            made.replace(files.trial_path(journal.folder, trial.key))
            if is_new:
                journal.count_trial()
        elif journal.is_done(trial):
            # Set aside there, and not measured again.
            files.trial_path(journal.folder, trial.key).unlink()
    for failure in theirs.failures:
        failed = [trial for trial in trials if trial.key == failure.trial]
        if failed:
            error = TrialError(failure.reason, failure.log, kind=failure.kind, fatal=True)
            journal.fail(failed, error)
    for group in part.groups:
        for level in theirs.levels:
            same = (level.index, level.build, level.fixed, level.k, level.view)
            if same == (group.index, group.build, group.fixed, group.k, group.view):
                journal.add_level(group, level)
    shutil.rmtree(left, ignore_errors=True)


def _note_lost(journal: Journal, part: Part, times: int) -> None:
    """Note a part that no worker lived to do."""
    keys = {build.key for build in part.builds}
    trials: list[Trial] = [
        trial
        for trial in journal.manifest.trials
        if trial.build in keys and not journal.is_done(trial)
    ]
    options = journal.manifest.options
    for group in part.groups:
        value = group.start
        if group.range is not None and group.range.whole:
            value = round(value)
        trials += [
            make_trial(build, group.setting(value), group.k, options, view=group.view)
            for build in group.builds
        ]
    trials = [each for each in trials if not journal.is_done(each)]
    journal.plan(part.builds, trials)
    reason = f"{times} workers were lost on it, one after another; see their logs for why"
    journal.fail(trials, TrialError(reason, kind="lost", fatal=True))
