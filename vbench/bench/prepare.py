"""Check and plan what a caller asks of a run, before anything is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from vbench._arguments import check_choice
from vbench._invocation import is_trusted, spell_option
from vbench._process.cores import usable_cores
from vbench.bench.loads import plan_loads
from vbench.bench.plan import Plan, make_plan
from vbench.data.check import check_k
from vbench.data.dataset import Dataset
from vbench.data.learn import check_learn
from vbench.errors import VbenchError
from vbench.indexes.recipe import Recipe
from vbench.measures.hits import RULES
from vbench.runs.schema import Options
from vbench.workloads.ageing import plan_ages
from vbench.workloads.runbook import STATIC_WORKLOAD, read_workload
from vbench.workloads.views import MASKS, cross_views, plan_views

WARMUP = 1000


@dataclass(frozen=True, kw_only=True)
class MeasureOptions:
    """What a call says of how to measure; :func:`vbench.bench.runner.run` has the meanings."""

    k: int | Sequence[int] = 10
    builds: int = 3
    repeats: int = 3
    threads: int = 1
    at_recall: float | None = None
    recall_rule: str = "exact-tie"
    timeout: float | None = None
    memory_limit: int | None = None
    seed: int = 0
    clients: int | Sequence[int] | None = None
    rate: float | Sequence[float] | None = None
    batch: int | Sequence[int] | None = None
    cache: str = "warm"
    filters: Sequence[str] = ()
    masks: int = MASKS
    only_filtered: bool = False
    workload: str = STATIC_WORKLOAD
    keep_indexes: bool = True
    jobs: int = 1
    build_threads: int | None = None
    connect: Mapping[str, str] = field(default_factory=dict, repr=False)
    workers: str | None = None
    device: str = "cpu"


class PreparedRun(NamedTuple):
    """A call that has been checked and planned; nothing has been run or written."""

    dataset: Dataset
    options: Options
    plan: Plan

    @property
    def run_id(self) -> str:
        """Name of a run folder, the same for the same plan: ``books-hnsw-1a2b3c4d``."""
        names = list(dict.fromkeys(build.index for build in self.plan.builds))
        label = "-".join(names[:3]) + (f"-and-{len(names) - 3}-more" if len(names) > 3 else "")
        full = f"{self.dataset.name}-{label}"
        clean = "".join(c if c.isalnum() or c in "._-" else "_" for c in full)
        return f"{clean[:80]}-{self.plan.identity[:8]}"


def prepare(
    dataset: Dataset,
    indexes: Sequence[str | Recipe] | str,
    settings: Mapping[str, Sequence[Any]] | None,
    asked: MeasureOptions,
    *,
    chosen_later: bool = False,
) -> PreparedRun:
    """Check a call and plan it; `chosen_later` as :func:`make_plan` has it.

    Raises
    ------
    VbenchError
        No index is given, or a value is not allowed.
    """
    names = [indexes] if isinstance(indexes, str) else list(indexes)
    if not names:
        raise VbenchError(
            f"no index given; name at least one, such as {spell_option('indexes', 'hnsw')}"
        )
    check_learn(dataset)
    options = _options(dataset, asked)
    views = plan_views(
        dataset,
        asked.filters,
        masks=_whole("masks", asked.masks, 1),
        seed=options.seed,
        only_filtered=asked.only_filtered,
    )
    runbook = read_workload(asked.workload, dataset.n - dataset.zero_rows, dataset.name)
    if runbook is not None:
        views = cross_views(plan_ages(dataset, runbook, seed=options.seed), views)
    plan = make_plan(
        names,
        settings or {},
        options,
        dataset.fingerprint,
        dataset.order_digest,
        dataset.metric,
        dataset.base.shape[1],
        learn=dataset.learn,
        attributes=dataset.items,
        chosen_later=chosen_later or asked.at_recall is not None,
        loads=plan_loads(asked.clients, asked.rate, asked.batch, dataset.m, asked.cache),
        views=views,
        runbook=runbook,
        connect=asked.connect,
    )
    return PreparedRun(dataset, options, plan)


class Asked(NamedTuple):
    """A prepared run, and the call as it was made, which can be prepared again elsewhere."""

    prepared: PreparedRun
    indexes: Sequence[str | Recipe]
    settings: Mapping[str, Sequence[Any]] | None
    options: MeasureOptions
    fresh: bool


def _options(dataset: Dataset, asked: MeasureOptions) -> Options:
    for name, limit in (("timeout", asked.timeout), ("memory_limit", asked.memory_limit)):
        # Not NaN either, which nothing exceeds.
        if limit is not None and not limit > 0:
            raise VbenchError(f"{name}={limit}; give a number above 0, or None for no limit")
    usable = len(usable_cores())
    if not 1 <= asked.threads <= usable:
        raise VbenchError(
            f"threads={asked.threads}; this process may use {usable} cores, give 1 to {usable}"
        )
    built_by = asked.threads if asked.build_threads is None else asked.build_threads
    if not 1 <= built_by <= usable:
        raise VbenchError(
            f"build_threads={built_by}; this process may use {usable} cores, give 1 to {usable}"
        )
    widest = max(asked.threads, built_by)
    if not 1 <= _whole("jobs", asked.jobs, 1) <= usable // widest:
        each = f" with {widest} threads each" if widest > 1 else ""
        raise VbenchError(
            f"jobs={asked.jobs}; this process may use {usable} cores, enough for "
            f"{usable // widest} jobs{each}"
        )
    if asked.workers is not None and asked.jobs != 1:
        raise VbenchError(
            f"jobs={asked.jobs} is of one machine; with {spell_option('workers')} each worker "
            "makes one build at a time"
        )
    if asked.workers is not None and asked.device != "cpu":
        raise VbenchError(
            f"device={asked.device!r} is of this machine; with {spell_option('workers')} exact "
            "search is theirs"
        )
    check_choice("recall_rule", asked.recall_rule, RULES)
    if asked.at_recall is not None and not 0.0 < asked.at_recall <= 1.0:
        raise VbenchError(f"at_recall={asked.at_recall:g}; give a mean recall above 0, up to 1")
    wanted = np.atleast_1d(asked.k)
    if wanted.dtype.kind not in "iu" or not wanted.size:
        raise VbenchError(f"k={asked.k!r}; give a whole number from 1 on, or several")
    ks = sorted(set(wanted.tolist()))
    for each in ks:
        check_k(dataset, each)
    return Options(
        k=ks,
        builds=_whole("builds", asked.builds, 1),
        repeats=_whole("repeats", asked.repeats, 1),
        threads=asked.threads,
        jobs=asked.jobs,
        # Said and meant alike, it is one key.
        build_threads=None if built_by == asked.threads else built_by,
        seed=_whole("seed", asked.seed, 0),
        rule=next(known for known in RULES if known == asked.recall_rule),
        warmup=min(WARMUP, dataset.n),
        warmup_from="base",
        timeout=asked.timeout,
        memory_limit=asked.memory_limit,
        at_recall=asked.at_recall,
        trust=is_trusted(),
    )


def _whole(name: str, value: Any, least: int) -> int:
    if not isinstance(value, int | np.integer) or value < least:
        raise VbenchError(f"{name}={value}; give a whole number from {least} on")
    return int(value)
