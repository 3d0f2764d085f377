"""A measure over several masks of one filter: its estimates, and its differences, as one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from vbench._document import Estimated
from vbench.measures.base import Measure
from vbench.measures.sample import Estimate, Sample
from vbench.stats.masks import compare_over_masks, join_differences, join_masks
from vbench.stats.paired import Difference


def join_estimates(
    measure: Measure, found: Sequence[Estimate | Estimated], level: float = 0.95
) -> Estimate:
    """A measure over masks, which of one mask is its own; one that some mask lacks is not told."""
    if len(found) == 1:
        (only,) = found
        return Estimate(only.value, only.low, only.high, only.spread)
    values = [each.value for each in found if each.value is not None]
    if len(values) < len(found):
        return Estimate(None, None, None, None)
    bounds = (0.0, 1.0) if measure.kind != "cost" else None
    ends = [(each.low, each.high) for each in found]
    return Estimate(*join_masks(values, ends, level, bounds=bounds))


def estimate_over_masks(measure: Measure, samples: Sequence[Sample]) -> Estimate:
    """A measure of a setting, whose answers under each mask make a sample."""
    return join_estimates(
        measure, [sample.estimate(measure) for sample in samples], samples[0].level
    )


def compare_under_masks(
    measure: Measure, baseline: Sequence[Sample], candidate: Sequence[Sample]
) -> Difference:
    """Candidate minus baseline, the samples of both being of the same masks in the same order."""
    first, level = baseline[0], baseline[0].level
    if len(baseline) == 1:
        return measure.difference(first, candidate[0])
    if type(measure).difference is Measure.difference:
        a, b = (
            np.stack([[measure.per_query(each) for each in of.answers] for of in side])
            for side in (baseline, candidate)
        )
        if np.isfinite(a).all() and np.isfinite(b).all():
            same_builds = bool(first.plans) and first.plans == candidate[0].plans
            return compare_over_masks(a, b, level, first.clusters, same_builds=same_builds)
    found = [measure.difference(a, b) for a, b in zip(baseline, candidate, strict=True)]
    return join_differences(found, level, math.inf if measure.kind == "cost" else 1.0)
