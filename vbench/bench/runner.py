"""`vbench.run`: check the call, plan, carry the plan out, sum up."""

from __future__ import annotations

import datetime
import itertools
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vbench.bench.bench import Bench, concluded, opened
from vbench.bench.call import Written, called, in_python
from vbench.bench.folder import Claimed, claim
from vbench.bench.growth import grown
from vbench.bench.journal import Progress, silent
from vbench.bench.level import bring_to_level
from vbench.bench.options import listed, make_options
from vbench.bench.plan import Plan, make_plan
from vbench.data.dataset import Dataset
from vbench.errors import DamagedFileError, VbenchWarning
from vbench.measures.hits import Rule
from vbench.runs.run import Run


def run(
    dataset: Dataset,
    indexes: Sequence[str],
    *,
    k: int | Sequence[int] = 10,
    builds: int = 3,
    repeats: int = 3,
    threads: int = 1,
    settings: Mapping[str, Sequence[Any]] | None = None,
    at_recall: float | None = None,
    recall_rule: Rule = "exact-tie",
    timeout: float | None = None,
    memory_limit: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    fresh: bool = False,
    progress: Progress = silent,
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
        Counted passes over all queries, each in another order; latency is that of all single calls,
        QPS that of each query's fastest.
    threads
        Threads and cores of the worker.
    settings
        Values that replace the recipe's: ``{"ef": [16, 32]}``, ``{"hnsw.ef": [64]}``.
    at_recall
        Bring each index to this mean recall over its builds, within 0.005, by moving the knob
        that its recipe names, in place of the recipe's sweep. `settings` of the knob then bound
        it. How it went is in ``run.manifest.levels``.
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
        Trials that failed are in ``run.manifest.failures``, and warned of
        (:class:`vbench.VbenchWarning`).

    Raises
    ------
    VbenchError
        When the call, the data or the folder is wrong; nothing is written then.
    """
    options = make_options(
        dataset,
        k=k,
        builds=builds,
        repeats=repeats,
        threads=threads,
        seed=seed,
        rule=recall_rule,
        timeout=timeout,
        memory_limit=memory_limit,
        at_recall=at_recall,
    )
    plan = make_plan(
        listed(indexes),
        settings or {},
        options,
        dataset.fingerprint,
        dataset.metric,
        dataset.base.shape[1],
        chosen_later=at_recall is not None,
    )
    folder = Path(out) if out is not None else Path("results") / run_id(dataset, plan)
    written = in_python(
        "vbench.run",
        Written(in_python("vbench.load", **dataset.source) if dataset.source else dataset.name),
        list(listed(indexes)),
        k=options.k,
        builds=builds,
        repeats=repeats,
        threads=threads,
        settings=settings,
        at_recall=at_recall,
        recall_rule=recall_rule,
        timeout=timeout,
        memory_limit=memory_limit,
        seed=seed,
    )
    with called(python=written), claim(folder, plan, options, fresh=fresh) as claimed:
        if not _is_finished(folder, plan, claimed):
            with opened(dataset, plan, options, folder, claimed, progress) as bench:
                _carry_out(bench, plan, at_recall)
                tried = bench.journal.tried
        else:
            tried = 0
        run = concluded(folder, dataset)
    if not tried:
        warnings.warn(
            f"nothing was measured: taken from the run of {_when(run)}; {_FRESH} measures again",
            VbenchWarning,
            stacklevel=2,
        )
    return run


_FRESH = "--fresh (in Python fresh=True)"


def _carry_out(bench: Bench, plan: Plan, at_recall: float | None) -> None:
    if at_recall is None:
        for build in plan.builds:
            bench.carry_out(build, plan.trials_of(build))
        return
    for group, following in itertools.zip_longest(plan.groups, plan.groups[1:]):
        bench.journal.add_level(group, bring_to_level(bench, group, at_recall))
        if following is None or following.builds != group.builds:
            for build in group.builds:
                bench.workers.release(build)


def _is_finished(folder: Path, plan: Plan, claimed: Claimed) -> bool:
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
    if grown(before, plan, before.options, claimed.done).why:
        return False
    try:
        found = Run(folder)
        return len(found.queries) == len(found.truth.ids)
    except DamagedFileError:
        return False


def _when(run: Run) -> str:
    """When the results were measured: the last of them."""
    ended = [facts.ended for trial in run.done if (facts := run.facts(trial)).ended]
    last = datetime.datetime.fromisoformat(max(ended, default=run.manifest.created))
    return last.astimezone().strftime("%Y-%m-%d %H:%M")


def run_id(dataset: Dataset, plan: Plan) -> str:
    """Name of a run folder, the same for the same plan: ``books-hnsw-1a2b3c4d``."""
    names = list(dict.fromkeys(build.index for build in plan.builds))
    label = "-".join(names[:3]) + (f"-and-{len(names) - 3}-more" if len(names) > 3 else "")
    clean = "".join(c if c.isalnum() or c in "._-" else "_" for c in f"{dataset.name}-{label}")
    return f"{clean[:80]}-{plan.identity[:8]}"
