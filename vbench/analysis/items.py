"""The items' side of a setting: which of those that belong into answers are never returned."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench._document import Interval, Params
from vbench.analysis.segments import group_values
from vbench.data.columns import FEW, role
from vbench.measures.answers import Answers
from vbench.measures.base import Measure
from vbench.measures.exposure import Exposure as Shown
from vbench.measures.exposure import expose
from vbench.measures.items import ItemRecall, ItemRobustness, LostItems
from vbench.measures.sample import Sample
from vbench.measures.shared_items import Counts, Eligible, SharedItems, Worth
from vbench.runs.run import Run
from vbench.runs.settings import Setting
from vbench.runs.vectors import UNNAMED, Names
from vbench.stats.crossed import Estimate, crossed_linearized, crossed_mean

OFTEN = 5
"""Exact lists from which on an item has had its chances."""
LISTS = "exact lists"
"""What divides items that no column does: in how many exact lists each stands."""
_LIST_SIZES = ((1, 1), (2, OFTEN - 1), (OFTEN, 9), (10, None))
_LOST = LostItems()

Clusters = NDArray[np.integer[Any]] | None


class ItemShare(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the items: how many, and their share with its interval over the queries."""

    items: int
    share: float
    low: float
    high: float


class ItemGroup(msgspec.Struct, frozen=True, kw_only=True):
    """How often the items of one segment are lost.

    Attributes
    ----------
    items
        How many of its items belong into the answer to some query.
    share, low, high
        Of these the lost ones, over builds and queries.
    in_every_build
        The share that is lost in every build.
    of_lost
        The part of all lost items that lies here; None where none is lost.
    lift
        The share over that of all items: 2 is twice as often. None where none is lost.
    """

    column: str
    segment: str
    items: int
    share: float
    low: float
    high: float
    in_every_build: float
    of_lost: float | None
    lift: float | None


class LostItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item that none of its queries gets in some build.

    Attributes
    ----------
    item, id
        Its row number, and what it is called.
    lists
        In how many exact lists it stands.
    builds
        In how many builds it is lost.
    columns
        What else is known of it.
    """

    item: int
    id: Any
    lists: int
    builds: int
    columns: Params


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """How unevenly the base vectors share the places in the lists, and how many have one.

    Attributes
    ----------
    exact, index, difference
        Gini coefficient of how often each base vector is shown by exact search, by the index (mean
        over builds), and by how much more the index's is.
    exact_items, index_items
        How many base vectors are shown at all; of the index the mean over builds.
    """

    exact: Interval
    index: Interval
    difference: Interval
    exact_items: int
    index_items: float


class Items(msgspec.Struct, frozen=True, kw_only=True):
    """The items that stand in some exact list, and which of them the index returns there.

    Attributes
    ----------
    items
        How many they are.
    recall, robustness, lost, lost_often
        Item recall, the share of the items in at least 5 exact lists that half of their queries
        get, the share lost to all their queries, and the same of items in at least 5 lists; each
        over builds and queries. None where no item is in so many.
    in_every_build, in_some_builds
        Items that are lost in every build, and in some but not all.
    groups
        By the number of exact lists, then by columns of the items; of each column the segments of
        most items, in the order of their values.
    lost_items
        Those of most builds and lists first.
    """

    items: int
    recall: Interval
    robustness: Interval | None
    lost: Interval
    lost_often: Interval | None
    in_every_build: ItemShare
    in_some_builds: ItemShare
    groups: tuple[ItemGroup, ...]
    lost_items: tuple[LostItem, ...]
    exposure: Exposure


def items_of(
    setting: Setting,
    answers: Sequence[Answers],
    clusters: Clusters = None,
    number: int = 0,
    names: Names = UNNAMED,
) -> Items | None:
    """The items' side of one setting; None where the ids of its answers were not recorded.

    Parameters
    ----------
    answers
        Of every build, with ids.
    clusters
        Queries of one cluster, such as of one user, are not taken as independent.
    number
        How many lost items to name.
    """
    sample = Sample(answers, clusters=clusters)
    items = sample.items()
    if items is None or not len(items.ids):
        return None
    often, k = bool(items.listed.max() >= OFTEN), setting.k

    def estimate(measure: Measure) -> Interval:
        return Interval(*sample.estimate(measure)[:3])

    return Items(
        items=len(items.ids),
        recall=estimate(ItemRecall() @ k),
        robustness=estimate(ItemRobustness(least=OFTEN) @ k) if often else None,
        lost=estimate(_LOST @ k),
        lost_often=estimate(LostItems(least=OFTEN) @ k) if often else None,
        in_every_build=_share(items, _is_lost_in_every),
        in_some_builds=_share(items, _is_lost_in_some),
        groups=tuple(_groups(setting.run, items)),
        lost_items=tuple(_lost_items(setting.run, items, number, names)),
        exposure=_exposure(setting, answers, clusters),
    )


def _is_lost_in_every(listed: Counts, found: Counts) -> NDArray[np.bool_]:
    return np.asarray((found == 0).all(axis=0, keepdims=True))


def _is_lost_in_some(listed: Counts, found: Counts) -> NDArray[np.bool_]:
    lost = found == 0
    return np.asarray(lost.any(axis=0, keepdims=True) & ~lost.all(axis=0, keepdims=True))


def _is_listed(listed: Counts) -> NDArray[np.bool_]:
    return np.asarray(listed > 0)


def _share(items: SharedItems, worth: Worth) -> ItemShare:
    """Share of the items at hand, of these builds: its interval is over the queries alone."""
    found = crossed_linearized(items.by_group(_is_listed, worth))
    number = int(worth(items.listed, items.found).sum())
    return ItemShare(
        items=number,
        share=number / len(items.ids),
        low=found.low,
        high=found.high,
    )


def _groups(run: Run, items: SharedItems) -> Iterator[ItemGroup]:
    """Each segment of the items, column by column, in the order of their values."""
    total = int((items.found == 0).sum())
    for part in _divide(run, items):
        yield _group(*part, total, total / items.found.size)


def _group(
    column: str, segment: str, items: SharedItems, counts: Eligible, total: int, mean: float
) -> ItemGroup:
    inside = items.which(counts)
    found = crossed_linearized(items.by_group(counts, _LOST.worth))
    lost = items.found[:, inside] == 0
    return ItemGroup(
        column=column,
        segment=segment,
        items=int(inside.sum()),
        share=float(lost.mean()),
        low=found.low,
        high=found.high,
        in_every_build=float(lost.all(axis=0).mean()),
        of_lost=float(lost.sum()) / total if total else None,
        lift=float(lost.mean()) / mean if total else None,
    )


def _divide(run: Run, items: SharedItems) -> Iterator[tuple[str, str, SharedItems, Eligible]]:
    """Segments of the items by name, with which of them count by their number of lists."""
    for low, high in _LIST_SIZES:
        counts = functools.partial(_is_between, low, high)
        if counts(items.listed).any():
            yield LISTS, _name_sizes(low, high), items, counts
    for column in _columns_of(run, items.ids).get_columns():
        if role(column) != "segment":
            continue
        names, members = group_values(column)
        sizes = np.bincount(members, minlength=len(names))
        largest = np.argsort(-sizes, kind="stable")[:FEW]
        for number in sorted(largest.tolist()):
            yield column.name, names[number], items.of_items(members == number), _is_listed


def _is_between(low: int, high: int | None, listed: Counts) -> NDArray[np.bool_]:
    return np.asarray((listed >= low) & (listed <= (high or np.inf)))


def _name_sizes(low: int, high: int | None) -> str:
    if high is None:
        return f"{low}+"
    return str(low) if low == high else f"{low} – {high}"


def _columns_of(run: Run, ids: NDArray[np.integer[Any]]) -> pl.DataFrame:
    """What is known of some items; no columns where it is not known of each."""
    known = run.items
    if known is None or not known.columns.width or not np.isin(ids, known.numbers).all():
        return pl.DataFrame()
    return known.columns[np.searchsorted(known.numbers, ids)]


def _lost_items(run: Run, items: SharedItems, number: int, names: Names) -> Iterator[LostItem]:
    """Those that are lost in most builds, of these the ones in most lists, first."""
    builds = (items.found == 0).sum(axis=0)
    order = np.lexsort((-items.listed, -builds))[: min(number, int((builds > 0).sum()))]
    columns = _columns_of(run, items.ids)
    known = columns[order].to_dicts() if columns.width else [{}] * len(order)
    for place, at in enumerate(order.tolist()):
        row = int(items.ids[at])
        yield LostItem(
            item=row,
            id=names.item(row),
            lists=int(items.listed[at]),
            builds=int(builds[at]),
            columns=known[place],
        )


def _exposure(setting: Setting, answers: Sequence[Answers], clusters: Clusters) -> Exposure:
    exact = _expose_exact(setting.run, setting.k)
    n = setting.run.manifest.dataset.n
    shown = [expose(each.without_repeats(each.ids, -1), n) for each in answers]
    by_query = np.stack([each.by_query for each in shown])
    more = crossed_mean(by_query - exact.by_query, cluster=clusters, bounds=None)
    return Exposure(
        exact=_interval(crossed_linearized(exact.by_query, cluster=clusters)),
        index=_interval(crossed_linearized(by_query, cluster=clusters)),
        difference=_interval(more),
        exact_items=exact.items,
        index_items=float(np.mean([each.items for each in shown])),
    )


@functools.lru_cache(maxsize=4)
def _expose_exact(run: Run, k: int) -> Shown:
    """What exact search shows, which is the same beside every setting."""
    return expose(run.ground_truth.ids[:, :k], run.manifest.dataset.n)


def _interval(found: Estimate) -> Interval:
    return Interval(found.value, found.low, found.high)
