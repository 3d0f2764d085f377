"""The tail of a run explained: who is in it, how hard they are, whether others serve them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Document, Interval
from vbench._invocation import spell_option
from vbench.analysis.document import SettingRow, ViewFacts
from vbench.analysis.efforts import Effort, effort_of
from vbench.analysis.gather import Panel, match_level, nearest_of
from vbench.analysis.hardness import Association, associations, most_telling
from vbench.analysis.in_graph import Telling, tell_graph, with_graph
from vbench.analysis.internals import Internals, internals_of
from vbench.analysis.items import Items, items_of
from vbench.analysis.overlap import (
    Everywhere,
    Overlap,
    everywhere_of,
    in_most_builds,
    overlap_of,
)
from vbench.analysis.segments import Cross, Segment, SegmentRow, cross_columns, divide, segment_rows
from vbench.analysis.shares import QueryShare, count_queries
from vbench.analysis.tail_views import ViewTail, tail_by_view
from vbench.analysis.verdict import spoils, tell_missing
from vbench.analysis.worst import WorstQuery, with_neighbors, worst_rows
from vbench.bench.findings.copies import WrongCopies, warn_of_copies, wrong_copies
from vbench.data.copies import kept_copies
from vbench.data.dataset import Dataset
from vbench.errors import UnknownNameError, VbenchError
from vbench.measures import usual
from vbench.measures.hits import threshold
from vbench.measures.recall import Recall
from vbench.measures.sample import Sample
from vbench.measures.tail import tail
from vbench.runs.failed import (
    FailedTrial,
    failed_trials,
    missing_results,
    refuse_unanswered,
)
from vbench.runs.run import Run
from vbench.runs.schema import Warn
from vbench.runs.selection import select
from vbench.runs.settings import Setting, by_variant
from vbench.runs.vectors import Names, dataset_of, hardness_of
from vbench.runs.views import label_view, open_view, planned_views
from vbench.stats.crossed import crossed_mean

if TYPE_CHECKING:
    import polars as pl

WORST = 200
"""How many of the worst queries a page has room for, over all its indexes."""
MANY_UNREACHABLE = 0.05
"""Share of the missed neighbors that no search can reach, above which that is worth a warning."""


class TailRow(SettingRow, frozen=True, kw_only=True):
    """The tail of one setting.

    Attributes
    ----------
    recall, under
        Mean recall, and the share of the queries under δ, over builds and queries.
    persistent, build_dependent
        Queries that are under δ in every build, and in some but not all.
    worst
        The worst queries: the persistent tail, then the build-dependent one, by rising hits.
    segments
        The highest share first.
    hardness
        The measure that tells the tail best first; empty where hardness is not known.
    effort
        None where the run has no other setting on the same builds.
    internals
        What `--graph` found; None until it has.
    telling
        How well each measure tells the tails of a graph, the hardness of the queries in it among
        them; empty until `--graph` has read it.
    wrong_copies
        None where the base holds no copies, or they are not known.
    items
        The items' side; None where the ids of the answers were not recorded.
    """

    recall: Interval
    under: Interval
    persistent: QueryShare
    build_dependent: QueryShare
    worst: tuple[WorstQuery, ...]
    segments: tuple[SegmentRow, ...]
    hardness: tuple[Association, ...]
    effort: Effort | None
    internals: Internals | None
    wrong_copies: WrongCopies | None
    items: Items | None
    telling: tuple[Telling, ...] = ()


class TailReport(Document, frozen=True, kw_only=True, tag="vbench.tail/2"):
    """The tails of the settings of one run.

    Attributes
    ----------
    delta
        A query whose recall is under it is in the tail.
    cluster
        Column whose equal values were not taken as independent.
    view
        The filter under which the queries were asked, of several masks one; None: none.
    overlap, everywhere
        A query counts as in a setting's tail where it is under δ in most builds.
    hardness
        Measures of hardness, those that tell the tails of all settings best first.
    views
        The tails in every view, and who is in them only there, where several were asked and none
        was chosen; the rest of the report is about the first of them.
    failed, missing
        Planned trials of the run without a result, and the settings that lack builds for that
        reason.
    """

    run: str
    dataset: str
    queries: int
    k: int
    delta: float
    cluster: str | None
    view: ViewFacts | None = None
    indexes: tuple[TailRow, ...]
    overlap: tuple[Overlap, ...]
    everywhere: Everywhere
    hardness: tuple[str, ...]
    views: tuple[ViewTail, ...] = ()
    failed: tuple[FailedTrial, ...] = ()
    missing: tuple[str, ...] = ()
    warnings: tuple[Warn, ...] = ()

    @property
    def under(self) -> str:
        """The view in words, ``under popularity < 20``; "" for the whole base."""
        view = self.view
        return "" if view is None else label_view(view.filter, view.mask, view.step)

    def harder(self, measure: str) -> Literal["larger", "smaller"]:
        """Whether the queries of the tails have the larger or the smaller values of a measure."""
        found = [each for row in self.indexes for each in row.hardness if each.measure == measure]
        lean = sum(0.0 if each.auc is None else each.auc - 0.5 for each in found)
        return "smaller" if lean < 0 else "larger"


class _Asked(NamedTuple):
    """What the rows of a report need beside their settings.

    `ids` says whether to name ids of the answers: what was missed, lost items, and wrong copies.
    """

    delta: float
    number: int
    hardness: pl.DataFrame | None
    names: Names
    cluster: str | None = None
    cross: Cross = ()
    dataset: Dataset | None = None
    ids: bool = False


def explain(
    run: Run,
    *,
    indexes: Sequence[str] = (),
    settings: Sequence[str] = (),
    k: int | None = None,
    delta: float = usual.DELTA,
    number: int = 20,
    dataset: Dataset | None = None,
    cluster: str | None = None,
    cross: Cross = (),
    view: str | None = None,
) -> TailReport:
    """The tail of every index; :func:`vbench.tail` says what the arguments mean."""
    run = open_view(run, view)
    if not 0.0 < delta <= 1.0:
        raise VbenchError(f"delta={delta}; give a number above 0, up to 1")
    if number < 0:
        raise VbenchError(f"{number} worst queries cannot be shown; give a number from 0 on")
    for pair in cross:
        cross_columns(run, *pair)
    chosen = choose(run, indexes, settings, k)
    k = chosen[0].k
    warnings: list[Warn] = []
    given = dataset
    hardness: pl.DataFrame | None
    try:
        dataset = dataset_of(run, dataset)
        hardness = hardness_of(run, k, dataset)
    except (VbenchError, OSError) as error:
        if given is not None:
            raise
        hardness = run.hardness(k)
        warnings.append(_without_vectors(error))
    names = Names.of(run, dataset)
    asked = _Asked(delta, number, hardness, names, cluster, cross, dataset, ids=True)
    report = _report(chosen, asked)
    views = tail_by_view(chosen, delta, number, names, cluster) if view is None else ()
    missing = missing_results([run])
    warnings += tell_missing(missing)
    warnings += [each for each in run.manifest.warnings if spoils(each, speed=True)]
    warnings += warn_of_copies(run, chosen)
    warnings += [*_of_builds(chosen), *(warn for row in report.indexes for warn in _of_row(row))]
    return msgspec.structs.replace(
        report,
        views=views,
        failed=failed_trials([run]),
        missing=missing,
        warnings=tuple(warnings),
    )


def choose(
    run: Run, indexes: Sequence[str] = (), settings: Sequence[str] = (), k: int | None = None
) -> list[Setting]:
    """One setting of each index and build parameters: the nearest to the level of matched recall.

    That is the recall that the run was brought to, or the level at which its indexes are
    compared: :func:`vbench.analysis.gather.match_level`.

    Raises
    ------
    VbenchError
        For an index, setting or K that the run does not hold.
    """
    found = select(run, settings)
    names = list(dict.fromkeys(each.index for each in found))
    for name in indexes:
        if name not in names:
            refuse_unanswered(each for each in run.unanswered() if each.index == name)
            raise UnknownNameError("index of the run", name, names)
    ks = sorted({each.k for each in found})
    if k is not None and k not in ks:
        raise VbenchError(f"{run.path} has no K={k}; it holds K={', '.join(map(str, ks))}")
    k = k or ks[0]
    by_title: dict[str, list[Setting]] = {}
    for each in run.settings():
        if each.k == k:
            by_title.setdefault(each.title, []).append(each)
    wanted = [each for each in found if each.k == k and each.index in (indexes or names)]
    return _of_variants(wanted, match_level(by_title, run.manifest.options.at_recall))


@functools.lru_cache(maxsize=16)
def settings_of(panel: Panel) -> tuple[Setting, ...]:
    """The settings that a page explains: those of :func:`choose`."""
    level = match_level(panel.by_index, panel.options.at_recall)
    return tuple(_of_variants(panel.settings, level))


@functools.lru_cache(maxsize=16)
def explain_panel(panel: Panel) -> TailReport:
    """The tails that a page shows, of the settings of :func:`settings_of`.

    What :func:`explain` says at the usual δ, of as many of the worst queries as a page has room
    for, without the ids of the answers and without warnings.
    """
    settings = settings_of(panel)
    names = Names(settings[0].run.query_ids, {})
    number = -(-WORST // len(settings))
    return _report(settings, _Asked(usual.DELTA, number, panel.hardness, names))


@functools.lru_cache(maxsize=16)
def views_of_panel(panel: Panel) -> tuple[ViewTail, ...]:
    """The tails of the same settings in every view of their runs, which are opened in the first."""
    groups: dict[Run, list[Setting]] = {}
    for each in settings_of(panel):
        groups.setdefault(each.run, []).append(each)
    return tuple(
        view
        for run, chosen in groups.items()
        if run.view == next(iter(planned_views(run)), run.view)
        for view in tail_by_view(chosen, usual.DELTA, 0, Names(run.query_ids, {}), None)
    )


def _of_variants(settings: Sequence[Setting], level: float) -> list[Setting]:
    return [nearest_of(own, level) for own in by_variant(settings).values()]


def _report(settings: Sequence[Setting], asked: _Asked) -> TailReport:
    first = settings[0]
    facts = first.run.manifest.dataset
    under = [setting.hits < threshold(asked.delta, first.k) for setting in settings]
    tails = np.stack([in_most_builds(mask) for mask in under])
    runs = {setting.run for setting in settings}
    segments = {run: divide(run, asked.cross) for run in runs}
    among = {run: run.settings(steps=True) for run in runs}
    rows = tuple(
        _row(setting, mask, tailed, segments[setting.run], among[setting.run], asked)
        for setting, mask, tailed in zip(settings, under, tails, strict=True)
    )
    return TailReport(
        run=str(first.run.path),
        dataset=facts.name,
        queries=facts.m,
        k=first.k,
        delta=asked.delta,
        cluster=asked.cluster,
        view=ViewFacts.from_view(first.run.view),
        indexes=rows,
        overlap=overlap_of([row.name for row in rows], tails),
        everywhere=everywhere_of(tails),
        hardness=most_telling([row.hardness for row in rows]),
    )


def _row(
    setting: Setting,
    under: NDArray[np.bool_],
    tailed: NDArray[np.bool_],
    segments: Sequence[Segment],
    among: Sequence[Setting],
    asked: _Asked,
) -> TailRow:
    hits, clusters = setting.hits, setting.run.clusters(asked.cluster)
    parts = tail(hits, setting.k, asked.delta)
    share = crossed_mean(under, cluster=clusters)
    answers = setting.answers()
    # Of results that were imported it may be known only how many were right.
    with_ids = asked.ids and all(each.ids.shape[1] for each in answers)
    recall = Sample(answers, clusters=clusters).estimate(Recall() @ setting.k)
    hardness = with_graph(asked.hardness, setting)
    worst = worst_rows(setting, parts, asked.number, hardness, asked.names)
    if with_ids and worst:
        worst = with_neighbors(worst, answers, asked.dataset, asked.names)
    return TailRow.from_setting(
        setting,
        recall=Interval(recall.value, recall.low, recall.high),
        under=Interval(share.value, share.low, share.high),
        persistent=count_queries(parts.persistent, clusters),
        build_dependent=count_queries(parts.build_dependent, clusters),
        worst=worst,
        segments=segment_rows(segments, under, clusters),
        hardness=associations(hardness, hits.mean(axis=0) / setting.k, tailed),
        effort=effort_of(setting, asked.delta, clusters, among),
        internals=internals_of(setting, asked.delta),
        telling=tell_graph(asked.hardness, setting, under),
        wrong_copies=_copies_of(setting) if with_ids else None,
        items=items_of(setting, answers, clusters, asked.number if with_ids else 0, asked.names),
    )


def _copies_of(setting: Setting) -> WrongCopies | None:
    facts = setting.run.manifest.dataset
    copies = kept_copies(facts.fingerprint) if facts.copies and facts.copies.share else None
    return None if copies is None else wrong_copies(setting.run, setting, copies)


def _without_vectors(error: Exception) -> Warn:
    return Warn(
        "no vectors",
        str(error),
        "without them there is no hardness, and no distance of what was returned instead",
        f"give them with {spell_option('dataset')}",
        code="no-vectors",
    )


def _of_builds(settings: Sequence[Setting]) -> list[Warn]:
    single = [str(each) for each in settings if len(each.trials) == 1]
    if not single:
        return []
    return [
        Warn(
            "one build",
            f"{', '.join(single)}: one build",
            "the persistent tail cannot be told from the build-dependent one",
            f"run with {spell_option('builds', 3)}",
            code="one-build",
        )
    ]


def _of_row(row: TailRow) -> list[Warn]:
    """What the internals of an index say must be fixed in the index."""
    if row.internals is None:
        return []
    same, graph = row.internals.same.value, row.internals.graph
    found = []
    if same is not None and same < 1.0:
        found.append(
            Warn(
                "not the same twice",
                f"{row.name}: built again from the same seed, {same:.1%} of the queries get the "
                "same ids",
                "its internals are those of the second build, not of the one measured",
                "build with one thread, or fix the index's seed",
                code="not-the-same-twice",
            )
        )
    unreachable = None if graph is None else graph.missed_unreachable.value
    if unreachable is not None and unreachable > MANY_UNREACHABLE:
        found.append(
            Warn(
                "unreachable neighbors",
                f"{row.name}: no search can reach {unreachable:.0%} of the neighbors it missed",
                "a wider search will not find them",
                "more links at the build (M, R); for inner product, a recipe that makes the space "
                "Euclidean first, such as hnsw-mips",
                code="unreachable-neighbors",
            )
        )
    return found
