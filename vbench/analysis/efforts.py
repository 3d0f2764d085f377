"""How wide a search each query of a run needs, and what a perfect width per query would save."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.measures.cost import best_of_repeats
from vbench.measures.effort import NEVER, Gain, effort, gain
from vbench.measures.hits import threshold
from vbench.runs.run import Run
from vbench.runs.settings import Setting
from vbench.stats.crossed import crossed_mean

Clusters = NDArray[np.integer[Any]] | None


def effort_of(
    run: Run, setting: Setting, delta: float, clusters: Clusters = None
) -> dict[str, Any] | None:
    """The efforts of the queries over all settings that were measured on the builds of one.

    Settings count from narrow to wide by their mean recall.

    Returns
    -------
    dict or None
        `settings`: each with the share of queries (mean over builds, with its interval) for which
        it is the smallest that suffices; `never`: the share for which none does; `gain`: of a
        perfect setting per query over one for all. None where fewer than two settings were
        measured on the same builds.
    """
    steps = _steps(run, setting)
    if len(steps) < 2:
        return None
    need = threshold(delta, setting.k)
    hits = np.stack([each.hits for each in steps])
    efforts = np.stack([effort(hits[:, build], need) for build in range(hits.shape[1])])
    return {
        "delta": delta,
        "settings": [
            {
                "setting": each.search,
                "recall": float(hits[number].mean()) / setting.k,
                "queries": _share(efforts == number, clusters),
            }
            for number, each in enumerate(steps)
        ],
        "never": _share(efforts == NEVER, clusters),
        "gain": _gain(run, steps, efforts),
    }


def _steps(run: Run, setting: Setting) -> list[Setting]:
    """All settings on the same builds, also those tried on the way to a recall, narrow to wide."""
    builds = [trial.build for trial in setting.trials]
    same = [
        each
        for each in run.settings(steps=True)
        if each.k == setting.k and [trial.build for trial in each.trials] == builds
    ]
    return sorted(same, key=lambda each: each.recall)


def _share(mask: NDArray[np.bool_], clusters: Clusters) -> dict[str, float]:
    found = crossed_mean(mask, cluster=clusters)
    return {"value": found.value, "low": found.low, "high": found.high}


def _gain(run: Run, steps: Sequence[Setting], efforts: NDArray[np.int64]) -> dict[str, Any] | None:
    """The gain of each build, in its own latencies, and their mean."""
    gains: list[Gain] = []
    for build, of_build in enumerate(efforts):
        costs = []
        for step in steps:
            answers = run.answers(step.trials[build], ids=False)
            if not answers.latency_ns.size:
                return None
            costs.append(best_of_repeats(answers))
        gains.append(gain(of_build, np.stack(costs)))
    factors = np.array([each.factor for each in gains])
    spread = float(factors.std(ddof=1)) if len(factors) > 1 else None
    return {
        "cost": "latency",
        "one_setting": [steps[each.setting].search for each in gains],
        "one": float(np.mean([each.one for each in gains])),
        "each": float(np.mean([each.each for each in gains])),
        "factor": float(factors.mean()),
        "spread": spread,
        "served": float(np.mean([each.served for each in gains])),
    }
