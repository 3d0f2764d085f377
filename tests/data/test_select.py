"""Variants of a dataset: the same base, other queries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from vectors import gaussian, save_pair

import vbench
from vbench.data import catalog
from vbench.data.dataset import Dataset
from vbench.data.select import select_queries
from vbench.errors import DataError, UnknownNameError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset of 20 items and 6 queries, with two variants."""
    made = tmp_path / "mine"
    made.mkdir()
    save_pair(made, 20, 6, 4)
    np.save(made / "late.npy", gaussian(6, 4, seed=1))
    pl.DataFrame({"kind": list("uuiiui")}).write_parquet(made / "queries.parquet")
    judged = pl.DataFrame({"query": [0, 1, 4, 4, 5], "item": [1, 2, 3, 4, 5]})
    judged.write_parquet(made / "relevance.parquet")
    (made / "dataset.toml").write_text(
        'metric = "ip"\nm = 6\n'
        '[variants.late]\nqueries = "late.npy"\n'
        '[variants.users]\nwhere = { kind = "u" }\n'
        '[variants.nobody]\nwhere = { kind = "x" }\n'
        '[variants.gone]\nqueries = "gone.npy"\n'
    )
    return made


def test_other_queries_keep_segments_and_relevance(folder: Path) -> None:
    """A variant with a file of its own differs in the queries alone."""
    own, late = vbench.load(folder), vbench.load(f"{folder}:late")
    assert late.name == "mine:late"
    np.testing.assert_array_equal(late.queries, np.load(folder / "late.npy"))
    np.testing.assert_array_equal(late.base, own.base)
    assert late.segments is not None
    assert late.relevance is not None
    assert late.fingerprint != own.fingerprint


def test_chosen_queries_take_their_judgments_along(folder: Path) -> None:
    """Queries 0, 1 and 4 are kept; their judgments follow under new row numbers."""
    users = vbench.load(f"{folder}:users")
    np.testing.assert_array_equal(users.queries, np.load(folder / "queries.npy")[[0, 1, 4]])
    assert users.relevance is not None
    assert users.relevance.rows() == [(0, 1), (1, 2), (2, 3), (2, 4)]
    assert users.segments is not None
    assert users.segments["kind"].to_list() == ["u"] * 3


def test_variants_that_cannot_be_are_explained(folder: Path) -> None:
    """No such variant, no such query, no such file, no such column."""
    with pytest.raises(UnknownNameError, match="did you mean 'late'"):
        vbench.load(f"{folder}:lat")
    with pytest.raises(DataError, match="no query has kind = x"):
        vbench.load(f"{folder}:nobody")
    with pytest.raises(DataError, match=r"gone\.npy"):
        vbench.load(f"{folder}:gone")
    points = np.eye(3, dtype=np.float32)
    with pytest.raises(DataError, match="no column age"):
        select_queries(Dataset("bare", points, points, "ip"), {"age": "7"})


def test_books_has_its_variants_in_the_catalog() -> None:
    """`books:skew`, `books:noise` and `books:items` are names like any other."""
    assert {"books:skew", "books:noise", "books:items"} <= set(catalog.names())
    items = vbench.load("books:items")
    assert items.m == 1000
    assert items.relevance is None
    assert vbench.load("books:skew").m == vbench.load("books").m
