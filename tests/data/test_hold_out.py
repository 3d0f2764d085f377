"""Queries that are base vectors leave the base; what is left keeps its ids."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from vectors import gaussian

import vbench
from vbench.data import hold_out
from vbench.data.copies import copies
from vbench.data.load import reopen
from vbench.errors import DataError

BASE = gaussian(100, 4, seed=15)


def test_base_vectors_become_queries(tmp_path):
    """Drawn where there are none; always the same; none of them is in the base any more."""
    np.save(tmp_path / "base.npy", np.vstack([BASE, BASE[:10]]))
    held = vbench.load(tmp_path / "base.npy", metric="l2", hold_out=20)
    assert (held.m, held.hold_out) == (20, 20)
    assert copies(held).queries_in_base == 0
    # Copies of a query went with it.
    rows = np.r_[0:100, 0:10]
    kept = held.item_ids.to_numpy()
    assert (BASE[rows[kept]] == held.base).all()
    assert (BASE[rows[held.query_ids.to_numpy()]] == held.queries).all()
    assert not set(rows[kept]) & set(rows[held.query_ids.to_numpy()])
    again = reopen(held.source)
    assert again.fingerprint == held.fingerprint


def test_queries_that_are_base_vectors_are_taken_out_of_it():
    """Queries that are none stay, with what is known of them; judgments follow the new rows."""
    queries = np.vstack([BASE[[7, 3]], BASE[:1] + 1])
    relevance = pl.DataFrame({"query": [0, 1, 1, 2], "item": [8, 3, 50, 99]})
    dataset = vbench.load(
        BASE,
        queries=queries,
        metric="l2",
        name="mine",
        segments=pl.DataFrame({"kind": ["a", "b", "c"]}),
        items=pl.DataFrame({"id": [f"i{row}" for row in range(100)]}),
        relevance=relevance,
        hold_out=2,
    )
    assert (dataset.n, dataset.m, dataset.hold_out) == (98, 3, 2)
    assert dataset.segments["kind"].to_list() == ["a", "b", "c"]
    ids = dataset.item_ids.to_list()
    assert "i7" not in ids
    assert "i3" not in ids
    judged = [(q, ids[item]) for q, item in dataset.relevance.select("query", "item").iter_rows()]
    assert judged == [(0, "i8"), (1, "i50"), (2, "i99")]


def test_some_of_them_are_enough():
    """Of more queries in the base than are wanted, some are drawn, and the others go."""
    dataset = vbench.load(BASE, queries=BASE[:30], metric="l2", name="mine", hold_out=10)
    assert (dataset.n, dataset.m, copies(dataset).queries_in_base) == (90, 10, 0)


def test_a_large_base_is_written_once(monkeypatch, home):
    """What does not fit into memory lies in a file, the same rows in the same order."""
    plain = vbench.load(BASE, metric="l2", name="mine", hold_out=10)
    monkeypatch.setattr(hold_out, "_IN_MEMORY_BYTES", 10)
    monkeypatch.setattr("vbench.neighbors.blocks.BLOCK_BYTES", 64)
    for _ in range(2):
        large = vbench.load(BASE, metric="l2", name="mine", hold_out=10)
        assert isinstance(large.base, np.memmap)
        assert large.fingerprint == plain.fingerprint
    assert len(list((home / "held-out").glob("*.npy"))) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"hold_out": 100}, "100 of 100 base vectors cannot be held out; give 1 to 99"),
        ({"hold_out": 5, "queries": BASE + 1}, "none of the 100 queries is a base vector"),
    ],
)
def test_what_cannot_be_held_out(given, says):
    """Too many, or nothing."""
    with pytest.raises(DataError, match=says):
        vbench.load(BASE, metric="l2", name="mine", **given)
