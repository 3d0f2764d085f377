"""What a reader of a run must know before believing it: each a value, a verdict, a remedy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from vbench._invocation import spell_option
from vbench.bench.findings.builds import warn_of_builds
from vbench.bench.findings.chance import check_command, warn_of_chance
from vbench.bench.findings.copies import warn_of_copies
from vbench.bench.findings.idle import warn_of_idle
from vbench.bench.findings.loads import warn_of_loads
from vbench.bench.findings.timing import warn_of_time
from vbench.data.dataset import Dataset
from vbench.runs.facts import TrialFacts
from vbench.runs.run import Run
from vbench.runs.schema import Warn
from vbench.runs.settings import Setting, spell

_CORES_MARGIN = 1.25
"""How many times the cores allowed a worker may keep busy before it is told: clocks are coarse."""


def findings(run: Run, dataset: Dataset | None = None, outdated: Sequence[str] = ()) -> list[Warn]:
    """All warnings of a run, the weightiest first.

    The vectors of `dataset` tell what answers are that are no better than random; `outdated` is
    what is reported of libraries whose kernels are older than the processor.
    """
    settings = run.settings()
    found: list[Warn] = []
    found += _failures(run)
    found += warn_of_chance(run, settings, dataset)
    for setting in settings:
        found += _of_answers(run, setting)
    found += _of_levels(run)
    found += warn_of_idle(run, settings)
    found += _of_sweeps(run, run.settings(steps=True))
    found += warn_of_copies(run, settings)
    found += _of_ties(run, settings)
    found += _of_conduct(run, run.settings(steps=True))
    found += warn_of_time(run, settings)
    found += warn_of_loads(run, settings)
    found += map(_old_kernel, outdated)
    found += warn_of_builds(run)
    return found


def _old_kernel(said: str) -> Warn:
    return Warn(
        "old kernel",
        said,
        "times are then those of the kernel and not of the index: a build may take three times "
        "as long",
        "install a newer release of that library, or name the kernel before the command, as in "
        "OPENBLAS_CORETYPE=Haswell vbench run",
        code="old-kernel",
    )


def _failures(run: Run) -> Iterator[Warn]:
    count = len(run.manifest.failures)
    if count:
        yield Warn(
            "failed trials",
            f"{count} of {len(run.manifest.trials)} planned trials left no result; the first: "
            f"{run.manifest.failures[0].reason}",
            "an index that fails where it is hard looks better than it is",
            "fix what the reason says; the same command tries them again",
            code="failed-trials",
        )


def _of_answers(run: Run, setting: Setting) -> Iterator[Warn]:
    facts = [run.facts(trial) for trial in setting.trials]
    name, queries = str(setting), run.manifest.dataset.m * len(facts)
    if unstable := sum(each.unstable for each in facts):
        yield Warn(
            "unstable ids",
            f"{name}: {unstable} of {queries} queries got other ids when asked again",
            "a query that succeeds only sometimes has no one recall",
            "fix the index's seed or its threads; the hits shown are of the first pass",
            code="unstable-ids",
            setting=name,
        )
    if differs := sum(each.batch.differs for each in facts if each.batch):
        yield Warn(
            "batch differs",
            f"{name}: {differs} of {queries} queries got other ids in the batch call",
            "batch throughput is then the price of other answers",
            f"compare search and search_one of the adapter: {check_command(run, setting)}",
            code="batch-differs",
            setting=name,
        )
    if duplicates := sum(each.duplicates for each in facts):
        yield Warn(
            "repeated ids",
            f"{name}: {duplicates} ids stand twice in one answer",
            "an id counts once, so each repeat is a miss",
            "remove repeats in the index",
            code="repeated-ids",
            setting=name,
        )
    if pads := sum(each.pads for each in facts):
        yield Warn(
            "short answers",
            f"{name}: {pads} of {queries * setting.k} places were left empty",
            "an empty place is a miss",
            "raise the search parameters, or look for parts of the index that nothing reaches",
            code="short-answers",
            setting=name,
        )


def _of_levels(run: Run) -> Iterator[Warn]:
    """Indexes that are not at the mean recall that was asked for."""
    for level in run.manifest.levels:
        if not level.reached and len(level.chosen) < 2:
            name = " ".join(filter(None, (level.index, spell(level.build), spell(level.fixed))))
            yield Warn(
                "recall not reached",
                f"{name}: Recall@{level.k} {level.target:g} is not reached; {level.note}",
                "an index at another mean recall differs in every other measure for that reason",
                "choose a level that all reach, or other build parameters with "
                f"{spell_option('settings')}",
                code="level-not-reached",
            )


def _of_sweeps(run: Run, settings: list[Setting]) -> Iterator[Warn]:
    """Wider searches that find less."""
    groups: dict[str, list[Setting]] = {}
    for setting in settings:
        groups.setdefault(repr((setting.index, setting.build, setting.k)), []).append(setting)
    for group in groups.values():
        parameter = run.build_of(group[0].trials[0]).tune_parameter
        if len(group) > 1 and parameter and len(group[0].search) == 1:
            yield from _narrowing(parameter, sorted(group, key=lambda x: x.search[parameter]))


def _narrowing(parameter: str, sweep: Sequence[Setting]) -> Iterator[Warn]:
    for before, after in itertools.pairwise(sweep):
        if after.recall < before.recall:
            label = f"{before.index} {spell(before.build)}".strip()
            yield Warn(
                "not monotone",
                f"{label}: Recall@{before.k} falls from {before.recall:.4f} at {parameter}="
                f"{before.search[parameter]} to {after.recall:.4f} at {after.search[parameter]}",
                "a wider search must not find less",
                "report it to the index's authors; do not tune by bisection over this parameter",
                code="not-monotone",
            )


def _of_ties(run: Run, settings: list[Setting]) -> Iterator[Warn]:
    seen: set[int] = set()
    for setting in settings:
        if setting.k in seen:
            continue
        seen.add(setting.k)
        ties = run.facts(setting.trials[0]).ties
        if ties:
            yield Warn(
                "tied neighbors",
                f"K={setting.k}: {ties} of {run.manifest.dataset.m} queries have several base "
                "vectors at the K-th distance",
                f"any of them is a hit under the rule {run.manifest.options.rule!r}"
                if run.manifest.options.rule != "id"
                else "under the rule 'id' only those with the lowest ids are hits",
                "copies in the base are one reason: warnings and vbench data show count them",
                code="tied-neighbors",
            )


def _of_conduct(run: Run, settings: list[Setting]) -> Iterator[Warn]:
    """What an index took that it was not given: time to let go, and cores."""
    options = run.manifest.options
    allowed = _CORES_MARGIN * max(options.threads, options.build_threads or 0)
    of_index: dict[str, list[TrialFacts]] = {}
    for setting in settings:
        for trial in setting.trials:
            of_index.setdefault(setting.index, []).append(run.facts(trial))
    for index, facts in of_index.items():
        closes = [each.close for each in facts if each.close is not None]
        failed = [each.error for each in closes if each.error is not None]
        if failed:
            yield Warn(
                "close",
                f"{index}: closing it went wrong {len(failed)} of {len(closes)} times: "
                f"{failed[0]}; closing took {sum(each.s for each in closes):.1f} s in all",
                "what an index does not let go of is killed, and may leave files behind",
                "fix close() of the adapter, which vbench index check looks at",
                code="close-failed",
            )
        cores = max((each.cores_seen for each in facts if each.cores_seen is not None), default=0.0)
        if cores > allowed:
            yield Warn(
                "more cores",
                f"{index}: it and what it started kept {cores:.1f} cores busy, with "
                f"{options.threads} threads allowed",
                "its speed is that of more cores than the others have",
                "give the library the number of threads that fit is given",
                code="more-cores",
            )
