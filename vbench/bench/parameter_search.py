"""One search parameter, moved to where a score reaches a target, in few tries."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from vbench.indexes.parameters import parameters
from vbench.indexes.protocol import Index

_SMALLEST_GROWTH, _LARGEST_GROWTH = 1.5, 8.0
_FINE = 0.01
_PAST_THE_TARGET = 0.1
"""How far an extrapolation aims beyond the target, as a share of its step, to be on the other
side of it."""


class Range(NamedTuple):
    """A search parameter and the values that it may take, larger meaning better."""

    name: str
    low: float
    high: float
    whole: bool
    """Whether only whole numbers are values."""


def is_whole(kind: type[Index], name: str, samples: Sequence[Any]) -> bool:
    """Whether a parameter takes whole numbers only: by its type, else as its samples are."""
    known = parameters(kind).get(name)
    types: set[type] = set()
    if known is not None:
        try:
            info = msgspec.inspect.type_info(known.type)
            types = {type(each) for each in getattr(info, "types", [info])}
        except TypeError:
            # A type that msgspec knows nothing of.
            pass
    if types & {msgspec.inspect.IntType, msgspec.inspect.FloatType}:
        return msgspec.inspect.FloatType not in types
    return all(isinstance(each, int) for each in samples)


class ParameterSearch:
    """Finds the smallest value of a parameter whose score reaches a target.

    It is told scores and proposes values: outwards from the start until two values enclose the
    target, then between the two, by interpolation over its logarithm, and by halving wherever
    interpolation is slow. It always ends, also where the score does not rise with the
    tune parameter: then at one of the places where the target is crossed.

    Parameters
    ----------
    target
        The score to reach. Interpolation is best where the score is about linear in the
        logarithm of the parameter, as −log(1 − recall) is.
    resolution
        The two values are close enough when they differ by this share, or are neighboring whole
        numbers; without it, a hundredth where fractions are allowed.
    """

    def __init__(
        self, span: Range, target: float, start: float, *, resolution: float | None = None
    ) -> None:
        self.range = span
        self.target = target
        self.resolution = _FINE if resolution is None and not span.whole else resolution or 0.0
        self.scores: dict[float, float] = {}
        self._start = self._allowed(min(max(start, span.low), span.high))
        self._halve = False

    def tell(self, value: float, score: float) -> None:
        """Note the score at a value that was proposed, or at any other."""
        width = self._width()
        self.scores[value] = score
        narrowed = self._width()
        self._halve = width is not None and narrowed is not None and narrowed > 0.5 * width

    @property
    def below(self) -> float | None:
        """The largest value, under `above`, that does not reach the target."""
        above = math.inf if self.above is None else self.above
        under = [v for v, score in self.scores.items() if score < self.target and v < above]
        return max(under, default=None)

    @property
    def above(self) -> float | None:
        """The smallest value that reaches the target."""
        return min((v for v, score in self.scores.items() if score >= self.target), default=None)

    def propose(self) -> float | None:
        """The next value to try; None when the target is enclosed, or an end of the range is."""
        below, above = self.below, self.above
        if below is None and above is None:
            return self._start
        if above is None:
            return self._outwards(max(self.scores), self._allowed(self.range.high))
        if below is None:
            return self._outwards(above, self._allowed(self.range.low))
        return self._between(below, above)

    def _outwards(self, edge: float, end: float) -> float | None:
        """A value beyond `edge`, towards `end`."""
        if edge == end:
            return None
        up = 1.0 if end > edge else -1.0
        growth = math.log(4.0)
        before = [v for v in self.scores if v != edge]
        if before and self._is_logarithmic:
            nearest = min(before, key=lambda v: abs(self._place(v) - self._place(edge)))
            slope = self._slope(nearest, edge)
            if slope > 0.0:
                step = abs(self.target - self.scores[edge]) / slope
                growth = step * (1.0 + _PAST_THE_TARGET) + 0.02
        growth = min(max(growth, math.log(_SMALLEST_GROWTH)), math.log(_LARGEST_GROWTH))
        if self._is_logarithmic:
            place = self._place(edge) + up * growth
        else:
            place = edge + up * (self.range.high - self.range.low) / 4
        ends = sorted((edge, end))
        value = self._allowed(min(max(self._value(place), ends[0]), ends[1]))
        if value == edge:
            return edge + up if self.range.whole else end
        return value

    def _between(self, below: float, above: float) -> float | None:
        if self.range.whole and above - below <= 1:
            return None
        if above - below <= self.resolution * max(abs(above), abs(below)):
            return None
        low, high = self._place(below), self._place(above)
        share = 0.5
        slope = self._slope(below, above)
        if not self._halve and slope > 0.0 and math.isfinite(slope):
            share = (self.target - self.scores[below]) / (self.scores[above] - self.scores[below])
            share = min(max(share, 0.1), 0.9)
        value = self._allowed(self._value(low + share * (high - low)))
        if self.range.whole:
            return min(max(value, below + 1), above - 1)
        return None if value in self.scores else value

    def _width(self) -> float | None:
        if self.below is None or self.above is None:
            return None
        return self._place(self.above) - self._place(self.below)

    def _slope(self, one: float, other: float) -> float:
        rise = self.scores[other] - self.scores[one]
        return rise / (self._place(other) - self._place(one))

    @property
    def _is_logarithmic(self) -> bool:
        return self.range.low > 0.0

    def _place(self, value: float) -> float:
        return math.log(value) if self._is_logarithmic else value

    def _value(self, place: float) -> float:
        return math.exp(place) if self._is_logarithmic else place

    def _allowed(self, value: float) -> float:
        if self.range.whole:
            return round(value)
        # Four digits, so that a setting can be read and typed again.
        return min(max(float(f"{value:.4g}"), self.range.low), self.range.high)


def falls(tried: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The first two neighboring values of which the larger has the lower score; else nothing."""
    ordered = sorted(tried)
    for before, after in itertools.pairwise(ordered):
        if after[1] < before[1]:
            return before, after
    return ()
