"""Settings that tuning tries: measured on every build, judged by the calibration half."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.analysis.segments import join_selections, select_queries
from vbench.bench.bench import Bench
from vbench.bench.plan import Group
from vbench.errors import VbenchError
from vbench.measures.answers import Answers
from vbench.measures.targets import Target
from vbench.runs.run import Run
from vbench.runs.schema import View
from vbench.runs.settings import Setting, Variant
from vbench.runs.views import label_view
from vbench.tuning.evidence import Evidence, weigh
from vbench.tuning.targets import Objective

_IN_VAIN = 2
"""So many settings in a row that other processes disturbed in every pass end the search."""


@dataclass(frozen=True, eq=False)
class InView:
    """What the answers to some queries say about a setting in one view.

    Attributes
    ----------
    setting
        The setting, as the run has it in this view.
    evidence
        Of every target.
    objective
        Mean of the objective's measure over the builds.
    """

    setting: Setting
    evidence: tuple[Evidence, ...]
    objective: float

    @property
    def view(self) -> View:
        """The view."""
        return self.setting.run.view

    @property
    def is_missed(self) -> bool:
        """Whether a value misses its target, and the answers say so."""
        return any(each.is_judged and not each.is_met for each in self.evidence)


@dataclass(frozen=True, eq=False)
class Tried:
    """One setting on every build, and what the calibration half says about it.

    Attributes
    ----------
    evidence
        Of every target, in the view where it is weakest.
    objective
        Mean of the objective's measure over the builds, and over the views.
    slack
        How far the weakest target's bound lies beyond it: not negative where the calibration half
        would certify all of them. Of a target that so few queries cannot certify, how far its
        value lies beyond.
    judged_slack
        The same of the targets that the answers say anything about, ∞ where that is none.
    views
        The views that it was asked in. Behind one in which a value misses its target no other is
        asked.
    """

    setting: Setting
    value: float | None
    evidence: tuple[Evidence, ...]
    objective: float
    slack: float
    judged_slack: float = math.inf
    views: tuple[InView, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the calibration half would certify all targets that so many queries can."""
        return self.slack >= 0.0

    @property
    def is_met(self) -> bool:
        """Whether the values of the calibration half meet all targets."""
        return all(each.is_met for each in self._every)

    @property
    def is_judged(self) -> bool:
        """Whether disturbed passes decide nothing: all targets are judged, or one is missed."""
        return all(each.is_judged for each in self._every) or self.judged_slack < 0.0

    @property
    def _every(self) -> list[Evidence]:
        return [*self.evidence, *(one for view in self.views for one in view.evidence)]

    def objective_in(self, views: Collection[str]) -> float:
        """Mean of the objective over some views, by their keys."""
        found = [each.objective for each in self.views if each.view.key in views]
        return float(np.mean(found)) if found else self.objective

    def __str__(self) -> str:
        return f"{self.setting.index} {self.setting.parameters}".strip()


@dataclass(frozen=True, eq=False)
class Claim:
    """A setting, and what the held-out half says about it in every view that it was asked in.

    As of :class:`Tried`, `evidence` is that of the view where a target is weakest, and `objective`
    a mean over builds and views.
    """

    tried: Tried
    evidence: tuple[Evidence, ...]
    objective: float
    views: tuple[InView, ...] = ()

    @property
    def is_certified(self) -> bool:
        """Whether every target is certified in every view.

        All views must hold for it, so each is tested at the full level (an intersection–union
        test).
        """
        return all(each.is_certified for each in self.evidence)


