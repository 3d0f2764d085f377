"""Views of a dataset, each under its own condition, and their exact neighbors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset, GroundTruth
from vbench.errors import VbenchError
from vbench.metric import FloatArray
from vbench.neighbors.exact import merge, nearest
from vbench.runs.digests import of_document
from vbench.runs.schema import View
from vbench.workloads.allowed import Allowed, Mask
from vbench.workloads.filters import Filter, read_filter
from vbench.workloads.steps import Operation

MASKS = 3
"""Masks that are drawn of a filter that chance has a say in."""
DEEP = 1000
"""Exact neighbors without a condition, of which those that pass are the nearest that pass."""
_GATHERED = 1 << 26
"""Bytes of the base that are gathered at a time."""


class Change(NamedTuple):
    """What happens to the base of an index at once: rows of the dataset."""

    op: Operation
    rows: NDArray[np.int64]


class PlannedView(NamedTuple):
    """A view, and its condition; None where the whole base is asked.

    Where the base changes, the condition says what is in it; `fitted` are then the rows that
    ``fit`` takes, None: all, and `changes` what happens since. Under a filter too, `live` says
    what is in it.
    """

    view: View
    allowed: Allowed | None
    fitted: NDArray[np.int64] | None = None
    changes: tuple[Change, ...] = ()
    live: Mask | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether the index is told of the condition."""
        return self.view.filter is not None


class FilteredNeighbors(NamedTuple):
    """The exact neighbors that pass, and how the condition lies to each query.

    Attributes
    ----------
    truth
        −1 and nan behind the last one that passes.
    selectivity : float64 (m,)
        Share of the vectors that are there that passes.
    correlation : float64 (m,)
        Share that passes of the nearest without a condition, over `selectivity`: 1 where both
        have nothing to do with each other. nan where nothing passes.
    """

    truth: GroundTruth
    selectivity: FloatArray
    correlation: FloatArray


def plan_views(
    dataset: Dataset,
    filters: Sequence[str],
    *,
    masks: int = MASKS,
    seed: int = 0,
    only_filtered: bool = False,
) -> list[PlannedView]:
    """The views that some filters make of a dataset, the one without a condition first.

    Raises
    ------
    VbenchError
        A filter cannot be read, or is given twice; the dataset lacks what it asks about.
    """
    read = [read_filter(text) for text in filters]
    texts = [each.text for each in read]
    for text in texts:
        if texts.count(text) > 1:
            raise VbenchError(f"filter {text!r} is given twice")
    if only_filtered and not filters:
        raise VbenchError("only filtered views are asked for and no filter is given; give one")
    whole = [] if only_filtered else [PlannedView(View(live=dataset.n), None)]
    return whole + [view for each in read for view in _views_of(dataset, each, masks, seed)]


def cross_views(ages: Sequence[PlannedView], filtered: Sequence[PlannedView]) -> list[PlannedView]:
    """Every view of `filtered` at every age, age by age.

    Which vectors a filter lets pass is the same at all ages, as far as they are there.

    Raises
    ------
    VbenchError
        At some age a filter leaves nothing.
    """
    return [_at_age(age, each) for age in ages for each in filtered]


def _at_age(age: PlannedView, given: PlannedView) -> PlannedView:
    if age.allowed is None or given.allowed is None:
        return age if given.allowed is None else given
    allowed = age.allowed & given.allowed
    counts = allowed.counts()
    if not counts.any():
        raise VbenchError(
            f"filter {given.view.filter!r} leaves none of the {age.view.live:,} vectors that are "
            f"in the index at step {age.view.step} of {age.view.workload}; widen it"
        )
    mean = float(counts.mean())
    view = msgspec.structs.replace(
        given.view,
        key=of_document(["age", age.view.key, given.view.key]),
        step=age.view.step,
        workload=age.view.workload,
        inserted=age.view.inserted,
        deleted=age.view.deleted,
        replaced=age.view.replaced,
        live=age.view.live,
        allowed=round(mean),
        selectivity=mean / (age.view.live or 1),
    )
    return age._replace(view=view, allowed=allowed, live=age.allowed.mask)


def _views_of(dataset: Dataset, given: Filter, masks: int, seed: int) -> Iterator[PlannedView]:
    if not given.is_drawn:
        yield plan_view(dataset, given)
        return
    for number in range(masks):
        drawn = int(np.random.SeedSequence([seed, 4, number]).generate_state(1)[0])
        yield plan_view(dataset, given, number, drawn)


