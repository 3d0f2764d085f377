"""Query hardness against its formulas in plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vbench.errors import VbenchError
from vbench.measures.hardness import NAMES, base_occurrence, hardness, lid
from vbench.metric import METRICS, distance
from vbench.neighbors.within import count_within


def exact_truth(base, queries, metric, depth):
    """Ids and distances of the exact nearest, by sorting everything."""
    distances = np.stack([distance(query, base, metric) for query in queries])
    ids = np.argsort(distances, axis=1, kind="stable")[:, :depth]
    return ids, np.take_along_axis(distances, ids, axis=1)


def mapped(base, queries, metric):
    """Base and queries as lists of Euclidean points, by the definition of each metric."""
    base, queries = base.astype(float).tolist(), queries.astype(float).tolist()
    if metric == "cosine":
        unit = lambda x: [v / math.hypot(*x) for v in x]  # noqa: E731 (one word for one idea)
        return [unit(x) for x in base], [unit(q) for q in queries]
    if metric == "ip":
        longest = max(math.hypot(*x) for x in base)
        lifted = [[*x, math.sqrt(max(longest**2 - math.hypot(*x) ** 2, 0.0))] for x in base]
        return lifted, [[*q, 0.0] for q in queries]
    return base, queries


def plain_hardness(base, queries, metric, k):
    """Every measure but those of the base, from all distances of each query."""
    points, asked = mapped(base, queries, metric)
    rows = []
    for query, raw in zip(asked, queries.tolist(), strict=True):
        d = sorted(math.dist(query, x) for x in points)
        logs = {j: [math.log(v / d[j - 1]) for v in d[:j] if v > 0] for j in (10, 100)}
        rows.append(
            {
                "lid": -len(logs[100]) / sum(logs[100]),
                "lid_10": -len(logs[10]) / sum(logs[10]),
                "relative_contrast": sum(d) / len(d) / d[k - 1],
                "expansion": d[2 * k - 1] / d[k - 1],
                "epsilon_hardness": sum(v <= 1.05 * d[k - 1] for v in d),
                "norm": math.hypot(*raw),
                "margin": (d[k] - d[k - 1]) / d[k - 1],
            }
        )
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.fixture(scope="module", params=METRICS)
def data(request):
    """600 base vectors and 30 queries of one metric, with truth of depth 200."""
    rng = np.random.default_rng(1)
    base = (rng.standard_normal((600, 8)) * rng.gamma(4, 0.3, (600, 1))).astype(np.float32)
    queries = rng.standard_normal((30, 8)).astype(np.float32) + 0.3
    return base, queries, request.param, exact_truth(base, queries, request.param, 200)


def test_formulas(data):
    """Every measure of the neighbors is its formula, in plain loops, under every metric."""
    base, queries, metric, (ids, distances) = data
    found = hardness(base, queries, ids, distances, metric, threads=1)
    assert tuple(found) == NAMES
    for name, expected in plain_hardness(base, queries, metric, 10).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-6, err_msg=name)


def test_occurrence_is_counted_without_oneself(data):
    """How many vectors have one in their own top k, counted in plain loops."""
    base, queries, metric, (ids, distances) = data
    counts = [0] * len(base)
    for i, x in enumerate(base):
        d = distance(x, base, metric)
        for j in [j for j in np.argsort(d, kind="stable").tolist() if j != i][:10]:
            counts[j] += 1
    np.testing.assert_array_equal(base_occurrence(base, metric, 10), counts)
    found = hardness(base, queries, ids, distances, metric, threads=1)["k_occurrence"]
    expected = [sum(counts[j] for j in row[:10]) / 10 for row in ids]
    np.testing.assert_allclose(found, expected)


def test_mahalanobis_is_scipys(data):
    """The distance to the base distribution is scipy's, of unit vectors under cosine."""
    spatial = pytest.importorskip("scipy.spatial.distance")
    base, queries, metric, (ids, distances) = data
    found = hardness(base, queries, ids, distances, metric, threads=1)["mahalanobis"]
    x, q = base.astype(float), queries.astype(float)
    if metric == "cosine":
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        q /= np.linalg.norm(q, axis=1, keepdims=True)
    inverse = np.linalg.inv(np.cov(x.T))
    expected = [spatial.mahalanobis(each, x.mean(axis=0), inverse) for each in q]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_out_of_distribution_queries_are_far():
    """Queries from elsewhere have the largest Mahalanobis distances."""
    rng = np.random.default_rng(2)
    base = rng.standard_normal((500, 6))
    queries = np.concatenate([rng.standard_normal((20, 6)), rng.standard_normal((20, 6)) + 4])
    ids, distances = exact_truth(base, queries, "l2", 40)
    found = hardness(base, queries, ids, distances, "l2")["mahalanobis"]
    assert found[:20].max() < found[20:].min()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("depth", [10, 20, 300])
