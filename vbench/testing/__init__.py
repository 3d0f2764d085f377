"""Recall tests that do not flake: a sequential test over builds, for pytest or without it.

Nothing heavy is imported before a test runs, since pytest loads the plug-in at every start.
"""

from __future__ import annotations

from vbench.testing.assertions import assert_measure, recall_at_least, score
from vbench.testing.command import Command
from vbench.testing.decision import Build, Decision, DecisionError, decide
from vbench.testing.reference import Reference, measure_reference

__all__ = [
    "Build",
    "Command",
    "Decision",
    "DecisionError",
    "Reference",
    "assert_measure",
    "decide",
    "measure_reference",
    "recall_at_least",
    "score",
]
