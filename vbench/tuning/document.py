"""What tuning found as the document that is shown, and its verdict in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from vbench._invocation import spell_option
from vbench.analysis.answer import Answer, answer_of, find_delta
from vbench.analysis.document import SettingRow, describe_dataset
from vbench.analysis.rank import rank_setting
from vbench.analysis.tuning import (
    BestSetting,
    Bounded,
    CertifiedView,
    HalfEvidence,
    Halves,
    IndexResult,
    ObjectiveResult,
    TargetResult,
    TriedSetting,
    TriedView,
    Tuning,
)
from vbench.bench.call import repeat_command
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError, warn
from vbench.measures import usual
from vbench.measures.base import Measure
from vbench.numbers import write
from vbench.runs.failed import failed_trials, missing_results
from vbench.runs.run import Run
from vbench.runs.schema import STATIC, View
from vbench.runs.settings import Setting, same_as
from vbench.runs.views import label_view, name_filter, name_view
from vbench.tuning.evidence import Evidence
from vbench.tuning.search import Outcome, best_of
from vbench.tuning.trials import Claim, InView, Judge, Tried

R = TypeVar("R", bound=SettingRow)


@dataclass(frozen=True)
class Found:
    """What a search found: the claim, whether any setting met the targets, and whether it is known.

    `run` is that of all trials, after the last one.
    """

    run: Run
    judge: Judge
    outcomes: list[Outcome]
    best: Claim
    is_met: bool
    is_judged: bool

    @property
    def is_certified(self) -> bool:
        """Whether the held-out half certifies every target at the best setting."""
        return self.is_met and self.best.is_certified


def describe(found: Found, dataset: Dataset | None = None, price: Measure | None = None) -> Tuning:
    """Everything that is shown of a search; with judgments in the dataset, also of ranking."""
    run, judge, best = found.run, found.judge, found.best
    rows = _rows(found)
    return Tuning(
        run=str(run.path),
        dataset=describe_dataset(run),
        targets=[str(target) for target in judge.targets],
        objective=str(judge.objective),
        level=judge.level,
        queries=Halves(calibration=len(judge.calibration), held_out=len(judge.held_out)),
        builds=run.manifest.options.builds,
        views=[_of_view(run.in_view(view)) for view in judge.views],
        best=_of_all_views(
            judge,
            BestSetting.from_setting(
                _stored(run, best.tried.setting),
                objective=ObjectiveResult(
                    measure=str(judge.objective.measure),
                    calibration=best.tried.objective,
                    held_out=best.objective,
                ),
                targets=[
                    TargetResult(
                        target=str(held_out.target),
                        measure=held_out.target.name,
                        calibration=_of_half(calibration),
                        held_out=_of_half(held_out),
                        certified=held_out.is_certified,
                        judged=held_out.is_judged,
                        more_queries=held_out.more,
                        view=name_view(after.view),
                    )
                    for before, after in zip(best.tried.views, best.views, strict=True)
                    for calibration, held_out in zip(before.evidence, after.evidence, strict=True)
                ],
            ),
        ),
        met=found.is_met if found.is_judged or found.is_met else None,
        judged=found.is_judged,
        certified=found.is_certified,
        verdict=verdict(found),
        answer=_answer(found, dataset, price),
        again=repeat_command(run.manifest.call),
        indexes=_indexes(found, rows),
        tried=list(rows.values()),
        failed=failed_trials([run]),
        missing=missing_results([run]),
        warnings=run.manifest.warnings,
    )


def _answer(found: Found, dataset: Dataset | None, price: Measure | None) -> Answer:
    """What the best setting does for the held-out queries, in the view where it serves fewest."""
    judge = found.judge
    delta = find_delta([each.measure for each in judge.targets], usual.DELTA)
    answers = []
    for view in found.best.views:
        setting = _stored(found.run, view.setting)
        answers.append(answer_of(setting, delta, rows=judge.held_out, price=price))
    worst = min(answers, key=lambda each: each.served.value or 0.0)
    if dataset is None or dataset.relevance is None:
        return worst
    setting = _stored(found.run, found.best.views[answers.index(worst)].setting)
    try:
        return msgspec.structs.replace(worst, ranking=rank_setting(setting, dataset))
    except VbenchError as error:
        warn(f"what the ranking stage loses is not told: {error}")
        return worst


def _rows(found: Found) -> dict[Tried, TriedSetting]:
    """Every setting that was tried, in that order; `view` is None where there are several."""
    settings = [_stored(found.run, tried.setting) for tried in found.judge.tried]
    # What answers alike in one view need not in another.
    same = same_as(settings) if len(found.judge.views) == 1 else {}
    return {
        tried: _of_all_views(
            found.judge,
            TriedSetting.from_setting(
                setting,
                same_as=same.get(setting),
                measures=_measures(found, tried),
                met=tried.is_met,
                passes=tried.passes,
                judged=tried.is_judged,
                views=tuple(
                    TriedView(
                        view=name_view(each.view),
                        measures=_measures(found, each),
                        passes=found.judge.slack(each.evidence) >= 0.0,
                    )
                    for each in (tried.views if len(found.judge.views) > 1 else ())
                ),
            ),
        )
        for tried, setting in zip(found.judge.tried, settings, strict=True)
    }


def _of_all_views(judge: Judge, row: R) -> R:
    """A row without the view that its setting was first asked in, where there are several."""
    return row if len(judge.views) == 1 else msgspec.structs.replace(row, view=None)


def _measures(found: Found, tried: Tried | InView) -> dict[str, Bounded]:
    # Views differ in what they cost: the mean of some of them says nothing.
    partial = isinstance(tried, Tried) and len(tried.views) < len(found.judge.views)
    objective = None if partial else tried.objective
    return {
        str(found.judge.objective.measure): Bounded(value=objective, bound=None),
        **{
            each.target.name: Bounded(value=each.value, bound=_finite(each.bound))
            for each in tried.evidence
        },
    }


def _stored(run: Run, setting: Setting) -> Setting:
    """A setting that was measured, as the run has it after the last one."""
    return run.in_view(setting.run.view).setting_of(setting.trials)


def _of_view(run: Run) -> CertifiedView:
    view, allowed = run.view, run.ground_truth.allowed
    return CertifiedView(
        name=name_view(view),
        step=view.step,
        workload=view.workload,
        filter=view.filter,
        mask=view.mask,
        live=view.live,
        allowed=view.allowed,
        without=0 if allowed is None else int((allowed == 0).sum()),
    )


def _of_half(evidence: Evidence) -> HalfEvidence:
    bound = _finite(evidence.bound)
    return HalfEvidence(value=evidence.value, bound=bound, builds=list(evidence.builds))


def _finite(bound: float | None) -> float | None:
    return None if bound is None or math.isinf(bound) else bound


def _indexes(found: Found, rows: dict[Tried, TriedSetting]) -> list[IndexResult]:
    """The best setting of each index, as the calibration half has it."""
    results = []
    for name in dict.fromkeys(outcome.group.index for outcome in found.outcomes):
        outcomes = [each for each in found.outcomes if each.group.index == name]
        tried = [each for outcome in outcomes for each in outcome.tried]
        passing = best_of(found.judge, tried)
        best = passing or max(tried, key=lambda each: each.slack, default=None)
        results.append(
            IndexResult(
                index=name,
                met=passing is not None,
                combinations=len(outcomes),
                settings=len(tried),
                best=None if best is None else rows[best],
                faults=[each.fault for each in outcomes if each.fault],
            )
        )
    return results


def verdict(found: Found) -> str:
    """One sentence: certified, or not and what it takes, or not met and how near, or not judged."""
    best, judge = found.best, found.judge
    if not found.is_judged:
        return _not_judged(found)
    if not found.is_met:
        asked, missed = min(
            ((view, each) for view in best.tried.views for each in view.evidence),
            key=lambda pair: pair[1].plain_slack,
        )
        if missed.value is None:
            return f"not met: {missed.target.measure} was not recorded for {best.tried}"
        view = asked.view
        where = f" {label_view(view.filter, view.mask, view.step)}".rstrip()
        return (
            f"not met: no setting that was tried reaches {missed.target}{where}; "
            f"the best reached is {_written(missed, missed.value)} at {best.tried}"
        )
    if found.is_certified:
        builds = found.run.manifest.options.builds
        among = "the one build" if builds == 1 else f"each of {builds} builds"
        return (
            f"certified{_where(judge.views)}: {best.tried} meets "
            f"{' and '.join(map(str, judge.targets))} in {among}, with {judge.level:.0%} "
            f"confidence, on {len(judge.held_out)} queries that it was not tuned on"
        )
    open_targets = [
        _missing(each, view.view)
        for view in best.views
        for each in view.evidence
        if not each.is_certified
    ]
    return f"not certified{_where(judge.views)}: {best.tried}; {'; '.join(open_targets)}"


def _where(views: Sequence[View]) -> str:
    """`` under these filters and at this age (churn@2 & seen, churn@2)``; "" for the whole base."""
    if [view.key for view in views] == [STATIC]:
        return ""
    filters = dict.fromkeys(view.filter for view in views)
    ages = dict.fromkeys(view.step for view in views)
    said = []
    if [*filters] != [None]:
        said.append(f"under {'this filter' if len(filters) == 1 else 'these filters'}")
    if [*ages] != [None]:
        said.append(f"at {'this age' if len(ages) == 1 else 'these ages'}")
    masks: dict[str, int] = {}
    for view in views:
        masks[name_filter(view)] = masks.get(name_filter(view), 0) + 1
    named = [name + (f" in {count} masks" if count > 1 else "") for name, count in masks.items()]
    return f" {' and '.join(said)} ({', '.join(named)})"


def _not_judged(found: Found) -> str:
    best, tried = found.best, found.judge.tried
    judged = [
        each
        for each, before in zip(best.evidence, best.tried.evidence, strict=True)
        if each.is_judged and before.is_judged
    ]
    open_ = [str(each.target) for each in best.evidence if each not in judged]
    disturbed = sum(not each.is_judged for each in tried)
    said = (
        f"cannot be judged on this machine: {' and '.join(open_)} depends on passes that other "
        f"processes disturbed, also when they were repeated, at {disturbed} of {len(tried)} "
        "settings tried"
    )
    for each in judged:
        word = "certified" if each.is_certified else "not certified"
        said += f"; {each.target} is {word} for {best.tried}"
    return (
        f"{said}. Stop other work and give the call again with {spell_option('fresh', True)}, or "
        "bound CpuTime in place of a latency"
    )


def _missing(evidence: Evidence, view: View) -> str:
    """What a target lacks: how far its bound is, and how many queries would show it."""
    target = evidence.target
    where = label_view(view.filter, view.mask, view.step)
    said = f"{target.name} is {_written(evidence, evidence.value)} on the held-out queries"
    said += f" {where}" if where else ""
    if evidence.bound is None:
        return f"{said}, which does not meet {target} in every build"
    side = "lower" if target.rises else "upper"
    bound = (
        f"{side} bound {_written(evidence, evidence.bound)} in every build"
        if math.isfinite(evidence.bound)
        else f"too few for a{'n' if side == 'upper' else ''} {side} bound"
    )
    if evidence.more is None:
        return f"{said}, {bound}: no number of queries that answer like these would show {target}"
    return f"{said}, {bound}; {evidence.more:,} more queries needed beside these to show {target}"


def _written(evidence: Evidence, value: float | None) -> str:
    return write(value, evidence.target.measure.unit)