class Judge:
    """Has settings measured and weighs their answers.

    Queries are split at random by the seed of the run into a calibration half, which alone
    chooses, and a held-out half, which alone makes the claim. Both are the same in all views.
    """

    def __init__(
        self,
        bench: Bench,
        targets: Sequence[Target],
        objective: Objective,
        level: float,
        views: Sequence[View] = (),
    ) -> None:
        self.bench = bench
        self.targets = targets
        self.objective = objective
        self.level = level
        self.run = Run(bench.journal.folder)
        facts = self.run.manifest
        self.calibration, self.held_out = split_queries(facts.dataset.m, facts.options.seed)
        self.views = list(views) or [View()]
        # Of several, the one that decided last comes first.
        self._order = [self.run.in_view(view) for view in self.views]
        self._segments = {
            each.where: select_queries(self.run, each.where) for each in targets if each.where
        }
        self.attainable = [self._is_attainable(each) for each in targets]
        self.tried: list[Tried] = []

    def measure(self, group: Group, value: float | None) -> Tried:
        """Measure a setting on every build; TrialError when one of them leaves no result."""
        found: list[InView] = []
        for run in self._order:
            trials = self.bench.ask(group.builds, group.setting(value), group.k, view=run.view.key)
            # The run's own variants are those of its manifest, which is written at the end.
            variant = Variant(run, group.index, group.build, group.index, tuple(group.build))
            setting = Setting(variant, group.setting(value), group.k, tuple(trials))
            found.append(self._weigh(setting, self.calibration))
            if found[-1].is_missed:
                break
        slacks = [self.slack(each.evidence) for each in found]
        decisive = self._order[slacks.index(min(slacks))]
        self._order.remove(decisive)
        self._order.insert(0, decisive)
        views = self._sorted(found)
        tried = Tried(
            setting=views[0].setting,
            value=value,
            evidence=self._weakest(found),
            objective=float(np.mean([each.objective for each in found])),
            slack=min(slacks),
            judged_slack=min(self.slack(each.evidence, judged=True) for each in found),
            views=views,
        )
        self.tried.append(tried)
        return tried

    def slack(self, evidence: Sequence[Evidence], *, judged: bool = False) -> float:
        """The least slack of all targets, or of the `judged` ones."""
        slacks = [
            each.slack if possible else each.plain_slack
            for each, possible in zip(evidence, self.attainable, strict=True)
            if each.is_judged or not judged
        ]
        return min(slacks, default=math.inf)

    def gives_up(self) -> bool:
        """Whether other processes keep this machine from judging: further trials are in vain.

        Of the settings that miss no target that could be judged, the last ones depend on disturbed
        passes, each of which was made again already.
        """
        hopeful = [each for each in self.tried if each.judged_slack >= 0.0]
        return len(hopeful) >= _IN_VAIN and not any(each.is_judged for each in hopeful[-_IN_VAIN:])

    def claim(self, tried: Tried) -> Claim:
        """What the held-out half says about a setting."""
        found = [
            self._weigh(each.setting, self.held_out, pivot=self.calibration) for each in tried.views
        ]
        objective = float(np.mean([each.objective for each in found]))
        return Claim(tried, self._weakest(found), objective, tuple(found))

    def _weigh(
        self, setting: Setting, rows: NDArray[np.intp], pivot: NDArray[np.intp] | None = None
    ) -> InView:
        """What the answers to these queries say in the view of a setting."""
        evidence = [
            weigh(
                each,
                self._answers(setting, self._of(each, rows)),
                self.level,
                pivot=None if pivot is None else self._answers(setting, self._of(each, pivot)),
            )
            for each in self.targets
        ]
        objective = self._objective(self._answers(setting, rows), setting.index)
        return InView(setting, tuple(evidence), objective)

    def _weakest(self, found: Sequence[InView]) -> tuple[Evidence, ...]:
        """Of every target, the evidence of the view where it is weakest."""
        return tuple(
            min(each, key=lambda one: one.slack if possible else one.plain_slack)
            for each, possible in zip(
                zip(*(view.evidence for view in found), strict=True), self.attainable, strict=True
            )
        )

    def _sorted(self, found: Sequence[InView]) -> tuple[InView, ...]:
        keys = [view.key for view in self.views]
        return tuple(sorted(found, key=lambda each: keys.index(each.view.key)))

    @property
    def _halves(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        return self.calibration, self.held_out

    def _of(self, target: Target, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of some queries that a target is about, in their order."""
        found = join_selections(rows, self._segments[target.where] if target.where else None)
        assert found is not None
        return found

    def _is_attainable(self, target: Target) -> bool:
        """Whether each half of the queries could certify a target in every view."""
        halves = [self._of(target, rows) for rows in self._halves]
        counted = [self._count(run, rows) for run in self._order for rows in halves]
        if target.measure.kind not in ("mean", "tail"):
            counted = [max(map(len, halves))]
        return all(target.is_attainable(n, self.level) for n in counted)

    def _count(self, run: Run, rows: NDArray[np.intp]) -> int:
        """How many of some queries have a neighbor to find in a view.

        Raises
        ------
        VbenchError
            None has.
        """
        allowed = run.ground_truth.allowed
        count = len(rows) if allowed is None else int((allowed[rows] > 0).sum())
        if not count:
            raise VbenchError(
                f"{label_view(run.view.filter, run.view.mask, run.view.step)} half of the queries "
                "have no neighbor to find, so nothing can be certified; widen the filter"
            )
        return count

    def _answers(self, setting: Setting, rows: NDArray[np.intp]) -> list[Answers]:
        return [setting.run.answers(trial).of_queries(rows) for trial in setting.trials]

    def _objective(self, answers: Sequence[Answers], index: str) -> float:
        values = [self.objective.measure.value(each) for each in answers]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            raise VbenchError(
                f"{index} does not record {self.objective.measure}; "
                f"give {spell_option('minimize')} another measure"
            )
        return float(np.mean(known))


def split_queries(m: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the calibration half and of the held-out half, in random order."""
    order = np.random.default_rng([seed, m]).permutation(m)
    return order[: math.ceil(m / 2)], order[math.ceil(m / 2) :]
