"""What queries say about a target: the value over builds, and a bound that needs no luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.measures.answers import Answers
from vbench.measures.base import Measure
from vbench.measures.cost import CLOCKED, BestLatency, Latency, best_of_repeats
from vbench.measures.recall import CVaR, Percentile
from vbench.metric import FloatArray
from vbench.stats.betting import mean_lower
from vbench.stats.intervals import MANY_QUERIES, exact_lower, more_queries_needed
from vbench.tuning.targets import Target

_PERFECT = 1e-6


@dataclass(frozen=True)
class Evidence:
    """What some queries say about one target.

    Attributes
    ----------
    value
        Mean of the measure over the builds; None where it was not recorded.
    bound
        The worst of the builds' one-sided bounds: with the confidence that was asked for, the
        measure of that build, over all queries of this kind, is at least as good. Infinite where
        so few queries bound nothing. None where the measure is not a function of single queries:
        then every build's value must meet the target.
    builds
        The measure of each build.
    slack, plain_slack
        How far the worst build's bound, or its value, lies beyond the target: not negative where
        it meets it. About linear in the logarithm of the search effort.
    more
        How many more queries would certify the target, if they answered as these do: 0 where
        it is certified, None where no number would.
    is_judged
        Whether the answers say anything: not where only builds whose every pass other processes
        disturbed miss a target of time. (What they reach all the same, they reach.)
    """

    target: Target
    value: float | None
    bound: float | None
    builds: tuple[float | None, ...]
    slack: float
    plain_slack: float
    more: int | None
    is_judged: bool = True

    @property
    def is_met(self) -> bool:
        """Whether the mean over builds meets the target."""
        return self.target.is_met(self.value)

    @property
    def is_certified(self) -> bool:
        """Whether every build's bound meets the target, or where there is none, every value."""
        return self.slack >= 0.0


class _Bound(NamedTuple):
    """What the queries of one build say: see :class:`Evidence`."""

    bound: float
    slack: float
    plain_slack: float
    more: int | None


def part_of(answers: Answers, rows: NDArray[np.intp]) -> Answers:
    """The answers to some of the queries."""
    cost = answers.cost
    if cost.batch_seconds is not None:
        seconds = cost.batch_seconds * len(rows) / len(answers.hits)
        cost = replace(cost, batch_seconds=seconds)
    return replace(
        answers,
        ids=answers.ids[rows],
        hits=answers.hits[rows],
        truth_ids=answers.truth_ids[rows],
        truth_distances=answers.truth_distances[rows],
        ratio=answers.ratio[rows],
        latency_ns=answers.latency_ns[rows],
        cost=cost,
    )


def weigh(
    target: Target,
    answers: Sequence[Answers],
    level: float,
    *,
    pivot: Sequence[Answers] | None = None,
) -> Evidence:
    """Weigh the answers of every build against a target.

    Each build's bound is exact: Clopper–Pearson for shares, and for percentiles, which are shares
    of queries beyond a value; by betting for means. Latency is of single calls, and the calls of
    one query are not independent: see `_of_calls`. CVaR is at least c − E[(c − recall)⁺]/α for
    any c (Rockafellar and Uryasev 2000), the mean bounded by betting, with c from `pivot`, other
    answers than these. All builds must hold for a claim, and so each is tested at the full level
    (an intersection–union test).

    Parameters
    ----------
    answers
        Of every build, to the same queries in an order that has nothing to do with them.
    """
    values = tuple(target.measure.value(each) for each in answers)
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return Evidence(target, None, None, values, -math.inf, -math.inf, None)
    mean = float(np.mean(known))
    found = [_of_build(target, each, level, pivot or answers) for each in answers]
    bounds = [each for each in found if each is not None]
    if not bounds:
        slacks = [_plain_slack(target, value) for value in known]
        slack, judged = min(slacks), _is_judged(target, answers, slacks)
        more = 0 if slack >= 0.0 else None
        return Evidence(target, mean, None, values, slack, slack, more, judged)
    needed = [each.more for each in bounds if each.more is not None]
    return Evidence(
        target,
        mean,
        (min if target.rises else max)(each.bound for each in bounds),
        values,
        min(each.slack for each in bounds),
        min(each.plain_slack for each in bounds),
        max(needed) if len(needed) == len(bounds) else None,
        _is_judged(target, answers, [each.slack for each in bounds]),
    )


