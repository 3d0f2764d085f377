"""Planned trials that left no result, and why."""

from __future__ import annotations

from typing import Any

from vbench.runs.run import Run
from vbench.runs.schema import Failure, Trial


def _reason(run: Run, trial: Trial, failure: Failure | None) -> str:
    if trial.key in run.set_aside:
        return f"its file is damaged: {run.set_aside[trial.key]}"
    return failure.reason if failure else "not reached: the run was stopped"


def failed_trials(run: Run) -> list[dict[str, Any]]:
    """Planned trials that left no result: why, or that they were not reached."""
    reasons = {failure.trial: failure for failure in run.manifest.failures}
    listed = []
    for trial in run.manifest.trials:
        if run.is_done(trial):
            continue
        build = run.build_of(trial)
        failure = reasons.get(trial.key)
        listed.append(
            {
                "index": build.index,
                "build": build.params,
                "build_number": build.number,
                "setting": trial.setting,
                "k": trial.k,
                "reason": _reason(run, trial, failure),
                "log": failure.log if failure else "",
            }
        )
    return listed
