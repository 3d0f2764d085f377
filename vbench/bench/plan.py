"""From recipes and options to builds and trials, each with a key; nothing is run here."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from vbench._document import Params
from vbench._invocation import spell_option
from vbench.bench.addresses import addresses
from vbench.bench.loads import loads_for
from vbench.bench.parameter_search import Range, is_whole
from vbench.bench.sources import Source, folder_digest
from vbench.data.dataset import Learn
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.parameters import check, parameters
from vbench.indexes.protocol import can_add, can_filter, can_remove, can_use_threads
from vbench.indexes.recipe import Recipe, load_recipe
from vbench.indexes.registry import resolve
from vbench.metric import Metric
from vbench.runs.digests import of_document
from vbench.runs.schema import STATIC, USUAL_LOAD, Build, Load, Options, Trial, View, Workload
from vbench.workloads.runbook import Runbook
from vbench.workloads.views import PlannedView

if TYPE_CHECKING:
    import polars as pl

_STATIC = Workload()


@dataclass(frozen=True)
class Group:
    """The builds of one index with one set of parameters, to be searched at one K in one view.

    All search parameters but the parameter are `fixed`; `start` is the value to begin at.
    """

    builds: tuple[Build, ...]
    fixed: Params
    k: int
    range: Range | None
    start: float
    view: str = STATIC

    @property
    def index(self) -> str:
        """Name of the index."""
        return self.builds[0].index

    @property
    def build(self) -> Params:
        """All build parameters."""
        return self.builds[0].params

    def setting(self, value: float | None) -> Params:
        """The search parameters with the parameter at `value`."""
        if self.range is None or value is None:
            return self.fixed
        return {**self.fixed, self.range.name: value}


@dataclass(frozen=True)
class Plan:
    """Everything that a call is to do: trials, or groups whose trials are chosen as it goes on.

    `identity` is a digest of dataset, indexes and options: the name of the run folder. `loads`
    are those beside the usual one, by index. `workload` is what happens between the `views`.
    `connect` has the addresses of servers that run already, by the name of the service, and is
    never written.
    """

    builds: list[Build]
    trials: list[Trial]
    groups: list[Group]
    identity: str
    fingerprint: str
    order_digest: str
    sources: Mapping[str, Source]
    loads: Mapping[str, Sequence[Load]] = field(default_factory=dict)
    views: Sequence[PlannedView] = ()
    workload: Workload = _STATIC
    connect: Mapping[str, str] = field(default_factory=dict, repr=False)

    def trials_of(self, build: Build) -> list[Trial]:
        """The trials on one build."""
        return [trial for trial in self.trials if trial.build == build.key]

    def loads_in(self, index: str, view: PlannedView | None) -> Sequence[Load]:
        """The loads of an index beside the usual one in a view."""
        return self.loads.get(index, ()) if _takes_loads(view) else ()


def make_plan(
    indexes: Sequence[str | Recipe],
    overrides: Mapping[str, Sequence[Any]],
    options: Options,
    fingerprint: str,
    order_digest: str,
    metric: Metric,
    d: int,
    *,
    learn: Learn | None = None,
    attributes: pl.DataFrame | None = None,
    chosen_later: bool = False,
    loads: Sequence[Load] = (),
    views: Sequence[PlannedView] = (),
    runbook: Runbook | None = None,
    connect: Mapping[str, str] | None = None,
) -> Plan:
    """Plan all builds, and their trials or groups.

    Parameters
    ----------
    indexes
        As `--index` takes them, or recipes.
    overrides
        Values by parameter, ``{"ef": [16, 32]}``, or for one index, ``{"hnsw.ef": […]}``. They
        take the place of the recipe's.
    fingerprint, order_digest, metric, d
        Of the dataset; the fingerprint is part of every key, and orders of insertion are drawn
        from the other digest.
    learn
        Queries that indexes may learn from.
    attributes
        Those of the items, for indexes that take some.
    chosen_later
        Plan groups: values of a parameter are then the ends of its range.
    loads
        How everything is asked beside the usual way.
    views
        What each build is asked; none: the whole base.
    runbook
        What happens to the base between them, which each index must be able to.
    connect
        Addresses of servers that run already, by the name of an index or of its service.

    Raises
    ------
    VbenchError
        For an unknown index, parameter or value, an index that is given twice, or one that
        cannot do the metric or the dimensions, be asked under a filter or be changed; where
        nothing takes the queries to learn from.
    """
    _refuse_repeats([each for each in indexes if isinstance(each, str)])
    recipes = [load_recipe(spec) for spec in indexes]
    _refuse_repeats([recipe.name for recipe in recipes])
    sources = {recipe.name: Source.of(recipe, metric, d, learn, attributes) for recipe in recipes}
    _refuse_idle(learn, sources)
    asked = {
        recipe.name: loads_for(recipe.name, resolve(recipe.adapter), loads) for recipe in recipes
    }
    stages = {recipe.name: _stages(recipe) for recipe in recipes}
    _check_overrides(overrides, stages)
    if any(view.is_filtered for view in views):
        _check_filters(recipes)
    if options.build_threads is not None:
        _check_threads(recipes, options)
    if runbook is not None:
        _check_changes(recipes, runbook)
    keys = [each.view.key for each in views] or [STATIC]
    builds: list[Build] = []
    trials: list[Trial] = []
    groups: list[Group] = []
    for recipe in recipes:
        changed = _changed(recipe, overrides, stages[recipe.name])
        for params in _combinations(changed.build):
            same = [
                sources[recipe.name].build(params, number, options, fingerprint, order_digest)
                for number in range(options.builds)
            ]
            builds += same
            if chosen_later:
                groups += [
                    group for key in keys for group in _groups(recipe, changed, same, options, key)
                ]
            else:
                trials += [
                    trial
                    for build in same
                    for each in views or [PlannedView(View(), None)]
                    for trial in _trials(changed, build, options, asked[recipe.name], each)
                ]
    identity = folder_digest(fingerprint, sources, options)
    return Plan(
        builds=builds,
        trials=trials,
        groups=groups,
        identity=identity,
        fingerprint=fingerprint,
        order_digest=order_digest,
        sources=sources,
        loads=asked,
        views=views,
        workload=_STATIC if runbook is None else runbook.describe(),
        connect=addresses(recipes, connect or {}),
    )


def _check_filters(recipes: Sequence[Recipe]) -> None:
    without = [each.name for each in recipes if not can_filter(resolve(each.adapter))]
    if without:
        raise VbenchError(
            f"no search of {', '.join(without)} can be put under a filter: the class has no "
            "allow() method; leave the index out, or the filters"
        )


def _check_threads(recipes: Sequence[Recipe], options: Options) -> None:
    without = [each.name for each in recipes if not can_use_threads(resolve(each.adapter))]
    if without:
        raise VbenchError(
            f"{', '.join(without)} cannot be built with {options.build_threads} threads and "
            f"searched with {options.threads}: the class has no use_threads() method; leave the "
            f"index out, or {spell_option('build_threads')}"
        )


def _check_changes(recipes: Sequence[Recipe], runbook: Runbook) -> None:
    asked = runbook.operations
    for recipe in recipes:
        kind = resolve(recipe.adapter)
        lacking = [
            method
            for method, is_able, needs in (
                ("add()", can_add(kind), {"insert", "replace"}),
                ("remove()", can_remove(kind), {"delete", "replace"}),
            )
            if asked & needs and not is_able
        ]
        if lacking:
            raise VbenchError(
                f"index {recipe.name!r} cannot go through workload {runbook.name!r}: its class has "
                f"no {' and no '.join(lacking)}; leave the index out, or the workload"
            )


def _refuse_repeats(names: Sequence[str]) -> None:
    for name in names:
        if list(names).count(name) > 1:
            raise VbenchError(
                f"index {name!r} is given twice; for several values of a parameter use "
                f"{spell_option('settings')}, for another recipe give its file another name"
            )


def _refuse_idle(learn: Learn | None, sources: Mapping[str, Source]) -> None:
    """Refuse queries that the call took aside and no index takes; those of a file may lie there."""
    if learn is not None and learn.was_asked_for and not any(x.learn for x in sources.values()):
        raise VbenchError(
            f"{spell_option('learn')}: nothing would use these queries: {', '.join(sources)} "
            f"take{'s' if len(sources) == 1 else ''} none to learn from; leave it away, or give an "
            f"index that does, such as {spell_option('indexes', 'ivf-learned')}"
        )


def _stages(recipe: Recipe) -> dict[str, str]:
    """Whether each parameter is of the build or of the search: by signature, else by recipe."""
    known = parameters(resolve(recipe.adapter))
    return {
        **dict.fromkeys(recipe.build, "build"),
        **dict.fromkeys(recipe.search, "search"),
        **{name: parameter.stage for name, parameter in known.items()},
    }


def _check_overrides(
    overrides: Mapping[str, Sequence[Any]], stages: Mapping[str, Mapping[str, str]]
) -> None:
    everything = {name for one in stages.values() for name in one}
    for key, values in overrides.items():
        if not _listed(values):
            raise VbenchError(f"{key} is given no value; give one or several, such as 16,32")
        index, dot, parameter = key.rpartition(".")
        if dot and index not in stages:
            raise UnknownNameError(f"index in {spell_option('settings')}", index, stages)
        allowed = set(stages[index]) if dot else everything
        if parameter not in allowed:
            raise UnknownNameError("parameter", parameter, allowed)


def _changed(
    recipe: Recipe, overrides: Mapping[str, Sequence[Any]], stages: Mapping[str, str]
) -> Recipe:
    """The recipe with the overrides that concern it, its values checked and converted."""
    sides = {"build": dict(recipe.build), "search": dict(recipe.search)}
    for key, values in overrides.items():
        index, dot, name = key.rpartition(".")
        if name in stages and (not dot or index == recipe.name):
            sides[stages[name]][name] = _listed(values)
    kind = resolve(recipe.adapter)
    combinations = itertools.product(*(_combinations(side) for side in sides.values()))
    checked = [check(kind, one_build, one_search) for one_build, one_search in combinations]
    return msgspec.structs.replace(
        recipe,
        build=_collected(each[0] for each in checked),
        search=_collected(each[1] for each in checked),
    )


def _collected(combinations: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The converted values of each parameter, in their first order, each once."""
    values: dict[str, list[Any]] = {}
    for combination in combinations:
        for name, value in combination.items():
            seen = values.setdefault(name, [])
            # Not by `in`: NaN equals nothing, 1 equals True.
            if repr(value) not in map(repr, seen):
                seen.append(value)
    return values


