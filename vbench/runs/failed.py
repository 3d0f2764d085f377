"""Planned trials without a result, why, and runs shown without those whose file is damaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from vbench.errors import DamagedFileError
from vbench.runs import files
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


def reason_of(run: Run, trial: Trial) -> str:
    """Why a planned trial left no result, or that it was not reached."""
    found = (each for each in run.manifest.failures if each.trial == trial.key)
    return _reason(run, trial, next(found, None))


def _reason(run: Run, trial: Trial, failure: Failure | None) -> str:
    if trial.key in run.set_aside:
        return f"its file is damaged: {run.set_aside[trial.key]}"
    return failure.reason if failure else "not reached: the run was stopped"


Result = TypeVar("Result")


def set_damaged_aside(
    paths: Sequence[str | Path], compute: Callable[[list[Run]], Result], tell: Callable[[str], None]
) -> Result:
    """What `compute` makes of runs, without the trials whose files turn out to be damaged.

    Parameters
    ----------
    tell
        Called once for each of these, with what is wrong.

    Raises
    ------
    DamagedFileError
        When another file than that of a trial is damaged.
    """
    aside: dict[Path, dict[str, str]] = {Path(path): {} for path in paths}
    while True:
        try:
            return compute([Run(path, set_aside=aside[Path(path)]) for path in paths])
        except DamagedFileError as error:
            damaged = Path(str(error.path))
            folder = damaged.parent.parent
            if folder not in aside or damaged != files.trial_path(folder, damaged.stem):
                raise
            if damaged.stem in aside[folder]:
                raise
            aside[folder][damaged.stem] = error.problem
            tell(f"{error}; it is left out here")
