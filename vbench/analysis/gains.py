"""What one ranker has over another, and how much of a teacher's gain its student keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vbench._document import Interval
from vbench.analysis.losses import estimate_mean
from vbench.analysis.ranking import Gain, SegmentGain
from vbench.metric import FloatArray
from vbench.ranking.options import Options
from vbench.ranking.ranked import Ranked
from vbench.ranking.trained import read_variant

BASELINES = ("tower", "popularity")
RESAMPLES = 1_000

Masks = Mapping[tuple[str, str], NDArray[np.bool_]]
"""Queries of each segment, bool (mj,), by column and value."""


def find_gains(
    ranked: Sequence[Ranked], masks: Masks, popular: FloatArray | None
) -> dict[str, list[Gain]]:
    """Gains of every ranker: over `tower` and `popularity`, and over itself without a strategy.

    Paired by query, with intervals over queries and seeds.

    Parameters
    ----------
    popular : float64 (mj,) or None
        The leading measure of the order by popularity, which may be no ranker of these.
    """
    named = {each.name: each.seeds for each in ranked}
    if popular is not None:
        named.setdefault("popularity", popular[np.newaxis])
    variants = {read_variant(name): name for name in named}
    return {
        each.name: [
            _gain(named, each.name, over, masks, teacher)
            for over, teacher in _comparisons(each.name, named, variants)
        ]
        for each in ranked
    }


def _comparisons(
    name: str,
    named: Mapping[str, FloatArray],
    variants: Mapping[tuple[str, Options] | None, str],
) -> Iterator[tuple[str, str | None]]:
    """Each ranker that this one is compared with, and the teacher that both have in mind."""
    if name not in BASELINES:
        yield from ((each, None) for each in BASELINES if each in named)
    variant = read_variant(name)
    if variant is None:
        return
    network, options = variant
    plain = (network, Options(width=options.width, depth=options.depth))
    if plain == variant or plain not in variants:
        return
    teacher = None
    if options.teacher is not None and options.width is not None:
        wide = Options(width=options.width * options.teacher, depth=options.depth)
        teacher = variants.get((network, wide))
    yield variants[plain], teacher


def _gain(
    named: Mapping[str, FloatArray], name: str, over: str, masks: Masks, teacher: str | None
) -> Gain:
    difference = _difference(named[name], named[over])
    kept = None
    if teacher is not None:
        kept = _share(difference, _difference(named[teacher], named[over]))
    return Gain(
        over=over,
        gain=estimate_mean(difference),
        segments=[
            SegmentGain(column=column, group=group, gain=estimate_mean(difference[:, mask]))
            for (column, group), mask in masks.items()
        ],
        teacher=teacher,
        of_teacher=kept,
    )


def _difference(one: FloatArray, other: FloatArray) -> FloatArray:
    """By seed and query, (seeds, mj); what has no seeds is the same for all of them."""
    if len(one) != len(other) and 1 not in (len(one), len(other)):
        other = other.mean(axis=0, keepdims=True)
    return one - other


def _share(student: FloatArray, teacher: FloatArray) -> Interval:
    """Σ gain of the student / Σ gain of the teacher, with an interval that resamples queries.

    Without a value where the teacher has no clear gain: a share of nothing says nothing.
    """
    gained = estimate_mean(teacher)
    if gained.low is None or gained.low <= 0:
        return Interval(None)
    own, whole = student.mean(axis=0), teacher.mean(axis=0)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), RESAMPLES)
    low, high = np.quantile((drawn @ own) / (drawn @ whole), [0.025, 0.975])
    return Interval(float(own.sum() / whole.sum()), float(low), float(high))
