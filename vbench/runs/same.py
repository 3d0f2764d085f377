"""Settings whose answers are identical in every build: one setting, under several names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from vbench.runs import digests
from vbench.runs.run import Run
from vbench.runs.schema import Trial
from vbench.runs.setting import Setting, spelt


class Distinct(NamedTuple):
    """A setting, and the later ones that answer exactly as it does."""

    setting: Setting
    others: tuple[Setting, ...]

    @property
    def shown(self) -> dict[str, Any]:
        """Its search parameters, with all values that answer alike: ``{"ef": "16, 32, 64"}``."""
        return joined([each.setting for each in (self.setting, *self.others)])

    def __str__(self) -> str:
        return f"{self.setting.index} {spelt(self.shown)}".strip()


def distinct(run: Run, settings: Sequence[Setting] | None = None) -> list[Distinct]:
    """The settings of a run, those with identical answers as one, in the order of the plan."""
    groups: dict[Any, list[Setting]] = {}
    for setting in run.settings() if settings is None else settings:
        groups.setdefault(_answers(run, setting), []).append(setting)
    return [Distinct(first, tuple(others)) for first, *others in groups.values()]


def joined(parameters: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several settings as one: where they differ, all values in one text."""
    found = {}
    for name in dict.fromkeys(name for each in parameters for name in each):
        values = list(dict.fromkeys(str(each.get(name, "–")) for each in parameters))
        found[name] = parameters[0].get(name) if len(values) == 1 else ", ".join(values)
    return found


def _answers(run: Run, setting: Setting) -> Any:
    """What is equal for settings that cannot be told apart by their answers."""
    builds = sorted((run.build_of(trial).number, _digest(run, trial)) for trial in setting.trials)
    return setting.index, repr(setting.build), setting.k, tuple(builds)


def _digest(run: Run, trial: Trial) -> str:
    """Digest of a trial's ids; its key, where they were not recorded."""
    if known := run.facts(trial).answers:
        return known
    ids = run.rows(trial, ["ids"]).ids
    return trial.key if ids is None else digests.of_array(ids.astype(np.int64))


def same_as(run: Run, settings: Sequence[Setting] | None = None) -> dict[str, str]:
    """Name of the first setting that answers alike, by the key of the first trial of each other."""
    return {
        other.trials[0].key: str(each.setting)
        for each in distinct(run, settings)
        for other in each.others
    }
