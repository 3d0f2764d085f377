"""The cheapest values that meet the targets: bisection of one, combinations of others by Optuna."""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from vbench._invocation import spell_option
from vbench.bench.parameter_search import ParameterSearch
from vbench.bench.plan import Group
from vbench.bench.session import TrialError
from vbench.errors import MissingExtraError
from vbench.tuning.evidence import Evidence
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
        _rising(each, each.slack if possible else each.plain_slack)
        for each, possible in zip(tried.evidence, judge.attainable, strict=True)
        if (not each.target.is_cost if upwards else each.target.measure.is_of_search)
    ]
    slack = min(slacks, default=math.inf)
    return slack if upwards else -slack


def _margin(judge: Judge, tried: Tried) -> float:
    """The slack that is left after the bound has been widened once more; ∞ without a bound."""
    margins = [
        _rising(each, 2.0 * each.slack - each.plain_slack)
        for each, possible in zip(tried.evidence, judge.attainable, strict=True)
        if possible and not each.target.is_cost
    ]
    return min(margins, default=math.inf)


def _rising(evidence: Evidence, slack: float) -> float:
    """A slack that rises with the parameter: past the best value there is too much of it."""
    return abs(slack) if evidence.overdone else slack


def _is_beaten(judge: Judge, tried: Tried, incumbent: Tried) -> bool:
    if not judge.objective.measure.is_of_search:
        return False
    loss = judge.objective.loss
    views = {each.view.key for each in tried.views}
    return tried.slack < 0.0 and loss(tried.objective) > loss(incumbent.objective_in(views))


_ALL_OF_THEM = 12
"""So few combinations are all looked at, as far as the budget goes."""
_REPEATS = 20
"""Proposals of combinations already looked at, one after the other, that end the search."""
_INFEASIBLE = 1e12


def search_combinations(judge: Judge, groups: Sequence[Group], budget: Budget) -> list[Outcome]:
    """Bisect one combination after the other until the budget is spent.

    Of each, the parameter is bisected from where the best one so far had it, and no further than it
    may still be better. With one combination this is bisection and nothing else; Optuna's
    tree-structured Parzen estimator proposes the others, or where they are few, its grid: all of
    them. The workers of the best combination stay alive.
    """
    if len(groups) == 1:
        (group,) = groups
        return [search(judge, group, budget, start=group.start)]
    space = _Space(groups)
    outcomes: dict[int, Outcome] = {}
    best: Outcome | None = None
    repeats = 0

    def loss(asked: Any) -> float:
        nonlocal best, repeats
        number = space.choose(asked)
        repeats = repeats + 1 if number in outcomes else 0
        if number not in outcomes:
            incumbent = best.best if best is not None else None
            value = incumbent.value if incumbent is not None else None
            start = groups[number].start if value is None else value
            outcome = search(judge, groups[number], budget, start=start, incumbent=incumbent)
            outcomes[number] = outcome
            best = _keep_the_better(judge, best, outcome)
        if (
            budget.left <= 0
            or len(outcomes) == len(groups)
            or repeats >= _REPEATS
            or judge.gives_up()
        ):
            asked.study.stop()
        largest = max((each.slack for each in outcomes[number].tried), default=-math.inf)
        asked.set_user_attr("slack", max(min(largest, _INFEASIBLE), -_INFEASIBLE))
        return _loss(judge, outcomes[number])

    _study(judge.run.manifest.options.seed, space).optimize(loss)
    return list(outcomes.values())


def require_optuna(groups: Sequence[Group]) -> None:
    """Raise MissingExtraError where several combinations are to be tried without Optuna."""
    several = len({group.index for group in groups}) < len(groups)
    if several and importlib.util.find_spec("optuna") is None:
        raise MissingExtraError(
            "tuning other parameters than the one that the recipe names (give each of them one "
            f"value with {spell_option('settings')})",
            "tune",
        )


class _Space:
    """The parameters that differ between groups, as places in the lists of their values."""

    def __init__(self, groups: Sequence[Group]) -> None:
        points = [{**group.build, **group.fixed} for group in groups]
        names = [
            name
            for name in dict.fromkeys(name for point in points for name in point)
            if len({repr(point.get(name)) for point in points}) > 1
        ]
        self.values: dict[str, list[str]] = {
            name: list(dict.fromkeys(repr(point.get(name)) for point in points)) for name in names
        }
        self._numbers = {self._key(point): number for number, point in enumerate(points)}

    def __len__(self) -> int:
        return len(self._numbers)

    def _key(self, point: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(repr(point.get(name)) for name in self.values)

    def choose(self, asked: Any) -> int:
        """The number of the group that a trial of the study asks for."""
        places = {
            name: asked.suggest_int(name, 0, len(values) - 1)
            for name, values in self.values.items()
        }
        return self._numbers[tuple(self.values[name][place] for name, place in places.items())]


def _study(seed: int, space: _Space) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    combinations = len(space)
    if combinations <= _ALL_OF_THEM:
        grid = {name: range(len(values)) for name, values in space.values.items()}
        return optuna.create_study(sampler=optuna.samplers.GridSampler(grid, seed=seed))
    with warnings.catch_warnings():
        # Constraints and joint sampling are marked as experimental.
        warnings.simplefilter("ignore")
        sampler = optuna.samplers.TPESampler(
            seed=seed,
            multivariate=True,
            n_startup_trials=min(10, combinations // 3),
            constraints_func=lambda trial: [-trial.user_attrs["slack"]],
        )
    return optuna.create_study(sampler=sampler)


def _keep_the_better(judge: Judge, best: Outcome | None, new: Outcome) -> Outcome | None:
    """The better of the two; the workers of the other one are let go."""
    better = new if _loss(judge, new) < (math.inf if best is None else _loss(judge, best)) else best
    kept = set() if better is None else {build.key for build in better.group.builds}
    for each in (new, best):
        for build in each.group.builds if each is not None else ():
            if build.key not in kept:
                judge.bench.workers.release(build)
    return better


def _loss(judge: Judge, outcome: Outcome) -> float:
    if outcome.best is None:
        return _INFEASIBLE
    return judge.objective.loss(outcome.best.objective)
