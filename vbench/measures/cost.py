"""What an answer costs: time, memory, work."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

import numpy as np

from vbench.errors import VbenchError
from vbench.measures.answers import Answers
from vbench.measures.base import Better, OfBuild, in_percent, ordinal, require
from vbench.metric import FloatArray
from vbench.numbers import Unit
from vbench.stats import certificate
from vbench.stats.certificate import Certificate
from vbench.stats.intervals import percentile_rank


def best_of_repeats(answers: Answers) -> FloatArray:
    """Seconds of each query's fastest call: the minimum over repeats, (m,)."""
    # Column by column: numpy is slow where the axis to reduce is as short as the repeats are few.
    return np.asarray(functools.reduce(np.minimum, answers.latency_ns.T) * 1e-9)


@dataclass(frozen=True)
class QPS(OfBuild):
    """Queries a second, one at a time: m / Σ of each query's fastest call (best of the repeats).

    Under a load, of several clients, at a rate or in batches: answers / wall time of all passes.
    """

    unit: ClassVar[Unit] = "rate"
    is_clocked: ClassVar[bool] = True
    is_of_search: ClassVar[bool] = True
    labels: ClassVar[tuple[str, str]] = ("queries a second, best of repeats", "QPS")

    def value(self, answers: Answers) -> float | None:
        if not answers.latency_ns.size:
            return None
        if seconds := answers.cost.wall_seconds:
            return answers.latency_ns.size / seconds
        return float(len(answers.latency_ns) / best_of_repeats(answers).sum())


@dataclass(frozen=True)
class BatchQPS(OfBuild):
    """Queries a second in one call with all queries; never mixed with :class:`QPS`."""

    unit: ClassVar[Unit] = "rate"
    is_clocked: ClassVar[bool] = True
    is_of_search: ClassVar[bool] = True
    spellings: ClassVar[tuple[str, ...]] = ("batch qps",)
    labels: ClassVar[tuple[str, str]] = ("queries a second, in one batch", "batch QPS")

    def value(self, answers: Answers) -> float | None:
        seconds = answers.cost.batch_seconds
        return len(answers.ids) / seconds if seconds else None


@dataclass(frozen=True)
class _Latency(OfBuild):
    unit: ClassVar[Unit] = "seconds"
    better: ClassVar[Better] = "lower"
    is_clocked: ClassVar[bool] = True
    is_of_search: ClassVar[bool] = True
    p: int | float = in_percent(99)

    def __post_init__(self) -> None:
        require(0 <= self.p <= 100, self, "p", self.p, "a number from 0 to 100")

    @property
    def percentile(self) -> str:
        """What it is of all times."""
        return "median" if self.p == 50 else f"{ordinal(self.p)} percentile"

    @property
    def _share(self) -> float:
        """The share of calls, or queries, that are to end in time."""
        return float(Fraction(str(self.p)) / 100)

    def is_attainable(self, wanted: float, n: int, level: float) -> bool:
        """Whether `n` queries could bound it at all."""
        return certificate.largest_share(n, level) >= self._share


@dataclass(frozen=True)
class Latency(_Latency):
    """The p-th percentile, in seconds, of all single calls: what a service sees.

    Passes that other processes disturbed are left out, as far as there are others.
    """

    # A low percentile alone is the head of a column about recall.
    spellings: ClassVar[tuple[str, ...]] = (
        r"p(?P<p>(?:[5-9]\d|100)(?:\.\d+)?)",
        r"latency[_ -]?p(?P<p>\d*\.?\d+)",
        r"p(?P<p>\d*\.?\d+)[_ -]?latency",
    )
    labels: ClassVar[tuple[str, str]] = ("{0.percentile} of latency", "p{0.p}")

    @property
    def label(self) -> str:
        """What a chart says of it."""
        return super().label.replace("median of", "median")

    def value(self, answers: Answers) -> float | None:
        calls = answers.quiet_ns
        if not calls.size:
            return None
        rank = percentile_rank(calls.size, self.p)
        return float(np.partition(calls, rank, axis=None)[rank]) * 1e-9

    def lower_bound(
        self, answers: Answers, wanted: float, level: float, pivot: Sequence[Answers]
    ) -> Certificate | None:
        """The time within which p % of the single calls surely end."""
        if not answers.latency_ns.size:
            return None
        seconds = np.asarray(answers.quiet_ns * 1e-9)
        return certificate.certify_calls(seconds, self._share, wanted, level)


@dataclass(frozen=True)
class BestLatency(_Latency):
    """The p-th percentile over the queries of each one's fastest call, in seconds.

    That is the index's own work, without what else delays a call now and then.
    """

    spellings: ClassVar[tuple[str, ...]] = (r"best p(?P<p>\d*\.?\d+)",)
    labels: ClassVar[tuple[str, str]] = (
        "{0.percentile} of each query's fastest call",
        "best p{0.p}",
    )

    def value(self, answers: Answers) -> float | None:
        if not answers.latency_ns.size:
            return None
        best = best_of_repeats(answers)
        rank = percentile_rank(best.size, self.p)
        return float(np.partition(best, rank)[rank])

    def lower_bound(
        self, answers: Answers, wanted: float, level: float, pivot: Sequence[Answers]
    ) -> Certificate | None:
        """The time within which p % of the queries surely end."""
        if not answers.latency_ns.size:
            return None
        best = best_of_repeats(answers)
        found = certificate.certify_quantile(-best, self._share, -wanted, level)
        return found._replace(bound=-found.bound)


