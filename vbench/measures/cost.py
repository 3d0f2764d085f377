"""What an answer costs: time, memory, work."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from vbench.measures.answers import Answers
from vbench.measures.base import Kind, Measure, require
from vbench.metric import FloatArray
from vbench.stats.intervals import percentile_rank


@dataclass(frozen=True)
class _Cost(Measure):
    kind: ClassVar[Kind] = "cost"
    higher_is_better: ClassVar[bool] = False
    needs_k: ClassVar[bool] = False


def best_of_repeats(answers: Answers) -> FloatArray:
    """Seconds of each query's fastest call: the minimum over repeats, (m,)."""
    # Column by column: numpy is slow where the axis to reduce is as short as the repeats are few.
    return np.asarray(functools.reduce(np.minimum, answers.latency_ns.T) * 1e-9)


@dataclass(frozen=True)
class QPS(_Cost):
    """Queries a second, one at a time: m / Σ of each query's fastest call (best of the repeats)."""

    higher_is_better: ClassVar[bool] = True

    def value(self, answers: Answers) -> float | None:
        if not answers.latency_ns.size:
            return None
        return float(len(answers.latency_ns) / best_of_repeats(answers).sum())


@dataclass(frozen=True)
class BatchQPS(_Cost):
    """Queries a second in one call with all queries; never mixed with :class:`QPS`."""

    higher_is_better: ClassVar[bool] = True

    def value(self, answers: Answers) -> float | None:
        seconds = answers.cost.batch_seconds
        return len(answers.ids) / seconds if seconds else None


@dataclass(frozen=True)
class _Latency(_Cost):
    p: int | float = 99

    def __post_init__(self) -> None:
        require(0 <= self.p <= 100, self, "p", self.p, "a number from 0 to 100")


@dataclass(frozen=True)
class Latency(_Latency):
    """The p-th percentile, in seconds, of all single calls: what a service sees.

    Passes that other processes disturbed are left out, as far as there are others.
    """

    def value(self, answers: Answers) -> float | None:
        calls = answers.sorted_quiet_ns
        return float(calls[percentile_rank(calls.size, self.p)]) * 1e-9 if calls.size else None


@dataclass(frozen=True)
class BestLatency(_Latency):
    """The p-th percentile over the queries of each one's fastest call, in seconds.

    That is the index's own work, without what else delays a call now and then.
    """

    def value(self, answers: Answers) -> float | None:
        if not answers.latency_ns.size:
            return None
        best = best_of_repeats(answers)
        rank = percentile_rank(best.size, self.p)
        return float(np.partition(best, rank)[rank])


@dataclass(frozen=True)
class CpuTime(_Cost):
    """Mean CPU time of a query in seconds, of the worker and its children.

    It hardly depends on what else the machine does.
    """

    def value(self, answers: Answers) -> float | None:
        return answers.cost.cpu_seconds


@dataclass(frozen=True)
class BuildTime(_Cost):
    """Wall time of ``fit`` in seconds."""

    def value(self, answers: Answers) -> float | None:
        return answers.cost.build_seconds


@dataclass(frozen=True)
class IndexSize(_Cost):
    """Bytes of the index, as the adapter says, else of its saved file."""

    def value(self, answers: Answers) -> float | None:
        return answers.cost.index_bytes


@dataclass(frozen=True)
class PeakMemory(_Cost):
    """Bytes of the worker's high-water mark during ``fit``, less what it was with data loaded."""

    def value(self, answers: Answers) -> float | None:
        return answers.cost.peak_bytes


@dataclass(frozen=True)
class Work(_Cost):
    """Distance computations a query, where the index counts them."""

    def value(self, answers: Answers) -> float | None:
        return answers.cost.work


CLOCKED = (QPS, BatchQPS, Latency, BestLatency)
"""Measures that other work on the machine makes worse."""
