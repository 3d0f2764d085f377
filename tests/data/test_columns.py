"""Columns: which are ids, which divide queries, and which do neither."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from vectors import gaussian

from vbench.data.columns import id_column, named_as_id, role

M = 600


def drawn(values, size=M):
    return np.random.default_rng(5).choice(np.array(values), size).tolist()


@pytest.mark.parametrize(
    ("name", "values", "wanted"),
    [
        ("user_id", np.arange(M) + 10**7, "id"),
        ("customer", np.arange(M) * 3, "id"),
        ("customer", [None, *range(1, M)], "id"),
        ("user_id", [float(i) for i in range(M)], "id"),
        ("user_id", [f"u-{i}" for i in range(M)], "id"),
        ("uid", [*range(M - 10), *range(10)], "id"),
        ("activity", drawn(["heavy", "middle", "light"]), "segment"),
        ("cold", drawn([True, False]), "segment"),
        ("country", drawn([f"c{i}" for i in range(150)]), "segment"),
        ("region_id", drawn(range(25)), "segment"),
        ("store_id", drawn([f"s{i}" for i in range(100)]), "segment"),
        ("account_id", drawn(range(60)), "cluster"),
        ("age", drawn(range(18, 80)), "segment"),
        ("score", gaussian(M), "segment"),
        ("since", [date(2020, 1, 1) + timedelta(days=i) for i in range(M)], "segment"),
        ("session_id", np.repeat(np.arange(M // 3), 3), "cluster"),
        ("session", np.repeat([f"s{i}" for i in range(M // 3)], 3).tolist(), "cluster"),
        ("household", [f"h{i % 400}" for i in range(M)], "cluster"),
        ("model", ["v1"] * M, "other"),
        ("nothing", [None] * M, "other"),
        ("raw", [b"x"] * M, "other"),
        ("list", [[1]] * M, "other"),
    ],
)
def test_roles(name, values, wanted):
    """A column's role follows from its values, and for numbers from its name."""
    assert role(pl.Series(name, values)) == wanted


def test_names_of_ids():
    """Words that only end like one are none."""
    for name in ("id", "ID", "user_id", "userId", "item-id", "uid", "userid", "isbn", "sku"):
        assert named_as_id(name)
    for name in ("valid", "grid", "paid", "covid", "monkey", "kind", "identity"):
        assert not named_as_id(name)


def test_the_column_that_names_the_rows():
    """`id` goes before other ids, these before a text; what repeats or is an amount is none."""
    frame = pl.DataFrame(
        {"name": list("abc"), "item_id": [3, 2, 1], "popularity": [9, 8, 7], "id": [4, 5, 6]}
    )
    assert id_column(frame) == "id"
    assert id_column(frame.drop("id")) == "item_id"
    assert id_column(frame.drop("id", "item_id")) == "name"
    assert id_column(frame.select("popularity")) is None
    assert id_column(pl.DataFrame({"id": [1, 1], "name": ["a", "a"]})) is None
    assert id_column(pl.DataFrame({"id": [1, None]})) is None
    assert id_column(pl.DataFrame({"text": ["word " * 50 + str(i) for i in range(3)]})) is None
    assert id_column(None) is None
