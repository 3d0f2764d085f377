"""What grows with the base: measures at several sizes, the line through them, and how it held."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from vbench._document import Params
from vbench.stats.growth import Forecast, Growth


@dataclass(frozen=True)
class Key:
    """What a line is of."""

    part: str
    dataset: str
    index: str
    build: tuple[tuple[str, object], ...]
    at: str
    k: int
    measure: str


class SizedValue(msgspec.Struct, frozen=True, kw_only=True):
    """A measure on one sample of the base: mean over its builds.

    Attributes
    ----------
    n : size of the sample
    sample : number of the sample; of one number the smaller lies in the larger
    low, high : over queries and builds
    """

    n: int
    sample: int
    value: float
    low: float | None = None
    high: float | None = None


class Foretold(msgspec.Struct, frozen=True, kw_only=True):
    """What a line says of a size, with its interval over samples and builds."""

    n: int
    value: float
    low: float | None
    high: float | None


class LeftOut(Foretold, frozen=True, kw_only=True):
    """The largest size, foretold by the others.

    Attributes
    ----------
    found
        Mean over its samples.
    is_within
        Whether that lies in the interval; None where there is none.
    """

    found: float
    is_within: bool | None


class ScalingLine(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of an index against the logarithm of the size of its base.

    Attributes
    ----------
    at : the search setting, or the mean recall that each size was brought to
    values : by size and sample
    per_doubling
        What a doubling of the base adds; where `is_factor`, what it multiplies by.
    forecast : the line at the size that was asked for
    left_out : None where too few sizes are left
    """

    part: str
    dataset: str
    index: str
    build: Params
    at: str
    k: int
    measure: str
    values: tuple[SizedValue, ...]
    is_factor: bool
    per_doubling: Foretold
    forecast: Foretold
    left_out: LeftOut | None


def draw_line(
    key: Key, values: Sequence[SizedValue], to: int, *, is_share: bool
) -> ScalingLine | None:
    """The line through the values of a measure; None where they are of one size.

    Shares and recalls change by so much with each doubling, and stay within 0 … 1; all else that
    is above 0 by a factor.
    """
    values = sorted(values, key=lambda each: (each.n, each.sample))
    if len({each.n for each in values}) < 2:
        return None
    is_factor = not is_share and all(each.value > 0 for each in values)
    growth = Growth.of(
        [each.n for each in values],
        [each.value for each in values],
        [each.sample for each in values],
        is_logarithmic=is_factor,
    )
    return ScalingLine(
        part=key.part,
        dataset=key.dataset,
        index=key.index,
        build=dict(key.build),
        at=key.at,
        k=key.k,
        measure=key.measure,
        values=tuple(values),
        is_factor=is_factor,
        per_doubling=_foretold(2, growth.slope()),
        forecast=_foretold(to, _kept(growth.at(to), is_share)),
        left_out=_left_out(growth, values, is_share),
    )


def _left_out(growth: Growth, values: Sequence[SizedValue], is_share: bool) -> LeftOut | None:
    largest = max(each.n for each in values)
    rest = growth.without(largest)
    if rest is None:
        return None
    own = [each.value for each in values if each.n == largest]
    told = rest.at(largest, seen=len(own))
    kept = _foretold(largest, _kept(told, is_share))
    found = sum(own) / len(own)
    return LeftOut(
        n=largest,
        value=kept.value,
        low=kept.low,
        high=kept.high,
        found=found,
        is_within=None if kept.low is None else told.low <= found <= told.high,
    )


def _kept(told: Forecast, is_share: bool) -> Forecast:
    """Within 0 … 1 for a share."""
    return Forecast(*np.clip(told, 0.0, 1.0).tolist()) if is_share else told


def _foretold(n: int, told: Forecast) -> Foretold:
    """With those ends that are known."""
    known = math.isfinite(told.low)
    return Foretold(
        n=n,
        value=told.value,
        low=told.low if known else None,
        high=told.high if known else None,
    )
