"""A promise about a mean that is looked at after every value, with one error rate for all looks.

What is promised is that the mean of losses between 0 and 1 is at most p0. A gambler who bets on
larger losses multiplies the capital at each by 1 + λ (y − p0), and cannot expect a gain while the
promise holds, whatever the order and the distribution: so the capital ever reaches 1 / α with
probability α at most (Ville's inequality). λ = (p − p0) / (p0 (1 − p0)) is the best bet where the
mean is p; the capital is the mean over p of a beta distribution above p0. Of losses 0 and 1 that is

    E_n = ∫ over p > p0 of (p / p0)^S ((1 − p) / (1 − p0))^(n − S) dBeta(p),    S = Σ y.

Sources: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B
86 (2024); Shin, Ramdas and Rinaldo, "E-detectors", arXiv 2203.03532 and 2309.09111; Robbins,
"Statistical methods related to the law of the iterated logarithm", Annals of Mathematical
Statistics 41 (1970).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.stats.intervals import Interval

CONCENTRATION = 30.0
"""Of the beta distribution of p around p0: of what is above 0.24, half is below 0.29. A promise
broken by little is found sooner than with Beta(½, ½), one that is broken by far hardly later."""
EVERY = 500
"""Losses between the places at which another gambler begins, or a change is looked for."""
FIRST = 0.75
"""Share of the capital that bets from the first loss on; the others have 1 / (k (k + 1)) of the
rest, k = 1, 2, …"""
_KEPT = 64
"""Later gamblers that are kept. One that is dropped can win nothing, which is on the safe side."""
_NODES = 256
_HALVINGS = 50


class PromiseTest:
    """Bets against the promise that the mean loss is at most `limit`.

    Parameters
    ----------
    alpha
        With which probability, at most, the promise is ever called broken while it holds, however
        often it is looked at.

    Attributes
    ----------
    n : losses so far
    total : their sum
    is_broken : whether the capital has reached 1 / alpha
    """

    def __init__(self, limit: float, alpha: float = 0.01) -> None:
        if not 0.0 < limit < 1.0 or not 0.0 < alpha < 1.0:
            raise VbenchError(f"limit {limit:g} and alpha {alpha:g} must be between 0 and 1")
        self.limit, self.alpha = limit, alpha
        self.n, self.total = 0, 0.0
        self.is_broken = False
        self._bets = (_means(limit) - limit) / (limit * (1.0 - limit))
        self._log = np.zeros(_NODES)
        self._starts: list[tuple[int, float, FloatArray]] = [(0, FIRST, self._log.copy())]
        self._aside = 1.0 - FIRST

    def add(self, loss: float) -> None:
        """Take the next loss, from 0 to 1."""
        self.n += 1
        self.total += loss
        self._log += np.log1p(self._bets * (loss - self.limit))
        self.is_broken = self.is_broken or self.capital >= 1.0 / self.alpha
        if self.n % EVERY == 0:
            k = self.n // EVERY
            weight = (1.0 - FIRST) / (k * (k + 1))
            self._aside -= weight
            self._starts.append((self.n, weight, self._log.copy()))
            if len(self._starts) > _KEPT + 1:
                del self._starts[1]

    @property
    def capital(self) -> float:
        """What 1 has become: at 1 / alpha the promise is broken."""
        return float(self._capitals().sum()) + self._aside

    @property
    def since(self) -> int:
        """After how many losses the gambler began who has won the most."""
        return self._starts[int(self._capitals().argmax())][0]

    def _capitals(self) -> FloatArray:
        # A promise that is kept or broken for long has capitals that no float holds.
        logs = self._log - np.array([each for _, _, each in self._starts])
        means = special.logsumexp(logs, axis=1) - math.log(_NODES)
        weights = np.array([weight for _, weight, _ in self._starts])
        return np.asarray(weights * np.exp(np.minimum(means, 700.0)))


def _means(limit: float) -> FloatArray:
    """The p of the bets, each as likely: quantiles of the beta distribution above `limit`."""
    a, b = CONCENTRATION * limit, CONCENTRATION * (1.0 - limit)
    above = (np.arange(_NODES) + 0.5) / _NODES * special.betaincc(a, b, limit)
    return np.asarray(special.betainccinv(a, b, above))


def fewest_losses(limit: float, alpha: float = 0.01) -> int:
    """After how many losses of 1 a promise is called broken at the earliest."""
    test = PromiseTest(limit, alpha)
    while not test.is_broken:
        test.add(1.0)
    return test.n


def sequence(n: ArrayLike, total: ArrayLike, alpha: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Ends of a confidence sequence of the mean of losses: valid at every n together.

    With probability 1 − alpha the mean lies between the ends at every n. They are those m against
    which bets of a mixture over p ~ Beta(½, ½) have not won 1 / alpha; of losses between 0 and 1,
    (p / m)^y ((1 − p) / (1 − m))^(1 − y) is at most the bet that is linear in y.

    Parameters
    ----------
    n, total, alpha
        Numbers of losses, their sums, error rates: of one shape, or broadcast to it.
    """
    n, total, alpha = np.broadcast_arrays(n, total, alpha)
    mean = total / np.maximum(n, 1)
    won = special.betaln(total + 0.5, n - total + 0.5) - special.betaln(0.5, 0.5) + np.log(alpha)

    def end(far: float) -> FloatArray:
        outside, inside = np.full(mean.shape, far), mean.astype(float).copy()
        for _ in range(_HALVINGS):
            m = (outside + inside) / 2.0
            is_out = won >= special.xlogy(total, m) + special.xlog1py(n - total, -m)
            outside, inside = np.where(is_out, m, outside), np.where(is_out, inside, m)
        return np.asarray(np.where(n > 0, outside, far))

    return end(0.0), end(1.0)


