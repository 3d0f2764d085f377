"""Settings that tuning tries: measured on every build, judged by the calibration half."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.bench.bench import Bench
from vbench.bench.plan import Group
from vbench.errors import VbenchError
from vbench.measures.answers import Answers
from vbench.measures.targets import Target
from vbench.runs.run import Run
from vbench.runs.schema import Trial
from vbench.runs.settings import Setting, Variant
from vbench.tuning.evidence import Evidence, weigh
from vbench.tuning.targets import Objective

_IN_VAIN = 2
"""So many settings in a row that other processes disturbed in every pass end the search."""


@dataclass(frozen=True, eq=False)
class Tried:
    """One setting on every build, and what the calibration half says about it.

    Attributes
    ----------
    objective
        Mean of the objective's measure over the builds.
    slack
        How far the weakest target's bound lies beyond it: not negative where the calibration half
        would certify all of them. Of a target that so few queries cannot certify, how far its
        value lies beyond.
    judged_slack
        The same of the targets that the answers say anything about, ∞ where that is none.
    """

    setting: Setting
    value: float | None
    evidence: tuple[Evidence, ...]
    objective: float
    slack: float
    judged_slack: float = math.inf

    @property
    def passes(self) -> bool:
        """Whether the calibration half would certify all targets that so many queries can."""
        return self.slack >= 0.0

    @property
    def is_met(self) -> bool:
        """Whether the values of the calibration half meet all targets."""
        return all(each.is_met for each in self.evidence)

    @property
    def is_judged(self) -> bool:
        """Whether disturbed passes decide nothing: all targets are judged, or one is missed."""
        return all(each.is_judged for each in self.evidence) or self.judged_slack < 0.0

    def __str__(self) -> str:
        return f"{self.setting.index} {self.setting.parameters}".strip()


@dataclass(frozen=True, eq=False)
class Claim:
    """A setting, and what the held-out half says about it; `objective` is a mean over builds."""

    tried: Tried
    evidence: tuple[Evidence, ...]
    objective: float

    @property
    def is_certified(self) -> bool:
        """Whether every target is certified."""
        return all(each.is_certified for each in self.evidence)


class Judge:
    """Has settings measured and weighs their answers.

    Queries are split at random by the seed of the run into a calibration half, which alone
    chooses, and a held-out half, which alone makes the claim.
    """

    def __init__(
        self, bench: Bench, targets: Sequence[Target], objective: Objective, level: float
    ) -> None:
        self.bench = bench
        self.targets = targets
        self.objective = objective
        self.level = level
        self.run = Run(bench.journal.folder)
        facts = self.run.manifest
        self.calibration, self.held_out = split_queries(facts.dataset.m, facts.options.seed)
        self.attainable = [each.is_attainable(len(self.calibration), level) for each in targets]
        self.tried: list[Tried] = []

    def measure(self, group: Group, value: float | None) -> Tried:
        """Measure a setting on every build; TrialError when one of them leaves no result."""
        trials = tuple(self.bench.ask(group.builds, group.setting(value), group.k))
        answers = self._answers(trials, self.calibration)
        evidence = tuple(weigh(target, answers, self.level) for target in self.targets)
        # The run's own variants are those of its manifest, which is written at the end.
        variant = Variant(self.run, group.index, group.build, group.index, tuple(group.build))
        tried = Tried(
            setting=Setting(variant, group.setting(value), group.k, trials),
            value=value,
            evidence=evidence,
            objective=self._objective(answers, group.index),
            slack=self.slack(evidence),
            judged_slack=self.slack(evidence, judged=True),
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
        setting = tried.setting
        answers = self._answers(setting.trials, self.held_out)
        pivot = self._answers(setting.trials, self.calibration)
        evidence = [weigh(each, answers, self.level, pivot=pivot) for each in self.targets]
        return Claim(tried, tuple(evidence), self._objective(answers, setting.index))

    def _answers(self, trials: Sequence[Trial], rows: NDArray[np.intp]) -> list[Answers]:
        return [self.run.answers(trial).of_queries(rows) for trial in trials]

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