def test_epsilon_hardness_goes_beyond_the_truth(metric, depth):
    """Vectors within 1.05 d_k are counted in the base where the truth does not reach so far."""
    rng = np.random.default_rng(3)
    base = rng.standard_normal((9000, 24)).astype(np.float32)
    queries = rng.standard_normal((280, 24)).astype(np.float32)
    ids, distances = exact_truth(base, queries, metric, depth)
    found = hardness(base, queries, ids, distances, metric, threads=2)["epsilon_hardness"]
    points, asked = (np.array(x) for x in mapped(base, queries, metric))
    d = np.stack([np.linalg.norm(points - q, axis=1) for q in asked])
    limits = 1.05 * np.sort(d, axis=1)[:, 9:10]
    expected = (d <= limits).sum(axis=1)
    assert expected.max() > 30
    np.testing.assert_array_equal(found, expected)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from(METRICS), st.sampled_from([0.0, 1.0, 300.0]))
def test_counting_within_is_exact(seed, metric, offset):
    """Float32 never changes a count, far from the origin and close to the limit too."""
    rng = np.random.default_rng(seed)
    base = (rng.integers(-4, 5, size=(200, 5)) + offset + 0.5).astype(np.float32)
    queries = (rng.integers(-4, 5, size=(9, 5)) + offset + 0.5).astype(np.float32)
    points, asked = (np.array(x) for x in mapped(base, queries, metric))
    d = np.stack([np.linalg.norm(points - q, axis=1) for q in asked])
    # Half-way between two neighbors in the order, but for rounding, or far outside.
    steps = np.sort(d, axis=1)
    gaps = np.diff(steps, axis=1)
    at = np.argmax(gaps > 1e-9, axis=1)
    rows = np.arange(len(queries))
    limits = steps[rows, at] + gaps[rows, at] / 2
    longest = float(np.linalg.norm(base.astype(float), axis=1).max())
    found = count_within(queries, base, metric, limits, longest)
    np.testing.assert_array_equal(found, (d <= limits[:, np.newaxis]).sum(axis=1))


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.uint8])
def test_narrow_types_are_widened(dtype):
    """Stored types give what their float32 values give."""
    rng = np.random.default_rng(4)
    base = rng.integers(0, 100, size=(300, 6)).astype(dtype)
    queries = rng.integers(0, 100, size=(10, 6)).astype(dtype)
    wide = [x.astype(np.float32) for x in (base, queries)]
    ids, distances = exact_truth(*wide, "l2", 200)
    narrow = hardness(base, queries, ids, distances, "l2")
    for name, values in hardness(*wide, ids, distances, "l2").items():
        np.testing.assert_allclose(narrow[name], values, rtol=1e-6)


def test_shallow_truth_leaves_out_what_it_cannot_tell():
    """Measures that need more neighbors than are known are absent, not guessed."""
    rng = np.random.default_rng(5)
    base, queries = rng.standard_normal((50, 4)), rng.standard_normal((5, 4))
    ids, distances = exact_truth(base, queries, "l2", 10)
    found = hardness(base, queries, ids, distances, "l2")
    assert set(NAMES) - set(found) == {"lid", "expansion", "margin"}