class Regime(NamedTuple):
    """Losses between two changes: from the first one on, how many, their mean and its ends."""

    first: int
    n: int
    mean: float
    ends: Interval


class Regimes:
    """Tells when the mean of losses has become another one, at every look together.

    Before and behind each of some places the mean has a confidence sequence of its own; where they
    have nothing in common it has changed. All of them hold together with probability 1 − alpha.
    """

    def __init__(self, alpha: float = 0.01) -> None:
        self.alpha = alpha
        self._n, self._total = 0, 0.0
        self._begins: list[tuple[int, float]] = [(0, 0.0)]
        self._places: list[tuple[int, float]] = []

    def add(self, loss: float) -> bool:
        """Take the next loss; whether a change is seen."""
        self._n += 1
        self._total += loss
        if self._n % (EVERY // 10):
            return False
        found = self._changed()
        if self._n % EVERY == 0:
            self._places = [*self._places, (self._n, self._total)][-_KEPT:]
        if found is None:
            return False
        self._begins.append(found)
        self._places = [each for each in self._places if each[0] > found[0]]
        return True

    def _changed(self) -> tuple[int, float] | None:
        if not self._places:
            return None
        first, before = self._begins[-1]
        n, total = (np.array(each, dtype=float) for each in zip(*self._places, strict=True))
        k = (n - first) / EVERY
        # Half of what is left for each further change, half of it on either side of a place.
        alpha = self.alpha / 2.0 ** (len(self._begins) + 1) / (k * (k + 1.0))
        low, high = sequence(n - first, total - before, alpha)
        later_low, later_high = sequence(self._n - n, self._total - total, alpha)
        apart = np.maximum(low - later_high, later_low - high)
        place = int(apart.argmax())
        return self._places[place] if apart[place] > 0.0 else None

    def all(self) -> list[Regime]:
        """The regimes so far, the last one going on; ends with probability 1 − alpha each."""
        ends: NDArray[np.float64] = np.array([*self._begins[1:], (self._n, self._total)])
        found = []
        for (first, before), (last, total) in zip(self._begins, ends.tolist(), strict=True):
            n, lost = int(last) - first, total - before
            low, high = sequence(n, lost, self.alpha)
            found.append(Regime(first, n, lost / max(n, 1), Interval(float(low), float(high))))
        return found
