"""Intervals of one share or one curve: Wilson, exact lower bound, DKW band."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from vbench.errors import VbenchError
from vbench.metric import FloatArray

MANY_QUERIES = 10**9
"""Beyond this number of queries a certificate is not worth naming."""


class Interval(NamedTuple):
    """The two ends of an interval."""

    low: float
    high: float


class Band(NamedTuple):
    """The two edges of a band around a curve, float64 of the curve's shape."""

    low: FloatArray
    high: FloatArray


def check_level(level: float) -> None:
    """Raise VbenchError unless `level` is a confidence level strictly between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise VbenchError(f"level={level} is not a confidence level: give one between 0 and 1")


def tail_size(m: int, alpha: float) -> int:
    """How many of `m` queries are the worst `alpha`: ⌈αm⌉, with α taken as written in decimal.

    Raises VbenchError unless 0 < alpha ≤ 1.
    """
    if not 0.0 < alpha <= 1.0:
        raise VbenchError(f"alpha={alpha} is not a share of the queries: give 0 < alpha <= 1")
    return math.ceil(Fraction(str(alpha)) * m)


def percentile_rank(m: int, p: float) -> int:
    """Position of the lower `p`-th percentile among `m` sorted values: ⌊(m − 1)·p/100⌋.

    This is ``numpy.percentile(values, p, method="lower")``, with p taken as written in decimal.
    Raises VbenchError unless 0 ≤ p ≤ 100.
    """
    if not 0.0 <= p <= 100.0:
        raise VbenchError(f"p={p} is not a percentile: give 0 <= p <= 100")
    return math.floor(Fraction(str(p)) / 100 * (m - 1))


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson score interval of a share, from `successes` of `n` independent trials.

    Raises VbenchError when the counts are impossible or the level is not in (0, 1).
    """
    _check_counts(successes, n)
    check_level(level)
    z2 = float(special.ndtri((1.0 + level) / 2.0)) ** 2
    share = successes / n
    center = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * share * (1 - share) / n + (z2 / (2 * n)) ** 2) / (1 + z2 / n)
    return Interval(
        0.0 if successes == 0 else center - half,
        1.0 if successes == n else center + half,
    )


def exact_lower(successes: int, n: int, level: float = 0.95) -> float:
    """One-sided exact (Clopper–Pearson) lower bound of a share.

    With confidence `level` the true share is at least the returned value.
    """
    _check_counts(successes, n)
    check_level(level)
    if successes == 0:
        return 0.0
    return float(special.betaincinv(successes, n - successes + 1, 1.0 - level))


def queries_needed(target: float, level: float = 0.95, *, failures: int = 0) -> int:
    """The fewest queries that certify a share of `target` when `failures` of them fail.

    Without a failure: 299 queries for 99 %, 2,995 for 99.9 %.
    """
    _check_target(target)
    check_level(level)
    return _smallest(lambda n: exact_lower(n - failures, n, level) >= target, failures + 1)


def more_queries_needed(successes: int, n: int, target: float, level: float = 0.95) -> int | None:
    """How many more queries would certify `target` if they failed as often as the first `n` did.

    Returns 0 when the `n` queries are enough, and None when no number of queries is: the observed
    share does not lie above the target.
    """
    _check_target(target)
    if exact_lower(successes, n, level) >= target:
        return 0
    failing = Fraction(n - successes, n)
    if 1 - failing <= Fraction(str(target)):
        return None

    def is_certified(total: int) -> bool:
        return exact_lower(total - math.ceil(failing * total), total, level) >= target

    total = _smallest(is_certified, n + 1)
    return None if total >= MANY_QUERIES else total - n


def dkw_half_width(m: float, level: float) -> float:
    """Half the height of the Dvoretzky–Kiefer–Wolfowitz band of `m` queries.

    sqrt(ln(2/a) / 2m) with a = 1 − level (Massart's constant): the whole true curve lies within
    it with probability `level`; the queries are the only source of chance.
    """
    return math.sqrt(math.log(2.0 / (1.0 - level)) / (2.0 * m))


def student(values: ArrayLike, level: float = 0.95) -> Interval:
    """Student's interval of the mean of independent values (B,), B ≥ 2, such as of each build."""
    check_level(level)
    each = np.asarray(values, dtype=np.float64)
    if each.ndim != 1 or each.size < 2:
        raise VbenchError(f"an interval of a mean needs two values or more, got {each.size}")
    quantile = float(special.stdtrit(each.size - 1, (1.0 + level) / 2.0))
    half = quantile * float(each.std(ddof=1)) / math.sqrt(each.size)
    return Interval(float(each.mean()) - half, float(each.mean()) + half)


def _check_counts(successes: int, n: int) -> None:
    if n < 1 or not 0 <= successes <= n:
        raise VbenchError(f"{successes} of {n} is no share: give 0 <= successes <= n, n >= 1")


def _check_target(target: float) -> None:
    if not 0.0 < target < 1.0:
        raise VbenchError(f"a share of {target} cannot be certified: give one between 0 and 1")


def _smallest(holds: Callable[[int], bool], start: int) -> int:
    """The smallest number from `start` on for which `holds`, which then keeps holding."""
    low, high = start, 2 * start
    if holds(start):
        return start
    while not holds(high):
        if high >= MANY_QUERIES:
            return MANY_QUERIES
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
