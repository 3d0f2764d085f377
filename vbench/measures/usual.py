"""The values that are usual where none are asked for."""

from __future__ import annotations

RECALL = 0.9
"""Mean recall at which indexes are compared."""
DELTA = 0.9
"""A query whose recall is under it is in the tail."""
DELTAS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
"""Thresholds of the Robustness measures that are always computed."""
TOLERANCE = 0.005
"""A setting is at a mean recall that it comes this near to."""
MATCHED = 2 * TOLERANCE
"""Two settings have matched recall where their mean recalls differ by no more."""
_ROUNDING = 1e-9


def is_at(recall: float, level: float, tolerance: float = TOLERANCE) -> bool:
    """Whether a mean recall is at a level."""
    return abs(recall - level) <= tolerance + _ROUNDING


def is_matched(a: float, b: float) -> bool:
    """Whether two mean recalls are matched: what the settings differ in is not due to recall."""
    return abs(a - b) <= MATCHED + _ROUNDING