def attainable(target: Target, n: int, level: float) -> bool:
    """Whether `n` queries could certify the target at all, none of them failing."""
    share = _needed_share(target)
    if share is not None:
        return exact_lower(n, n, level) >= share
    if target.measure.kind == "mean":
        return mean_lower(np.ones(n), level) >= _upwards(target, target.value)
    return True


def _of_build(
    target: Target, answers: Answers, level: float, pivot: Sequence[Answers]
) -> _Bound | None:
    measure = target.measure
    share = _needed_share(target)
    if measure.kind == "share" and share is not None:
        passing = measure.per_query(answers) == float(target.rises)
        found = _of_share(int(passing.sum()), len(passing), share, level)
        return found._replace(bound=_upwards(target, found.bound))
    if isinstance(measure, Percentile) and share is not None:
        found = _of_quantile(measure.hits(answers) / measure.needed, share, target.value, level)
        return found._replace(bound=max(found.bound, 0.0))
    if isinstance(measure, BestLatency) and share is not None and answers.latency_ns.size:
        found = _of_quantile(-best_of_repeats(answers), share, -target.value, level)
        return found._replace(bound=-found.bound)
    if isinstance(measure, Latency) and share is not None and answers.latency_ns.size:
        return _of_calls(np.asarray(answers.quiet_ns * 1e-9), share, target.value, level)
    if isinstance(measure, CVaR):
        return _of_cvar(measure, target.value, answers, level, pivot)
    if measure.kind == "mean":
        return _of_mean(target, measure, answers, level)
    return None


def _needed_share(target: Target) -> float | None:
    """The share of the queries that must pass, where the target is about one."""
    measure = target.measure
    if measure.kind == "share":
        return _upwards(target, target.value)
    if isinstance(measure, Percentile):
        return float(1 - Fraction(str(measure.p)) / 100)
    if isinstance(measure, Latency | BestLatency):
        return float(Fraction(str(measure.p)) / 100)
    return None


def _upwards(target: Target, value: float) -> float:
    """A share, or the share that is left, whichever is better the larger; its own inverse."""
    return value if target.rises else float(1 - Fraction(repr(value)))


def _is_judged(target: Target, answers: Sequence[Answers], slacks: Sequence[float]) -> bool:
    if not isinstance(target.measure, CLOCKED):
        return True
    failing = [
        each
        for each, slack in zip(answers, slacks, strict=True)
        if slack < 0.0 and not _is_kept_by_all(target, each)
    ]
    return not failing or not all(each.is_disturbed for each in failing)


def _is_kept_by_all(target: Target, answers: Answers) -> bool:
    """Whether each query keeps a bound of latency, so that there are only too few of them."""
    if isinstance(target.measure, BestLatency):
        return bool((best_of_repeats(answers) <= target.value).all())
    if isinstance(target.measure, Latency):
        return bool((answers.quiet_ns * 1e-9 <= target.value).all())
    return False


def _of_share(successes: int, n: int, share: float, level: float) -> _Bound:
    low = exact_lower(successes, n, level)
    possible = 0.0 < share < 1.0
    more = more_queries_needed(successes, n, share, level) if possible else None
    return _Bound(low, _beyond(low, share), _beyond(successes / n, share), more)


def _most_failing(n: int, share: float, level: float) -> int | None:
    """How many of `n` queries may fail, at most, so that `share` is certified; None: not even 0."""
    if exact_lower(n, n, level) < share:
        return None
    few, many = 0, n
    # exact_lower rises with the successes.
    while many - few > 1:
        middle = (few + many) // 2
        enough = exact_lower(n - middle, n, level) >= share
        few, many = (middle, many) if enough else (few, middle)
    return few


