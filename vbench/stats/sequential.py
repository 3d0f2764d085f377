"""Sequential t-test: looks after every value, and one error rate for all looks together.

Values are taken as normal with unknown mean and variance. At each look from the `FIRST` value on,
the mean is bounded by Student's bound at one *nominal* level, which is chosen so that the bound
fails at any of the looks with the stated probability, whatever the variance.

The level is found by integration, not by simulation. Let the mean be 0 and V_n = Σx / √(Σx²), of
which Student's t is a monotone function. Given V_1 … V_n, the next value over √(Σx²) is
distributed as Student's t with n degrees of freedom over √n, whatever they were (the direction of
a normal vector and its length are independent). So V is a Markov chain of one dimension,

    V_{n+1} = V_n cos ρ + sin ρ,    ρ on (−π/2, π/2) with density ∝ cos^{n−1} ρ,

and the probability of never having crossed is computed backwards from the last look, as Armitage,
McPherson and Rowe ("Repeated significance tests on accumulating data", JRSS A 132, 1969) did for a
known variance.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.stats.intervals import Interval

FIRST = 4
"""Values before the first look. Three or fewer are alike by chance too often where values are
counts of queries, and cost more looks than they save."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_GRID = np.linspace(1.0, 0.0, 193) ** 2
"""Places below the bound, dense near it, where the probability bends."""
_STEPS = 6
_FAR = 6.0
"""Standard deviations beyond which nothing is looked for."""


def bound_mean(
    values: ArrayLike, last: int, low_error: float, high_error: float, step: float = 0.0
) -> Interval:
    """Bounds of the mean after some of at most `last` values.

    Over all looks together, the lower one is ever above the mean with probability `low_error` at
    most, and the upper one ever below it with `high_error`. Before `FIRST` values they are
    infinite.

    Parameters
    ----------
    values : (n,), n ≤ last
    step
        Distance of neighboring values where only some are possible, such as 1/m for a share of m
        queries: the standard deviation is taken as half of it at least. Else a few equal values
        would make the mean certain.

    Raises
    ------
    VbenchError
        Of :func:`nominal_level`; more values than `last`.
    """
    x = np.asarray(values, dtype=np.float64)
    levels = [nominal_level(error, last) for error in (low_error, high_error)]
    if len(x) > last:
        raise VbenchError(f"{len(x)} values are more than the {last} that the bounds are made for")
    if len(x) < FIRST:
        return Interval(-math.inf, math.inf)
    mean, spread = float(x.mean()), max(float(x.std(ddof=1)), step / 2.0)
    below, above = (student(each, len(x)) * spread / math.sqrt(len(x)) for each in levels)
    return Interval(mean - below, mean + above)


def student(level: float, n: int) -> float:
    """What Student's t of `n` values exceeds with probability `level`."""
    return -float(special.stdtrit(n - 1, level))


@functools.cache
def nominal_level(error: float, last: int) -> float:
    """The level of each look, `FIRST` to `last`, so that all together err with probability `error`.

    Raises
    ------
    VbenchError
        `error` is not between 0 and 0.5, or `last` is less than `FIRST`.
    """
    if not 0.0 < error < 0.5:
        raise VbenchError(f"{error} is no error rate; give one above 0 and below 0.5")
    if last < FIRST:
        raise VbenchError(f"{last} builds are too few to know their spread; give {FIRST} or more")
    level = error
    for _ in range(_STEPS):
        # All looks together err nearly in proportion to each.
        level *= error / crossing(level, last)
    return level


def crossing(level: float, last: int) -> float:
    """Probability that Student's t of normal values exceeds its quantile at any of the looks.

    Parameters
    ----------
    level
        Probability that one look alone exceeds it, below 0.5.
    """
    bounds = {}
    for n in range(FIRST, last + 1):
        t = student(level, n)
        bounds[n] = t * math.sqrt(n / (n - 1 + t * t))
    places, stays = _below(bounds[last], last), np.ones(len(_GRID))
    for n in range(last - 1, FIRST - 1, -1):
        # From the bound of n + 1 values to that of n.
        here = _below(bounds[n], n)
        stays = _stay(here, n, bounds[n + 1], places, stays)
        places = here
    v, weights = _quadrature(places[:1], places[-1:])
    density = (1.0 - v * v / FIRST) ** ((FIRST - 3) / 2.0)
    total = math.sqrt(FIRST) * float(special.beta(0.5, (FIRST - 1) / 2.0))
    return 1.0 - float((weights * density * np.interp(v, places, stays)).sum()) / total


def _below(bound: float, n: int) -> FloatArray:
    """Values of V_n, whose variance is 1, up to the bound, ascending."""
    return np.asarray(bound - (bound + min(math.sqrt(n), _FAR)) * _GRID)


def _stay(v: FloatArray, n: int, bound: float, places: FloatArray, stays: FloatArray) -> FloatArray:
    """Probability of staying below all later bounds, of which `bound` is the next, from V_n = v."""
    # v cos ρ + sin ρ is √(1 + v²) sin(ρ + arctan v): above the bound between two angles, if ever.
    turn = np.arctan(v)
    angle = np.arcsin(np.minimum(bound / np.sqrt(1.0 + v * v), 1.0))
    widest = min(math.pi / 2.0, _FAR / math.sqrt(n))
    ends = (-widest, angle - turn), (math.pi - angle - turn, widest)
    total = np.zeros_like(v)
    for low, high in ends:
        rho, weights = _quadrature(
            *(np.clip(end, -widest, widest) + 0.0 * v for end in (low, high))
        )
        reached = v[:, np.newaxis] * np.cos(rho) + np.sin(rho)
        density = np.cos(rho) ** (n - 1)
        total += (weights * density * np.interp(reached, places, stays)).sum(axis=1)
    return np.asarray(total / special.beta(0.5, n / 2.0))


def _quadrature(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Places and weights between each pair of ends, (r, nodes)."""
    middle, half = (low + high)[:, np.newaxis] / 2.0, (high - low)[:, np.newaxis] / 2.0
    return middle + half * _NODES, half * _WEIGHTS
