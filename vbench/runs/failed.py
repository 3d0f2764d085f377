"""Planned trials that left no result, and why."""

from __future__ import annotations

from typing import Any

import msgspec

from vbench.runs.run import Run
from vbench.runs.schema import Failure, Trial


class FailedTrial(msgspec.Struct, frozen=True, kw_only=True):
    """A planned trial without a result: why, and what its worker printed last."""

    index: str
    build: dict[str, Any]
    build_number: int
    setting: dict[str, Any]
    k: int
    reason: str
    log: str = ""


def failed_trials(run: Run) -> list[FailedTrial]:
    """Planned trials that left no result: why, or that they were not reached."""
    reasons = {failure.trial: failure for failure in run.manifest.failures}
    return [
        _describe(run, trial, reasons.get(trial.key))
        for trial in run.manifest.trials
        if not run.is_done(trial)
    ]


def _describe(run: Run, trial: Trial, failure: Failure | None) -> FailedTrial:
    build = run.build_of(trial)
    return FailedTrial(
        index=build.index,
        build=build.params,
        build_number=build.number,
        setting=trial.setting,
        k=trial.k,
        reason=_reason(run, trial, failure),
        log=failure.log if failure else "",
    )


def _reason(run: Run, trial: Trial, failure: Failure | None) -> str:
    if trial.key in run.set_aside:
        return f"its file is damaged: {run.set_aside[trial.key]}"
    return failure.reason if failure else "not reached: the run was stopped"
