"""A claimed folder made ready for measuring, and told what it holds once it is measured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from vbench._process.cores import usable_cores
from vbench.bench import machine
from vbench.bench.bench import Bench
from vbench.bench.call import current_call
from vbench.bench.describe import redescribe, write_described_queries
from vbench.bench.findings.findings import findings
from vbench.bench.folder import ClaimedFolder
from vbench.bench.journal import Journal, Progress
from vbench.bench.kept import KeptIndexes
from vbench.bench.prepare import PreparedRun
from vbench.bench.score import Scorer
from vbench.bench.workers import Workers
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.ground_truth import HARDNESS_DEPTH, compute_ground_truth, depth_beside
from vbench.errors import FailedTrialsWarning, warn
from vbench.runs import files, tables
from vbench.runs.failed import failed_trials
from vbench.runs.run import Run
from vbench.runs.schema import STATIC, View
from vbench.runs.views import label_view
from vbench.workloads.views import DEEP, PlannedView, find_neighbors


def truth_depth(prepared: PreparedRun, ks: Sequence[int]) -> int:
    """How many exact neighbors a run needs of each query, for these K."""
    dataset, _, plan = prepared
    views = any(each.allowed is not None for each in plan.views)
    return min(dataset.n, max(HARDNESS_DEPTH, depth_beside(max(ks)), DEEP if views else 0))


def open_journal(
    prepared: PreparedRun,
    folder: Path,
    claimed: ClaimedFolder,
    progress: Progress,
    *,
    device: str = "cpu",
) -> tuple[Journal, dict[str, Scorer], list[PlannedView]]:
    """Find the exact neighbors, and write all that a claimed folder has before the first trial."""
    progress("exact neighbors", 0, 1)
    dataset, options, _ = prepared
    journal = Journal(folder, prepared, claimed, progress)
    # Also for the K of earlier calls, whose trials are read against the same file.
    kept = depth_beside(max(journal.manifest.options.k))
    planned = prepared.plan.views or [PlannedView(View(), None)]
    views = [(each, each.allowed) for each in planned if each.allowed is not None]
    deep = compute_ground_truth(
        dataset,
        truth_depth(prepared, journal.manifest.options.k),
        threads=len(usable_cores()),
        device=device,
        progress=lambda done, total: progress("exact neighbors", done, total),
    )
    depth = min(dataset.n, max(HARDNESS_DEPTH, kept))
    truth = GroundTruth(deep.ids[:, :depth], deep.distances[:, :depth])
    scorers = {STATIC: Scorer(dataset, truth, options.rule)}
    for why in journal.why:
        warn(f"{why}: measured anew")
    journal.write()
    write_described_queries(folder, dataset)
    tables.write_ground_truth(folder, GroundTruth(truth.ids[:, :kept], truth.distances[:, :kept]))
    for each, allowed in views:
        view = each.view
        progress(f"exact neighbors {label_view(view.filter, view.mask, view.step)}", 0, 1)
        found = find_neighbors(
            dataset, deep, allowed, kept, live=each.live, threads=len(usable_cores())
        )
        more = {"selectivity": found.selectivity, "correlation": found.correlation}
        tables.write_ground_truth(folder, found.truth, view.key, **more)
        scorers[view.key] = Scorer(dataset, found.truth, options.rule)
    return journal, scorers, list(planned)


@contextlib.contextmanager
def open_bench(
    prepared: PreparedRun,
    folder: Path,
    claimed: ClaimedFolder,
    progress: Progress,
    *,
    ages_apart: bool = False,
    kept_indexes: KeptIndexes | None = None,
    device: str = "cpu",
) -> Iterator[Bench]:
    """Find the exact neighbors, on a device, and make a claimed folder ready for measuring.

    With `ages_apart` each age of a build has a worker, for searches that go back to earlier ones.
    """
    journal, scorers, planned = open_journal(prepared, folder, claimed, progress, device=device)
    dataset, options, _ = prepared
    clients = max(load.clients for load in journal.manifest.loads)
    changes = any(each.changes or each.fitted is not None for each in planned)
    fitted = planned[0].fitted
    with Workers(
        dataset,
        options,
        clients,
        fitted=fitted,
        is_kept=changes,
        are_apart=ages_apart,
        kept=kept_indexes,
        connect=prepared.plan.connect,
    ) as workers:
        yield Bench(journal, workers, scorers, planned)
    journal.conclude(current_call())


def conclude(folder: Path, dataset: Dataset) -> Run:
    """The run in a folder, after what its reader must know has been written into it."""
    run = redescribe(Run(folder), dataset)
    used: dict[str, str] = {}
    for environment in run.manifest.environments.values():
        used |= environment.kernels
    found = findings(run, dataset, machine.outdated_kernels(used))
    if found != run.manifest.warnings:
        files.write_manifest(folder, msgspec.structs.replace(run.manifest, warnings=found))
        run = Run(folder)
    # Nobody reads a table in Python: what left no result is said at once.
    if reasons := list(dict.fromkeys(each.reason for each in failed_trials([run]))):
        more = f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else ""
        warn(
            f"{run.path}: {run.completion}: {reasons[0]}{more}; run.manifest.failures has all",
            FailedTrialsWarning,
        )
    return run
