"""An exact lower bound of the mean of bounded values, from bets against every smaller mean."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.stats.intervals import check_level

_CAP = 0.75
"""The largest bet, as a share of what could be lost at once."""
_HALVINGS = 40


def mean_lower(values: ArrayLike, level: float = 0.95) -> float:
    """One-sided lower bound of the mean of independent values between 0 and 1.

    With confidence `level`, at any number of values, the true mean is at least the returned one.
    Nothing is assumed of the distribution: a gambler who bets that the mean is above m multiplies
    the capital by 1 + λ_t (x_t − m) at each value and cannot expect a gain when it is not. Means
    against which the capital ever grew to 1 / (1 − level) are ruled out (Ville's inequality).
    Bets λ_t are chosen from the values before t: Waudby-Smith and Ramdas, "Estimating means of
    bounded random variables by betting", JRSS B 86 (2024), the predictable plug-in.

    Parameters
    ----------
    values : (m,), in an order that has nothing to do with their size

    Raises
    ------
    VbenchError
        No values, or values outside 0…1.
    """
    check_level(level)
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0 or not bool(((x >= 0.0) & (x <= 1.0)).all()):
        raise VbenchError(f"a bound of a mean needs values between 0 and 1, shape (m,): {x.shape}")
    bets = _bets(x, level)
    needed = math.log(1.0 / (1.0 - level))
    low, high = 0.0, float(x.mean())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        limited = np.minimum(bets, _CAP / middle) if middle > 0.0 else bets
        if np.log1p(limited * (x - middle)).cumsum().max() >= needed:
            low = middle
        else:
            high = middle
    return low


def _bets(x: FloatArray, level: float) -> FloatArray:
    """λ_t = sqrt(2 ln(1/a) / (variance before t · m)), a = 1 − level."""
    m = len(x)
    counts = np.arange(1, m + 1)
    means = (0.5 + x.cumsum()) / (counts + 1)
    variances = (0.25 + np.square(x - means).cumsum()) / (counts + 1)
    before = np.concatenate([[0.25], variances[:-1]])
    return np.asarray(np.sqrt(2.0 * math.log(1.0 / (1.0 - level)) / (before * m)))
