"""What stands before a ranking stage: the candidates of trials, and of exact search."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.measures.answers import Answers
from vbench.metric import FloatArray
from vbench.ranking.judgments import Judgments, find_keys, read_judgments
from vbench.ranking.lists import Ids, Lists
from vbench.ranking.measures import Ideal
from vbench.ranking.pool import Pool
from vbench.runs.run import Run
from vbench.runs.schema import View
from vbench.runs.settings import Setting, merge_same
from vbench.runs.views import name_view
from vbench.workloads.allowed import Allowed
from vbench.workloads.conditions import find_condition

CUTOFF = 10
DEPTHS = (1, 3, CUTOFF)
"""How many exact neighbors survival is counted of, as far as K goes."""
COMPARED = 1_000
"""Queries of which the order of retrieval is compared with a ranker's, at most."""
_BLOCK_COMPARES = 1 << 17
"""Candidates at a time, which a cache holds."""


@dataclass(frozen=True)
class Case:
    """One setting of one run, with its builds.

    Attributes
    ----------
    first : number of its first build among the stage's trials
    answers : of each build, for the judged queries alone: their hits alone
    survivors : int (B, mj) by depth
        How many of so many exact neighbors are among the candidates; :data:`DEPTHS`, at most K.
    """

    setting: Setting
    first: int
    answers: tuple[Answers, ...]
    survivors: Mapping[int, NDArray[np.integer[Any]]]

    @property
    def builds(self) -> slice:
        """Its builds among the stage's trials."""
        return slice(self.first, self.first + len(self.answers))

    @property
    def numbers(self) -> list[int]:
        """The numbers that its builds have in its run."""
        return [self.setting.run.build_of(trial).number for trial in self.setting.trials]

    @functools.cached_property
    def recall(self) -> FloatArray:
        """Recall of every judged query in every build: float64 (B, mj)."""
        return np.stack([each.hits / each.possible() for each in self.answers])

    @property
    def survival(self) -> dict[int, FloatArray]:
        """Share of the exact top among the candidates: float64 (B, mj) by its depth."""
        first = self.answers[0]
        return {depth: found / first.possible(depth) for depth, found in self.survivors.items()}


@dataclass(frozen=True)
class Stage:
    """What every ranker is given: the judged queries of one dataset and their candidates.

    Attributes
    ----------
    k : number of candidates
    cases : settings with their builds
    judgments : those of items that may answer in the view of the runs
    judged : int64 (mj,), the queries that have a relevant item
    allowed : which items may answer in that view, None: all
    ideal : what the judgments allow at best
    pool
        The candidates of those judged queries that a ranking stage can do anything for, and of the
        compared ones; the exact control is list 0, trial t is list t + 1
    grades : float64 (P,), of each pair of the pool
    """

    dataset: Dataset
    k: int
    cases: tuple[Case, ...]
    judgments: Judgments
    judged: NDArray[np.int64]
    ideal: Ideal
    pool: Pool
    grades: FloatArray
    allowed: Allowed | None = None

    @property
    def view(self) -> View:
        """The view of the runs."""
        return self.cases[0].setting.run.view

    @property
    def trials(self) -> int:
        """Number of trials, over all settings."""
        return len(self.pool.places) - 1

    @property
    def compared(self) -> NDArray[np.int64]:
        """The queries of which the order of retrieval is compared with a ranker's, some of all."""
        return self.judged[_spread(len(self.judged))]


def set_up(
    runs: Sequence[Run],
    dataset: Dataset,
    k: int | None = None,
    settings: Sequence[Setting] | None = None,
) -> Stage:
    """Bring the candidates of the judged queries of some runs together.

    By default as many as the largest K that every run holds, of all `settings`. All runs are
    opened in one view, and only judgments of items that may answer there count: what a filter
    keeps out, or is not in the index, no ranking stage could show either.

    Raises
    ------
    VbenchError
        The runs are of another dataset, hold no finished trial with that K, or the dataset has
        no judgments that fit it.
    """
    k = candidates_of(runs, dataset, k)
    allowed = find_condition(runs[0], dataset)
    relevance = read_judgments(dataset).among(allowed)
    rows = relevance.judged
    exact = runs[0].ground_truth.ids[:, :k]
    hope = _Hope(relevance)
    hope.look(exact)
    cases: list[Case] = []
    for run in runs:
        held = [each for each in run.settings() if settings is None or each in settings]
        asked = [each for each in merge_same(held) if each.k == k]
        first = sum(len(each.answers) for each in cases)
        cases += _read_cases(run, asked, rows, first, hope)
    pool = _pool(cases, exact, hope.queries, dataset.n)
    return Stage(
        dataset=dataset,
        k=k,
        cases=tuple(cases),
        judgments=relevance,
        judged=rows,
        ideal=Ideal.of(relevance, CUTOFF),
        pool=pool,
        grades=_grade(pool, relevance),
        allowed=allowed,
    )


def _read_cases(
    run: Run, settings: Sequence[Setting], rows: NDArray[np.int64], first: int, hope: _Hope
) -> Iterator[Case]:
    """Settings of one K, each with its builds, whose trials are counted from `first` on.

    One after another: the ids of all would not fit into memory.
    """
    if not settings:
        return
    k = settings[0].k
    depths = sorted({min(depth, k) for depth in DEPTHS})
    tops = [depth for depth in depths if depth < k]
    unasked = _unasked(run, k)
    # What is kept of answers whose hits have been counted.
    nothing = np.empty((len(unasked.hits), 0))
    judged = dataclasses.replace(unasked, truth_ids=unasked.ids, truth_distances=nothing)
    judged = judged.of_queries(rows)
    listed = unasked.places_of_each(tops)
    for setting in settings:
        kept, found = [], []
        for trial in setting.trials:
            given = run.rows(trial, ["ids", "place"])
            answers = dataclasses.replace(
                unasked,
                ids=unasked.ids if given.ids is None else given.ids,
                place=given.place,
                hits=given.hits,
            )
            near = answers.hits_against_each(tops, listed)
            own = [near.get(depth, answers.hits)[rows] for depth in depths]
            found.append([each.astype(np.int32) for each in own])
            hope.look(answers.ids)
            kept.append(dataclasses.replace(judged, hits=given.hits[rows]))
        survivors = {
            depth: np.stack(each)
            for depth, each in zip(depths, zip(*found, strict=True), strict=True)
        }
        yield Case(setting, first, tuple(kept), survivors)
        first += len(kept)


