"""`vbench.run`: check the call, plan, carry the plan out, sum up."""

from __future__ import annotations

import contextlib
import datetime
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vbench._invocation import spell_option
from vbench.bench.bench import Bench
from vbench.bench.call import MASK, Code, within_call, write_call
from vbench.bench.folder import ClaimedFolder, claim, grow
from vbench.bench.journal import Progress, silent
from vbench.bench.kept import KeptIndexes
from vbench.bench.level import bring_to_level
from vbench.bench.opening import conclude, open_bench
from vbench.bench.plan import Plan
from vbench.bench.prepare import Asked, MeasureOptions, prepare
from vbench.bench.session import TrialError
from vbench.data.dataset import Dataset
from vbench.errors import DamagedFileError, warn
from vbench.indexes.recipe import Recipe
from vbench.runs.mirror import Mirror
from vbench.runs.run import Run

_USUAL = MeasureOptions()


def run(
    dataset: Dataset,
    indexes: Sequence[str | Recipe],
    asked: MeasureOptions = _USUAL,
    *,
    settings: Mapping[str, Sequence[Any]] | None = None,
    out: str | Path | None = None,
    mirror: Mirror | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> Run:
    """Build, search and score every index; :func:`vbench.run` says what all of it means."""
    prepared = prepare(dataset, indexes, settings, asked)
    plan = prepared.plan
    folder = Path(out) if out is not None else Path("results") / prepared.run_id
    source = dataset.source
    written = write_call(
        "vbench.run",
        Code(write_call("vbench.load", **source) if source else dataset.name),
        list(indexes),
        settings=settings,
        **{
            **vars(asked),
            "k": prepared.options.k,
            "connect": dict.fromkeys(asked.connect, MASK) or None,
        },
    )
    kept = KeptIndexes(fresh=fresh) if asked.keep_indexes else None
    tried = 0
    with within_call(python=written), claim(folder, prepared, fresh=fresh) as claimed:
        if not _is_finished(folder, plan, claimed):
            if asked.workers is not None:
                # Dask is imported where it is asked for.
                from vbench.bench.cluster.carry import carry_out_on

                call = Asked(prepared, indexes, settings, asked, fresh)
                tried = carry_out_on(asked.workers, call, folder, claimed, progress, mirror)
            else:
                with open_bench(
                    prepared, folder, claimed, progress, kept_indexes=kept, device=asked.device
                ) as bench:
                    carry_out(bench, plan, asked.at_recall)
                    tried = bench.journal.tried
        run = conclude(folder, dataset)
    if not tried:
        warn(
            f"nothing was measured: taken from the run of {_when(run)}; "
            f"{spell_option('fresh', True)} measures again"
        )
    return run


def carry_out(bench: Bench, plan: Plan, at_recall: float | None) -> None:
    """Measure all of a plan that is not done yet."""
    if at_recall is None:
        bench.carry_out_all(plan)
        return
    views = {each.view.key: each for each in plan.views}
    for group, following in itertools.zip_longest(plan.groups, plan.groups[1:]):
        level = bring_to_level(bench, group, at_recall)
        loads = plan.loads_in(group.index, views.get(group.view))
        for setting, load in itertools.product(level.chosen, loads):
            with contextlib.suppress(TrialError):  # the failure is noted
                bench.ask(group.builds, setting, group.k, load, group.view)
        bench.journal.add_level(group, level)
        if following is None or following.builds != group.builds:
            for build in group.builds:
                bench.workers.release(build)


def _is_finished(folder: Path, plan: Plan, claimed: ClaimedFolder) -> bool:
    """Whether the folder holds all of this plan, so that not even the exact neighbors are needed.

    What is chosen as it goes on is gone through again; what is stored of it is not measured.
    """
    before = claimed.before
    if before is None or claimed.damaged or plan.groups:
        return False
    wanted = {trial.key for trial in plan.trials}
    if not wanted <= claimed.done & {trial.key for trial in before.trials}:
        return False
    planned = {build.key for build in plan.builds}
    if any(build.server and build.key in planned for build in before.builds):
        return False  # it may be of another version now
    # A build that is another one now must not stay beside the ones of this plan.
    if grow(before, plan, before.options, claimed.done).why:
        return False
    try:
        found = Run(folder)
        return len(found.queries) == len(found.ground_truth.ids)
    except DamagedFileError:
        return False


def _when(run: Run) -> str:
    """When the results were measured: the last of them."""
    ended = [facts.ended for trial in run.done if (facts := run.facts(trial)).ended]
    last = datetime.datetime.fromisoformat(max(ended, default=run.manifest.created))
    return last.astimezone().strftime("%Y-%m-%d %H:%M")
