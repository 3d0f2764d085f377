"""How wide a search each query of a run needs, and what a perfect width per query would save."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Interval, Params
from vbench.measures.effort import NEVER, efforts, gain
from vbench.measures.hits import threshold
from vbench.runs.settings import Setting
from vbench.stats.crossed import crossed_mean

Clusters = NDArray[np.integer[Any]] | None


class EffortStep(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, and the share of the queries for which it is the smallest that suffices."""

    setting: Params
    recall: float
    queries: Interval


class OracleGain(msgspec.Struct, frozen=True, kw_only=True):
    """An oracle per-query setting against one setting for all: means over builds.

    Attributes
    ----------
    cost
        What is counted: seconds of a query, or its distance computations where no time was taken.
    one_setting
        Of each build the cheapest setting that serves as many queries as the widest.
    one, each
        Mean cost of a query with that setting, and with the smallest sufficient one of each.
    factor, spread
        one / each, and its standard deviation over builds.
    served
        Share of the queries that some setting serves.
    """

    cost: Literal["latency", "work"]
    one_setting: tuple[Params, ...]
    one: float
    each: float
    factor: float
    spread: float | None
    served: float


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest sufficient setting of the queries, from narrow to wide by mean recall.

    Attributes
    ----------
    never
        Share of the queries for which no setting suffices.
    gain
        None where neither time nor work was measured.
    """

    delta: float
    settings: tuple[EffortStep, ...]
    never: Interval
    gain: OracleGain | None


def effort_of(
    setting: Setting,
    delta: float,
    clusters: Clusters = None,
    among: Sequence[Setting] | None = None,
) -> Effort | None:
    """The efforts of the queries over the sweep of a setting: :func:`sweep_of`.

    None where fewer than two settings were measured on the same builds.
    """
    steps = sweep_of(setting, among)
    if len(steps) < 2:
        return None
    (found,) = efforts_at(steps, [threshold(delta, setting.k)])
    return Effort(
        delta=delta,
        settings=tuple(
            EffortStep(
                setting=step.search,
                recall=step.recall,
                queries=_share(found == number, clusters),
            )
            for number, step in enumerate(steps)
        ),
        never=_share(found == NEVER, clusters),
        gain=_gain(steps, found),
    )


def sweep_of(setting: Setting, among: Sequence[Setting] | None = None) -> list[Setting]:
    """The settings on the same builds as one, narrow to wide.

    `among` are all settings of its run, also those tried on the way to a recall; where several
    sweeps are looked for, they are listed once.
    """
    builds = [trial.build for trial in setting.trials]
    same = [
        each
        for each in (setting.run.settings(steps=True) if among is None else among)
        if each.k == setting.k and [trial.build for trial in each.trials] == builds
    ]
    return sorted(same, key=lambda each: each.recall)


def efforts_at(steps: Sequence[Setting], needs: Sequence[int]) -> NDArray[np.int64]:
    """Each query's smallest sufficient setting, as its place in `steps`: int64 (needs, builds, m).

    `needs` are hits that count as served; −1 where no setting suffices.
    """
    hits = np.stack([step.hits for step in steps])
    return np.stack([efforts(hits[:, build], needs) for build in range(hits.shape[1])], axis=1)


def _share(mask: NDArray[np.bool_], clusters: Clusters) -> Interval:
    found = crossed_mean(mask, cluster=clusters)
    return Interval(found.value, found.low, found.high)


def _gain(steps: Sequence[Setting], found: NDArray[np.int64]) -> OracleGain | None:
    """The gain of each build, in its own costs, and their mean."""
    costs, cost = _latencies(steps), "latency"
    if costs is None:
        costs, cost = _work(steps), "work"
    if costs is None:
        return None
    gains = [gain(*pair) for pair in zip(found, costs, strict=True)]
    factors = np.array([each.factor for each in gains])
    return OracleGain(
        cost="latency" if cost == "latency" else "work",
        one_setting=tuple(steps[each.setting].search for each in gains),
        one=float(np.mean([each.one for each in gains])),
        each=float(np.mean([each.each for each in gains])),
        factor=float(factors.mean()),
        spread=float(factors.std(ddof=1)) if len(factors) > 1 else None,
        served=float(np.mean([each.served for each in gains])),
    )


def _latencies(steps: Sequence[Setting]) -> list[NDArray[np.float64]] | None:
    """Seconds of each query at each step, (steps, m), of each build."""
    costs = []
    for build in range(len(steps[0].trials)):
        of_build = []
        for step in steps:
            fastest = step.run.fastest(step.trials[build])
            if fastest is None:
                return None
            of_build.append(fastest)
        costs.append(np.stack(of_build))
    return costs


def _work(steps: Sequence[Setting]) -> list[NDArray[np.float64]] | None:
    """Distance computations of a query at each step, (steps,), of each build."""
    work = [[step.run.facts(trial).work for trial in step.trials] for step in steps]
    if any(value is None for of_step in work for value in of_step):
        return None
    return list(np.array(work, dtype=np.float64).T)