def _pool(cases: Sequence[Case], exact: Ids, queries: NDArray[np.int64], n: int) -> Pool:
    """The candidates of some queries in the exact lists (m, k), and in the trials of the cases."""
    lists = Lists(len(queries), np.int32 if n <= np.iinfo(np.int32).max else np.int64)
    lists.append(exact, queries)
    repeats = [False]
    for case in cases:
        run = case.setting.run
        for trial in case.setting.trials:
            ids = run.rows(trial, ["ids"]).ids
            assert ids is not None  # they have been looked through
            lists.append(ids, queries)
            repeats.append(run.facts(trial).duplicates > 0)
    return Pool.of(queries, lists, repeats=repeats)


def _unasked(run: Run, k: int) -> Answers:
    """What is true of the queries of a run before any trial has answered them."""
    truth, m = run.ground_truth, run.manifest.dataset.m
    return Answers(
        k=k,
        ids=np.empty((m, 0), dtype=np.int32),
        hits=np.zeros(m, dtype=np.int32),
        truth_ids=truth.ids,
        truth_distances=truth.distances,
        metric=run.manifest.dataset.metric,
        rule=run.manifest.options.rule,
        ratio=np.empty(m),
        latency_ns=np.empty((m, 0), dtype=np.int64),
        allowed=truth.allowed,
    )


def _spread(judged: int) -> NDArray[np.intp]:
    """Up to 1,000 rows all over the judged ones."""
    return np.unique(np.linspace(0, judged - 1, COMPARED).astype(np.intp))


class _Hope:
    """Which queries a ranking stage can do anything for: some list holds what is relevant to them.

    The others are pooled only where their orders are compared.
    """

    def __init__(self, relevance: Judgments) -> None:
        self._judged = relevance.judged
        self._query, self._item = relevance.query, relevance.item
        self._has = np.zeros(relevance.m, dtype=bool)

    @property
    def queries(self) -> NDArray[np.int64]:
        """The queries that are pooled."""
        chosen = self._has[self._judged]
        chosen[_spread(len(chosen))] = True
        return self._judged[chosen]

    def look(self, ids: Ids) -> None:
        """Look through the lists (m, k) of all queries, for those that have had nothing yet."""
        left = np.flatnonzero(~self._has[self._query])
        step = max(1, _BLOCK_COMPARES // max(1, ids.shape[1]))
        for first in range(0, len(left), step):
            part = left[first : first + step]
            query = self._query[part]
            equal = ids[query] == self._item[part, np.newaxis].astype(ids.dtype)
            self._has[query[np.flatnonzero(equal) // ids.shape[1]]] = True


def _grade(pool: Pool, relevance: Judgments) -> FloatArray:
    """The grade of each pair, 0 where nothing is known: the judgments are fewer than the pairs."""
    at, is_there = find_keys(
        pool.query * relevance.n + pool.item, relevance.query * relevance.n + relevance.item
    )
    grades = np.zeros(len(pool))
    grades[at[is_there]] = relevance.grade[is_there]
    return grades


def candidates_of(runs: Sequence[Run], dataset: Dataset, k: int | None) -> int:
    """Number of candidates to rank: `k`, or the largest K that all runs hold.

    Raises
    ------
    VbenchError
        There is no such K, or a run searched other vectors.
    """
    if not runs:
        raise VbenchError("give at least one run folder")
    _same_dataset(runs, dataset)
    return _candidates(runs, k)


def _same_dataset(runs: Sequence[Run], dataset: Dataset) -> None:
    for run in runs:
        facts = run.manifest.dataset
        if facts.fingerprint != dataset.fingerprint:
            raise VbenchError(
                f"{run.path} searched other vectors ({facts.name}, {facts.fingerprint[:8]}…) than "
                f"{dataset.name} ({dataset.fingerprint[:8]}…) holds; rank runs of one dataset at "
                "a time, and with the vectors they searched"
            )
        if run.view.key != runs[0].view.key:
            raise VbenchError(
                f"{run.path} is opened as {name_view(run.view)!r} and {runs[0].path} as "
                f"{name_view(runs[0].view)!r}; rank runs in a view that they share, with "
                f"{spell_option('view')}"
            )


def _candidates(runs: Sequence[Run], k: int | None) -> int:
    held = [{setting.k for setting in run.settings()} for run in runs]
    for run, ks in zip(runs, held, strict=True):
        if not ks:
            raise VbenchError(f"{run.path} holds no finished trial to rank ({run.completion})")
    common = set.intersection(*held)
    if k is None and common:
        return max(common)
    for run, ks in zip(runs, held, strict=True):
        if k not in ks:
            listed = ", ".join(map(str, sorted(ks)))
            wanted = f"no candidates of K={k}" if k else "no K that the other runs hold too"
            raise VbenchError(
                f"{run.path} holds {wanted} (it has K={listed}); give "
                f"{spell_option('k', max(ks))}, or measure again with {spell_option('k', k or 100)}"
            )
    assert k is not None
    return k