@dataclass(frozen=True)
class CpuTime(OfBuild):
    """Mean CPU time of a query in seconds, of the worker and its children, or of its server.

    It hardly depends on what else the machine does.
    """

    unit: ClassVar[Unit] = "seconds"
    better: ClassVar[Better] = "lower"
    is_of_search: ClassVar[bool] = True
    spellings: ClassVar[tuple[str, ...]] = ("cpu time",)
    labels: ClassVar[tuple[str, str]] = ("CPU time a query", "CPU time")

    def value(self, answers: Answers) -> float | None:
        return answers.cost.cpu_seconds


@dataclass(frozen=True)
class BuildTime(OfBuild):
    """Wall time of ``fit`` in seconds, without loading where an index tells that apart.

    With `phase`, that of `load`, `index`, `optimize` or `settle` alone.
    """

    phase: str | None = field(default=None, metadata={"read": str})
    unit: ClassVar[Unit] = "seconds"
    better: ClassVar[Better] = "lower"
    spellings: ClassVar[tuple[str, ...]] = ("build(?: time)?",)
    labels: ClassVar[tuple[str, str]] = ("build time", "build")

    def __post_init__(self) -> None:
        allowed = ("load", "fit", "index", "optimize", "settle")
        known = self.phase is None or self.phase in allowed
        require(known, self, "phase", self.phase, f"one of: {', '.join(allowed)}")

    @property
    def label(self) -> str:
        """What a chart says of it."""
        return super().label + (f": {self.phase}" if self.phase else "")

    @property
    def short(self) -> str:
        """What a table says of it."""
        return self.phase or super().short

    def value(self, answers: Answers) -> float | None:
        cost = answers.cost
        return cost.phases.get(self.phase) if self.phase else cost.build_seconds


@dataclass(frozen=True)
class IndexSize(OfBuild):
    """Bytes of the index, as the adapter says, else of its saved file."""

    unit: ClassVar[Unit] = "bytes"
    better: ClassVar[Better] = "lower"
    is_of_machine: ClassVar[bool] = False
    spellings: ClassVar[tuple[str, ...]] = ("(?:index )?size",)
    labels: ClassVar[tuple[str, str]] = ("index size", "size")

    def value(self, answers: Answers) -> float | None:
        return answers.cost.index_bytes


@dataclass(frozen=True)
class PeakMemory(OfBuild):
    """Bytes of the worker's high-water mark during ``fit``, less what it was with data loaded.

    Of an index that is built in a server, the server's.
    """

    unit: ClassVar[Unit] = "bytes"
    better: ClassVar[Better] = "lower"
    spellings: ClassVar[tuple[str, ...]] = ("peak(?: memory)?",)
    labels: ClassVar[tuple[str, str]] = ("peak memory of the build", "peak memory")

    def value(self, answers: Answers) -> float | None:
        return answers.cost.peak_bytes


@dataclass(frozen=True)
class Work(OfBuild):
    """Distance computations a query, where the index counts them."""

    better: ClassVar[Better] = "lower"
    is_of_machine: ClassVar[bool] = False
    is_of_search: ClassVar[bool] = True
    labels: ClassVar[tuple[str, str]] = ("distance computations a query", "work")

    def value(self, answers: Answers) -> float | None:
        return answers.cost.work


def _hourly(text: str) -> float:
    """A price an hour, ``0.04`` or ``0.04/h``; VbenchError where it is none."""
    try:
        price = float(text.strip().removesuffix("/h"))
    except ValueError:
        price = -1.0
    if not 0.0 <= price < float("inf"):
        raise VbenchError(f"{text} is no price an hour; write 0.04 or 0.04/h")
    return price


@dataclass(frozen=True)
class Price(OfBuild):
    """Money for a million answers: of a core that does nothing else, with the index in its memory.

    The core's price an hour and that of as many GB as the index is large, for the CPU time that an
    answer takes. In the currency of the prices.
    """

    core: float = field(metadata={"read": _hourly})
    GB: float = field(default=0.0, metadata={"read": _hourly})
    better: ClassVar[Better] = "lower"
    is_of_search: ClassVar[bool] = True
    labels: ClassVar[tuple[str, str]] = ("price of a million answers", "price")

    @property
    def short(self) -> str:
        """What a table says of it."""
        return self._uncut

    def value(self, answers: Answers) -> float | None:
        cost = answers.cost
        if cost.cpu_seconds is None or (cost.index_bytes is None and self.GB):
            return None
        hourly = self.core + self.GB * (cost.index_bytes or 0) / 1e9
        return hourly * cost.cpu_seconds / 3600 * 1e6


@dataclass(frozen=True)
class FilterSetup(OfBuild):
    """Time in which the index took a filter: once for all queries, or of each query's own."""

    unit: ClassVar[Unit] = "seconds"
    better: ClassVar[Better] = "lower"
    is_clocked: ClassVar[bool] = True
    spellings: ClassVar[tuple[str, ...]] = ("filter setup",)
    labels: ClassVar[tuple[str, str]] = ("time to take the filter", "filter setup")

    def value(self, answers: Answers) -> float | None:
        return answers.cost.filter_seconds
