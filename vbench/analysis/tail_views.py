"""The tail in every view of a run, and who is in it only under a filter or only at an age."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from vbench._document import Interval
from vbench.analysis.document import SettingRow, ViewFacts
from vbench.analysis.overlap import in_most_builds
from vbench.analysis.segments import Segment, SegmentRow, divide, segment_rows
from vbench.analysis.shares import QueryShare, count_queries
from vbench.measures.hits import threshold
from vbench.measures.recall import Recall
from vbench.measures.sample import Sample
from vbench.measures.tail import tail
from vbench.runs.schema import View
from vbench.runs.settings import Setting
from vbench.runs.under_views import under_masks
from vbench.runs.vectors import Names
from vbench.runs.views import name_view, planned_views
from vbench.stats.crossed import crossed_mean


class FallenQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query that is in the tail in one view alone: its mean recall there, and in the other."""

    query: int
    id: int | str
    recall: float
    elsewhere: float


class ViewTailRow(SettingRow, frozen=True, kw_only=True):
    """The tail of one setting in one view.

    Attributes
    ----------
    recall, under, persistent, build_dependent
        As of :class:`vbench.analysis.tail.TailRow`.
    only
        Queries that are under δ in most builds here, and not in the first view; None there.
    fallen
        The worst of them, by rising recall.
    segments
        How often the queries of each segment are among them, the highest share first.
    """

    recall: Interval
    under: Interval
    persistent: QueryShare
    build_dependent: QueryShare
    only: QueryShare | None = None
    fallen: tuple[FallenQuery, ...] = ()
    segments: tuple[SegmentRow, ...] = ()


class ViewTail(msgspec.Struct, frozen=True, kw_only=True):
    """The tails in one view: a filter, or one mask of it, or an age; `name` selects it."""

    name: str
    view: ViewFacts | None
    indexes: tuple[ViewTailRow, ...]


def tail_by_view(
    chosen: Sequence[Setting], delta: float, number: int, names: Names, cluster: str | None
) -> tuple[ViewTail, ...]:
    """The tails of some settings of one run in every view that it has; none where that is one.

    The first view is that in which the settings are given. In another one each is the same, or
    what its index was brought to the same recall by.

    Parameters
    ----------
    number
        How many of those that fall in one view alone to show.
    """
    run = chosen[0].run
    first = run.view
    views = [first, *(view for view in planned_views(run) if view.key != first.key)]
    if len(views) == 1:
        return ()
    segments = divide(run, ())
    found = []
    for view in views:
        pairs = [(each, _in(each, view)) for each in chosen]
        rows = [
            _row(there, None if view == first else each, delta, number, names, cluster, segments)
            for each, there in pairs
            if there is not None
        ]
        if rows:
            found.append(
                ViewTail(name=name_view(view), view=ViewFacts.from_view(view), indexes=tuple(rows))
            )
    return tuple(found)


def _in(setting: Setting, view: View) -> Setting | None:
    """A setting in a view; None where it has no result there."""
    found = under_masks(setting, [view])[-1]
    return found if found.run.view.key == view.key and found.trials else None


def _row(
    setting: Setting,
    first: Setting | None,
    delta: float,
    number: int,
    names: Names,
    cluster: str | None,
    segments: Sequence[Segment],
) -> ViewTailRow:
    run, k = setting.run, setting.k
    clusters = run.clusters(cluster)
    under = setting.hits < threshold(delta, k)
    parts = tail(setting.hits, k, delta)
    share = crossed_mean(under, cluster=clusters)
    recall = Sample(setting.answers(ids=False), clusters=clusters).estimate(Recall() @ k)
    found = ViewTailRow.from_setting(
        setting,
        recall=Interval(recall.value, recall.low, recall.high),
        under=Interval(share.value, share.low, share.high),
        persistent=count_queries(parts.persistent, clusters),
        build_dependent=count_queries(parts.build_dependent, clusters),
    )
    if first is None:
        return found
    only = in_most_builds(under) & ~in_most_builds(first.hits < threshold(delta, k))
    here, there = (each.hits.mean(axis=0) / k for each in (setting, first))
    order = np.flatnonzero(only)[np.lexsort((-there[only], here[only]))][:number]
    return msgspec.structs.replace(
        found,
        only=count_queries(only, clusters),
        fallen=tuple(
            FallenQuery(
                query=row,
                id=names.query(row),
                recall=float(here[row]),
                elsewhere=float(there[row]),
            )
            for row in order.tolist()
        ),
        segments=segment_rows(segments, only[np.newaxis], clusters) if only.any() else (),
    )
