"""What was found of a machine: the document that `vbench doctor` writes."""

from __future__ import annotations

from typing import Literal

import msgspec

from vbench._document import Document
from vbench.runs.schema import Environment

Verdict = Literal["fine", "note", "spoils"]
"""`spoils`: what is measured now would be of this and not of the index."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: what was found, what it means, what to do about it.

    `check` is a stable word for programs.
    """

    check: str
    about: str
    verdict: Verdict
    found: str
    why: str = ""
    remedy: str = ""


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """How evenly the same work went, again and again, on one core at a time.

    Attributes
    ----------
    seconds, rounds
        How long it took in all, and how often the work was done.
    cpu_share
        CPU time / wall time, of the core that had the least.
    spread
        99th percentile / median of the times of a round, of the worst core.
    drift
        Median of the later half / of the first half, of the core that changed most.
    stolen
        Share of the time that the host of a virtual machine took, where it is known.
    """

    seconds: float
    rounds: int
    cpu_share: float
    spread: float
    drift: float
    stolen: float | None = None


class Extra(msgspec.Struct, frozen=True, kw_only=True):
    """An extra of the package: what it would add, and what can be done with it."""

    name: str
    adds: str
    installed: bool


class Diagnosis(Document, frozen=True, kw_only=True, tag="vbench.doctor/1"):
    """A machine, what on it would spoil a measurement now, and what is not installed."""

    environment: Environment
    checks: list[Check]
    noise: Noise | None
    extras: list[Extra]

    @property
    def spoils(self) -> list[Check]:
        """The checks that found something which spoils a measurement."""
        return [each for each in self.checks if each.verdict == "spoils"]
