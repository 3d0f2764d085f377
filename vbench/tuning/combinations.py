"""Several parameters: which combinations of build and search parameters to bisect, by Optuna."""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from vbench.bench.plan import Group
from vbench.errors import MissingExtraError
from vbench.tuning.search import Budget, Outcome, search
from vbench.tuning.trials import Judge

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
        number = space.chosen(asked)
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
        asked.set_user_attr("slack", _largest_slack(outcomes[number]))
        return _loss(judge, outcomes[number])

    _study(judge.run.manifest.options.seed, space).optimize(loss)
    return list(outcomes.values())


def require_optuna(groups: Sequence[Group]) -> None:
    """Raise MissingExtraError where several combinations are to be tried without Optuna."""
    several = len({group.index for group in groups}) < len(groups)
    if several and importlib.util.find_spec("optuna") is None:
        raise MissingExtraError(
            "tuning other parameters than the one that the recipe names (give each of them one "
            "value with --set)",
            "tune",
        )


class _Space:
    """The parameters that differ between groups, as places in the lists of their values."""

    def __init__(self, groups: Sequence[Group]) -> None:
        points = [_parameters(group) for group in groups]
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

    def chosen(self, asked: Any) -> int:
        """The number of the group that a trial of the study asks for."""
        places = {
            name: asked.suggest_int(name, 0, len(values) - 1)
            for name, values in self.values.items()
        }
        return self._numbers[tuple(self.values[name][place] for name, place in places.items())]


def _parameters(group: Group) -> dict[str, Any]:
    return {**group.build, **group.fixed}


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


def _largest_slack(outcome: Outcome) -> float:
    largest = max((each.slack for each in outcome.tried), default=-math.inf)
    return max(min(largest, _INFEASIBLE), -_INFEASIBLE)