def _of_quantile(values: FloatArray, share: float, wanted: float, level: float) -> _Bound:
    """The largest value that at least `share` of the queries certainly reach."""
    n = len(values)
    few = _most_failing(n, share, level)
    found = _of_share(int((values >= wanted).sum()), n, share, level)
    return found._replace(bound=-math.inf if few is None else float(np.sort(values)[few]))


def _of_calls(seconds: FloatArray, share: float, wanted: float, level: float) -> _Bound:
    """The time within which at least `share` of all single calls certainly end.

    Of each query one call counts, of the passes in turn, so that queries are independent and the
    bound is exact whatever the calls of one query have in common. Where more of all calls (m,
    passes) are late than of those, as many queries fail.
    """
    n, passes = seconds.shape
    drawn = seconds[np.arange(n), np.arange(n) % passes]
    late = max(int((drawn > wanted).sum()), math.ceil((seconds > wanted).sum() / passes))
    found = _of_share(n - late, n, share, level)
    few = _most_failing(n, share, level)
    if few is None:
        return found._replace(bound=math.inf)
    everyone = np.sort(seconds, axis=None)[(n - few) * passes - 1]
    return found._replace(bound=float(max(np.sort(drawn)[n - few - 1], everyone)))


def _of_mean(target: Target, measure: Measure, answers: Answers, level: float) -> _Bound | None:
    values = measure.per_query(answers)
    if values.min() < 0.0 or values.max() > 1.0:
        return None
    wanted = _upwards(target, target.value)
    oriented = values if target.rises else 1.0 - values
    mean, low = float(oriented.mean()), mean_lower(oriented, level)
    more = _more(mean, low, wanted, len(values))
    return _Bound(_upwards(target, low), _beyond(low, wanted), _beyond(mean, wanted), more)


def _of_cvar(
    measure: CVaR, wanted: float, answers: Answers, level: float, pivot: Sequence[Answers]
) -> _Bound:
    recall = measure.hits(answers) / measure.needed
    value = measure.value(answers)
    c = _pivot(measure, pivot)
    if c == 0.0:
        return _Bound(0.0, _beyond(0.0, wanted), _beyond(value, wanted), None)
    missing = np.maximum(c - recall, 0.0) / c
    low = c - c * (1.0 - mean_lower(1.0 - missing, level)) / measure.alpha
    more = _more(value, low, wanted, len(recall))
    return _Bound(max(low, 0.0), _beyond(low, wanted), _beyond(value, wanted), more)


def _pivot(measure: CVaR, answers: Sequence[Answers]) -> float:
    """The c at which c − E[(c − recall)⁺]/α is largest."""
    recall = np.concatenate([measure.hits(each) for each in answers]) / measure.needed
    levels = np.arange(measure.needed + 1) / measure.needed
    found = [c - np.maximum(c - recall, 0.0).mean() / measure.alpha for c in levels]
    return float(levels[int(np.argmax(found))])


def _beyond(value: float, wanted: float) -> float:
    """How far a share or a mean of shares lies beyond the wanted one, in terms of its misses."""
    if value == wanted:
        return 0.0
    return math.log(max(1.0 - wanted, _PERFECT)) - math.log(max(1.0 - value, _PERFECT))


def _plain_slack(target: Target, value: float) -> float:
    """How far any value lies beyond the target, relative to it."""
    difference = value - target.value if target.rises else target.value - value
    return difference / (abs(target.value) or 1.0)


def _more(value: float, low: float, wanted: float, n: int) -> int | None:
    """About how many more queries narrow the bound to `wanted`: its width shrinks as 1/√n."""
    if low >= wanted:
        return 0
    if value <= wanted:
        return None
    total = math.ceil(n * ((value - low) / (value - wanted)) ** 2)
    return None if total >= MANY_QUERIES else max(1, total - n)
