"""What `vbench tune` tells: what was tried, what the held-out queries say, and the verdict."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec

from vbench._document import Document
from vbench.analysis.answer import Answer
from vbench.analysis.document import AlikeRow, SettingRow
from vbench.errors import DamagedFileError
from vbench.runs import files
from vbench.runs.failed import FailedTrial
from vbench.runs.schema import DatasetInfo, Warn
from vbench.runs.views import WHOLE


class Halves(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of queries: those that choose the setting, and those that certify it."""

    calibration: int
    held_out: int


class Bounded(msgspec.Struct, frozen=True, kw_only=True):
    """A measure on the calibration half: the mean over builds, and the bound of the worst build.

    The bound is one-sided. None where the measure has none, or where so few queries bound nothing.
    """

    value: float | None
    bound: float | None


class HalfEvidence(Bounded, frozen=True, kw_only=True):
    """The same on one half of the queries, with the measure of each build."""

    builds: list[float | None]


class CertifiedView(msgspec.Struct, frozen=True, kw_only=True):
    """A view that the targets must hold in: the whole base, a filter or one mask of it, an age.

    Attributes
    ----------
    name
        What ``--view`` selects it by; `none` is the whole base.
    live, allowed
        Base vectors that are in the index, and of these, on average, that may answer a query.
    without
        Queries that have no neighbor to find.
    """

    name: str
    step: int | None
    workload: str | None
    filter: str | None
    mask: int | None
    live: int | None
    allowed: int | None
    without: int = 0


class TriedView(msgspec.Struct, frozen=True, kw_only=True):
    """A setting in one of several views: the objective, and the targets' measures with bounds."""

    view: str
    measures: dict[str, Bounded]
    passes: bool


class TriedSetting(AlikeRow, frozen=True, kw_only=True):
    """A setting that was tried, as the calibration half has it.

    Attributes
    ----------
    measures
        The objective, a mean over views, where it was asked in all of them, and those of the
        targets where they are weakest, by their spelling.
    views
        The same in each of several views that it was asked in; behind one in which a value misses
        its target no other is asked. Empty where there is one.
    met
        Whether the values meet all targets.
    passes
        Whether the bounds do: the calibration half would certify all targets that so many queries
        can.
    judged
        Whether passes that other processes disturbed decide nothing.
    """

    measures: dict[str, Bounded]
    met: bool
    passes: bool
    judged: bool
    views: tuple[TriedView, ...] = ()


class TargetResult(msgspec.Struct, frozen=True, kw_only=True):
    """What both halves say about one target at the best setting, in one view.

    Attributes
    ----------
    view
        Name of the view.
    certified
        Whether the bound of every build on the held-out half meets it.
    judged
        Whether the held-out half says anything, in spite of disturbed passes.
    more_queries
        How many more held-out queries would certify it, if they answered alike; None where no
        number would.
    """

    target: str
    measure: str
    calibration: HalfEvidence
    held_out: HalfEvidence
    certified: bool
    judged: bool
    more_queries: int | None
    view: str = WHOLE


class ObjectiveResult(msgspec.Struct, frozen=True, kw_only=True):
    """The measure that was minimized or maximized, at the best setting: its mean over builds.

    Over several views it is the mean of these.
    """

    measure: str
    calibration: float
    held_out: float


class BestSetting(SettingRow, frozen=True, kw_only=True):
    """The setting to use, and what both halves say about it, target by target in each view."""

    objective: ObjectiveResult
    targets: list[TargetResult]


class IndexResult(msgspec.Struct, frozen=True, kw_only=True):
    """One index: how many of its settings were tried, the best of them, and what went wrong.

    Attributes
    ----------
    met
        Whether one passes on the calibration half.
    combinations, settings
        How many combinations of the other parameters were searched, and settings tried in all.
    """

    index: str
    met: bool
    combinations: int
    settings: int
    best: TriedSetting | None
    faults: list[str]


class Tuning(Document, frozen=True, kw_only=True, tag="vbench.tune/2"):
    """What tuning found.

    Attributes
    ----------
    run
        The folder of the run that holds all trials.
    level
        Confidence of the bounds.
    builds
        Builds of each setting.
    views
        Where the targets must hold: in each of them.
    best
        The setting to use: certified where any was; else the one that came nearest to it, or
        where no setting met the targets, the best that was reached.
    met
        Whether the calibration half met all targets at some setting; None where that cannot be
        judged.
    judged
        Whether this machine could tell: not where the answer depends on passes that other
        processes disturbed.
    certified
        Whether the held-out half certifies every target at the best setting in every view.
    verdict
        The same in one sentence.
    answer
        What the best setting does for the queries that certify it: how many it serves, whom worst,
        and what that costs, in the view that it serves worst.
    again
        The call, as it can be made again.
    tried
        Every setting that was measured, in that order.
    failed, missing
        Planned trials without a result, and the settings that lack builds for that reason.
    """

    run: str
    dataset: DatasetInfo
    targets: list[str]
    objective: str
    level: float
    queries: Halves
    builds: int
    views: list[CertifiedView]
    best: BestSetting
    met: bool | None
    judged: bool
    certified: bool
    verdict: str
    answer: Answer | None = None
    again: str
    indexes: list[IndexResult]
    tried: list[TriedSetting]
    failed: tuple[FailedTrial, ...]
    missing: tuple[str, ...] = ()
    warnings: list[Warn]

    def __repr__(self) -> str:
        return f"<Tuning {self.verdict}>"


def command_of(tuning: Tuning) -> str:
    """The call that measures the best setting on the same data."""
    best = tuning.best
    words = ["vbench", "run", "--index", best.index]
    for name, value in {**best.build, **best.setting}.items():
        words += ["--set", f"{name}={value}"]
    for name, value in tuning.dataset.source.items():
        option = {"name_or_path": "dataset"}.get(name, name).replace("_", "-")
        for each in value if isinstance(value, list) else [value]:
            if option != "name":
                words += [f"--{option}", "none" if each is False else str(each)]
    for text in dict.fromkeys(each.filter for each in tuning.views if each.filter):
        words += ["--filter", text]
    for workload in dict.fromkeys(each.workload for each in tuning.views if each.workload):
        # Of a file there is the name alone; the call is told below.
        if workload.partition(":")[0] in ("churn", "growth"):
            words += ["--workload", workload]
    return shlex.join([*words, "-k", str(best.k)])


def store_tuning(folder: Path, tuning: Tuning) -> None:
    """Keep what was found in the run folder that holds its trials."""
    files.write_json(folder / files.TUNE, tuning)


def read_tuning(folder: Path) -> Tuning | None:
    """What tuning found in a run folder, or None.

    Raises
    ------
    DamagedFileError
        It is damaged, or another version wrote it.
    """
    path = folder / files.TUNE
    document = files.read_json(path, "tune again")
    if document is None:
        return None
    try:
        return msgspec.convert(document, Tuning)
    except msgspec.ValidationError as error:
        raise DamagedFileError(path, str(error), "tune again") from None
