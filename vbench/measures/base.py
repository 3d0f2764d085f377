"""What a measure is: its spelling ``Name(param=value,…)@K``, its words, its statistics.

A measure is of one of these kinds, by the class that it inherits from, and each brings the estimate
over builds, the comparison and the bound that fit it:

- :class:`Measure`: the mean of a value of every query;
- :class:`OfHits`: the same, of the hits of every query;
- :class:`TailOfHits`: another function of the recall of all queries;
- :class:`OfBuild`: a number that each build has once, such as its size;
- :class:`vbench.measures.of_items.OfItems`: a mean over items instead of queries.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from vbench.errors import VbenchError
from vbench.measures.answers import Answers
from vbench.measures.sample import Estimate, Sample
from vbench.metric import FloatArray
from vbench.numbers import Unit
from vbench.stats import certificate, crossed, functional, intervals, paired
from vbench.stats.certificate import Certificate
from vbench.stats.paired import Difference
from vbench.stats.shares import Shares

Kind = Literal["mean", "share", "tail", "cost"]
Better = Literal["higher", "lower"]
M = TypeVar("M", bound="Measure")

USUAL = {"delta": "0.9", "alpha": "0.05", "p": "99", "within": "10ms"}
"""Values to show where a parameter is missing."""


class _Matmul(type):
    """``Recall @ 10`` of the class, for measures that need no parameter."""

    def __matmul__(cls: type[M], k: int) -> M:  # type: ignore[misc]
        if missing := needed_parameters(cls):
            example = spell(cls, {}, "").replace("@", " @ ")
            raise VbenchError(f"{cls.__name__} needs {', '.join(missing)}; write {example}")
        return cls() @ k


@dataclass(frozen=True)
class Measure(metaclass=_Matmul):
    """One number about a trial: here the mean over queries of a value of each.

    Its ``str`` and its ``repr`` are its spelling in the grammar, which parses back to an equal
    measure. ``Recall @ 10`` and ``Robustness(delta=0.9) @ 10`` give it a cutoff, which is its `k`.
    """

    kind: ClassVar[Kind] = "mean"
    """`mean`: the mean of a value of every query; `share`: the same, each value 0 or 1;
    `tail`: another function of the hits; `cost`: about the trial and not its answers."""
    unit: ClassVar[Unit] = "score"
    better: ClassVar[Better] = "higher"
    labels: ClassVar[tuple[str, str]] = ("", "")
    """What a chart says, and what the head of a column; ``{0.name}`` is a parameter."""
    spellings: ClassVar[tuple[str, ...]] = ()
    """Other ways to write it, as regular expressions whose groups are parameters."""
    may_be_one: ClassVar[bool] = False
    """Whether queries can show that it is 1, as they can of a percentile."""
    is_clocked: ClassVar[bool] = False
    """Whether other work on the machine makes it worse."""
    is_of_machine: ClassVar[bool] = False
    """Whether it is another on another machine, or with another number of threads."""
    is_of_search: ClassVar[bool] = False
    """Whether it is a cost that rises with the width of the search."""

    def __init_subclass__(cls) -> None:
        # Before `dataclass` sees the class: it would give it a repr of its own.
        if "__repr__" not in vars(cls):
            cls.__repr__ = Measure.__repr__  # type: ignore[method-assign]
        if vars(cls).get("kind") == "share" and "unit" not in vars(cls):
            cls.unit = "share"

    def __repr__(self) -> str:
        cutoff = getattr(self, "k", None)
        return self._uncut + ("" if cutoff is None else f"@{cutoff}")

    def __str__(self) -> str:
        return repr(self)

    def __matmul__(self: M, k: int) -> M:
        if not takes_cutoff(type(self)):
            raise VbenchError(f"{self} has no cutoff; write it without @ {k}")
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise VbenchError(f"{self} @ {k!r}: the cutoff must be a whole number from 1 on")
        return dataclasses.replace(self, k=int(k))  # type: ignore[call-arg]

    @property
    def _uncut(self) -> str:
        given = [
            f"{name}={getattr(self, name)}"
            for name in parameters(type(self))
            if getattr(self, name) is not None
        ]
        return type(self).__name__ + (f"({','.join(given)})" if given else "")

    @property
    def cutoff(self) -> int | None:
        """K, or None for a measure that has none.

        Raises
        ------
        VbenchError
            It needs one and was given none.
        """
        k: int | None = getattr(self, "k", None)
        if k is None and takes_cutoff(type(self)):
            raise VbenchError(f"{self} needs a cutoff; write {self}@10, or {self} @ 10 in Python")
        return k

    @property
    def label(self) -> str:
        """What a chart says of it."""
        return self.labels[0].format(self) or self._uncut

    @property
    def short(self) -> str:
        """What the head of a table's column says; with its cutoff, it can be typed."""
        return self.labels[1].format(self) or self._uncut

    def per_query(self, answers: Answers) -> FloatArray:
        """The value of every query, float64 (m,), whose mean is the measure.

        A query that has none, such as one with nothing to find, is nan and left out.
        """
        raise VbenchError(f"{self} is not a mean over queries: it has no value for each of them")

    def value(self, answers: Answers) -> float | None:
        """The measure of one trial, or None where the trial did not record what it needs."""
        return float(np.mean(without_nan(self.per_query(answers))))

    def estimate(self, sample: Sample) -> Estimate:
        """The mean over builds, with its interval and its spread."""
        values, clusters = sample.per_query(self)
        if self.kind == "share" and len(values) == 1 and clusters is None:
            passing, m = int(values.sum()), values.shape[1]
            return Estimate(passing / m, *intervals.wilson(passing, m, sample.level), None)
        return Estimate.of_builds(crossed.crossed_mean(values, sample.level, clusters))

    def difference(self, baseline: Sample, candidate: Sample) -> Difference:
        """Candidate minus baseline, of the same queries, with interval and test."""
        (a, clusters), (b, _) = baseline.per_query(self), candidate.per_query(self)
        return paired.compare_means(
            a,
            b,
            baseline.level,
            clusters,
            same_builds=bool(baseline.plans) and baseline.plans == candidate.plans,
        )

    def lower_bound(
        self, answers: Answers, wanted: float, level: float, pivot: Sequence[Answers]
    ) -> Certificate | None:
        """How good one build surely is, over all queries of this kind, beside what is wanted.

        One-sided and, at `level`, exact: a lower bound where higher is better, else an upper one.

        Parameters
        ----------
        answers
            To queries in an order that has nothing to do with them.
        wanted
            The value that is to be reached.
        pivot
            Answers to other queries, by which a bound may choose how to look.

        Returns
        -------
        Certificate, or None
            None where it is no function of single queries.
        """
        values = without_nan(self.per_query(answers))
        if self.kind == "share":
            passing = int((values == float(self.better == "higher")).sum())
            found = certificate.certify_share(passing, len(values), self._upwards(wanted), level)
        elif values.min() < 0.0 or values.max() > 1.0:
            return None
        else:
            oriented = values if self.better == "higher" else 1.0 - values
            found = certificate.certify_mean(oriented, self._upwards(wanted), level)
        return found._replace(bound=self._upwards(found.bound))

    def is_overdone(self, answers: Answers) -> bool:
        """Whether a wider search makes it worse, since what it costs weighs more."""
        return False

    def is_attainable(self, wanted: float, n: int, level: float) -> bool:
        """Whether `n` queries could show that it reaches `wanted`, all of them being right."""
        reach = certificate.largest_share if self.kind == "share" else certificate.largest_mean
        return reach(n, level) >= self._upwards(wanted)

    def _upwards(self, value: float) -> float:
        """A share, or the share that is left, whichever is better the larger; its own inverse."""
        return value if self.better == "higher" else float(1 - Fraction(repr(value)))


