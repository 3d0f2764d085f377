"""What an index claims of its recall, beside what it has: on queries that it was not tuned on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Document, Interval, Params
from vbench.analysis.tuning import Halves
from vbench.measures.answers import Answers
from vbench.measures.hits import threshold
from vbench.measures.recall import Robustness
from vbench.measures.sample import Sample
from vbench.measures.targets import Target
from vbench.metric import FloatArray
from vbench.stats.crossed import crossed_mean

Status = Literal["holds", "broken", "open"]
_BINS = 10


class ClaimedWindow(msgspec.Struct, frozen=True, kw_only=True):
    """Queries that were asked in one call: mean recall as the index estimates it, and as it is."""

    n: int
    claimed: float
    true: float


class ReliabilityBin(msgspec.Struct, frozen=True, kw_only=True):
    """Queries whose estimates lie from `low` to `high`: their means, claimed and true."""

    low: float
    high: float
    n: int
    claimed: float
    true: Interval


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How well the estimates tell the recall of single queries, and of windows of them.

    Attributes
    ----------
    error
        Mean over queries of |claimed − true| of the bin that each lies in.
    brier, brier_of_mean
        Mean square of estimate less recall; and what the true mean would have for an estimate.
    window_error, window_chance
        Mean |claimed − true| over windows; and about what it were if all claims were the mean of
        the recalls that these queries come from.
    """

    error: float
    brier: float
    brier_of_mean: float
    window_error: float
    window_chance: float
    bins: tuple[ReliabilityBin, ...]
    windows: tuple[ClaimedWindow, ...]


class ClaimCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a way to meet the target costs, and what it brings, on the held-out queries.

    Attributes
    ----------
    way
        `claimed`: as the index proposes. `fixed`: the one setting that tuning found. `oracle`: of
        every query the narrowest of the settings that suffices, and stays so when it is widened.
    setting
        None of the oracle.
    certified
        Whether the fixed one is.
    seconds
        CPU time of a query, or time where another process does the work.
    value
        Of the target's measure. Of the oracle, what the best choice among the settings reaches.
    reached
        Share of the queries that reach the target one by one.
    """

    way: Literal["claimed", "fixed", "oracle"]
    setting: Params | None
    certified: bool | None
    seconds: float
    value: float
    reached: float


class ClaimAudit(Document, frozen=True, kw_only=True, tag="vbench.index-audit/1"):
    """What an index claims, beside what it has.

    Attributes
    ----------
    target
        What it was asked to promise.
    proposed
        The setting by which it promises that.
    queries
        Numbers of queries: those that it was warmed up with, and those that judge.
    level
        Confidence of all intervals and bounds.
    measure
        What is claimed: mean recall where it estimates the recall of queries, else that of the
        target.
    claimed
        The mean of the estimates; without any the target itself.
    true
        The same as it is.
    deviation
        Claimed less true: positive where it claims too much.
    value, bound
        Of the target's measure, and what it surely reaches.
    under
        Share of the queries whose recall is under the target's (of Robustness, under δ).
    shortfall
        Mean over all queries of how far they are under it.
    calibration
        None where it estimates nothing.
    costs
        The claimed setting beside one for all, and beside the oracle.
    run
        The folder of the tuning that found the fixed setting.
    status
        `holds`: the target is surely reached, and no more is claimed. `broken`: it surely is not,
        or surely too much is claimed. `open`: neither is sure.
    """

    index: str
    dataset: str
    target: str
    proposed: Params
    queries: Halves
    seed: int
    level: float
    measure: str
    claimed: float
    true: Interval
    deviation: Interval
    value: Interval
    bound: float | None
    under: Interval
    shortfall: float
    calibration: Calibration | None
    costs: tuple[ClaimCost, ...]
    run: str
    status: Status
    verdict: str

    def __repr__(self) -> str:
        return f"<ClaimAudit {self.verdict}>"


class Deviation(NamedTuple):
    """What is claimed of which measure, what is true, and the difference with its interval."""

    measure: str
    claimed: float
    true: Interval
    difference: Interval


class Short(NamedTuple):
    """Which share of the queries is under a recall, and by how much all are on average."""

    share: Interval
    mean: float


def wanted_recall(target: Target) -> float:
    """The recall that each query must have: δ, or the target itself of mean recall."""
    measure = target.measure
    return float(measure.delta) if isinstance(measure, Robustness) else target.value


def deviate(
    target: Target,
    answers: Answers,
    recall: FloatArray,
    estimates: FloatArray | None,
    level: float,
) -> Deviation:
    """How far what is claimed lies above what is true.

    Parameters
    ----------
    recall, estimates : (m,)
        Of the queries of `answers`, as it is, and as the index estimates it.
    """
    if estimates is None:
        found = Sample([answers], level).estimate(target.measure)
        value = found.value or 0.0
        true = Interval(value, found.low, found.high)
        ends = [None if each is None else target.value - each for each in (found.high, found.low)]
        difference = Interval(target.value - value, *ends)
        return Deviation(str(target.measure), target.value, true, difference)
    true = mean_of(recall, level)
    beyond = crossed_mean(estimates - recall, level, bounds=(-1.0, 1.0))
    return Deviation(
        f"Recall@{answers.k}",
        float(estimates.mean()),
        true,
        Interval(beyond.value, beyond.low, beyond.high),
    )


def fall_short(recall: FloatArray, k: int, wanted: float, level: float) -> Short:
    """The queries (m,) that are under the wanted recall."""
    under = np.rint(recall * k) < threshold(wanted, k)
    return Short(mean_of(under, level), float(np.maximum(wanted - recall, 0.0).mean()))


def calibrate(
    recall: FloatArray, estimates: FloatArray, windows: Sequence[int], level: float
) -> Calibration:
    """How well estimates (m,) tell recalls (m,); `windows` are the numbers of queries of each."""
    bins = []
    for rows in _bins(estimates):
        here = estimates[rows]
        bins.append(
            ReliabilityBin(
                low=float(here.min()),
                high=float(here.max()),
                n=len(rows),
                claimed=float(here.mean()),
                true=mean_of(recall[rows], level),
            )
        )
    ends = np.cumsum([0, *windows]).tolist()
    shown = tuple(
        ClaimedWindow(
            n=last - first,
            claimed=float(estimates[first:last].mean()),
            true=float(recall[first:last].mean()),
        )
        for first, last in itertools.pairwise(ends)
    )
    # Of a normal variable around 0 the mean size is √(2/π) of its standard deviation.
    by_chance = math.sqrt(2.0 / math.pi) * float(recall.std())
    apart = [abs(each.claimed - (each.true.value or 0.0)) for each in bins]
    return Calibration(
        error=float(np.average(apart, weights=[each.n for each in bins])),
        brier=float(np.square(estimates - recall).mean()),
        brier_of_mean=float(recall.var()),
        window_error=float(np.mean([abs(each.claimed - each.true) for each in shown])),
        window_chance=float(np.mean([by_chance / math.sqrt(each.n) for each in shown])),
        bins=tuple(bins),
        windows=shown,
    )


def _bins(estimates: FloatArray) -> list[NDArray[np.intp]]:
    """Rows of about equally many queries by their estimates; equal ones are never parted."""
    order = np.argsort(estimates, kind="stable")
    values = estimates[order]
    # Where each of the equal parts would begin, moved to the first of its equals.
    begins = np.unique(np.searchsorted(values, values[np.arange(_BINS) * len(values) // _BINS]))
    return np.split(order, begins[1:])


def mean_of(values: NDArray[np.generic], level: float) -> Interval:
    """The mean of values (m,) from 0 to 1, with its interval over queries."""
    found = crossed_mean(values, level)
    return Interval(found.value, found.low, found.high)
