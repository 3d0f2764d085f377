"""The tables of a run folder: read as written, and clear about damage."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vbench.data.dataset import GroundTruth
from vbench.errors import DamagedFileError, VbenchError
from vbench.runs import files, tables


def test_a_frame_on_a_full_disk_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parquet goes through our own writing, so that the reason is known; nothing half stays."""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(VbenchError, match=r"frame\.parquet.*No space.*call again"):
        tables.write_frame(tmp_path / "frame.parquet", pl.DataFrame({"a": [1]}))
    assert not list(tmp_path.iterdir())


def test_exact_neighbors_are_read_as_written(tmp_path: Path) -> None:
    """Distances keep every bit; how many there are to find is stored beside them."""
    rng = np.random.default_rng(0)
    truth = GroundTruth(rng.integers(0, 9, (4, 3)).astype(np.int32), rng.random((4, 3)))
    truth.ids[1, 2], truth.distances[1, 2] = -1, np.inf
    tables.write_ground_truth(tmp_path, truth)
    read = tables.read_ground_truth(tmp_path)
    assert np.array_equal(read.ids, truth.ids)
    assert np.array_equal(read.distances, truth.distances)
    frame = pl.read_parquet(files.ground_truth_path(tmp_path, "static"))
    assert frame["allowed"].to_list() == [3, 2, 3, 3]


def test_no_name_of_a_column_is_reserved(tmp_path: Path) -> None:
    """Columns of the dataset may be called as the table's own are."""
    columns = pl.DataFrame({"query": ["a", "b"], "id": [1, 2], "activity": [None, "x"]})
    tables.write_queries(tmp_path, 2, columns, pl.Series("user", ["u1", "u2"]))
    read = tables.read_queries(tmp_path)
    assert read.columns.equals(columns)
    assert read.ids is not None
    assert read.ids.to_list() == ["u1", "u2"]
    assert read.numbers.tolist() == [0, 1]


def test_items_are_those_that_are_asked_for(tmp_path: Path) -> None:
    """One row for each, under its number in the base."""
    assert tables.read_items(tmp_path) is None
    tables.write_items(tmp_path, np.array([5, 9]), None, pl.Series("isbn", ["x", "y"]))
    read = tables.read_items(tmp_path)
    assert read is not None
    assert read.numbers.tolist() == [5, 9]
    assert read.ids is not None


@pytest.mark.parametrize("change", ["value", "dtype", "missing"])
def test_a_table_that_was_changed_is_noticed(tmp_path: Path, change: str) -> None:
    """Its digest is of every value, of types and of names."""
    tables.write_queries(tmp_path, 2, pl.DataFrame({"a": [1, 2]}), None)
    path = tmp_path / files.QUERIES
    facts, frame = pl.read_parquet_metadata(path), pl.read_parquet(path)
    changed = {
        "value": frame.with_columns(pl.lit(7).alias("column.a")),
        "dtype": frame.with_columns(pl.col("column.a").cast(pl.Int32)),
        "missing": frame.drop("column.a"),
    }[change]
    changed.write_parquet(path, metadata={k: facts[k] for k in ("schema", "digest")})
    with pytest.raises(DamagedFileError, match=r"queries\.parquet.*digest"):
        tables.read_queries(tmp_path)


def test_hardness_belongs_to_the_dataset(tmp_path: Path) -> None:
    """Kept once for all runs; a damaged file is as none."""
    frame = pl.DataFrame({"lid": [1.0, 2.0]})
    assert tables.read_hardness(tmp_path, "f" * 8, 10) is None
    tables.write_hardness("f" * 8, 10, frame)
    kept = tables.read_hardness(tmp_path, "f" * 8, 10)
    assert kept is not None
    assert kept.equals(frame)
    tables.hardness_path("f" * 8, 10).write_bytes(b"PAR1")
    assert tables.read_hardness(tmp_path, "f" * 8, 10) is None
