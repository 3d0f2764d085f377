"""Columns of vectors in Parquet files, as other tools write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

import vbench
from vbench.data.formats import read_array, read_contents
from vbench.errors import DataError, VbenchError

BASE, QUERIES = gaussian_pair(40, 7, 8, seed=12)
LISTS = pl.List(pl.Float32)


def write(path: Path, columns: Any, **schema: Any) -> Path:
    with path.open("wb") as stream:
        pl.DataFrame(columns, schema_overrides=schema).write_parquet(stream)
    return path


def tensor(rows: Any, kind: str = "arrow.fixed_shape_tensor") -> pl.Series:
    stored = pl.Series("emb", rows.reshape(len(rows), -1))
    return stored.ext.to(pl.Extension(kind, stored.dtype, '{"shape":[2,4]}'))


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("emb", BASE.reshape(-1, 2, 4).tolist(), dtype=pl.List(LISTS)),
        pl.Series("emb", BASE.reshape(-1, 2, 2, 2)),
        pl.Series("emb", BASE.reshape(-1, 2, 4).tolist(), dtype=pl.List(pl.Array(pl.Float32, 4))),
        tensor(BASE),
        tensor(BASE, "datasets.features.features.Array2DExtensionType"),
    ],
    ids=["lists of lists", "array of arrays", "lists of arrays", "tensor", "extension"],
)
def test_rows_of_more_dimensions_are_flattened(tmp_path: Path, column: pl.Series) -> None:
    """Array2D and tensors: 2 × 4 numbers are 8."""
    path = write(tmp_path / "x.parquet", {"id": np.arange(40), "emb": column})
    np.testing.assert_array_equal(read_array(path), BASE)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[[1.0], [2.0]], [[1.0]]], "emb, row 1: 1 numbers, row 0 has 2"),
        ([[[1.0, 2.0]], [[1.0]]], "emb, row 1: 1 numbers, row 0 has 2"),
        ([[[1.0, 2.0]], [[1.0, None]]], "emb, row 1, column 1: empty"),
        ([[[1.0, 2.0]], [None]], "emb, row 1: 0 numbers, row 0 has 2"),
    ],
)
def test_ragged_rows_of_more_dimensions(tmp_path: Path, rows: Any, words: str) -> None:
    """The first row that is unlike the others is named."""
    path = write(tmp_path / "x.parquet", {"emb": rows}, emb=pl.List(pl.List(pl.Float64)))
    with pytest.raises(DataError, match=words):
        read_array(path)


@pytest.mark.parametrize("name", ["f{}", "dim_{}", "{}", "embedding_{}"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_column_for_each_dimension(tmp_path: Path, name: str, first: int) -> None:
    """They are read in the order of their numbers, not of the file."""
    columns = {name.format(i + first): BASE[:, i] for i in reversed(range(8))}
    path = write(tmp_path / "x.parquet", {"id": np.arange(40), **columns, "kind": ["a"] * 40})
    found = read_array(path)
    np.testing.assert_array_equal(found, BASE)
    assert found.dtype == np.float32


def test_dimensions_of_which_one_is_missing(tmp_path: Path) -> None:
    """It is named; so is the first empty cell."""
    columns: dict[str, Any] = {f"f{i}": BASE[:, i] for i in range(8) if i != 3}
    with pytest.raises(DataError, match=r"f0 … f7 look like the dimensions .* f3 is missing"):
        read_array(write(tmp_path / "x.parquet", columns))
    columns = {"f0": [1.0, 2.0], "f1": [1, None]}
    with pytest.raises(DataError, match="row 1, column f1: empty"):
        read_array(write(tmp_path / "x.parquet", columns))


def test_several_columns_are_told_or_chosen(tmp_path: Path) -> None:
    """Which one is taken is said; `column` takes another, on both sides where it is there."""
    for name, rows in (("base", BASE), ("queries", QUERIES)):
        columns = {"emb": rows.tolist(), "emb2": (rows + 1).tolist()}
        write(tmp_path / f"{name}.parquet", columns, emb=LISTS, emb2=LISTS)
    base = tmp_path / "base.parquet"
    with pytest.warns(UserWarning, match="taken from emb, .* emb, emb2; column=NAME"):
        np.testing.assert_array_equal(vbench.load(base, metric="l2").base, BASE)
    other = vbench.load(base, metric="l2", column="emb2")
    np.testing.assert_array_equal(other.base, BASE + 1)
    np.testing.assert_array_equal(other.queries, QUERIES + 1)
    assert vbench.load(**other.source).fingerprint == other.fingerprint
    with pytest.raises(DataError, match="no column 'emb3'; the columns are emb, emb2"):
        vbench.load(base, metric="l2", column="emb3")
    with pytest.raises(VbenchError, match="neither base nor queries are Parquet"):
        vbench.load(BASE, queries=QUERIES, metric="l2", column="emb")


def test_columns_that_cannot_be_told_apart(tmp_path: Path) -> None:
    """Without a usual name the candidates are named."""
    path = write(tmp_path / "x.parquet", {"a": [[1.0]], "b": [[1.0]]})
    with pytest.raises(DataError, match=r"a, b may be meant; name it emb, or column=NAME"):
        read_array(path)
    columns = {f"{name}{i}": BASE[:, i] for i in range(8) for name in "fg"}
    path = write(tmp_path / "x.parquet", columns)
    with pytest.raises(DataError, match="f, g may be meant"):
        read_array(path)
    np.testing.assert_array_equal(read_array(path, column="g"), BASE)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"emb": [b"abcd"], "tags": [[1, 2]]}, "emb holds Binary, raw bytes of an unknown type"),
        ({"raw": [b"abcd"]}, r"the columns are raw \(Binary, raw bytes"),
        ({"emb": ["[1, 2]"]}, "emb holds String; lists of numbers are needed"),
        ({"emb": [[True]]}, "emb holds lists of Boolean; numbers are needed"),
        ({"id": [1], "score": [0.5]}, r"the columns are id \(Int64\), score \(Float64\)"),
    ],
)
def test_columns_that_hold_no_vectors(tmp_path: Path, columns: Any, words: str) -> None:
    """What is found is named with its type."""
    with pytest.raises(DataError, match=words):
        read_contents(write(tmp_path / "x.parquet", columns))


def test_neighbors_beside_the_queries(tmp_path: Path) -> None:
    """They are used as ground truth, checked, and never taken for vectors."""
    ids = np.argsort(((QUERIES[:, None] - BASE) ** 2).sum(-1), axis=1)[:, :5]
    write(tmp_path / "train.parquet", {"v": BASE.tolist()}, v=LISTS)
    queries = tmp_path / "test.parquet"
    write(queries, {"neighbors": ids.tolist(), "v": QUERIES.tolist()}, v=LISTS)
    for way in ({}, {"queries": queries}):
        data = vbench.load(tmp_path / "train.parquet", metric="l2", **way)  # type: ignore[arg-type]
        np.testing.assert_array_equal(data.given_ground_truth.ids, ids)  # type: ignore[union-attr]
    write(queries, {"neighbors": (ids + 1).clip(max=39).tolist(), "v": QUERIES.tolist()}, v=LISTS)
    with pytest.raises(DataError, match=r"test\.parquet: neighbors: query 0"):
        vbench.load(tmp_path / "train.parquet", metric="l2")
    free = vbench.load(tmp_path / "train.parquet", metric="l2", ground_truth=False)
    assert free.given_ground_truth is None


def test_shorter_lists_of_neighbors(tmp_path: Path) -> None:
    """Lists of different lengths are rows that end earlier."""
    rows = [[3, 1, 2], [], [4], None]
    path = write(tmp_path / "n.parquet", {"neighbors": rows}, neighbors=pl.List(pl.UInt32))
    wanted = [[3, 1, 2], [-1, -1, -1], [4, -1, -1], [-1, -1, -1]]
    assert read_array(path, ids=True).tolist() == wanted


@pytest.mark.parametrize("kind", ["numbers", "ids", "texts"])
@pytest.mark.parametrize("padded", [True, False])
def test_shorter_rows_of_any_kind_of_ids(tmp_path: Path, kind: str, padded: bool) -> None:
    """Ground truth by row numbers, by numbers that are ids, and by texts may end earlier."""
    keys: list[Any] = [*range(40)]
    if kind != "numbers":
        keys = [f"k{row}" if kind == "texts" else row + 1000 for row in keys]
    columns = {"emb": BASE.tolist(), **({} if kind == "numbers" else {"id": keys})}
    write(tmp_path / "base.parquet", columns, emb=LISTS)
    ids = np.argsort(((QUERIES[:, None] - BASE) ** 2).sum(-1), axis=1)[:, :5]
    rows = [[keys[item] for item in row] for row in ids]
    rows[3] = rows[3][:2] + ([None if kind == "texts" else -1] * 3 if padded else [])
    write(tmp_path / "truth.parquet", {"neighbors": rows})
    data = vbench.load(
        tmp_path / "base.parquet",
        queries=QUERIES,
        metric="l2",
        ground_truth=tmp_path / "truth.parquet",
    )
    ids[3, 2:] = -1
    np.testing.assert_array_equal(data.given_ground_truth.ids, ids)  # type: ignore[union-attr]
