"""Settings whose answers are identical in every build: one setting, under several names."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from vbench.runs import digests
from vbench.runs.run import Run
from vbench.runs.schema import Trial
from vbench.runs.settings import Setting


def merge_same(settings: Sequence[Setting]) -> list[Setting]:
    """The settings, those with identical answers as one that names the `others`, in their order."""
    groups: dict[Any, list[Setting]] = {}
    for setting in settings:
        groups.setdefault(_answers_of(setting), []).append(setting)
    return [
        dataclasses.replace(first, others=tuple(others)) if others else first
        for first, *others in groups.values()
    ]


def same_as(settings: Sequence[Setting]) -> dict[Setting, str]:
    """Name of the first setting that answers alike, for each that is not the first."""
    return {
        other: str(dataclasses.replace(each, others=()))
        for each in merge_same(settings)
        for other in each.others
    }


def _answers_of(setting: Setting) -> Any:
    """What is equal for settings that cannot be told apart by their answers."""
    run = setting.run
    builds = sorted((run.build_of(trial).number, _digest(run, trial)) for trial in setting.trials)
    return setting.variant, setting.k, tuple(builds)


def _digest(run: Run, trial: Trial) -> str:
    """Digest of a trial's ids; its key, where they were not recorded."""
    if known := run.facts(trial).answers:
        return known
    ids = run.rows(trial, ["ids"]).ids
    return trial.key if ids is None else digests.of_array(ids.astype(np.int64))
