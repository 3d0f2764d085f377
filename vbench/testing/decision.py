"""Builds one after the other, until they tell whether a measure was kept or lost."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from vbench._arguments import check_arguments
from vbench.errors import VbenchError
from vbench.numbers import Unit, count

if TYPE_CHECKING:
    from vbench.measures.base import Better

Outcome = Literal["kept", "lost", "undecided"]

_MOST = 1000
"""Builds at most: more than that nobody waits for."""
SKEW = 0.7
"""Share of `beta` that the bound against the loss takes. A few builds far worse than the rest make
means of the others look good: where builds are skewed like a gamma distribution of shape 4, bad
ones are then still kept in less than `beta` of tests."""
_ROUNDING = 1e-12
"""What 0.79 − 0.03 may be off from the 0.76 that a build without chance has."""


class Build(NamedTuple):
    """One build of the test: what it was seeded with, and its value."""

    seed: int
    value: float


@dataclass(frozen=True)
class Decision:
    """What a test saw, and what it makes of it.

    Attributes
    ----------
    outcome
        `kept`: less is lost than what matters; `lost`: the mean over builds is below the
        reference; `undecided` after all builds that were allowed.
    builds
        With seed and value each, in their order.
    low, high
        Bounds of the mean over builds, valid at every look together: the lower one errs with
        probability `SKEW` · `beta`, the upper one with `alpha`. (Where less is better, the other
        way.)
    """

    measure: str
    unit: Unit
    reference: float
    loss: float
    better: Better
    outcome: Outcome
    builds: tuple[Build, ...]
    low: float
    high: float
    alpha: float
    beta: float
    max_builds: int
    seed: int

    @property
    def limit(self) -> float:
        """The value at which the loss matters."""
        return self.reference - self.loss if self.better == "higher" else self.reference + self.loss

    @property
    def mean(self) -> float:
        """Mean over builds."""
        return statistics.fmean(each.value for each in self.builds)

    @property
    def spread(self) -> float:
        """Standard deviation over builds."""
        return statistics.stdev(each.value for each in self.builds)

    @property
    def bounds(self) -> str:
        """The bounds as they are written; a share or a recall is between 0 and 1."""
        low, high = self.low, self.high
        if self.unit in ("share", "score"):
            low, high = max(low, 0.0), min(high, 1.0)
        return f"[{low:.4g}, {high:.4g}]"

    @property
    def line(self) -> str:
        """What came out, in a line."""
        seen = (
            f"{self.measure} {self.mean:.4g} {self.bounds} over {count(len(self.builds), 'builds')}"
        )
        known = f"reference {self.reference:g}, loss {self.loss:g}"
        return f"{self.outcome}: {seen} ({known})"

    def __str__(self) -> str:
        worse = "below" if self.better == "higher" else "above"
        better = "above" if self.better == "higher" else "below"
        seen = f"{count(len(self.builds), 'builds')} have a mean of {self.mean:.4g} {self.bounds}"
        said = {
            "kept": f"{self.measure} is kept: {seen}, {better} {self.limit:.4g}",
            "lost": f"{self.measure} is lost: {seen}, {worse} the reference {self.reference:g}",
            "undecided": f"{self.measure} cannot be told: {seen}, neither {better} "
            f"{self.limit:.4g} nor {worse} the reference {self.reference:g}",
        }
        rows = [
            f"  {number:>5}  {build.seed:>10}  {build.value:.4f}"
            for number, build in enumerate(self.builds, 1)
        ]
        return "\n".join(
            [
                said[self.outcome],
                "  build        seed  value",
                *rows,
                f"  reference {self.reference:g}, loss that matters {self.loss:g}, standard "
                f"deviation over builds {self.spread:.2g}",
                f"  at the reference {100 * self.alpha:.2g} % of tests at most say lost, after "
                f"that loss {100 * self.beta:.2g} % say kept; max_builds={self.max_builds}, "
                f"seed={self.seed}",
                *self._remedies(),
            ]
        )

    @property
    def in_short(self) -> str:
        """Its text without the builds."""
        first = str(self).partition("\n")[0]
        return "\n".join([first, *self._remedies()])

    def _remedies(self) -> list[str]:
        if self.outcome == "undecided":
            # As wide as the loss, the bounds decide wherever the mean lies.
            wide = (self.high - self.low) / self.loss
            needed = 10 * math.ceil(len(self.builds) * wide * wide / 10)
            more = f"max_builds={needed}, or " if needed <= _MOST else ""
            return [
                f"  to tell: {more}loss={self.high - self.low:.2g}, or more queries, if builds "
                "differ less by them"
            ]
        if self.outcome == "lost":
            return [f"  one build again: build({self.builds[-1].seed})"]
        return []


class DecisionError(AssertionError):
    """A measure was lost, or it could not be told whether; `decision` is what was seen."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(str(decision))
        self.decision = decision


