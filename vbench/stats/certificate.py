"""What the queries of one build certify about a value that is wanted, without any luck.

Bounds are one-sided and exact at the level that is asked for: Clopper and Pearson's for shares, and
for quantiles, which are shares of queries beyond a value; by betting for means.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vbench.metric import FloatArray
from vbench.stats.betting import mean_lower
from vbench.stats.intervals import MANY_QUERIES, exact_lower, more_queries_needed

_PERFECT = 1e-6
"""Misses that count as none: their logarithm is the most that a slack can be."""


class Certificate(NamedTuple):
    """What the queries of one build say about the value that is wanted.

    Attributes
    ----------
    bound
        What is reached with the confidence that was asked for. Infinite where so few queries
        bound nothing.
    slack, plain_slack
        How far the bound, or the value, lies beyond what is wanted: not negative where it reaches
        it. About linear in the logarithm of the search effort.
    more
        How many more queries would certify it, if they answered as these do: 0 where it is
        certified, None where no number would.
    failing
        Queries that do not reach it, where it is about single ones; else None.
    """

    bound: float
    slack: float
    plain_slack: float
    more: int | None
    failing: int | None = None


def certify_share(passing: int, n: int, wanted: float, level: float) -> Certificate:
    """Of a share, of which `passing` of `n` queries are."""
    low = exact_lower(passing, n, level)
    possible = 0.0 < wanted < 1.0
    more = more_queries_needed(passing, n, wanted, level) if possible else None
    return Certificate(
        low, beyond(low, wanted), beyond(passing / n, wanted), more, failing=n - passing
    )


def certify_mean(values: FloatArray, wanted: float, level: float) -> Certificate:
    """Of the mean of values (m,) from 0 to 1."""
    mean, low = float(values.mean()), mean_lower(values, level)
    return certify_bound(low, mean, wanted, len(values))


def certify_quantile(values: FloatArray, share: float, wanted: float, level: float) -> Certificate:
    """Of the largest value that at least `share` of the queries reach; −∞ without one."""
    n = len(values)
    few = _most_failing(n, share, level)
    found = certify_share(int((values >= wanted).sum()), n, share, level)
    return found._replace(bound=-math.inf if few is None else float(np.sort(values)[few]))


def certify_calls(seconds: FloatArray, share: float, wanted: float, level: float) -> Certificate:
    """Of the time within which at least `share` of all single calls (m, passes) end.

    Of each query one call counts, of the passes in turn, so that queries are independent and the
    bound is exact whatever the calls of one query have in common. Where more of all calls are
    late than of those, as many queries fail.
    """
    n, passes = seconds.shape
    drawn = seconds[np.arange(n), np.arange(n) % passes]
    late = max(int((drawn > wanted).sum()), math.ceil((seconds > wanted).sum() / passes))
    found = certify_share(n - late, n, share, level)
    few = _most_failing(n, share, level)
    if few is None:
        return found._replace(bound=math.inf)
    everyone = np.sort(seconds, axis=None)[(n - few) * passes - 1]
    return found._replace(bound=float(max(np.sort(drawn)[n - few - 1], everyone)))


def certify_cvar(
    recall: FloatArray, alpha: float, pivot: float, value: float, wanted: float, level: float
) -> Certificate:
    """Of the mean recall of the worst α, whose value in these queries (m,) is `value`.

    It is at least c − E[(c − recall)⁺]/α for any c (Rockafellar and Uryasev 2000), here `pivot`,
    with the mean bounded by betting. `pivot` is that of other queries: :func:`cvar_pivot`.
    """
    if pivot == 0.0:
        return Certificate(0.0, beyond(0.0, wanted), beyond(value, wanted), None)
    missing = np.maximum(pivot - recall, 0.0) / pivot
    low = pivot - pivot * (1.0 - mean_lower(1.0 - missing, level)) / alpha
    return certify_bound(low, value, wanted, len(recall))._replace(bound=max(low, 0.0))


def cvar_pivot(recall: FloatArray, alpha: float, steps: FloatArray) -> float:
    """That of `steps` for which c − E[(c − recall)⁺]/α is largest."""
    found = [step - np.maximum(step - recall, 0.0).mean() / alpha for step in steps]
    return float(steps[int(np.argmax(found))])


def largest_share(n: int, level: float) -> float:
    """The share that `n` queries certify of which none fails."""
    return exact_lower(n, n, level)


def largest_mean(n: int, level: float) -> float:
    """The mean that `n` values of 1 certify."""
    return mean_lower(np.ones(n), level)


def certify_bound(low: float, value: float, wanted: float, n: int) -> Certificate:
    """Of a bound that `n` queries give of a share or mean whose value in them is `value`."""
    return Certificate(
        low, beyond(low, wanted), beyond(value, wanted), _more(value, low, wanted, n)
    )


def beyond(value: float, wanted: float) -> float:
    """How far a share or a mean of shares lies beyond the wanted one, in terms of its misses."""
    if value == wanted:
        return 0.0
    return math.log(max(1.0 - wanted, _PERFECT)) - math.log(max(1.0 - value, _PERFECT))


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


def _more(value: float, low: float, wanted: float, n: int) -> int | None:
    """About how many more queries narrow the bound to `wanted`: its width shrinks as 1/√n."""
    if low >= wanted:
        return 0
    if value <= wanted:
        return None
    total = math.ceil(n * ((value - low) / (value - wanted)) ** 2)
    return None if total >= MANY_QUERIES else max(1, total - n)
