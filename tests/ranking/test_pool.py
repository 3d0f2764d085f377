"""The pool: every pair once, and back to the lists it came from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vbench.data.dataset import Dataset
from vbench.metric import distance
from vbench.ranking.lists import Lists
from vbench.ranking.pool import Pool


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), m=st.integers(1, 9))
def test_every_list_can_be_read_back(seed: int, m: int) -> None:
    """Its places lead to its own ids, pads and repeats nowhere; no pair is there twice."""
    rng = np.random.default_rng(seed)
    lists = [rng.integers(-1, 12, size=(m, k)) for k in (5, 1, 8)]
    queries = np.sort(rng.permutation(50)[:m])
    pool = Pool.of(queries, lists)
    assert len(set(zip(pool.query.tolist(), pool.item.tolist(), strict=True))) == len(pool)
    for ids, places in zip(lists, pool.places, strict=True):
        for row in range(m):
            there = places[row] >= 0
            np.testing.assert_array_equal(pool.item[places[row][there]], ids[row][there])
            np.testing.assert_array_equal(pool.query[places[row][there]], queries[row])
            kept = ids[row][there]
            assert sorted(kept) == sorted(set(ids[row].tolist()) - {-1})


def test_places_are_written_over_ids_in_a_file() -> None:
    """What is known to hold no id twice is not looked through for one; some lists may be chosen."""
    rng = np.random.default_rng(0)
    arrays = [np.argsort(rng.random((9, 12)), axis=1)[:, :k] for k in (5, 8)]
    plain = Pool.of(np.arange(9), arrays)
    lists = Lists(9, np.int32)
    for each in arrays:
        lists.append(each)
    pool = Pool.of(np.arange(9), lists, repeats=[False, False])
    assert pool.places is lists
    assert pool.places[0].dtype == np.int32
    for one, other in zip(pool.places, plain.places, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(pool.item, plain.item)
    (last,) = pool.places.select([1])
    np.testing.assert_array_equal(last, plain.places[1])
    assert [part.shape for part in lists.rows(7, 20)] == [(2, 5), (2, 8)]


def test_blocks_of_rows_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs and places are the same, however many rows are pooled at a time."""
    rng = np.random.default_rng(1)
    arrays = [rng.integers(-1, 12, size=(30, k)) for k in (5, 8)]
    whole = Pool.of(np.arange(30), arrays)
    monkeypatch.setattr("vbench.ranking.pool._BLOCK_ENTRIES", 40)  # three rows
    pool = Pool.of(np.arange(30), arrays)
    np.testing.assert_array_equal(pool.item, whole.item)
    np.testing.assert_array_equal(pool.starts, whole.starts)
    for one, other in zip(pool.places, whole.places, strict=True):
        np.testing.assert_array_equal(one, other)


def test_some_rows_of_a_list_are_put_into_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order given, block by block."""
    monkeypatch.setattr("vbench.ranking.lists._BLOCK", 20)
    ids = np.arange(60).reshape(12, 5)
    lists = Lists(7, np.int32)
    lists.append(ids, np.array([1, 2, 3, 5, 8, 9, 11]))
    lists.append(ids[:7])
    np.testing.assert_array_equal(lists[0], ids[[1, 2, 3, 5, 8, 9, 11]])
    np.testing.assert_array_equal(lists[1], ids[:7])


def test_blocks_hold_every_pair(dataset: Dataset) -> None:
    """Whatever their size, and only items that exist, even where all places are pads."""
    rng = np.random.default_rng(0)
    ids = rng.integers(-1, 300, size=(90, 20))
    ids[3] = -1
    pool = Pool.of(np.arange(90), [ids])
    for size in (1, 60, 10_000):
        seen = np.zeros(len(pool), dtype=int)
        for block in pool.blocks(size):
            assert (block.candidates >= 0).all()
            np.testing.assert_array_equal(pool.item[block.pairs], block.candidates)
            np.testing.assert_array_equal(
                pool.query[block.pairs], np.broadcast_to(block.queries[:, None], block.pairs.shape)
            )
            seen[block.pairs] += 1
        assert (seen > 0).all()
    near = distance(dataset.queries[pool.query], dataset.base[pool.item], "ip")
    np.testing.assert_allclose(pool.similarity(dataset), -near)