def plan_view(
    dataset: Dataset, given: Filter, mask: int | None = None, mask_seed: int | None = None
) -> PlannedView:
    """The view of a filter; of one that chance has a say in, of the mask drawn by `mask_seed`."""
    allowed = given.resolve(dataset, mask_seed or 0)
    counts, digest = allowed.counts(), allowed.digest()
    mean = float(counts.mean())
    view = View(
        key=of_document(["filter", given.text, digest]),
        filter=given.text,
        kind=given.kind,
        mask=mask,
        mask_seed=mask_seed,
        mask_digest=digest,
        live=dataset.n,
        allowed=round(mean),
        selectivity=mean / dataset.n,
    )
    return PlannedView(view, allowed)


def find_neighbors(
    dataset: Dataset,
    deep: GroundTruth,
    allowed: Allowed,
    depth: int,
    *,
    live: Mask | None = None,
    threads: int = 1,
) -> FilteredNeighbors:
    """The exact `depth` nearest of every query among the vectors that pass.

    Most are the first that pass of the nearest without a condition. Only for queries of which
    too few of those pass, the vectors that do are compared.

    Parameters
    ----------
    deep
        The nearest without a condition, as deep as is worth it: about :data:`DEEP`.
    live : bool (n,)
        The vectors that are there, of which a share passes; None: all.
    """
    everyone, counts = np.arange(dataset.m), allowed.counts()
    depth = min(depth, dataset.n)
    passes = allowed.admits(everyone, deep.ids)
    ids = np.full((dataset.m, depth), -1, dtype=np.int64)
    distances = np.full((dataset.m, depth), np.nan)
    rank = passes.cumsum(axis=1) - 1
    rows, columns = np.nonzero(passes & (rank < depth))
    ids[rows, rank[rows, columns]] = deep.ids[rows, columns]
    distances[rows, rank[rows, columns]] = deep.distances[rows, columns]
    short = passes.sum(axis=1) < np.minimum(depth, counts)
    for code in allowed.codes():
        some = allowed.queries_of(code)
        some = some[short[some]]
        if len(some):
            ids[some], distances[some] = _search(dataset, allowed, code, some, depth, threads)
    selectivity = counts / (dataset.n if live is None else live.sum())
    among = deep.ids.shape[1] if live is None else live[deep.ids].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = passes.sum(axis=1) / among / selectivity
    truth = GroundTruth(ids.astype(deep.ids.dtype), distances, counts)
    return FilteredNeighbors(truth, selectivity, correlation)


def _search(
    dataset: Dataset,
    allowed: Allowed,
    code: int | None,
    queries: NDArray[np.intp],
    depth: int,
    threads: int,
) -> tuple[NDArray[np.int64], FloatArray]:
    """Compare some queries of one code with all vectors that pass for them."""
    passing = np.flatnonzero(allowed.of_code(code))
    excluded = [allowed.excluded_of(query) for query in queries.tolist()]
    wanted = min(len(passing), depth + max(map(len, excluded)))
    asked = np.asarray(dataset.queries[queries])
    rows = max(1, _GATHERED // (dataset.d * dataset.base.itemsize))
    found: tuple[NDArray[np.int64], FloatArray] | None = None
    for first in range(0, len(passing), rows):
        part = passing[first : first + rows]
        limit = None if found is None else found[1][:, -1]
        near, away = nearest(
            asked, dataset.base[part], dataset.metric, wanted, limit=limit, threads=threads
        )
        near = np.where(near < 0, -1, part[near])
        found = (near, away) if found is None else merge(found, (near, away))
    assert found is not None
    near, away = found
    good = allowed.admits(queries, near)
    order = np.argsort(~good, axis=1, kind="stable")[:, :depth]
    good = np.take_along_axis(good, order, axis=1)
    near = np.where(good, np.take_along_axis(near, order, axis=1), -1)
    away = np.where(good, np.take_along_axis(away, order, axis=1), np.nan)
    wide = depth - near.shape[1]
    return (
        np.pad(near, ((0, 0), (0, wide)), constant_values=-1),
        np.pad(away, ((0, 0), (0, wide)), constant_values=np.nan),
    )