@check_arguments
def decide(
    value: Callable[[int], float],
    reference: float,
    *,
    loss: float,
    better: Better = "higher",
    measure: str = "value",
    unit: Unit = "number",
    alpha: float = 0.01,
    beta: float = 0.01,
    max_builds: int = 20,
    seed: int = 0,
    step: float = 0.0,
) -> Decision:
    """Build until it is told whether the mean over builds has lost what matters.

    After each build from the fourth on the mean over builds is bounded on both sides by
    :func:`vbench.stats.sequential.bound_mean`. It is *kept* as soon as the lower bound is above
    `reference` − `loss`, else *lost* as soon as the upper one is below the `reference`.

    Parameters
    ----------
    value
        Makes the build of a seed, a whole number from 0 to 2³¹ − 1, and returns its value.
    reference
        The mean over builds while all is well.
    loss
        How much less matters; above 0.
    better
        `lower` where a smaller value is better: what matters is then `loss` more.
    alpha
        At most this share of tests finds lost what has the reference, whatever the spread.
    beta
        At most this share finds kept what has lost `loss`.
    measure, unit
        What the value is, for whoever reads the decision.
    max_builds
        Builds after which the outcome is `undecided`.
    seed
        Draws the seeds of the builds: the same ones, and so the same answer, each time.
    step
        Distance of neighboring values, where only some are possible.

    Raises
    ------
    VbenchError
        An argument is not allowed; a build's value is no number.
    """
    from vbench.stats.sequential import FIRST, bound_mean

    if better not in ("higher", "lower"):
        raise VbenchError(f"better={better!r} is not allowed; give 'higher' or 'lower'")
    if not (math.isfinite(reference) and math.isfinite(loss) and loss > 0.0):
        raise VbenchError(
            f"reference={reference}, loss={loss}: give the mean over builds while all is well, "
            "and how much less of it matters, above 0"
        )
    if not FIRST <= max_builds <= _MOST:
        raise VbenchError(f"max_builds={max_builds} is not allowed; give {FIRST} to {_MOST}")
    for name, error in (("alpha", alpha), ("beta", beta)):
        if not 0.0 < error < 0.5:
            raise VbenchError(f"{name}={error} is not allowed; give a share above 0, below 0.5")
    sign = 1.0 if better == "higher" else -1.0
    limit = sign * reference - loss
    builds: list[Build] = []
    outcome: Outcome = "undecided"
    low, high = -math.inf, math.inf
    for build in draw_builds(value, max_builds, seed):
        builds.append(build)
        oriented = [sign * each.value for each in builds]
        low, high = bound_mean(oriented, max_builds, SKEW * beta, alpha, step)
        if low > limit + _ROUNDING:
            outcome = "kept"
        elif high < sign * reference - _ROUNDING:
            outcome = "lost"
        if outcome != "undecided":
            break
    return Decision(
        measure=measure,
        unit=unit,
        reference=reference,
        loss=loss,
        better=better,
        outcome=outcome,
        builds=tuple(builds),
        low=min(sign * low, sign * high),
        high=max(sign * low, sign * high),
        alpha=alpha,
        beta=beta,
        max_builds=max_builds,
        seed=seed,
    )


def draw_builds(value: Callable[[int], float], most: int, seed: int) -> Iterator[Build]:
    """Builds of seeds that `seed` draws, one at a time, `most` of them.

    Raises
    ------
    VbenchError
        A value is no number. What else goes wrong in a build says which it was.
    """
    import numpy as np

    if seed < 0:
        raise VbenchError(f"seed={seed} is not allowed; give a whole number from 0 on")
    for number, drawn in enumerate(np.random.SeedSequence(seed).generate_state(most).tolist(), 1):
        own = drawn >> 1  # libraries take what an int32 holds
        try:
            found = float(value(own))
        except Exception as error:
            error.add_note(f"in build {number} of the test, build({own})")
            raise
        if not math.isfinite(found):
            raise VbenchError(f"build {number}, build({own}), has the value {found}")
        yield Build(own, found)
