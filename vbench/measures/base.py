"""What a measure is, and how it is spelt: ``Name(param=value,…)@K``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from vbench.errors import VbenchError
from vbench.measures.answers import Answers
from vbench.metric import FloatArray

Kind = Literal["mean", "share", "tail", "cost"]


@dataclass(frozen=True)
class Measure:
    """One number about a trial. Its ``str`` parses back to an equal measure.

    ``k`` is the cutoff; measures of cost have none.
    """

    kind: ClassVar[Kind] = "mean"
    """`mean`: the mean of a value of every query; `share`: the same, each value 0 or 1;
    `tail`: another function of the hits; `cost`: about the trial and not its answers."""
    higher_is_better: ClassVar[bool] = True
    needs_k: ClassVar[bool] = True

    @property
    def cutoff(self) -> int | None:
        """K, or None for a measure of cost."""
        return getattr(self, "k", None)

    def __str__(self) -> str:
        # What all measures of hits take, `truth`, is written last.
        names = sorted((each.name for each in dataclasses.fields(self)), key="truth".__eq__)
        given = [
            f"{name}={getattr(self, name)}"
            for name in names
            if name != "k" and getattr(self, name) is not None
        ]
        arguments = f"({','.join(given)})" if given else ""
        cutoff = "" if self.cutoff is None else f"@{self.cutoff}"
        return f"{type(self).__name__}{arguments}{cutoff}"

    def per_query(self, answers: Answers) -> FloatArray:
        """The value of every query, float64 (m,), whose mean is the measure."""
        raise VbenchError(f"{self} is not a mean over queries: it has no value for each of them")

    def value(self, answers: Answers) -> float | None:
        """The measure of one trial, or None where the trial did not record what it needs."""
        return float(np.mean(self.per_query(answers)))


def require(condition: bool, measure: object, name: str, given: object, allowed: str) -> None:
    """Raise unless a measure's parameter is allowed.

    Raises
    ------
    VbenchError
        With the value, and what is allowed.
    """
    if not condition:
        raise VbenchError(
            f"{type(measure).__name__}: {name}={given} is not allowed; give {allowed}"
        )


@dataclass(frozen=True, kw_only=True)
class OfHits(Measure):
    """A function of the hits of every query against the exact top `truth` (default: K)."""

    k: int
    truth: int | None = None

    def __post_init__(self) -> None:
        if self.truth is not None:
            allowed = f"a whole number from 1 to K={self.k}"
            require(1 <= self.truth <= self.k, self, "truth", self.truth, allowed)

    @property
    def needed(self) -> int:
        """Hits that make a recall of 1."""
        return self.truth or self.k

    def hits(self, answers: Answers) -> NDArray[np.integer[Any]]:
        """Hits of each query (m,)."""
        return answers.hits_against(self.truth)
