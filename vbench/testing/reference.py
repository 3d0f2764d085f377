"""The reference of a test: builds while all is well, their spread, and the losses that it tells."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vbench._arguments import check_arguments
from vbench.errors import VbenchError
from vbench.numbers import count
from vbench.testing.assertions import measure_of_answers, value_of_build
from vbench.testing.decision import SKEW, Build, draw_builds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from vbench.testing.assertions import AnyMeasure, MakeBuild

_ABOUT = (6, 8, 12)
"""Numbers of builds for which the loss is said."""


@dataclass(frozen=True)
class Reference:
    """Builds of which all is well: what a test may take for its reference and its loss."""

    measure: str
    builds: tuple[Build, ...]

    @property
    def mean(self) -> float:
        """Mean over builds: the reference."""
        return statistics.fmean(each.value for each in self.builds)

    @property
    def spread(self) -> float:
        """Standard deviation over builds."""
        return statistics.stdev(each.value for each in self.builds)

    def loss_told(self, builds: int, *, error: float = 0.01, max_builds: int = 20) -> float:
        """The loss that a test with these error rates tells after so many builds, as a rule."""
        from vbench.stats.sequential import nominal_level, student

        t = student(nominal_level(SKEW * error, max_builds), builds)
        return t * self.spread / math.sqrt(builds)

    def __str__(self) -> str:
        told = ", ".join(f"{self.loss_told(each):.2g} in {each}" for each in _ABOUT)
        return (
            f"{self.measure} {self.mean:.4g} over {count(len(self.builds), 'builds')}, standard "
            f"deviation {self.spread:.2g}; a loss of {told} builds or so"
        )


@check_arguments
def measure_reference(
    measure: AnyMeasure,
    build: MakeBuild,
    *,
    base: ArrayLike | None = None,
    queries: ArrayLike | None = None,
    metric: str = "l2",
    builds: int = 20,
    seed: int = 1,
) -> Reference:
    """Measure what a test should take for its reference, and how small a loss it can tell.

    Parameters
    ----------
    measure, build, base, queries, metric
        As :func:`vbench.testing.assert_measure` has them.
    builds
        How many; the reference is off by about a standard deviation over their root.
    seed
        Draws the seeds of the builds; another than that of the test.

    Raises
    ------
    VbenchError
        An argument or an answer is not allowed.
    """
    if builds < 2:
        raise VbenchError(f"builds={builds} say nothing of their spread; give 2 or more")
    found = measure_of_answers(measure)
    with value_of_build(found, build, base, queries, metric) as (value, _):
        return Reference(str(found), tuple(draw_builds(value, builds, seed)))
