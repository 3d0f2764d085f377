"""Tables in memory are datasets: vectors in a column, ids and segments beside it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest

import vbench
from vbench.data.frames import as_frame, is_frame, read_frame
from vbench.errors import DataError


def vectors(rows: int, d: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, d)).astype(np.float32)


def test_a_table_is_a_dataset_with_ids_and_segments() -> None:
    """Base, queries, and what stands beside both."""
    base, queries = vectors(50), vectors(6, seed=1)
    items = pl.DataFrame({"item_id": [f"i{row}" for row in range(50)], "emb": base})
    users = pl.DataFrame({"kind": list("aabbab"), "vector": queries.tolist()})
    dataset = vbench.load(items, queries=users, metric="ip")
    assert np.array_equal(dataset.base, base)
    assert np.allclose(dataset.queries, queries)
    assert dataset.item_id == "item_id"
    assert dataset.columns == {"kind": "segment"}


def test_a_column_for_each_dimension_and_a_lazy_table() -> None:
    """As of a Parquet file."""
    base = vectors(20)
    frame = pl.DataFrame(base, schema=[f"f{number}" for number in range(4)])
    found = read_frame(frame.with_columns(name=pl.lit("x")).lazy(), "base")
    assert np.array_equal(found.base, base)
    assert found.table is not None
    assert found.table.columns == ["name"]


def test_one_of_several_columns_is_chosen_by_name() -> None:
    """In the base, and in the queries where they have it."""
    one, other = vectors(20), vectors(20, seed=1)
    frame = pl.DataFrame({"text": one, "image": other})
    with pytest.raises(DataError, match=r"base: one column of lists is needed, and text, image"):
        vbench.load(frame, queries=vectors(3), metric="l2")
    dataset = vbench.load(frame, queries=frame.head(3), metric="l2", column="image")
    assert np.array_equal(dataset.base, other)
    assert np.array_equal(dataset.queries, other[:3])


def test_a_ragged_column_is_refused_with_its_row() -> None:
    """The caller's table is what the message names."""
    frame = pl.DataFrame({"emb": [[1.0, 2.0], [1.0]]})
    with pytest.raises(DataError, match=r"base: emb, row 1: 1 numbers, row 0 has 2"):
        vbench.load(frame, queries=vectors(2, 2), metric="l2")


def test_an_empty_table_is_refused() -> None:
    """It has no vectors."""
    frame = pl.DataFrame({"emb": []}, schema={"emb": pl.Array(pl.Float32, 4)})
    with pytest.raises(DataError, match="no vectors"):
        vbench.load(frame, queries=vectors(2), metric="l2")


def test_what_becomes_of_the_table_later_changes_no_dataset() -> None:
    """The vectors are the dataset's own."""
    base = vectors(20)
    dataset = vbench.load(pl.DataFrame({"emb": base}), queries=vectors(2), metric="l2")
    before = dataset.fingerprint
    base[:] = 0.0
    assert vbench.Dataset("x", dataset.base, dataset.queries, "l2").fingerprint == before


class Column:
    """A column as pandas has it."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def to_numpy(self) -> np.ndarray:
        return self._values

    def isna(self) -> Column:
        missing = [each is None or each is np.nan for each in self._values]
        return Column(np.array(missing))


class DataFrame(dict):
    """A table as pandas has it."""

    @property
    def columns(self) -> list[str]:
        return list(self)


DataFrame.__module__ = "pandas.core.frame"


@pytest.fixture
def pandas(monkeypatch: pytest.MonkeyPatch) -> type[DataFrame]:
    module = ModuleType("pandas")
    vars(module)["DataFrame"] = DataFrame
    monkeypatch.setitem(sys.modules, "pandas", module)
    return DataFrame


def objects(values: list[Any]) -> Column:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return Column(column)


def test_a_table_of_pandas_needs_no_arrow(pandas: type[DataFrame]) -> None:
    """Numbers, words with gaps, and a column of arrays."""
    base = vectors(3)
    table = pandas(
        size=Column(np.arange(3)),
        word=objects(["a", None, "c"]),
        emb=objects(list(base)),
    )
    assert is_frame(table)
    found = read_frame(table, "base")
    assert np.array_equal(found.base, base)
    assert found.table is not None
    assert found.table.to_dict(as_series=False) == {"size": [0, 1, 2], "word": ["a", None, "c"]}


def test_a_mixed_column_of_pandas_is_named(pandas: type[DataFrame]) -> None:
    """With what to do."""
    with pytest.raises(DataError, match=r"base: column 'x' holds values of several kinds"):
        as_frame(pandas(x=objects(["a", 3])), "base")


def test_arrays_and_paths_are_no_tables() -> None:
    """They are read as ever."""
    assert not any(is_frame(each) for each in (vectors(2), "base.npy", None, [[1.0]]))
