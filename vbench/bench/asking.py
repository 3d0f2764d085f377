"""Ask a worker for one trial, in the usual way or under a load, and say what came back alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.bench import wire
from vbench.bench.live import Live
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
    ask: wire.Search | wire.Drive
    if load.key == SINGLE:
        ask = wire.Search(
            setting=trial.setting,
            k=trial.k,
            repeats=options.repeats,
            warmup=options.warmup,
            condition=condition.file,
            is_per_query=condition.is_per_query,
        )
    else:
        ask = wire.Drive(
            setting=trial.setting,
            k=trial.k,
            repeats=options.repeats,
            warmup=options.warmup,
            condition=condition.file,
            clients=load.clients,
            by=load.by,
            rate=load.rate,
            batch=load.batch,
            cores=list(cores[-max(options.threads, load.clients) :]),
            is_cold=load.cache == "cold",
        )
    done, (ids, latency, *more) = live.session.ask(
        ask, wire.Searched, timeout=options.timeout, doing=doing
    )
    batches = []
    if done.batch_seconds is not None:
        size, seconds = load.batch or len(ids), done.batch_seconds
        batches = [Batch(size=size, seconds=seconds, differs=done.batch_differs)]
    is_single = isinstance(ask, wire.Search)
    disturbed = done.disturbed or [False] * len(done.wall_s)
    facts = zip(done.cpu_share, disturbed, done.order_seeds, done.wall_s, strict=True)
    return Measured(
        ids=ids,
        latency_ns=latency,
        first_ns=more.pop(0) if is_single else np.ascontiguousarray(latency[:, 0]),
        wait_ns=more.pop() if load.rate is not None else None,
        passes=[
            Pass(cpu_share=share, disturbed=is_disturbed, order_seed=seed, wall_s=wall)
            for share, is_disturbed, seed, wall in facts
        ],
        redone=done.redone,
        batches=batches,
        wall_s=None if is_single else sum(done.wall_s),
        work=done.work,
        unstable=done.unstable,
        outside_ns=done.overhead_ns,
        cpu_ns=done.cpu_ns,
        unseen_ns=done.unseen_ns,
        spent_ns=done.spent_ns,
        filter_ns=more.pop() if more else None,
        filter_setup_s=done.filter_setup_s,
    )
