"""Ground truth that came with the data: what is accepted, and what is refused in words."""

from __future__ import annotations

import numpy as np
import pytest
from vectors import gaussian_pair

from vbench.data.dataset import Dataset
from vbench.data.given_ground_truth import check_ground_truth
from vbench.data.ground_truth import compute_ground_truth
from vbench.errors import DataError


@pytest.fixture
def dataset():
    return Dataset("tiny", *gaussian_pair(2000, 40, 12, seed=3), "l2")


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_right_truth_is_accepted(dataset, metric):
    """True neighbors pass, with distances of our own; float32 rounding does not matter."""
    right = compute_ground_truth(Dataset("x", dataset.base, dataset.queries, metric), 20)
    checked = check_ground_truth(right.ids, dataset.queries, dataset.base, metric, where="file")
    np.testing.assert_array_equal(checked.ids, right.ids)
    np.testing.assert_allclose(checked.distances, right.distances)


def _wrong(dataset, how):
    right = compute_ground_truth(dataset, 20).ids.astype(np.int64)
    if how == "ids shifted by one":
        return right + 1
    if how == "queries shifted by one":
        return np.roll(right, 1, axis=0)
    if how == "another metric":
        return compute_ground_truth(Dataset("x", dataset.base, dataset.queries, "ip"), 20).ids
    if how == "a subset":
        return compute_ground_truth(
            Dataset("x", dataset.base[:1000], dataset.queries, "l2"), 20
        ).ids
    if how == "out of range":
        return np.where(np.arange(20) == 19, 2000, right)
    if how == "negative":
        return np.where(np.arange(20) == 18, -1, right)
    if how == "repeated":
        return np.repeat(right[:, :10], 2, axis=1)
    if how == "too few queries":
        return right[:-1]
    return right[:, ::-1]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("ids shifted by one", "query 0|outside"),
        ("queries shifted by one", "query 0"),
        ("another metric", "query 0"),
        ("a subset", "query 0"),
        ("reversed", "query 0"),
        ("out of range", "neighbor 2000 .rank 19. is outside 0 … 1999"),
        ("negative", "query 0: no neighbor at rank 18, but one behind it"),
        ("repeated", "is there twice"),
        ("too few queries", r"shape \(39, 20\)"),
    ],
)
def test_wrong_truth_is_refused(dataset, how, words):
    """Ground truth of other data is refused, naming file and first wrong query, with a remedy."""
    with pytest.raises(DataError, match=words) as caught:
        check_ground_truth(
            _wrong(dataset, how), dataset.queries, dataset.base, "l2", where="gt.ivecs"
        )
    assert str(caught.value).startswith("gt.ivecs")
    assert "(ground_truth=False)" in str(caught.value)


def test_one_wrong_query_is_found_when_truth_is_computed(dataset):
    """A single wrong neighbor that no sample shows is found against the exact neighbors."""
    right = compute_ground_truth(dataset, 20)
    ids = right.ids.copy()
    farther = compute_ground_truth(dataset, 40).ids[22, 39]
    ids[22, 19] = farther
    known = check_ground_truth(ids, dataset.queries, dataset.base, "l2", where="file")
    wrong = Dataset("tiny", dataset.base, dataset.queries, "l2", given_ground_truth=known)
    with pytest.raises(DataError, match="ground truth of tiny: query 22: its neighbor at rank 19"):
        compute_ground_truth(wrong, 50)


def test_ties_in_another_order_are_accepted(dataset):
    """Equal vectors may be named in any order by the truth of a file."""
    base = np.repeat(dataset.base[:200], 10, axis=0)
    ids = compute_ground_truth(Dataset("x", base, dataset.queries, "l2"), 20).ids
    other = np.hstack([ids[:, 9::-1], ids[:, :9:-1]])
    checked = check_ground_truth(other, dataset.queries, base, "l2", where="file")
    data = Dataset("x", base, dataset.queries, "l2", given_ground_truth=checked)
    assert compute_ground_truth(data, 20).ids[0].tolist() == ids[0].tolist()


def test_floats_are_not_ids(dataset):
    """Ground truth that holds floats is refused."""
    with pytest.raises(DataError, match="integer ids"):
        check_ground_truth(np.zeros((40, 3)), dataset.queries, dataset.base, "l2", where="file")


@pytest.mark.parametrize("dtype", [np.int32, np.uint32])
@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_a_shorter_row_ends_in_pads(dataset, metric, dtype):
    """Behind −1 nothing is compared; what stands before it is."""
    right = compute_ground_truth(
        Dataset("x", dataset.base, dataset.queries, metric), 20
    ).ids.astype(dtype)
    right[3, 12:] = right[7] = np.array(-1).astype(dtype)
    checked = check_ground_truth(right, dataset.queries, dataset.base, metric, where="file")
    assert checked.ids[3, 11:13].tolist() == [int(right[3, 11]), -1]
    assert np.isinf(checked.distances[3, 12:]).all()
    data = Dataset("x", dataset.base, dataset.queries, metric, given_ground_truth=checked)
    assert compute_ground_truth(data, 20).ids[3, 19] >= 0
    right[3, 11] = right[5, 11]
    with pytest.raises(DataError, match="query 3"):
        check_ground_truth(right, dataset.queries, dataset.base, metric, where="f")


def test_ground_truth_of_pads_alone(dataset):
    """It holds nothing."""
    with pytest.raises(DataError, match=r"neighbor -1 \(rank 0\) is outside"):
        check_ground_truth(np.full((40, 5), -1), dataset.queries, dataset.base, "l2", where="file")
