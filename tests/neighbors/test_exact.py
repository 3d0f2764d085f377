"""Exact nearest neighbors, against a plain float64 search over everything."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from vbench.errors import DataError
from vbench.metric import METRICS, distance
from vbench.neighbors import exact
from vbench.neighbors.exact import merge, nearest


def normal(*shape):
    """The same numbers for the same shape, whichever test asks first."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def integers(low, high, shape):
    return np.random.default_rng((high, *shape)).integers(low, high, shape)


def plainly(queries, base, metric, k):
    """The definition: every distance in float64, sorted by (distance, id)."""
    ids = np.arange(len(base))
    found, far = [], []
    for query in queries:
        distances = distance(query[np.newaxis], base, metric)
        order = np.lexsort((ids, distances))[:k]
        found.append(order)
        far.append(distances[order])
    return np.array(found), np.array(far)


def check(queries, base, metric, k, **options):
    ids, distances = nearest(queries, base, metric, k, **options)
    wanted_ids, wanted_distances = plainly(queries, base, metric, k)
    np.testing.assert_array_equal(ids, wanted_ids)
    np.testing.assert_array_equal(distances, wanted_distances)


def shards(queries, base, metric, k, border):
    """Two shards, the second of which knows how far the first has come."""
    first = nearest(queries, base, metric, k, stop=border)
    second = nearest(queries, base, metric, k, start=border, limit=first[1][:, -1])
    for found, wanted in zip(merge(first, second), plainly(queries, base, metric, k), strict=True):
        np.testing.assert_array_equal(found, wanted)


centers = normal(20, 16)
CASES = {
    "plain": (normal(40, 24), normal(5000, 24), 60),
    "far from the origin": (normal(30, 24) + 300, normal(5000, 24) + 300, 50),
    "every row asked for": (normal(5, 8), normal(700, 8), 700),
    "one row": (normal(5, 8), normal(1, 8), 1),
    "one dimension": (normal(20, 1), normal(3000, 1), 30),
    "each row a hundred times": (normal(20, 16), np.repeat(normal(40, 16), 100, axis=0), 150),
    "all rows equal": (normal(10, 8), np.repeat(normal(1, 8), 5000, axis=0), 150),
    "few values": (
        integers(0, 2, (30, 12)).astype(np.uint8) + 1,
        integers(0, 2, (5000, 12)).astype(np.uint8) + 1,
        100,
    ),
    "uint8": (
        integers(1, 256, (30, 32)).astype(np.uint8),
        integers(1, 256, (4000, 32)).astype(np.uint8),
        50,
    ),
    "int8": (
        integers(1, 128, (30, 32)).astype(np.int8),
        integers(-128, 0, (4000, 32)).astype(np.int8),
        50,
    ),
    "float16": (normal(30, 32).astype(np.float16), normal(4000, 32).astype(np.float16), 50),
    "tight clusters": (
        centers[integers(0, 20, (30,))] + 1e-5 * normal(30, 16),
        centers[integers(0, 20, (6000,))] + 1e-5 * normal(6000, 16),
        50,
    ),
    "tight clusters far away": (
        1e3 * centers[integers(0, 20, (30,))] + 1e-3 * normal(30, 16),
        1e3 * centers[integers(0, 20, (6000,))] + 1e-3 * normal(6000, 16),
        50,
    ),
    "too large for float32 squares": (normal(10, 8) * 1e37, normal(3000, 8) * 1e37, 20),
    "partial sums too large for float32": (
        normal(10, 30) * np.float32(1e24),
        normal(3000, 30) * np.float32(2e14),
        20,
    ),
    "too small for float32 squares": (normal(10, 8) * 1e-30, normal(3000, 8) * 1e-30, 20),
    "denormal": (normal(10, 8) * 1e-41, normal(3000, 8) * 1e-41, 20),
    "norms of many sizes": (normal(10, 8), normal(3000, 8) * np.exp(5 * normal(3000, 1)), 20),
    "one row out of all proportion": (
        normal(10, 16),
        np.vstack([normal(1, 16) * np.float32(1e30), normal(4000, 16)]),
        50,
    ),
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", CASES)
def test_equals_the_definition(name, metric):
    """Ids and distances are those of a full float64 sort, whatever the data look like."""
    queries, base, k = CASES[name]
    check(queries, base, metric, k, threads=2)


def test_queries_that_are_base_rows():
    """A query that is itself in the base comes first, at distance 0."""
    base = normal(4000, 16)
    check(base[:20], base, "l2", 30)
    ids, distances = nearest(base[:20], base, "l2", 1)
    assert ids[:, 0].tolist() == list(range(20))
    assert not distances.any()


def test_a_query_at_the_center_of_the_data():
    """Its product with every row is 0: all of the error lies in the lengths of the rows."""
    half = normal(1500, 40)
    check(np.zeros((1, 40), np.float32), np.vstack([half, -half]), "l2", 30)


def test_zero_query_under_ip():
    """Every base row ties for a zero query, so the smallest ids win."""
    ids, distances = nearest(np.zeros((2, 8), np.float32), normal(3000, 8), "ip", 5)
    assert ids.tolist() == [[0, 1, 2, 3, 4]] * 2
    assert not distances.any()


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(METRICS),
    st.sampled_from([np.float32, np.float16, np.int8, np.uint8]),
    st.sampled_from([(1.0, 0.0), (0.1, 0.0), (1e-4, 0.0), (1.0, 100.0)]),
    st.integers(1, 60),
    st.integers(1, 5),
    st.integers(0, 2**32 - 1),
)
def test_equals_the_definition_on_small_grids(metric, dtype, scale_and_offset, n, d, seed):
    """Grids of few values, of every type: ties and copies everywhere, zero rows in the base."""
    rng = np.random.default_rng(seed)
    scale, offset = (1.0, 0.0) if np.dtype(dtype).kind in "iu" else scale_and_offset
    base = (rng.integers(0, 4, (n, d)) * scale + offset).astype(dtype)
    queries = (rng.integers(1, 4, (4, d)) * scale + offset).astype(dtype)
    k = int(rng.integers(1, n + 1))
    check(queries, base, metric, k, threads=int(rng.integers(1, 3)))


