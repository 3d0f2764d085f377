"""What tuning makes as small or as large as it can, and the K of all that it must reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vbench._invocation import spell_option
from vbench.errors import VbenchError
from vbench.measures.base import Measure
from vbench.measures.grammar import parse


@dataclass(frozen=True)
class Objective:
    """The measure by which settings that meet the targets are ranked."""

    measure: Measure

    def __str__(self) -> str:
        return f"{'maximize' if self.rises else 'minimize'} {self.measure}"

    @property
    def rises(self) -> bool:
        """Whether more is better."""
        return self.measure.better == "higher"

    def loss(self, value: float) -> float:
        """A number that is smaller where the objective is better."""
        return -value if self.rises else value


def parse_objective(minimize: str | None, maximize: str | None) -> Objective:
    """What to minimize or to maximize; latency at the 99th percentile where neither is given.

    Raises
    ------
    VbenchError
        Both are given, or the measure is better the other way.
    """
    if minimize is not None and maximize is not None:
        both = f"{spell_option('minimize')} or {spell_option('maximize')}"
        raise VbenchError(f"give {both}, not both; bound the other in {spell_option('target')}")
    measure = parse(maximize or minimize or "Latency(p=99)")
    if Objective(measure).rises != (maximize is not None):
        given, other = ("maximize", "minimize") if maximize else ("minimize", "maximize")
        asked, instead = (spell_option(name, str(measure)) for name in (given, other))
        raise VbenchError(f"{asked} asks for the worst; write {instead}")
    return Objective(measure)


def parse_price(text: str) -> Measure:
    """The price of an answer, of ``core=0.04/h,GB=0.005/h``.

    Raises
    ------
    VbenchError
        It names something else, or what is no price.
    """
    try:
        return parse(f"Price({text})")
    except VbenchError as error:
        example = spell_option("price", "core=0.04/h,GB=0.005/h")
        raise VbenchError(f"{error}; write {example}") from None


def common_cutoff(measures: Iterable[Measure], given: int | None) -> int:
    """The one K of all measures, or the given one, or 10.

    Raises
    ------
    VbenchError
        There are several: a search retrieves one number of neighbors.
    """
    found = sorted({each.cutoff for each in measures if each.cutoff is not None})
    if given is not None and found not in ([], [given]):
        raise VbenchError(
            f"{spell_option('k', given)} is not the K of the targets ({', '.join(map(str, found))})"
        )
    if len(found) > 1:
        raise VbenchError(
            f"the targets use K={' and '.join(map(str, found))}, but one search retrieves one "
            f"number of neighbors; write them at K={found[-1]}, such as "
            f"Recall(truth={found[0]})@{found[-1]}"
        )
    return found[0] if found else given or 10
