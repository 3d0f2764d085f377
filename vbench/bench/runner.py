"""`vbench.run`: check the call, plan, carry the plan out, sum up."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vbench.bench.bench import Bench, concluded, opened
from vbench.bench.folder import claim
from vbench.bench.journal import Progress, silent
from vbench.bench.level import bring_to_level
from vbench.bench.options import listed, make_options
from vbench.bench.plan import Plan, make_plan
from vbench.data.dataset import Dataset
from vbench.measures.hits import Rule
from vbench.results import files
from vbench.results.run import Run


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
        Counted passes over all queries; a query's latency is the minimum over them.
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
        Trials that failed are in ``run.manifest.failures``.

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
        chosen_later=at_recall is not None,
    )
    folder = Path(out) if out is not None else Path("results") / run_id(dataset, plan)
    with claim(folder, plan, fresh=fresh):
        if not _is_finished(folder, plan):
            with opened(dataset, plan, options, folder, progress) as bench:
                _carry_out(bench, plan, at_recall)
        return concluded(folder, dataset)


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


def _is_finished(folder: Path, plan: Plan) -> bool:
    """Whether the folder holds this plan with nothing left to do."""
    if not all((folder / name).is_file() for name in (files.MANIFEST, files.QUERIES)):
        return False
    found = Run(folder)
    all_chosen = len(found.manifest.levels) == len(plan.groups)
    return all_chosen and len(found.done) == len(found.manifest.trials)


def run_id(dataset: Dataset, plan: Plan) -> str:
    """Name of a run folder, the same for the same plan: ``books-hnsw-1a2b3c4d``."""
    names = list(dict.fromkeys(build.index for build in plan.builds))
    label = "-".join(names[:3]) + (f"-and-{len(names) - 3}-more" if len(names) > 3 else "")
    clean = "".join(c if c.isalnum() or c in "._-" else "_" for c in f"{dataset.name}-{label}")
    return f"{clean[:80]}-{plan.identity[:8]}"
