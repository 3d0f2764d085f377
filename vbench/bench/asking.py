"""Ask a worker for one trial, in the usual way or under a load, and say what came back alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.bench import wire
from vbench.bench.workers import Live
from vbench.runs.facts import Batch, Pass
from vbench.runs.schema import SINGLE, Load, Options, Trial


class Condition(NamedTuple):
    """The file of a condition, and whether each query has its own; none by default."""

    file: str | None = None
    is_per_query: bool = False


class Measured(NamedTuple):
    """What was measured in one trial: ids and times by query, and facts as a trial's file has them.

    Attributes
    ----------
    ids : integer (m, k), -1 pads
    latency_ns, wait_ns : int64 (m, passes)
    first_ns : int64 (m,)
    spent_ns
        Time from the question to the answer, by the worker's clock.
    """

    ids: NDArray[np.integer[Any]]
    latency_ns: NDArray[np.int64]
    first_ns: NDArray[np.int64]
    wait_ns: NDArray[np.int64] | None
    passes: list[Pass]
    redone: int
    batches: list[Batch]
    wall_s: float | None
    work: float | None
    unstable: int
    outside_ns: float
    cpu_ns: float | None
    unseen_ns: float | None
    spent_ns: int
    filter_ns: NDArray[np.int64] | None = None
    filter_setup_s: float | None = None


def ask_for(
    live: Live,
    trial: Trial,
    load: Load,
    options: Options,
    cores: Sequence[int],
    doing: str,
    condition: Condition,
) -> Measured:
    """Measure a trial; `cores` are those that several clients may use together.

    Raises
    ------
    TrialError
        It leaves no result.
    """
    if load.key == SINGLE:
        return _ask_singly(live, trial, options, doing, condition)
    return _ask_under(load, live, trial, options, cores, doing, condition)


def _ask_singly(
    live: Live, trial: Trial, options: Options, doing: str, condition: Condition
) -> Measured:
    ask = wire.Search(
        setting=trial.setting,
        k=trial.k,
        repeats=options.repeats,
        warmup=options.warmup,
        condition=condition.file,
        is_per_query=condition.is_per_query,
    )
    done, (ids, latency, first, *filters) = live.session.ask(
        ask, wire.Searched, timeout=options.timeout, doing=doing
    )
    batches = []
    if done.batch_seconds is not None:
        batches = [Batch(size=len(ids), seconds=done.batch_seconds, differs=done.batch_differs)]
    facts = zip(done.cpu_share, done.disturbed, done.order_seeds, done.wall_s, strict=True)
    return Measured(
        ids=ids,
        latency_ns=latency,
        first_ns=first,
        wait_ns=None,
        passes=[
            Pass(cpu_share=share, disturbed=disturbed, order_seed=seed, wall_s=wall)
            for share, disturbed, seed, wall in facts
        ],
        redone=done.redone,
        batches=batches,
        wall_s=None,
        work=done.work,
        unstable=done.unstable,
        outside_ns=done.overhead_ns,
        cpu_ns=done.cpu_ns,
        unseen_ns=done.unseen_ns,
        spent_ns=done.spent_ns,
        filter_ns=filters[0] if filters else None,
        filter_setup_s=done.filter_setup_s,
    )


def _ask_under(
    load: Load,
    live: Live,
    trial: Trial,
    options: Options,
    cores: Sequence[int],
    doing: str,
    condition: Condition,
) -> Measured:
    ask = wire.Drive(
        setting=trial.setting,
        k=trial.k,
        repeats=options.repeats,
        warmup=options.warmup,
        clients=load.clients,
        by=load.by,
        rate=load.rate,
        batch=load.batch,
        cores=list(cores[-max(options.threads, load.clients) :]),
        condition=condition.file,
    )
    done, (ids, latency, *waits) = live.session.ask(
        ask, wire.Driven, timeout=options.timeout, doing=doing
    )
    facts = zip(done.cpu_share, done.order_seeds, done.wall_s, strict=True)
    wall = sum(done.wall_s)
    batches = []
    if load.batch is not None:
        seconds = wall / len(done.wall_s)
        batches = [Batch(size=load.batch, seconds=seconds, differs=done.batch_differs)]
    return Measured(
        ids=ids,
        latency_ns=latency,
        first_ns=np.ascontiguousarray(latency[:, 0]),
        wait_ns=waits[0] if waits else None,
        passes=[Pass(cpu_share=share, order_seed=seed, wall_s=wall) for share, seed, wall in facts],
        redone=0,
        batches=batches,
        wall_s=wall,
        work=done.work,
        unstable=done.unstable,
        outside_ns=done.overhead_ns,
        cpu_ns=done.cpu_ns,
        unseen_ns=None,
        spent_ns=done.spent_ns,
    )
