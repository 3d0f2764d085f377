"""The values that are usual where none are asked for."""

from __future__ import annotations

RECALL = 0.9
"""Mean recall at which indexes are compared."""
DELTA = 0.9
"""A query whose recall is under it is in the tail."""
DELTAS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
"""Thresholds of the Robustness measures that are always computed."""
