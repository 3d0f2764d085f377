"""Conditions on base vectors: what each query may be answered with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vbench.workloads.allowed import Allowed

N, M = 40, 12


def condition(seed: int) -> tuple[Allowed, np.ndarray]:
    """A condition of all three kinds, and whether each vector may answer each query."""
    rng = np.random.default_rng(seed)
    mask, items = rng.random(N) < 0.8, rng.integers(-1, 3, N).astype(np.int32)
    queries = rng.integers(-1, 3, M).astype(np.int32)
    lists = [np.sort(rng.choice(N, rng.integers(0, 9), replace=False)) for _ in range(M)]
    table = np.broadcast_to(mask, (M, N)).copy()
    for query in range(M):
        table[query] &= (items == queries[query]) & (items >= 0)
        table[query, lists[query]] = False
    allowed = (
        Allowed(n=N, m=M, mask=mask)
        & Allowed(n=N, m=M, item_codes=items, query_codes=queries)
        & Allowed(
            n=N,
            m=M,
            excluded_ends=np.cumsum([len(each) for each in lists]),
            excluded=np.concatenate(lists).astype(np.int64),
        )
    )
    return allowed, table


@pytest.mark.parametrize("seed", range(5))
def test_a_condition_says_the_same_of_masks_counts_and_pairs(seed: int) -> None:
    """What may answer a query is the same by its mask, by its count and by single ids."""
    allowed, table = condition(seed)
    assert allowed.counts().tolist() == table.sum(axis=1).tolist()
    for query in range(M):
        assert allowed.of_query(query).tolist() == table[query].tolist()
    ids = np.tile(np.arange(-1, N), (M, 1))
    admitted = allowed.admits(np.arange(M), ids)
    assert not admitted[:, 0].any()
    assert (admitted[:, 1:] == table).all()


def test_a_condition_is_read_as_it_was_written(tmp_path: Path) -> None:
    """A worker reads the condition that was written for it, with the same digest."""
    allowed, table = condition(7)
    allowed.save(tmp_path / "condition.npz")
    again = Allowed.load(tmp_path / "condition.npz")
    assert again.digest() == allowed.digest()
    assert (np.stack([again.of_query(row) for row in range(M)]) == table).all()
    assert Allowed(n=N, m=M, mask=~np.zeros(N, bool)).digest() != allowed.digest()


def test_a_mask_alone_is_shared_by_all_queries() -> None:
    """Only a condition that is the same for all queries is prepared for outside of the call."""
    allowed, _ = condition(1)
    assert not allowed.is_shared
    assert Allowed(n=N, m=M, mask=np.ones(N, bool)).is_shared