@dataclass(frozen=True, kw_only=True)
class WithCutoff(Measure):
    """A mean over queries of what their top K is worth."""

    k: int | None = None

    @property
    def cutoff(self) -> int:
        """K; VbenchError where none was given."""
        k = super().cutoff
        assert k is not None
        return k


@dataclass(frozen=True, kw_only=True)
class OfHits(WithCutoff):
    """A function of the hits of every query against the exact top `truth` (default: K)."""

    truth: int | None = None

    def __post_init__(self) -> None:
        if self.truth is None:
            return
        allowed = "a whole number from 1" + ("" if self.k is None else f" to K={self.k}")
        require(1 <= self.truth <= (self.k or self.truth), self, "truth", self.truth, allowed)

    @property
    def label(self) -> str:
        """What a chart says of it."""
        return super().label + ("" if self.truth is None else f", of the top {self.truth}")

    @property
    def short(self) -> str:
        """What the head of a table's column says."""
        return super().short if self.truth is None else self._uncut

    @property
    def needed(self) -> int:
        """Hits that make a recall of 1."""
        return self.truth or self.cutoff

    def hits(self, answers: Answers) -> NDArray[np.integer[Any]]:
        """Hits of each query (m,)."""
        return answers.hits_against(self.truth)

    def recall_of(self, answers: Answers) -> FloatArray:
        """Recall of each query (m,); nan where there is nothing to find."""
        if answers.is_even:
            return np.asarray(self.hits(answers) / self.needed)
        with np.errstate(invalid="ignore"):
            return np.asarray(self.hits(answers) / answers.possible(self.truth))

    def recall(self, sample: Sample) -> tuple[FloatArray, NDArray[Any] | None]:
        """Recall of each query in each build, float64 (builds, m), and the queries' clusters."""
        return sample.drop_gaps(np.stack([self.recall_of(each) for each in sample.answers]))

    def shares(self, sample: Sample) -> Shares:
        """How many queries have at most any recall, counted once for all measures of them."""
        return sample.once("shares", lambda: Shares(*self.recall(sample)), self.truth)


