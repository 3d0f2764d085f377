"""Tuning: settings tried against a grid, price against the best, certificates that hold.

Measures a grid of 40 settings of HNSW on part of `books`, three builds each, then tunes again and
again on stored answers: a third of the queries chooses, a third certifies, and the last third,
untouched, says whether the certificate holds there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _print import figure
from numpy.typing import NDArray

import vbench
from vbench.bench.parameter_search import Range
from vbench.bench.plan import Group
from vbench.measures.answers import Answers
from vbench.measures.targets import Target, parse_targets
from vbench.runs.schema import Trial
from vbench.runs.settings import Setting, Variant
from vbench.tuning.search import Budget, best_of, search, secure
from vbench.tuning.targets import parse_objective
from vbench.tuning.trials import Judge, Tried
from vbench.tuning.tuner import ONE_PARAMETER, certify_cheapest

N, K, BUILDS = 10_000, 10, 3
GRID = sorted({round(value) for value in np.geomspace(10, 900, 44)})
SPLITS = 200
TARGETS = (
    "Robustness(delta=0.9)@10>=0.9",
    "Robustness(delta=0.9)@10>=0.97",
    "Robustness(delta=0.5)@10>=0.99",
    "Failure@10<=0.005",
    "Recall@10>=0.95",
    "CVaR(alpha=0.05)@10>=0.5",
)
_STORED = Variant(None, "hnsw", {}, "hnsw", ())  # type: ignore[arg-type]  # of no run: hits alone were stored
Stored = dict[int, NDArray[np.int32]]


class StoredAnswers(Judge):
    """Judges stored hits, each (builds, m), of the setting nearest to the one that is asked."""

    def __init__(self, stored: Stored, target: Target, parts: Sequence[NDArray[np.intp]]) -> None:
        self.stored = stored
        self.targets = [target]
        self.objective = parse_objective(None, None)
        self.level = 0.95
        self.calibration, self.held_out = parts
        self.attainable = [target.is_attainable(len(self.calibration), self.level)]
        self.tried = []

    def measure(self, group: Group, value: float | None) -> Tried:
        nearest = min(self.stored, key=lambda each: abs(np.log(each / (value or 1.0))))
        trials = (Trial(key=str(nearest), build="", setting={}, k=K),)
        setting = Setting(_STORED, {"ef": nearest}, K, trials)
        found = self._weigh(setting, self.calibration)
        slack = self.slack(found.evidence)
        tried = Tried(setting, nearest, found.evidence, float(nearest), slack, views=(found,))
        self.tried.append(tried)
        return tried

    def _objective(self, answers: Sequence[Answers], index: str) -> float:
        return 0.0

    def _answers(self, setting: Setting, rows: NDArray[np.intp]) -> list[Answers]:
        return [_answers(hits[rows]) for hits in self.stored[int(setting.trials[0].key)]]


def _answers(hits: NDArray[np.int32]) -> Answers:
    nothing = np.empty((len(hits), 0), dtype=np.int64)
    return Answers(
        k=K,
        ids=nothing,
        hits=hits,
        truth_ids=nothing,
        truth_distances=nothing.astype(np.float64),
        metric="ip",
        rule="id",
        ratio=np.ones(len(hits)),
        latency_ns=nothing,
    )


def main() -> None:
    """Measure the grid, simulate, print."""
    stored = measured()
    for text in TARGETS:
        (target,) = parse_targets(text)
        tried, certified, held, over = simulated(stored, target)
        figure(f"tune {text}: settings tried, where the grid has {len(stored)}", max(tried), 12, "")
        if held:
            figure(
                f"  certified in {np.mean(certified):.0%} of splits, at {np.median(over):.2f} × "
                "the least ef; fail on a third set",
                1.0 - float(np.mean(held)),
                0.05,
                "",
            )


def measured() -> Stored:
    """Hits of every setting of the grid."""
    books = vbench.load("books")
    base, queries = (np.asarray(part, dtype=np.float32) for part in (books.base[:N], books.queries))
    part = vbench.Dataset("books, part", base, queries, books.metric)
    with tempfile.TemporaryDirectory() as folder:
        run = vbench.run(
            part,
            "hnsw",
            k=K,
            builds=BUILDS,
            repeats=1,
            settings={"ef": GRID},
            out=Path(folder) / "run",
        )
        return {setting.search["ef"]: setting.hits for setting in run.settings()}


def simulated(
    stored: Stored, target: Target
) -> tuple[list[int], list[bool], list[bool], list[float]]:
    """Of each split: settings tried, whether certified, whether that holds, and its price."""
    m = next(iter(stored.values())).shape[1]
    group = Group((), {}, K, Range("ef", 1, 4096, whole=True), 45.0)
    cheapest = min(
        (ef for ef, hits in stored.items() if _is_met(target, hits)), default=max(stored)
    )
    tried, certified, held, over = [], [], [], []
    for split in range(SPLITS):
        parts = np.array_split(np.random.default_rng(split).permutation(m), 3)
        judge = StoredAnswers(stored, target, parts[:2])
        budget = Budget(ONE_PARAMETER)
        outcome = secure(judge, search(judge, group, budget, start=group.start), budget)
        tried.append(len(judge.tried))
        if best_of(judge, outcome.tried) is None:
            certified.append(False)
            continue
        claim = certify_cheapest(judge, outcome)
        certified.append(claim.is_certified)
        if claim.is_certified:
            ef = int(claim.tried.value or 0)
            held.append(_is_met(target, stored[ef][:, parts[2]]))
            over.append(ef / cheapest)
    return tried, certified, held, over


def _is_met(target: Target, hits: NDArray[np.int32]) -> bool:
    values = [target.measure.value(_answers(each)) for each in hits]
    return target.is_met(float(np.mean([value for value in values if value is not None])))


if __name__ == "__main__":
    main()