def permuted(rows):
    """Rows that all have one distance to a constant query, exactly; float32 sums tell them apart.

    Products of 32 to 42 bits, the sum of which float64 holds and float32 rounds, in another way for
    each order of the numbers. Every tenth row is nearer or farther by less than float32 shows.
    """
    rng = np.random.default_rng(rows)
    row = rng.integers(2**20, 2**21, 200)
    base = np.stack([rng.permutation(row) for _ in range(rows)])
    base[::10, 0] += rng.integers(-1, 2, len(base[::10]))
    return np.full((3, 200), 1999, np.float32), base.astype(np.float32)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "k"), [(900, 20), (4500, 300)])
def test_ties_within_the_error_bound_go_to_the_smaller_ids(metric, n, k):
    """Where float32 orders ties by its own rounding, float64 and the ids decide, in shards too."""
    queries, base = permuted(n)
    check(queries, base, metric, k)
    shards(queries, base, metric, k, n // 2)


@pytest.mark.parametrize("metric", METRICS)
def test_shards_with_a_limit_merge_to_the_whole(metric):
    """A shard that is given the best so far still finds all that can be among the nearest."""
    queries, base = normal(20, 8), np.repeat(normal(1500, 8), 2, axis=0)
    shards(queries, base, metric, 10, 1200)


def test_short_shard_is_padded():
    """A shard with fewer rows than asked for is filled up with −1 and inf."""
    ids, distances = nearest(normal(3, 4), normal(10, 4), "l2", 6, start=8)
    assert (ids[:, 2:] == -1).all()
    assert np.isinf(distances[:, 2:]).all()
    assert np.sort(ids[:, :2], axis=1).tolist() == [[8, 9]] * 3


def test_queries_come_in_groups(monkeypatch):
    """More queries than have room at once are done group by group, with the same answer."""
    monkeypatch.setattr(exact, "_BUFFER_BYTES", 24 * 300 * 7)
    check(normal(50, 6), normal(2500, 6), "ip", 5, threads=2)


@pytest.mark.parametrize(("value", "metric"), [(np.nan, "l2"), (np.inf, "ip"), (np.nan, "cosine")])
def test_bad_base_row_is_named(value, metric):
    """NaN and Inf are refused, naming the row."""
    base = normal(5000, 6)
    base[3210] = value
    with pytest.raises(DataError, match="holds NaN or Inf"):
        nearest(normal(5, 6), base, metric, 3)


@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e-40])
@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int8])
def test_zero_rows_come_last_under_cosine(kind, scale):
    """They are farther than the opposite direction, in every tile and type, and in shards."""
    generator = np.random.default_rng(3)
    base = (generator.normal(size=(5000, 3)) * 20).astype(kind)
    if kind == np.float32:
        base = (base * scale).astype(kind)
    base[generator.choice(5000, 4960, replace=False)] = 0
    queries = generator.normal(size=(40, 3)).astype(np.float32)
    check(queries, base, "cosine", 60, threads=2)
    check(queries, base[:1], "cosine", 1)
    shards(queries, base, "cosine", 60, 2500)


def test_bad_query_is_named():
    """A query with NaN, or a zero one under cosine, is refused with its number."""
    queries = normal(5, 6)
    queries[2] = 0
    with pytest.raises(DataError, match="queries, row 2"):
        nearest(queries, normal(50, 6), "cosine", 3)
    queries[4, 1] = np.nan
    with pytest.raises(DataError, match="queries, row 4"):
        nearest(queries, normal(50, 6), "l2", 3)


def test_progress_counts_every_row():
    """The rows reported as finished add up to all of them."""
    seen = []
    nearest(normal(5, 600), normal(9000, 600), "l2", 3, progress=lambda rows, _: seen.append(rows))
    assert sum(seen) == 9000
    assert len(seen) > 1