@dataclass(frozen=True, kw_only=True)
class TailOfHits(OfHits):
    """A function of the recall of all queries that is no mean over them, such as a percentile.

    A subclass says what it is by :meth:`of`, and gets an estimate, a comparison and a certificate
    from :mod:`vbench.stats.functional`, which assume nothing of the function. Where something is
    known of it, its own methods are sharper, as those of :class:`vbench.measures.recall.CVaR`.
    """

    kind: ClassVar[Kind] = "tail"
    may_be_one: ClassVar[bool] = True

    def of(self, recall: FloatArray) -> float:
        """The measure of some queries' recall, ascending float64 (m,)."""
        raise NotImplementedError

    def value(self, answers: Answers) -> float:
        """The measure of one trial."""
        return float(self.of(np.sort(without_nan(self.recall_of(answers)))))

    def estimate(self, sample: Sample) -> Estimate:
        """The mean over builds, with its interval and its spread."""
        recall, clusters = self.recall(sample)
        found = functional.crossed_functional(recall, self.of, sample.level, clusters)
        return Estimate.of_builds(found)

    def difference(self, baseline: Sample, candidate: Sample) -> Difference:
        """Candidate minus baseline, of the same queries."""
        (a, clusters), (b, _) = self.recall(baseline), self.recall(candidate)
        return functional.compare_functionals(a, b, self.of, baseline.level, clusters)

    def lower_bound(
        self, answers: Answers, wanted: float, level: float, pivot: Sequence[Answers]
    ) -> Certificate | None:
        """How good one build surely is, if more recall of any query never makes it worse."""
        recall = np.sort(without_nan(self.recall_of(answers)))
        found = self._certified(recall, wanted, level)
        return found._replace(bound=self._upwards(found.bound))

    def is_attainable(self, wanted: float, n: int, level: float) -> bool:
        """Whether `n` queries could show that it reaches `wanted`, all of them being right."""
        return self._certified(np.ones(n), wanted, level).slack >= 0.0

    def _certified(self, recall: FloatArray, wanted: float, level: float) -> Certificate:
        return functional.certify_functional(
            recall, lambda some: self._upwards(self.of(some)), self._upwards(wanted), level
        )


