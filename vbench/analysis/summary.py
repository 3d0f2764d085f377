"""A run summed up: every setting with its measures, as the JSON document and the table show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.measures.base import Measure
from vbench.measures.grammar import parse
from vbench.measures.sample import Sample
from vbench.measures.tail import tail
from vbench.measures.usual import DELTA, DELTAS
from vbench.runs.failed import failed_trials
from vbench.runs.run import Run
from vbench.runs.same import same_as
from vbench.runs.settings import Setting
from vbench.stats import crossed

SCHEMA = "vbench.summary/1"


def standard(k: int) -> list[Measure]:
    """The measures that are always computed at K."""
    names = [
        f"Recall@{k}",
        *(f"Robustness(delta={delta})@{k}" for delta in DELTAS),
        f"Percentile(p=5)@{k}",
        f"CVaR(alpha=0.05)@{k}",
        f"Failure@{k}",
        "QPS",
        "BatchQPS",
        "Latency(p=50)",
        "Latency(p=99)",
        "BuildTime",
        "IndexSize",
        "PeakMemory",
        "Work",
    ]
    return [parse(name) for name in names]


def summary(run: Run, extra: Sequence[Measure] = (), cluster: str | None = None) -> dict[str, Any]:
    """The run as a JSON document.

    Parameters
    ----------
    extra
        Measures beside the standard ones; those with a cutoff are computed where K fits.
    cluster
        Column of the queries, such as ``user``, whose equal values are not independent.
    """
    manifest = run.manifest
    settings = run.settings()
    same = same_as(settings)
    facts = msgspec.to_builtins(manifest.dataset)
    return {
        "schema": SCHEMA,
        "run": str(run.path),
        "dataset": {key: facts[key] for key in facts if key != "card"},
        "options": msgspec.to_builtins(manifest.options),
        "cluster": cluster,
        "settings": [
            _setting(run, setting, extra, cluster) | {"same_as": same.get(setting)}
            for setting in settings
        ],
        "levels": msgspec.to_builtins(manifest.levels),
        "failed": failed_trials(run),
        "overhead": msgspec.to_builtins(manifest.overhead),
        "warnings": msgspec.to_builtins(manifest.warnings),
    }


def _setting(
    run: Run, setting: Setting, extra: Sequence[Measure], cluster: str | None
) -> dict[str, Any]:
    fitting = [each for each in extra if each.cutoff in (None, setting.k)]
    measures = list(dict.fromkeys([*standard(setting.k), *fitting]))
    answers = setting.answers(ids=bool(fitting))
    clusters = run.clusters(cluster)
    sample = Sample(answers, clusters=clusters)
    parts = tail(np.stack([each.hits for each in answers]), setting.k, DELTA)
    return {
        "index": setting.index,
        "name": str(setting),
        "build": setting.build,
        "setting": setting.search,
        "k": setting.k,
        "space": setting.space,
        "builds": len(setting.trials),
        "disturbed": sum(each.is_disturbed for each in answers),
        "measures": {str(measure): sample.estimate(measure)._asdict() for measure in measures},
        "tail": {
            "delta": DELTA,
            "persistent": float(parts.persistent.mean()),
            "persistent_interval": share_of_queries(parts.persistent, clusters),
            "lottery": float(parts.build_dependent.mean()),
            "lottery_interval": share_of_queries(parts.build_dependent, clusters),
        },
    }


def share_of_queries(
    mask: NDArray[np.bool_], clusters: NDArray[Any] | None = None
) -> tuple[float, float]:
    """Interval of the share of queries in a mask (m,), over the queries alone."""
    found = crossed.crossed_mean(mask, cluster=clusters)
    return found.low, found.high