def test_occurrence_given_is_not_computed_again():
    """The occurrences of the base are taken as given."""
    rng = np.random.default_rng(6)
    base, queries = rng.standard_normal((50, 4)), rng.standard_normal((5, 4))
    ids, distances = exact_truth(base, queries, "l2", 20)
    given_counts = np.arange(50.0)
    found = hardness(base, queries, ids, distances, "l2", occurrence=given_counts)
    np.testing.assert_allclose(found["k_occurrence"], given_counts[ids[:, :10]].mean(axis=1))


def test_same_seed_same_hardness():
    """Samples of a larger base are the same under the same seed, and others under another."""
    rng = np.random.default_rng(7)
    base, queries = rng.standard_normal((6000, 4)), rng.standard_normal((5, 4))
    ids, distances = exact_truth(base, queries, "l2", 20)
    one, again, other = (
        hardness(base, queries, ids, distances, "l2", seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one["k_occurrence"], again["k_occurrence"])
    assert (one["relative_contrast"] != other["relative_contrast"]).all()


def test_sampled_occurrence_estimates_the_full_one():
    """From 4,000 of 5,000 vectors, the occurrence of the hubs comes out about right."""
    base = np.random.default_rng(8).standard_normal((5000, 16)).astype(np.float32)
    found = base_occurrence(base, "l2", 10)
    assert found.mean() == pytest.approx(10.0)
    full = np.zeros(5000)
    for row, x in enumerate(base):
        d = np.square(base - x).sum(axis=1)
        d[row] = np.inf
        full[np.argpartition(d, 10)[:10]] += 1
    hubs = np.argsort(full)[-20:]
    assert found[hubs].mean() == pytest.approx(full[hubs].mean(), rel=0.1)


def test_intrinsic_dimension_of_known_data():
    """Uniform data in a cube of three dimensions have a local dimension of about three."""
    rng = np.random.default_rng(9)
    base, queries = rng.random((20_000, 3)), 0.3 + 0.4 * rng.random((50, 3))
    _, distances = exact_truth(base, queries, "l2", 100)
    assert lid(distances).mean() == pytest.approx(3.0, abs=0.15)


def test_duplicates_and_zero_distances():
    """Zero distances are dropped from the dimension; equal ones make it infinite."""
    assert lid(np.array([[0.0, 1.0, 2.0]]))[0] == pytest.approx(2 / math.log(2))
    assert lid(np.array([[1.0, 1.0, 1.0]]))[0] == math.inf
    assert math.isnan(lid(np.array([[0.0, 0.0, 0.0]]))[0])


def test_queries_that_lie_on_ten_copies():
    """Where d_k is 0, ratios to it are NaN or infinite, and nothing fails."""
    base = np.repeat(np.arange(40.0)[:, np.newaxis] * [1.0, 2.0], 12, axis=0)
    ids, distances = exact_truth(base, base[:3], "l2", 30)
    found = hardness(base, base[:3], ids, distances, "l2")
    assert (found["epsilon_hardness"] == 12).all()
    assert np.isinf(found["expansion"]).all()


@pytest.mark.parametrize(("k", "rows"), [(0, 5), (21, 5), (10, 4)])
def test_what_does_not_belong_together_is_refused(k, rows):
    """A k beyond the truth, or queries of another number, are refused in words."""
    rng = np.random.default_rng(10)
    base, queries = rng.standard_normal((50, 4)), rng.standard_normal((5, 4))
    ids, distances = exact_truth(base, queries, "l2", 20)
    with pytest.raises(VbenchError):
        hardness(base, queries[:rows], ids, distances, "l2", k=k)


def test_zero_rows_count_for_nothing_under_cosine() -> None:
    """Every measure is that of the base without them."""
    rng = np.random.default_rng(21)
    base = rng.normal(size=(400, 12)).astype(np.float32)
    queries = rng.normal(size=(9, 12)).astype(np.float32)
    hollow = np.insert(base, [0, 133, 400], 0.0, axis=0)
    found = []
    for each in (base, hollow):
        far = distance(queries[:, None], each, "cosine")
        ids = np.argsort(far, axis=1)[:, :120]
        near = np.take_along_axis(far, ids, axis=1)
        found.append(hardness(each, queries, ids, near, "cosine", k=10, threads=1))
    for name in found[0]:
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=0.01, err_msg=name)
