"""What queries say about a target: the value over builds, and a bound that needs no luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vbench.measures.answers import Answers
from vbench.measures.targets import Target


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
    overdone
        Whether a wider search would make it worse in every build.
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
    overdone: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the mean over builds meets the target."""
        return self.target.is_met(self.value)

    @property
    def is_certified(self) -> bool:
        """Whether every build's bound meets the target, or where there is none, every value."""
        return self.slack >= 0.0


def weigh(
    target: Target,
    answers: Sequence[Answers],
    level: float,
    *,
    pivot: Sequence[Answers] | None = None,
) -> Evidence:
    """Weigh the answers of every build against a target.

    Each build's bound is that of the measure, :meth:`vbench.measures.base.Measure.lower_bound`.
    All builds must hold for a claim, and so each is tested at the full level (an
    intersection–union test).

    Parameters
    ----------
    answers
        Of every build, to the same queries in an order that has nothing to do with them.
    pivot
        Answers to other queries than these, by which a bound may choose how to look.
    """
    measure = target.measure
    values = tuple(measure.value(each) for each in answers)
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return Evidence(target, None, None, values, -math.inf, -math.inf, None)
    mean = float(np.mean(known))
    found = [measure.lower_bound(each, target.value, level, pivot or answers) for each in answers]
    bounds = [each for each in found if each is not None]
    if not bounds:
        slacks = [_plain_slack(target, value) for value in known]
        judged = _is_judged(target, answers, [slack < 0.0 for slack in slacks])
        slack = min(slacks)
        return Evidence(
            target, mean, None, values, slack, slack, 0 if slack >= 0.0 else None, judged
        )
    needed = [each.more for each in bounds if each.more is not None]
    overdone = all(measure.is_overdone(each) for each in answers)
    return Evidence(
        target,
        mean,
        (min if target.rises else max)(each.bound for each in bounds),
        values,
        min(each.slack for each in bounds),
        min(each.plain_slack for each in bounds),
        max(needed) if len(needed) == len(bounds) else None,
        # Where each query reaches it there are only too few of them, on any machine.
        _is_judged(target, answers, [each.slack < 0.0 and each.failing != 0 for each in bounds]),
        overdone,
    )


def _is_judged(target: Target, answers: Sequence[Answers], misses: Sequence[bool]) -> bool:
    failing = [each for each, missing in zip(answers, misses, strict=True) if missing]
    return (
        not target.measure.is_clocked
        or not failing
        or not all(each.is_disturbed for each in failing)
    )


def _plain_slack(target: Target, value: float) -> float:
    """How far any value lies beyond the target, relative to it."""
    difference = value - target.value if target.rises else target.value - value
    return difference / (abs(target.value) or 1.0)
