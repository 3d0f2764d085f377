"""What a study measured and drew, as `vbench run --study` prints and keeps it."""

from __future__ import annotations

import msgspec

from vbench._document import Document
from vbench.analysis.ageing import AgeFacts
from vbench.analysis.document import SettingRow
from vbench.analysis.scaling import ScalingLine
from vbench.runs.failed import FailedTrial
from vbench.runs.schema import Level, Warn
from vbench.workloads.runbook import STATIC_WORKLOAD


class StudyRun(msgspec.Struct, frozen=True, kw_only=True):
    """The run of one part, with the levels of recall that its indexes were brought to."""

    part: str
    dataset: str
    run: str
    levels: list[Level]
    warnings: list[Warn]


class StudyRow(SettingRow, frozen=True, kw_only=True):
    """One measure of one setting: mean over builds, 95 % interval, and spread over builds.

    `measure` is without its K, which has a column of its own. `age` says what the index held,
    where the workload changes its base.
    """

    part: str
    dataset: str
    workload: str = STATIC_WORKLOAD
    age: AgeFacts | None = None
    measure: str
    value: float | None
    low: float | None
    high: float | None
    spread: float | None


class StudyResult(Document, frozen=True, kw_only=True, tag="vbench.study/2"):
    """What a study left in its folder.

    Attributes
    ----------
    tables
        The rows of each, which are kept as CSV too.
    scaling
        Lines of measures against the size of the base, of each table of them.
    figures
        Paths; `undrawn` says why there are no others.
    failed, missing
        Planned trials of all runs without a result, and the settings that lack builds for that
        reason.
    """

    study: str
    title: str
    folder: str
    runs: list[StudyRun]
    tables: dict[str, list[StudyRow]]
    scaling: dict[str, list[ScalingLine]] = msgspec.field(default_factory=dict)
    figures: list[str]
    undrawn: list[str]
    page: str | None
    failed: tuple[FailedTrial, ...] = ()
    missing: tuple[str, ...] = ()
