"""The cheapest value of one parameter that meets the targets, by bisection on one half."""

from __future__ import annotations

import math
from typing import NamedTuple

from vbench.bench.parameter_search import ParameterSearch
from vbench.bench.plan import Group
from vbench.bench.session import TrialError
from vbench.tuning.trials import Judge, Tried

_CLOSE = 0.05
"""Values of the parameter that differ by less are not told apart."""
_WIDER_STEPS = 3


class Budget:
    """How many settings may still be tried."""

    def __init__(self, settings: int) -> None:
        self.left = settings

    def spend(self) -> None:
        """Count one setting."""
        self.left -= 1


class Outcome(NamedTuple):
    """What was tried of one group, and the best of it that passes on the calibration half."""

    group: Group
    tried: list[Tried]
    best: Tried | None
    fault: str = ""


def search(
    judge: Judge, group: Group, budget: Budget, *, start: float, incumbent: Tried | None = None
) -> Outcome:
    """Move a group's parameter until neighboring values enclose the point where a target is met.

    Where the objective is a cost, that is the smallest value whose calibration bounds reach all
    targets of quality; where it is a quality, the largest one within all costs. A group that is
    already costs more than `incumbent` without being good enough is left.
    """
    upwards = judge.objective.measure.kind == "cost"
    tried: list[Tried] = []
    fault = ""
    parameter = group.range
    search = (
        None if parameter is None else ParameterSearch(parameter, 0.0, start, resolution=_CLOSE)
    )
    while budget.left > 0:
        value = None if search is None else search.propose()
        if search is not None and value is None:
            break
        budget.spend()
        try:
            tried.append(judge.measure(group, value))
        except TrialError as error:
            fault = error.reason
            break
        if search is None or value is None:
            break
        search.tell(value, _score(judge, tried[-1], upwards=upwards))
        if upwards and incumbent is not None and _is_beaten(judge, tried[-1], incumbent):
            break
        if judge.gives_up():
            break
    return Outcome(group, tried, best_of(judge, tried), fault)


def secure(judge: Judge, outcome: Outcome, budget: Budget) -> Outcome:
    """Try somewhat wider settings, which will hardly fail on the held-out half.

    At the smallest value whose calibration bound reaches the target, the bound of the held-out
    half does so in about half of all cases. Wider by once more the width of the bound it does in
    most.
    """
    parameter = outcome.group.range
    if parameter is None or outcome.best is None or judge.objective.measure.kind != "cost":
        return outcome
    if judge.gives_up():
        return outcome
    if math.isinf(_margin(judge, outcome.best)):
        return outcome
    start = outcome.best.value or parameter.low
    search = ParameterSearch(parameter, 0.0, start, resolution=2 * _CLOSE)
    tried = list(outcome.tried)
    for each in tried:
        if each.value is not None:
            search.tell(each.value, _margin(judge, each))
    for _ in range(min(_WIDER_STEPS, budget.left)):
        value = search.propose()
        if value is None:
            break
        budget.spend()
        try:
            tried.append(judge.measure(outcome.group, value))
        except TrialError as error:
            return Outcome(outcome.group, tried, best_of(judge, tried), error.reason)
        search.tell(value, _margin(judge, tried[-1]))
        if judge.gives_up():
            break
    return Outcome(outcome.group, tried, best_of(judge, tried), outcome.fault)


def best_of(judge: Judge, tried: list[Tried]) -> Tried | None:
    """The best by the objective of those that pass on the calibration half."""
    passing = [each for each in tried if each.passes]
    return min(passing, key=lambda each: judge.objective.loss(each.objective), default=None)


def _score(judge: Judge, tried: Tried, *, upwards: bool) -> float:
    """What rises with the parameter, and is 0 where the search is to end."""
    slacks = [
        each.slack if possible else each.plain_slack
        for each, possible in zip(tried.evidence, judge.attainable, strict=True)
        if (not each.target.is_cost if upwards else each.target.measure.is_of_search)
    ]
    slack = min(slacks, default=math.inf)
    return slack if upwards else -slack


def _margin(judge: Judge, tried: Tried) -> float:
    """The slack that is left after the bound has been widened once more; ∞ without a bound."""
    margins = [
        2.0 * each.slack - each.plain_slack
        for each, possible in zip(tried.evidence, judge.attainable, strict=True)
        if possible and not each.target.is_cost
    ]
    return min(margins, default=math.inf)


def _is_beaten(judge: Judge, tried: Tried, incumbent: Tried) -> bool:
    if not judge.objective.measure.is_of_search:
        return False
    loss = judge.objective.loss
    return tried.slack < 0.0 and loss(tried.objective) > loss(incumbent.objective)
