"""Filters as people write them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.workloads.filters import read_filter

N, M = 60, 9


@pytest.fixture
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    items = pl.DataFrame(
        {
            "popularity": rng.integers(0, 30, N),
            "year": [None if row % 7 == 0 else 1980 + row for row in range(N)],
            "lang": [("en", "de", "a & b")[row % 3] for row in range(N)],
        }
    )
    queries = pl.DataFrame({"lang": [("en", "de", None)[row % 3] for row in range(M)]})
    seen = pl.DataFrame({"query": [0, 0, 3, 3], "item": [5, 2, 7, 7]})
    return Dataset(
        "made",
        *gaussian_pair(N, M, 8, seed=1),
        "l2",
        segments=queries,
        items=items,
        interactions=seen,
    )


def passing(dataset: Dataset, text: str, seed: int = 0) -> np.ndarray:
    found = read_filter(text).resolve(dataset, seed)
    return np.stack([found.of_query(row) for row in range(dataset.m)])


def test_an_expression_is_asked_of_the_items(dataset: Dataset) -> None:
    """SQL over item attributes; what is unknown does not pass."""
    items = dataset.items
    assert items is not None
    wanted = (items["popularity"] < 20) & (items["year"] >= 1990)
    found = passing(dataset, "popularity < 20 and year >= 1990")
    assert (found == wanted.fill_null(value=False).to_numpy()).all()
    assert passing(dataset, "lang = 'a & b'")[0].sum() == N // 3


def test_quantiles_hold_exactly_their_share(dataset: Dataset) -> None:
    """The least and the most popular half are half of the items each, and disjoint."""
    low, high = (passing(dataset, f"popularity:{ends}%")[0] for ends in ("0-50", "50-100"))
    assert low.sum() == high.sum() == N // 2
    assert not (low & high).any()
    values = dataset.items["popularity"].to_numpy()  # type: ignore[index]
    assert values[low].max() <= values[high].min()


def test_random_masks_differ_by_seed_alone(dataset: Dataset) -> None:
    """A share of the items, another one for each seed, the same for the same."""
    first = passing(dataset, "random:0.25", 1)[0]
    assert first.sum() == 15
    assert (passing(dataset, "random:25%", 1)[0] == first).all()
    assert (passing(dataset, "random:0.25", 2)[0] != first).any()


def test_nearest_are_the_neighbors_of_one_item(dataset: Dataset) -> None:
    """The items nearest to one that is drawn, it among them."""
    found = passing(dataset, "nearest:0.1", 3)[0]
    inside = np.flatnonzero(found)
    base = np.asarray(dataset.base)
    for center in inside:
        away = np.linalg.norm(base - base[center], axis=1)
        if set(np.argsort(away)[: len(inside)]) == set(inside):
            break
    else:
        pytest.fail("no item has these as its nearest")
    assert len(inside) == 6


def test_an_attribute_equals_the_query_s_own(dataset: Dataset) -> None:
    """A query sees items of its own language; one without a value sees none."""
    found = passing(dataset, "query:lang")
    langs = dataset.items["lang"].to_list()  # type: ignore[index]
    for row in range(M):
        own = ("en", "de", None)[row % 3]
        assert found[row].tolist() == [lang == own for lang in langs]


def test_seen_items_are_left_out(dataset: Dataset) -> None:
    """What a query's user had already does not pass, whatever else does."""
    found = passing(dataset, "seen & popularity < 25")
    plain = passing(dataset, "popularity < 25")
    plain[0, [5, 2]] = plain[3, 7] = False
    assert (found == plain).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("popularity < 20 &", "empty"),
        ("random:0", "share between 0 and 1"),
        ("random:1.5", "share between 0 and 1"),
        ("nearest:many", "share between 0 and 1"),
        ("popularity:60-40%", "ascending"),
        ("popularity:0-120%", "0 to 100"),
        ("lang:0-50%", "no number"),
        ("price < 3", "unknown item attribute 'price'"),
        ("popularity <", "cannot be read"),
        ("popularity", "not true or false"),
        ("popularity > 1000", "leaves none"),
        ("query:color", "unknown item attribute 'color'"),
        ("query:year", "unknown query column 'year'"),
        ("seen & seen", "two parts of the kind 'seen'"),
    ],
)
def test_a_filter_that_cannot_be_is_one_clear_line(dataset: Dataset, text: str, said: str) -> None:
    """What was given, what is allowed."""
    with pytest.raises(VbenchError, match=said) as caught:
        read_filter(text).resolve(dataset, 0)
    assert "\n" not in str(caught.value)


def test_a_dataset_without_attributes_says_how_to_give_some() -> None:
    """Neither attributes nor interactions: the option that brings them is named."""
    bare = Dataset("bare", *gaussian_pair(20, 4, 4, seed=2), "l2")
    for text, option in (("popularity < 3", "with items"), ("seen", "with interactions")):
        with pytest.raises(VbenchError, match=option):
            read_filter(text).resolve(bare, 0)


def test_vectors_without_a_direction_never_pass() -> None:
    """Under cosine no index gets them, so that no filter leaves them to find."""
    base, queries = gaussian_pair(30, 4, 4, seed=3)
    base[[3, 4]] = 0.0
    made = Dataset(
        "zeros", base, queries, "cosine",
        items=pl.DataFrame({"row": range(30)}), zero_row_ids=np.array([3, 4]),
    )  # fmt: skip
    assert np.flatnonzero(passing(made, "row < 6")[0]).tolist() == [0, 1, 2, 5]