@dataclass(frozen=True)
class OfBuild(Measure):
    """A number that each build has once: `value` alone says it, and no query bounds it."""

    kind: ClassVar[Kind] = "cost"
    unit: ClassVar[Unit] = "count"
    is_of_machine: ClassVar[bool] = True

    def estimate(self, sample: Sample) -> Estimate:
        """Student's interval of the mean over builds, cut at 0 for what is never negative."""
        values = sample.values(self)
        if not values:
            return Estimate(None, None, None, None)
        mean = float(np.mean(values))
        if len(values) == 1:
            return Estimate(mean, None, None, None)
        low, high = intervals.student(values, sample.level)
        if self.unit not in ("score", "number") and min(values) >= 0.0:
            low = max(low, 0.0)
        return Estimate(mean, low, high, float(np.std(values, ddof=1)))

    def difference(self, baseline: Sample, candidate: Sample) -> Difference:
        """Candidate minus baseline, builds being the only chance."""
        return paired.compare_builds(baseline.values(self), candidate.values(self), baseline.level)

    def lower_bound(
        self, answers: Answers, wanted: float, level: float, pivot: Sequence[Answers]
    ) -> Certificate | None:
        """None: it is no function of single queries."""
        return None

    def is_attainable(self, wanted: float, n: int, level: float) -> bool:
        """Whether it may be reached: always, since queries have no say."""
        return True


def without_nan(values: FloatArray) -> FloatArray:
    """The values of queries that have one."""
    missing = np.isnan(values)
    return values[~missing] if missing.any() else values


def require(condition: bool, measure: object, name: str, given: object, allowed: str) -> None:
    """Raise unless a measure's parameter is allowed."""
    if not condition:
        raise VbenchError(
            f"{type(measure).__name__}: {name}={given} is not allowed; give {allowed}"
        )


def parameters(kind: type[Measure]) -> list[str]:
    """Names of what may be given in brackets: what a class of measures adds to all comes last."""
    names = [each.name for each in dataclasses.fields(kind) if each.name != "k"]
    return sorted(names, key={"truth", "least"}.__contains__)


def needed_parameters(kind: type[Measure]) -> list[str]:
    """Those that have no default."""
    missing = dataclasses.MISSING
    return [
        each.name
        for each in dataclasses.fields(kind)
        if each.name != "k" and each.default is missing and each.default_factory is missing
    ]


def takes_cutoff(kind: type[Measure]) -> bool:
    """Whether a measure is of the top K."""
    return any(each.name == "k" for each in dataclasses.fields(kind))


def spell(kind: type[Measure], given: Mapping[str, Any], cutoff: str) -> str:
    """How to write a measure with what was given, and a usual value of what is missing."""
    usual = {name: USUAL.get(name, "1") for name in needed_parameters(kind)}
    written = usual | {name: value for name, value in given.items() if name != "k"}
    inside = ",".join(f"{name}={value}" for name, value in written.items())
    at = f"@{cutoff if cutoff.isdecimal() else 10}" if takes_cutoff(kind) else ""
    return f"{kind.__name__}{f'({inside})' if inside else ''}{at}"


def in_percent(default: float) -> Any:
    """A parameter that counts in percent, for which ``5%`` is 5 and not 0.05."""
    return field(default=default, metadata={"percent": True})


def ordinal(p: float) -> str:
    """``5th``, ``99.9th``, ``1st``."""
    last = {1: "st", 2: "nd", 3: "rd"} if p == int(p) and int(p) // 10 % 10 != 1 else {}
    return f"{p:g}{last.get(int(p) % 10, 'th')}"
