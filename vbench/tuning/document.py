"""Tuning as a JSON document, and its verdict in words."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from vbench.numbers import amount
from vbench.runs.again import repeat_command
from vbench.runs.failed import failed_trials
from vbench.runs.same import same_as
from vbench.tuning.evidence import Evidence
from vbench.tuning.trials import Tried
from vbench.tuning.tuner import Tuning

SCHEMA = "vbench.tune/1"


def document(tuning: Tuning) -> dict[str, Any]:
    """Everything that tuning found, as `vbench tune --json` prints it."""
    manifest = tuning.run.manifest
    facts = msgspec.to_builtins(manifest.dataset)
    best = tuning.best
    settings = [tuning.run.setting_of(tried.trials) for tried in tuning.tried]
    same = same_as(settings)
    return {
        "schema": SCHEMA,
        "run": str(tuning.run.path),
        "dataset": {key: facts[key] for key in facts if key != "card"},
        "targets": [str(target) for target in tuning.targets],
        "objective": str(tuning.objective),
        "level": tuning.level,
        "queries": {"calibration": tuning.calibration, "held_out": tuning.held_out},
        "builds": manifest.options.builds,
        "best": {
            **_named(best.tried),
            "objective": {
                "measure": str(tuning.objective.measure),
                "calibration": best.tried.objective,
                "held_out": best.objective,
            },
            "targets": [
                {
                    "target": str(held_out.target),
                    "calibration": _evidence(calibration),
                    "held_out": _evidence(held_out),
                    "certified": held_out.is_certified,
                    "judged": held_out.is_judged,
                    "more_queries": held_out.more,
                }
                for calibration, held_out in zip(best.tried.evidence, best.evidence, strict=True)
            ],
        },
        "met": tuning.is_met if tuning.is_judged or tuning.is_met else None,
        "judged": tuning.is_judged,
        "certified": tuning.is_certified,
        "verdict": verdict(tuning),
        "again": repeat_command(manifest.call),
        "indexes": [_best_of_index(tuning, name) for name in _indexes(tuning)],
        "tried": [
            _tried(tuning, tried) | {"name": str(setting), "same_as": same.get(setting)}
            for tried, setting in zip(tuning.tried, settings, strict=True)
        ],
        "failed": failed_trials(tuning.run),
        "warnings": msgspec.to_builtins(manifest.warnings),
    }


def verdict(tuning: Tuning) -> str:
    """One sentence: certified, or not and what it takes, or not met and how near, or not judged."""
    best = tuning.best
    if not tuning.is_judged:
        return _not_judged(tuning)
    if not tuning.is_met:
        missed = min(best.tried.evidence, key=lambda each: each.plain_slack)
        if missed.value is None:
            return f"not met: {missed.target.measure} was not recorded for {best.tried}"
        reached = amount(str(missed.target.measure), missed.value)
        return (
            f"not met: no setting that was tried reaches {missed.target}; "
            f"the best reached is {reached} at {best.tried}"
        )
    if tuning.is_certified:
        return (
            f"certified: {best.tried} meets {_joined(tuning)} in each of "
            f"{tuning.run.manifest.options.builds} builds, with {tuning.level:.0%} confidence, on "
            f"{tuning.held_out} queries that it was not tuned on"
        )
    open_targets = [each for each in best.evidence if not each.is_certified]
    return f"not certified: {best.tried}; " + "; ".join(map(_missing, open_targets))


def _not_judged(tuning: Tuning) -> str:
    held_out = tuning.best.evidence
    calibration = tuning.best.tried.evidence
    judged = [
        each
        for each, before in zip(held_out, calibration, strict=True)
        if each.is_judged and before.is_judged
    ]
    open_ = [str(each.target) for each in held_out if each not in judged]
    disturbed = sum(not each.is_judged for each in tuning.tried)
    said = (
        f"cannot be judged on this machine: {' and '.join(open_)} hangs on passes of which other "
        f"processes disturbed every one, also when they were made again, at {disturbed} of "
        f"{len(tuning.tried)} settings tried"
    )
    for each in judged:
        word = "certified" if each.is_certified else "not certified"
        said += f"; {each.target} is {word} for {tuning.best.tried}"
    return (
        f"{said}. Stop other work and give the call again with --fresh, or bound CpuTime in place "
        "of a latency"
    )


def _missing(evidence: Evidence) -> str:
    target, name = evidence.target, str(evidence.target.measure)
    said = f"{name} is {amount(name, evidence.value)} on the held-out queries"
    if evidence.bound is None:
        return f"{said}, which does not meet {target} in every build"
    surely = (
        f"surely {amount(name, evidence.bound)} in every build"
        if math.isfinite(evidence.bound)
        else "of which so few queries bound nothing"
    )
    if evidence.more is None:
        return f"{said}, {surely}: no number of queries that answer like these would show {target}"
    return f"{said}, {surely}; {evidence.more:,} more queries needed beside these to show {target}"


def _joined(tuning: Tuning) -> str:
    return " and ".join(map(str, tuning.targets))


def _indexes(tuning: Tuning) -> list[str]:
    return list(dict.fromkeys(outcome.group.builds[0].index for outcome in tuning.outcomes))


def _best_of_index(tuning: Tuning, name: str) -> dict[str, Any]:
    """The best setting of one index, as the calibration half has it."""
    outcomes = [each for each in tuning.outcomes if each.group.builds[0].index == name]
    vouched = [each.best for each in outcomes if each.best is not None]
    tried = [each for outcome in outcomes for each in outcome.tried]
    best = min(
        vouched, key=lambda each: tuning.objective.loss(each.objective), default=None
    ) or max(tried, key=lambda each: each.slack, default=None)
    return {
        "index": name,
        "met": bool(vouched),
        "combinations": len(outcomes),
        "settings": len(tried),
        "best": None if best is None else _tried(tuning, best),
        "faults": [each.fault for each in outcomes if each.fault],
    }


def _named(tried: Tried) -> dict[str, Any]:
    build = tried.group.builds[0]
    return {
        "index": build.index,
        "build": build.params,
        "setting": tried.setting,
        "k": tried.group.k,
    }


def _tried(tuning: Tuning, tried: Tried) -> dict[str, Any]:
    measures = {
        str(each.target.measure): {"value": each.value, "bound": each.bound}
        for each in tried.evidence
    }
    objective = {str(tuning.objective.measure): {"value": tried.objective, "bound": None}}
    return {
        **_named(tried),
        "space": tuning.run.setting_of(tried.trials).space,
        "measures": {**objective, **measures},
        "met": tried.is_met,
        "vouched": tried.slack >= 0.0,
        "judged": tried.is_judged,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "value": evidence.value,
        "bound": evidence.bound,
        "builds": list(evidence.builds),
    }
