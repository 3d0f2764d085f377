"""Lines against the logarithm of a size, and what they say of another size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from vbench.metric import FloatArray

_FEWEST_CHAINS = 3
"""Of two lines the spread says nearly nothing: its t quantile is 12.7."""


class Forecast(NamedTuple):
    """A value at a size, with the ends of its interval; nan where nothing tells them."""

    value: float
    low: float
    high: float


class Growth(NamedTuple):
    """A line through values at some sizes, by least squares against the logarithm of the size.

    Attributes
    ----------
    x : float64 (p,)
        Doublings, log₂ of the size.
    y : float64 (p,)
        Values, or their logarithms.
    chain : integer (p,)
        Which sample each value is of: sizes of one sample lie in each other, and err together.
    is_logarithmic
        Whether `y` are logarithms: the value grows by a factor with each doubling.
    """

    x: FloatArray
    y: FloatArray
    chain: NDArray[np.integer[Any]]
    is_logarithmic: bool

    @classmethod
    def of(
        cls,
        sizes: Sequence[float],
        values: Sequence[float],
        chains: Sequence[int],
        *,
        is_logarithmic: bool = False,
    ) -> Growth:
        """Lay a line through values at sizes; at least two sizes differ."""
        y = np.asarray(values, dtype=float)
        return cls(
            np.log2(np.asarray(sizes, dtype=float)),
            np.log(y) if is_logarithmic else y,
            np.asarray(chains),
            is_logarithmic,
        )

    def slope(self, level: float = 0.95) -> Forecast:
        """What a doubling adds, or multiplies by where the line is one of logarithms."""
        own = _line(self.x, self.y)[1]
        around = _sum_of_squares(self.x)
        half = self._half(level, 1.0 / around, lambda x, y: _line(x, y)[1])
        return self._unscaled(own, half)

    def at(self, size: float, level: float = 0.95, *, seen: int | None = None) -> Forecast:
        """The line at a size, with its interval over samples.

        Parameters
        ----------
        seen
            Ask for where the mean of so many further samples lies, which vary themselves.

        Notes
        -----
        The interval is the wider of two: of residuals around one line, taken as independent, and
        of a line for each of three samples or more, whose sizes err together. Neither knows of a
        bend.
        """
        x = math.log2(size)
        own = _at(self.x, self.y, x)
        share = 1.0 / len(self.x) + (x - self.x.mean()) ** 2 / _sum_of_squares(self.x)
        half = self._half(
            level,
            share + (1.0 / seen if seen else 0.0),
            lambda each, values: _at(each, values, x),
        )
        return self._unscaled(own, half)

    def without(self, size: float) -> Growth | None:
        """The line through the values at the other sizes; None where fewer than two are left."""
        kept = self.x != math.log2(size)
        if len(np.unique(self.x[kept])) < 2:
            return None
        return self._replace(x=self.x[kept], y=self.y[kept], chain=self.chain[kept])

    def _half(
        self, level: float, share: float, of_chain: Callable[[FloatArray, FloatArray], float]
    ) -> float:
        """Half the width of an interval; `share` of the variance of a residual is that of it."""
        tail = (1.0 + level) / 2.0
        found = []
        if len(self.x) > 2:
            start, step = _line(self.x, self.y)
            rest = self.y - start - step * self.x
            df = len(self.x) - 2
            variance = float(rest @ rest) / df
            found.append(float(special.stdtrit(df, tail)) * math.sqrt(variance * share))
        own = [
            of_chain(self.x[self.chain == each], self.y[self.chain == each])
            for each in np.unique(self.chain)
            if len(np.unique(self.x[self.chain == each])) > 1
        ]
        if len(own) >= _FEWEST_CHAINS:
            spread = float(np.std(own, ddof=1)) / math.sqrt(len(own))
            found.append(float(special.stdtrit(len(own) - 1, tail)) * spread)
        return max(found, default=math.nan)

    def _unscaled(self, value: float, half: float) -> Forecast:
        ends = (value, value - half, value + half)
        return Forecast(*(map(math.exp, ends) if self.is_logarithmic else ends))


def _sum_of_squares(x: FloatArray) -> float:
    return float(np.square(x - x.mean()).sum())


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    step = float((x - x.mean()) @ (y - y.mean())) / _sum_of_squares(x)
    return float(y.mean()) - step * float(x.mean()), step


def _at(x: FloatArray, y: FloatArray, where: float) -> float:
    start, step = _line(x, y)
    return start + step * where
