"""What was planned and left no result, why, and runs shown without trials whose file is damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from vbench._document import Params
from vbench.errors import DamagedFileError, VbenchError
from vbench.runs import files
from vbench.runs.loads import LoadInfo, describe_load, find_load
from vbench.runs.run import Run
from vbench.runs.schema import STATIC, Failure, Trial, View
from vbench.runs.settings import Setting
from vbench.runs.views import label_view, planned_views


class FailedTrial(msgspec.Struct, frozen=True, kw_only=True):
    """A planned trial without a result: why, and what its worker printed last."""

    index: str
    build: Params
    build_number: int
    setting: Params
    k: int
    reason: str
    log: str = ""
    run: str = ""
    load: LoadInfo | None = None
    filter: str | None = None
    step: int | None = None


def failed_trials(runs: Iterable[Run], k: int | None = None) -> tuple[FailedTrial, ...]:
    """Planned trials of some runs, or those of one K, that left no result: why, or not reached."""
    return tuple(
        _describe(run, trial, reasons.get(trial.key))
        for run in runs
        for reasons in [{failure.trial: failure for failure in run.manifest.failures}]
        for trial in run.manifest.trials
        if k in (None, trial.k) and not run.is_done(trial)
    )


def _describe(run: Run, trial: Trial, failure: Failure | None) -> FailedTrial:
    build = run.build_of(trial)
    view = {each.key: each for each in run.manifest.views}.get(trial.view, View(key=trial.view))
    return FailedTrial(
        index=build.index,
        build=build.params,
        build_number=build.number,
        setting=trial.setting,
        k=trial.k,
        reason=_reason(run, trial, failure),
        log=failure.log if failure else "",
        run=str(run.path),
        load=describe_load(find_load(run.manifest.loads, trial.load)),
        filter=view.filter,
        step=view.step,
    )


def reason_of(run: Run, trial: Trial) -> str:
    """Why a planned trial left no result, or that it was not reached."""
    found = (each for each in run.manifest.failures if each.trial == trial.key)
    return _reason(run, trial, next(found, None))


def _reason(run: Run, trial: Trial, failure: Failure | None) -> str:
    if trial.key in run.set_aside:
        return f"its file is damaged: {run.set_aside[trial.key]}"
    return failure.reason if failure else "not reached: the run was stopped"


class Gap(NamedTuple):
    """A setting that is planned on one side and has no result on the other, or not of all builds.

    `why` says so in words.
    """

    setting: Setting
    why: str

    def __str__(self) -> str:
        view = self.setting.run.view
        where = label_view(view.filter, view.mask, view.step)
        return f"{self.setting} K={self.setting.k}{where and f' {where}'}: {self.why}"


def find_gaps(settings: Iterable[Setting]) -> Iterator[Gap]:
    """Those of some settings that lack a result of some or all of their planned builds."""
    for each in settings:
        run, done = each.run, len(each.trials)
        lacking = [trial for trial in run.planned_trials(each) if not run.is_done(trial)]
        if lacking:
            some = f"{len(lacking)} of {len(lacking) + done} builds missing"
            builds = some if done else "no result"
            yield Gap(each, f"{builds} in {run.path} ({reason_of(run, lacking[0])})")


def refuse_unanswered(settings: Iterable[Setting]) -> None:
    """Say why a setting that is asked for cannot be shown.

    Raises
    ------
    VbenchError
        One of the settings has no result.
    """
    for gap in find_gaps(settings):
        raise VbenchError(
            f"{gap}; give the same `vbench run` again, which measures what is missing"
        )


def missing_results(runs: Iterable[Run], k: int | None = None) -> tuple[str, ...]:
    """The settings of some runs, or those of one K, that lack planned builds, and why, in words.

    Under each load, and in every view of a run that is opened without one. Settings that were tried
    only on the way to a mean recall are not among them.
    """
    settings = (
        each
        for run in runs
        for view in ([run.view] if run.view.key != STATIC else planned_views(run))
        for seen in [run.in_view(view)]
        for each in (*seen.settings(loads=True), *seen.unanswered(loads=True))
    )
    return tuple(map(str, find_gaps(each for each in settings if k in (None, each.k))))


Result = TypeVar("Result")


def set_damaged_aside(
    paths: Sequence[str | Path], compute: Callable[[list[Run]], Result], tell: Callable[[str], None]
) -> Result:
    """What `compute` makes of runs, without the trials whose files turn out to be damaged.

    `tell` is called once for each of these, with what is wrong.

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
