"""A run summed up: every setting with its measures, as JSON, tables and page show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Document, Estimated, Interval
from vbench.analysis.ageing import Ageing, summarize_ages
from vbench.analysis.document import AlikeRow, describe_dataset
from vbench.analysis.filters import Filtering, summarize_filters
from vbench.measures.base import Measure
from vbench.measures.cost import FilterSetup
from vbench.measures.grammar import parse
from vbench.measures.sample import Sample
from vbench.measures.tail import tail
from vbench.measures.usual import DELTA, DELTAS
from vbench.runs.failed import FailedTrial, failed_trials, missing_results
from vbench.runs.run import Run
from vbench.runs.schema import DatasetInfo, Level, Options, Origin, Overhead, Warn
from vbench.runs.settings import Setting, same_as
from vbench.stats import crossed

_STANDARD = (
    "Recall@{k}",
    *(f"Robustness(delta={delta})@{{k}}" for delta in DELTAS),
    "Percentile(p=5)@{k}",
    "CVaR(alpha=0.05)@{k}",
    "Failure@{k}",
    "QPS",
    "BatchQPS",
    "Latency(p=50)",
    "Latency(p=99)",
    "BuildTime",
    "IndexSize",
    "PeakMemory",
    "Work",
)


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the queries with a recall under δ in every build, and in some but not all."""

    delta: float
    persistent: Interval
    build_dependent: Interval


class SummaryRow(AlikeRow, frozen=True, kw_only=True):
    """A setting with everything that was measured.

    Attributes
    ----------
    disturbed
        Builds of which other work took the core in every pass.
    service
        The server that the index is built in: times are then those that its client waits.
    measures
        By their spelling.
    """

    disturbed: int
    service: str | None = None
    measures: dict[str, Estimated]
    tail: Tail


class Summary(Document, frozen=True, kw_only=True, tag="vbench.summary/2"):
    """A run: its settings, the levels of recall they were brought to, what failed, what to know.

    `settings` are those of every view; `filtering` joins the masks of each filter, `ageing` the
    searches of each workload. `failed` are the planned trials without a result, `missing` the
    settings that lack builds for that reason; `report` is the page that `vbench run` wrote.
    `origin` is the tool whose results these are, where they were imported.
    """

    run: str
    dataset: DatasetInfo
    options: Options
    cluster: str | None
    settings: list[SummaryRow]
    levels: list[Level]
    failed: tuple[FailedTrial, ...]
    missing: tuple[str, ...] = ()
    overhead: Overhead | None
    warnings: list[Warn]
    filtering: Filtering | None = None
    ageing: tuple[Ageing, ...] = ()
    report: str | None = None
    origin: Origin | None = None


def standard_measures(k: int) -> list[Measure]:
    """The measures that are always computed at K."""
    return [parse(name.format(k=k)) for name in _STANDARD]


def find_extra(measured: Iterable[str], k: int) -> list[Measure]:
    """Those of some measures, by their spelling, that were asked for beside the standard ones."""
    usual = {str(measure) for measure in (*standard_measures(k), FilterSetup())}
    return [parse(name) for name in measured if name not in usual]


def summarize(run: Run, extra: Sequence[Measure] = (), cluster: str | None = None) -> Summary:
    """Sum a run up, with `extra` measures beside the standard ones, each where its K fits.

    Queries that are equal in the column `cluster` are not taken as independent.
    """
    manifest = run.manifest
    views = _views_of(run)
    same = {}
    for view in views:
        same.update(same_as(view.settings(loads=True)))
    rows = {each: summarize_setting(each, extra, cluster) for each in _settings_of(views)}
    return Summary(
        run=str(run.path),
        dataset=describe_dataset(run),
        options=manifest.options,
        cluster=cluster,
        settings=[
            msgspec.structs.replace(row, same_as=same.get(setting)) for setting, row in rows.items()
        ],
        filtering=summarize_filters(run, rows),
        ageing=summarize_ages(run, rows),
        levels=manifest.levels,
        failed=failed_trials([run]),
        missing=missing_results([run]),
        overhead=manifest.overhead,
        warnings=manifest.warnings,
        origin=manifest.origin,
    )


def filtering_of(run: Run) -> Filtering | None:
    """How settings answer under the filters of a run, as its summary says."""
    return summarize_filters(run, _rows_of(run))


def ageing_of(run: Run) -> tuple[Ageing, ...]:
    """How settings answer at the ages of each workload of a run, as its summary says."""
    return summarize_ages(run, _rows_of(run))


def _rows_of(run: Run) -> dict[Setting, SummaryRow]:
    return {each: summarize_setting(each) for each in _settings_of(_views_of(run))}


def _views_of(run: Run) -> list[Run]:
    others = (view for view in run.manifest.views if view.key != run.view.key)
    return [run, *map(run.in_view, others)]


def _settings_of(views: Sequence[Run]) -> list[Setting]:
    return [setting for view in views for setting in view.settings(loads=True)]


_rows: WeakKeyDictionary[Run, dict[Any, SummaryRow]] = WeakKeyDictionary()
"""What was estimated of a run: tables and page show the same estimates, made once."""


def summarize_setting(
    setting: Setting, extra: Sequence[Measure] = (), cluster: str | None = None
) -> SummaryRow:
    """Estimate everything about one setting, once for each run that is open."""
    known = _rows.setdefault(setting.run, {})
    key = tuple(trial.key for trial in setting.trials), cluster
    if key not in known:
        # Not as a page calls it, or with others that answer alike.
        known[key] = _estimate(setting.run.setting_of(setting.trials), cluster)
    fitting = [each for each in extra if each.cutoff in (None, setting.k)]
    if not fitting:
        return known[key]
    sample = Sample(setting.answers(), clusters=setting.run.clusters(cluster))
    more = {str(measure): Estimated(*sample.estimate(measure)) for measure in fitting}
    return msgspec.structs.replace(known[key], measures=known[key].measures | more)


def _estimate(setting: Setting, cluster: str | None) -> SummaryRow:
    answers = setting.answers(ids=False)
    clusters = setting.run.clusters(cluster)
    sample = Sample(answers, clusters=clusters)
    parts = tail(setting.hits, setting.k, DELTA)
    return SummaryRow.from_setting(
        setting,
        disturbed=sum(each.is_disturbed for each in answers),
        service=setting.run.facts(setting.trials[0]).build.service,
        measures={
            str(measure): Estimated(*sample.estimate(measure))
            for measure in (*standard_measures(setting.k), *_of_view(setting))
        },
        tail=Tail(
            delta=DELTA,
            persistent=share_of_queries(parts.persistent, clusters),
            build_dependent=share_of_queries(parts.build_dependent, clusters),
        ),
    )


def _of_view(setting: Setting) -> list[Measure]:
    """What only a filter costs."""
    return [] if setting.run.view.filter is None else [FilterSetup()]


def share_of_queries(mask: NDArray[np.bool_], clusters: NDArray[Any] | None = None) -> Interval:
    """Share of the queries in a mask (m,), with an interval over the queries alone."""
    found = crossed.crossed_mean(mask, cluster=clusters)
    return Interval(float(mask.mean()), found.low, found.high)