def _combinations(values: Mapping[str, Any]) -> list[Params]:
    """Every combination of the values; a value that is no list stands for itself."""
    lists = [_listed(value) for value in values.values()]
    return [dict(zip(values, each, strict=True)) for each in itertools.product(*lists)]


def _trials(
    recipe: Recipe, build: Build, options: Options, loads: Sequence[Load], view: PlannedView
) -> list[Trial]:
    return [
        make_trial(build, setting, k, options, load, view.view.key)
        for setting in _combinations(recipe.search)
        for k in options.k
        for load in (USUAL_LOAD, *(loads if _takes_loads(view) else ()))
    ]


def _takes_loads(view: PlannedView | None) -> bool:
    # A client's index takes one condition at a time.
    return view is None or view.allowed is None or view.allowed.is_shared


def _groups(
    recipe: Recipe, changed: Recipe, builds: Sequence[Build], options: Options, view: str
) -> list[Group]:
    parameter, start = _range(recipe, changed, at_recall=options.at_recall)
    others = {
        name: each
        for name, each in changed.search.items()
        if not parameter or name != parameter.name
    }
    return [
        Group(tuple(builds), fixed, k, parameter, start, view)
        for fixed in _combinations(others)
        for k in options.k
    ]


def _range(
    recipe: Recipe, changed: Recipe, *, at_recall: float | None
) -> tuple[Range | None, float]:
    """The range to tune in, which values that were given bound, and the middle of the sweep.

    A single value leaves no range: it is tested against the targets, but brought to no recall.
    """
    if recipe.tune_parameter is None:
        return None, 0.0
    name, low, high = (
        recipe.tune_parameter.name,
        recipe.tune_parameter.low,
        recipe.tune_parameter.high,
    )
    swept = _listed(recipe.search.get(name, [low, high]))
    given = _listed(changed.search.get(name, swept))
    if given != swept:
        low, high = min(given), max(given)
        if low == high and at_recall is None:
            return None, 0.0
        if low == high:
            raise VbenchError(
                f"index {recipe.name!r}: {name}={low} leaves nothing to choose; give the lowest "
                f"and the highest value that {name} may take, such as {name}={low},{4 * low}"
            )
        swept = given
    whole = is_whole(resolve(recipe.adapter), name, swept)
    start = math.sqrt(min(swept) * max(swept)) if low > 0 else (min(swept) + max(swept)) / 2
    return Range(name, low, high, whole), start


def _listed(value: Any) -> list[Any]:
    """One value or several, those of numpy as Python's own."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    several = isinstance(value, Sequence) and not isinstance(value, str)
    return [
        each.item() if isinstance(each, np.generic) else each
        for each in (value if several else [value])
    ]


def make_trial(
    build: Build,
    setting: Params,
    k: int,
    options: Options,
    load: Load = USUAL_LOAD,
    view: str = STATIC,
) -> Trial:
    """A trial; its key is a digest of everything that could change its answers or its times."""
    asked = [options.repeats, options.warmup, options.warmup_from, options.rule]
    key = of_document([build.key, view, load.key, setting, k, *asked])
    return Trial(key=key, build=build.key, setting=setting, k=k, view=view, load=load.key)
