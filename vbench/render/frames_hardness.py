"""The data behind the charts of hardness and effort."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench.analysis.gather import Panel
from vbench.analysis.matched import match_recall
from vbench.measures.effort import NEVER, Gain, effort, gain
from vbench.measures.hits import threshold
from vbench.render import frames
from vbench.runs.settings import Setting
from vbench.stats.association import spearman, tail_auc

_TENTHS = 10
_WORST = 0.05


@functools.lru_cache(maxsize=16)
def hardness(panel: Panel) -> pl.DataFrame:
    """Mean recall of each tenth of the queries, ordered by each hardness measure.

    Empty where the hardness of the queries was never computed.
    """
    columns = panel.hardness
    if columns is None:
        return pl.DataFrame()
    means = np.stack([shown.hits.mean(axis=0) for shown in panel.settings]) / panel.k
    parts = []
    for name in columns.columns:
        values = columns[name].to_numpy()
        known = np.flatnonzero(np.isfinite(values))
        order = known[np.argsort(values[known], kind="stable")]
        for tenth, rows in enumerate(np.array_split(order, _TENTHS), start=1):
            if len(rows):
                parts.append(
                    pl.DataFrame(
                        {
                            "id": [shown.id for shown in panel.settings],
                            "measure": name,
                            "tenth": tenth,
                            "from": float(values[rows[0]]),
                            "to": float(values[rows[-1]]),
                            "mean_recall": means[:, rows].mean(axis=1),
                        }
                    )
                )
    return pl.concat(parts) if parts else pl.DataFrame()


@dataclass(frozen=True)
class Telling:
    """How well a hardness measure tells which queries one index serves badly."""

    index: str
    measure: str
    rho: float
    auc: float


@functools.lru_cache(maxsize=16)
def telling(panel: Panel) -> list[Telling]:
    """Spearman's ρ with recall, and AUC for the worst 5 %, at equal footing.

    Recall is averaged over builds. An AUC under 0.5 means that the tail has the smaller values.
    """
    columns = panel.hardness
    if columns is None:
        return []
    table = columns.to_numpy().astype(np.float64)
    table[~np.isfinite(table)] = np.nan
    found = []
    for index, shown in match_recall(panel).chosen.items():
        recall = shown.hits.mean(axis=0) / panel.k
        rho = spearman(table, recall).value
        auc = tail_auc(table, _worst(recall)).value
        found += [
            Telling(index, name, float(rho[number]), float(auc[number]))
            for number, name in enumerate(columns.columns)
        ]
    return found


def most_telling(panel: Panel) -> list[str]:
    """Hardness measures, those that tell most of the tail first, averaged over the indexes."""
    strengths: dict[str, list[float]] = {}
    for each in telling(panel):
        strengths.setdefault(each.measure, []).append(abs(each.auc - 0.5))
    strength = {name: float(np.nan_to_num(np.mean(each))) for name, each in strengths.items()}
    return sorted(strength, key=lambda name: -strength[name])


def _worst(recall: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The queries of the worst 5 %, and those equal to the last of them, but not all queries."""
    last = np.partition(recall, int(_WORST * len(recall)))[int(_WORST * len(recall))]
    return np.asarray((recall <= last) & (recall < recall.max()))


@functools.lru_cache(maxsize=16)
def efforts(panel: Panel) -> pl.DataFrame:
    """Share of the queries that need each setting of a sweep to reach δ and stay there.

    For tenths of δ; averaged over builds. `id` is the setting; of the queries that no setting
    serves, the widest, with `served` 0. Empty where no index has two settings.
    """
    rows = []
    for sweep in sweeps(panel):
        hits = np.stack([shown.hits for shown in sweep])
        for need in frames.steps(panel.k).tolist():
            found = np.stack([effort(each, need) for each in hits.swapaxes(0, 1)])
            rows += [
                {
                    "id": sweep[place].id,
                    "need": need,
                    "step": len(sweep) if place == NEVER else place,
                    "steps": len(sweep),
                    "served": int(place != NEVER),
                    "share": float((found == place).mean()),
                }
                for place in [*range(len(sweep)), NEVER]
            ]
    return pl.DataFrame(rows)


def gains(panel: Panel, delta: float) -> list[tuple[Setting, Gain]]:
    """What a perfect setting for each query would save, with the one setting for all.

    Costs are mean latencies, or distance computations where no latency was measured; of the
    first build.
    """
    known = frames.settings(panel)
    qps = dict(zip(known["id"], known["qps"], strict=True))
    work = dict(zip(known["id"], known["work"], strict=True))
    found = []
    for sweep in sweeps(panel):
        costs = [1.0 / qps[shown.id] if qps[shown.id] else work[shown.id] for shown in sweep]
        if None not in costs:
            hits = np.stack([shown.hits[0] for shown in sweep])
            saved = gain(effort(hits, threshold(delta, panel.k)), costs)
            found.append((sweep[saved.setting], saved))
    return found


def sweeps(panel: Panel) -> list[list[Setting]]:
    """The settings of each index and build parameters from narrow to wide, where there are two.

    Narrow to wide by mean recall, and only settings that have every build of the sweep.
    """
    families: dict[str, list[Setting]] = {}
    for shown in panel.settings:
        families.setdefault(str(shown.variant), []).append(shown)
    found = []
    for family in families.values():
        most = max(len(shown.trials) for shown in family)
        whole = [shown for shown in family if len(shown.trials) == most]
        if len(whole) > 1:
            found.append(sorted(whole, key=lambda shown: shown.recall))
    return found
