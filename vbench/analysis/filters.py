"""How evenly settings answer under filters, over the masks that were drawn of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from vbench._document import Estimated
from vbench.analysis.document import SettingRow, ViewFacts
from vbench.measures.grammar import parse
from vbench.measures.over_masks import join_estimates
from vbench.runs import tables
from vbench.runs.run import Run
from vbench.runs.schema import USUAL_LOAD, View
from vbench.runs.settings import Setting

if TYPE_CHECKING:
    from vbench.analysis.summary import SummaryRow


TABLED = (
    "Recall@{k}",
    "Robustness(delta=0.5)@{k}",
    "Robustness(delta=0.9)@{k}",
    "CVaR(alpha=0.05)@{k}",
    "Failure@{k}",
    "QPS",
    "Work",
    "FilterSetup",
)
"""Measures that tables under filters show."""


class FilterFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a filter leaves, on average over its masks and the queries.

    Attributes
    ----------
    masks
        How many were drawn of it; 1 where chance has no say in it.
    allowed
        Base vectors that may answer a query.
    selectivity
        The same as a share of the base.
    correlation
        Share that passes of the nearest without a filter, over `selectivity`: 1 where the filter
        has nothing to do with the queries, under 1 where it keeps away what they look for.
    short, empty
        Queries with fewer than K vectors to find, for the largest K, and with none.
    """

    filter: str
    kind: str
    masks: int
    allowed: float
    selectivity: float
    correlation: float | None
    short: int
    empty: int


class FilteredRow(SettingRow, frozen=True, kw_only=True):
    """A setting under a filter, or without one.

    Attributes
    ----------
    masks
        Masks that left a result.
    measures
        Means over masks, by their spelling; intervals over masks, builds and queries.
    scan_is_cheaper
        Whether fewer distances would decide exactly: those of the vectors that pass.
    """

    masks: int
    measures: dict[str, Estimated]
    scan_is_cheaper: bool | None = None


class Filtering(msgspec.Struct, frozen=True, kw_only=True):
    """The filters of a run, and every setting without and under each of them."""

    filters: list[FilterFacts]
    settings: list[FilteredRow]


def summarize_filters(run: Run, rows: Mapping[Setting, SummaryRow]) -> Filtering | None:
    """How settings answer under the filters of a run; None where it has none.

    Parameters
    ----------
    rows
        The settings of every view, and what was estimated of each.
    """
    groups: dict[str, list[View]] = {}
    for view in run.manifest.views:
        if view.filter is not None and view.step is None:
            groups.setdefault(view.filter, []).append(view)
    if not groups:
        return None
    k = max(run.manifest.options.k)
    by_filter: dict[tuple[str, int, str | None], list[Setting]] = {}
    for setting in rows:
        if setting.load != USUAL_LOAD or setting.run.view.step is not None:
            continue
        by_filter.setdefault((str(setting), setting.k, setting.run.view.filter), []).append(setting)
    return Filtering(
        filters=[_describe(run, text, views, k) for text, views in groups.items()],
        settings=[_join(some, [rows[each] for each in some]) for some in by_filter.values()],
    )


def _join(settings: Sequence[Setting], rows: Sequence[SummaryRow]) -> FilteredRow:
    """One setting under the masks of a filter."""
    first, view = settings[0], settings[0].run.view
    measures = {
        spelling: Estimated(
            *join_estimates(parse(spelling), [row.measures[spelling] for row in rows])
        )
        for spelling in rows[0].measures
    }
    work = measures["Work"].value
    allowed = float(np.mean([each.run.view.allowed or 0 for each in settings]))
    found = FilteredRow.from_setting(
        first,
        masks=len(rows),
        measures=measures,
        scan_is_cheaper=None if work is None or view.filter is None else work > allowed,
    )
    return msgspec.structs.replace(
        found,
        builds=min(row.builds for row in rows),
        missing=sum(row.missing for row in rows),
        view=None if view.filter is None else ViewFacts(filter=view.filter),
    )


def _describe(run: Run, text: str, views: Sequence[View], k: int) -> FilterFacts:
    frames = [tables.read_view(run.path, view.key) for view in views]
    correlation = np.concatenate([each["correlation"].to_numpy() for each in frames])
    known = correlation[np.isfinite(correlation)]
    allowed = np.concatenate([each["allowed"].to_numpy() for each in frames])
    return FilterFacts(
        filter=text,
        kind=views[0].kind,
        masks=len(views),
        allowed=float(allowed.mean()),
        selectivity=float(allowed.mean()) / run.manifest.dataset.n,
        correlation=float(known.mean()) if len(known) else None,
        short=int((allowed < k).sum()) // len(views),
        empty=int((allowed == 0).sum()) // len(views),
    )
