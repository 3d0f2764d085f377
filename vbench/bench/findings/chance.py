"""Answers that are no better than random rows, and what they may be instead."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset
from vbench.indexes.recipe import recipe_files
from vbench.indexes.registry import adapters
from vbench.indexes.space import insertion_order
from vbench.measures.hits import relevant
from vbench.metric import METRICS, distance
from vbench.neighbors.blocks import blocks
from vbench.runs.run import Run
from vbench.runs.schema import Trial, Warn
from vbench.runs.settings import Setting


def check_command(run: Run, setting: Setting) -> str:
    """The call that checks the index of a setting: by its recipe, or by its adapter."""
    if (origin := run.manifest.origin) is not None:
        return f"a look at how {origin.tool} asked it"
    name = setting.index
    if ":" not in name and name not in recipe_files() and name not in adapters():
        name = run.build_of(setting.trials[0]).adapter
    return f"vbench index check {shlex.quote(name)}"


Ids = NDArray[np.integer[Any]]

_ERRORS = 3.0
_SUSPECT = 0.5
"""Mean recall under which ids are looked at that may be shifted."""
_SAMPLE = 16
"""Queries for which other metrics are tried."""
_MOST_PRODUCTS = 1 << 29
"""Products of a sample with the base, beyond which no other metric is tried: some seconds."""
_MANY = 0.5
"""Share of an answer that another reading of it must explain."""


class Cause(NamedTuple):
    """What the answers are, and what to do about it."""

    words: str
    remedy: str


def warn_of_chance(run: Run, settings: Sequence[Setting], dataset: Dataset | None) -> list[Warn]:
    """Settings that find no more than as many random rows would, each index once."""
    found: dict[str, Warn] = {}
    for setting in settings:
        hits = setting.hits
        n, k = run.manifest.dataset.n, setting.k
        recall = float(hits.mean()) / k
        limit = recall_by_chance(n, k, hits.size)
        is_chance = recall <= limit < 1.0
        if setting.index in found or not (is_chance or (recall < _SUSPECT and limit < _SUSPECT)):
            continue
        cause = _cause(run, setting, dataset, recall, is_chance=is_chance)
        if is_chance:
            found[setting.index] = _random(run, setting, recall, k / n, cause)
        elif cause is not None:
            found[setting.index] = Warn(
                "shifted ids",
                f"{setting}: mean recall is {recall:.4f}; {cause.words}",
                "the answers are those of other rows",
                cause.remedy,
                code="shifted-ids",
                setting=str(setting),
            )
    return list(found.values())


def recall_by_chance(n: int, k: int, answers: int) -> float:
    """Mean recall that random rows stay under: K/n and three standard errors.

    `answers` counts queries times builds.
    """
    share = k / n
    # Hits of one answer are hypergeometric: K drawn of n, of which K are right.
    variance = k * share * (1 - share) * (n - k) / max(1, n - 1)
    return share + _ERRORS * math.sqrt(variance / answers) / k


def _random(run: Run, setting: Setting, recall: float, share: float, cause: Cause | None) -> Warn:
    if cause is None:
        cause = Cause(
            "likely: ids that begin with 1, rows in another order, the sign of the distance "
            "turned, another metric",
            check_command(run, setting),
        )
    return Warn(
        "no better than random",
        f"{setting}: mean recall is {recall:.4f}, random rows have {share:.4f}; {cause.words}",
        "every other number of it is about wrong answers",
        cause.remedy,
        code="random-recall",
        setting=str(setting),
    )


def _cause(
    run: Run, setting: Setting, dataset: Dataset | None, recall: float, *, is_chance: bool
) -> Cause | None:
    trial = setting.trials[0]
    ids = run.rows(trial, ["ids"]).ids
    if ids is None:
        return None
    check = check_command(run, setting)
    if (ids < 0).all():
        return Cause("every answer is empty", check)
    words, read = _read_otherwise(run, trial, ids, dataset)
    if read > max(_SUSPECT, recall + 0.25):
        return Cause(
            f"{words}: read so, its recall is {read:.4f}",
            f"let search return row numbers of the base that fit was given; then {check}",
        )
    if is_chance and dataset is not None and (other := _other_order(run, ids, dataset)):
        return Cause(
            f"it returns {other}",
            f"look at how fit takes the metric, and whether more or less is nearer; then {check}",
        )
    return None


def _read_otherwise(run: Run, trial: Trial, ids: Ids, dataset: Dataset | None) -> tuple[str, float]:
    """The reading of ids under which most are right, and the recall that this gives."""
    facts, build = run.manifest.dataset, run.facts(trial).build
    left_out = np.empty(0, np.int64) if dataset is None else dataset.zero_row_ids
    if len(left_out) != (facts.zero_rows or 0):
        return "", 0.0
    seed = build.seed if build.order_seed is None else build.order_seed
    order = insertion_order(facts.n, left_out, seed)
    place = np.zeros(facts.n, dtype=np.int64)
    place[order] = np.arange(len(order))
    truth = run.ground_truth.ids[:, : trial.k]
    counted = place[ids]
    readings = {
        "its ids begin with 1": order[(counted - 1) % len(order)],
        "its ids are too small by one": order[(counted + 1) % len(order)],
        "its ids are rows of the dataset, not of the base that fit was given, which each build "
        "gets in another order": counted,
    }
    recalls = {
        words: _overlap(np.where(ids < 0, -1, read), truth) for words, read in readings.items()
    }
    best = max(recalls, key=recalls.__getitem__)
    return best, recalls[best]


def _other_order(run: Run, ids: Ids, dataset: Dataset) -> str:
    """In which other order a sample of the answers are the nearest; empty where in none."""
    rows = np.unique(np.linspace(0, len(ids) - 1, min(_SAMPLE, len(ids)), dtype=np.int64))
    if len(rows) * dataset.n * dataset.d > _MOST_PRODUCTS:
        return ""
    k = ids.shape[1]
    queries = np.asarray(dataset.queries[rows], dtype=np.float32)
    own = dataset.metric
    for metric in (own, *(each for each in METRICS if each != own)):
        distances = np.concatenate(
            [
                np.stack([distance(query, block, metric) for query in queries])
                for _, block in blocks(dataset.base)
            ],
            axis=1,
        )
        order = np.argsort(distances, axis=1, kind="stable")
        if _overlap(ids[rows], order[:, -k:]) > _MANY:
            return "the farthest vectors" + ("" if metric == own else f" under {metric}")
        if metric != own and _overlap(ids[rows], order[:, :k]) > _MANY:
            return f"the nearest vectors under {metric}, not under {own}"
    return ""


def _overlap(ids: Ids, wanted: Ids) -> float:
    """Share of the wanted ids that are there, row by row."""
    return float(relevant(wanted, ids).mean())
