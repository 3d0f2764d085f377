"""Attributes as columns of PostgreSQL, and conditions as SQL: what is written, what is not."""

from __future__ import annotations

import struct

import polars as pl
import pytest

from vbench.indexes.pgvector_columns import (
    BOOL,
    FLOAT4,
    FLOAT8,
    INT8,
    TEXT,
    choose_columns,
    encode_rows,
    write_condition,
)
from vbench.indexes.predicate import read_predicate

ITEMS = pl.DataFrame(
    {
        "price": [3, None],
        "share": [0.5, 2.0],
        "color": ["red", "it's"],
        "new": [True, False],
        "at": pl.Series([1, 2]).cast(pl.Datetime),
        "bad": ["a\0b", ""],
        "large": pl.Series([1, 2], dtype=pl.UInt64),
        "short": pl.Series([0.5, 2.0], dtype=pl.Float32),
    }
)
COLUMNS = choose_columns(ITEMS)


def test_columns_hold_what_postgresql_compares_alike() -> None:
    """Neither times, nor numbers and texts that it has no place for."""
    kinds = {name: column.kind for name, column in COLUMNS.items()}
    expected = {"price": INT8, "share": FLOAT8, "color": TEXT, "new": BOOL, "short": FLOAT4}
    assert kinds == expected
    assert [column.name for column in COLUMNS.values()] == ["a0", "a1", "a2", "a3", "a4"]
    assert choose_columns(None) == {}


def test_rows_are_those_of_a_binary_copy() -> None:
    """Each value behind its length; a null is the length −1."""
    columns = {name: COLUMNS[name] for name in ("price", "color", "new")}
    first, second = encode_rows(ITEMS, columns)
    assert first == struct.pack(">iqi3sib", 8, 3, 3, b"red", 1, 1)
    assert second == struct.pack(">ii4sib", -1, 4, b"it's", 1, 0)


@pytest.mark.parametrize(
    ("text", "sql", "kinds"),
    [
        ("price < 20", "a0 < $2", [INT8]),
        ("price != 2.5", "a0 <> $2", [FLOAT8]),
        ("share >= 1 and not color in ('red', 'it''s')", "(a1 >= $2) AND (NOT (a2 IN ($3, $4)))",
         [FLOAT8, TEXT, TEXT]),
        ("new or price is null", "(a3 = $2) OR (a0 IS NULL)", [BOOL]),
        ("short = 0.5", "a4 = $2", [FLOAT4]),
    ],
)  # fmt: skip
def test_a_condition_is_sql_with_parameters(text: str, sql: str, kinds: list[object]) -> None:
    """Values go beside it, each in the type that it is compared in."""
    predicate = read_predicate(text)
    assert predicate is not None
    said = write_condition(predicate, COLUMNS)
    assert said is not None
    assert said.sql == sql
    assert said.kinds == [getattr(kind, "oid", None) for kind in kinds]
    assert len(said.values) == len(kinds)


@pytest.mark.parametrize(
    "text", ["weight < 2", "color < 2", "price = 'a'", "new = 1", "price < 9223372036854775808"]
)
def test_what_postgresql_would_see_otherwise_is_left_to_the_mask(text: str) -> None:
    """Unknown columns, unlike types, numbers without a place."""
    predicate = read_predicate(text)
    assert predicate is not None
    assert write_condition(predicate, COLUMNS) is None
