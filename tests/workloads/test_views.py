"""Views: exact neighbors under a condition, against a comparison with every vector."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vbench.data.dataset import Dataset, GroundTruth
from vbench.errors import VbenchError
from vbench.metric import METRICS, Metric, distance
from vbench.neighbors.exact import nearest
from vbench.workloads.allowed import Allowed
from vbench.workloads.filters import read_filter
from vbench.workloads.views import find_neighbors, plan_views

N, M = 70, 11


def made(metric: Metric, seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    base = rng.integers(1, 4, (N, 3)).astype(np.float32)  # many of equal distance
    queries = rng.integers(1, 4, (M, 3)).astype(np.float32)
    items = pl.DataFrame({"value": rng.integers(0, 10, N), "color": rng.integers(0, 4, N)})
    seen = pl.DataFrame({"query": rng.integers(0, M, 60), "item": rng.integers(0, N, 60)})
    colors = pl.DataFrame({"color": rng.integers(0, 5, M)})
    return Dataset("made", base, queries, metric, segments=colors, items=items, interactions=seen)


def brute(dataset: Dataset, allowed: Allowed, depth: int) -> list[list[int]]:
    """The nearest that pass, ties by ascending id."""
    found = []
    for row in range(dataset.m):
        rows = np.flatnonzero(allowed.of_query(row))
        away = distance(dataset.queries[row], dataset.base[rows], dataset.metric)
        found.append(rows[np.lexsort((rows, away))][:depth].tolist())
    return found


@given(
    metric=st.sampled_from(METRICS),
    text=st.sampled_from(
        [
            "value < 5",
            "value < 1",
            "random:0.3",
            "nearest:0.2",
            "query:color",
            "seen",
            "seen & value < 4",
            "query:color & value < 8 & seen",
            "value:10-60%",
        ]
    ),
    deep=st.sampled_from([5, 20, N]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_neighbors_under_a_condition_are_those_of_a_comparison_with_all(
    metric: Metric, text: str, deep: int, seed: int
) -> None:
    """Whatever the filter, and however few of the nearest without it pass."""
    dataset = made(metric, seed)
    allowed = read_filter(text).resolve(dataset, seed)
    known = GroundTruth(*nearest(dataset.queries, dataset.base, metric, deep))
    found = find_neighbors(dataset, known, allowed, 8)
    wanted = brute(dataset, allowed, 8)
    assert [[each for each in row if each >= 0] for row in found.truth.ids.tolist()] == wanted
    for row, ids in enumerate(wanted):
        own = distance(dataset.queries[row], dataset.base[ids], metric)
        assert found.truth.distances[row, : len(ids)] == pytest.approx(own, abs=1e-9)
        assert np.isnan(found.truth.distances[row, len(ids) :]).all()
    assert found.truth.allowed is not None
    assert found.truth.allowed.tolist() == allowed.counts().tolist()
    assert found.selectivity == pytest.approx(allowed.counts() / N)


def test_views_of_random_filters_are_several_masks() -> None:
    """The whole base first, then each filter, the drawn ones once for each mask."""
    dataset = made("l2", 1)
    views = [each.view for each in plan_views(dataset, ["value < 5", "random:0.5"], masks=2)]
    assert [(each.filter, each.mask) for each in views] == [
        (None, None), ("value < 5", None), ("random:0.5", 0), ("random:0.5", 1),
    ]  # fmt: skip
    assert len({each.key for each in views}) == 4
    again = plan_views(dataset, ["random:0.5"], masks=1, only_filtered=True)
    assert [each.view.key for each in again] == [views[2].key]


def test_a_view_is_another_one_where_its_items_changed() -> None:
    """Attributes are in no fingerprint: the key of a view holds who passes."""
    first, second = made("l2", 1), made("l2", 2)
    keys = {plan_views(each, ["value < 5"])[1].view.key for each in (first, second)}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("filters", "only", "said"),
    [(["seen", "seen"], False, "given twice"), ([], True, "no filter is given")],
)
def test_views_that_cannot_be_are_refused(filters: list[str], only: bool, said: str) -> None:
    """A filter twice, or nothing to ask."""
    with pytest.raises(VbenchError, match=said):
        plan_views(made("l2", 1), filters, only_filtered=only)


def test_correlation_is_of_the_nearest_to_all() -> None:
    """1 where everything passes; above it where the nearest pass rather than others."""
    dataset = made("l2", 4)
    known = GroundTruth(*nearest(dataset.queries, dataset.base, "l2", 10))
    mask = np.zeros(N, dtype=bool)
    mask[known.ids[0]] = True
    found = find_neighbors(dataset, known, Allowed(n=N, m=M, mask=mask), 5)
    assert found.correlation[0] == pytest.approx(1.0 / (10 / N))
