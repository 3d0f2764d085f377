"""Vectors handed to another process as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from vectors import gaussian

from vbench.bench.worker import files


def read(described: files.ArrayFile) -> np.ndarray:
    out = np.empty(described.shape, dtype=np.float32)
    files.load_rows(described, out, np.arange(len(out)))
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.uint8])
def test_an_array_in_memory_is_spooled(tmp_path: Path, dtype: type) -> None:
    """It is read back as float32, whatever it was."""
    array = (gaussian(50, 7) * 50).astype(dtype)
    described = files.array_file(array, tmp_path)
    assert Path(described.path).parent == tmp_path
    assert np.array_equal(read(described), array.astype(np.float32))


def test_a_mapped_file_is_read_where_it_lies(tmp_path: Path) -> None:
    """Nothing is copied for a memory map, nor for rows and columns cut out of it."""
    path = tmp_path / "base.npy"
    np.save(path, gaussian(40, 9))
    mapped = np.load(path, mmap_mode="r")
    for view in (mapped, mapped[5:20], mapped[::3], mapped[:, 2:6], mapped[3:][2:]):
        described = files.array_file(view, tmp_path)
        assert described.path == str(path)
        assert np.array_equal(read(described), view)


def test_columns_that_do_not_lie_together_are_spooled(tmp_path: Path) -> None:
    """A transposed map is written out, so that rows can be read in one piece."""
    path = tmp_path / "base.npy"
    np.save(path, gaussian(6, 30))
    mapped = np.load(path, mmap_mode="r")
    described = files.array_file(mapped.T, tmp_path)
    assert described.path != str(path)
    assert np.array_equal(read(described), mapped.T)


@pytest.mark.parametrize("fits", [True, False])
@pytest.mark.parametrize("room", [None, 1 << 20, 100, -100])
def test_rows_are_read_in_their_order_block_by_block(
    fits: bool, room: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some rows in any order, also when a block ends anywhere, and where memory has no room."""
    monkeypatch.setattr(files, "BLOCK_BYTES", 100)
    monkeypatch.setattr("vbench.neighbors.blocks.BLOCK_BYTES", 100)
    if not fits:
        monkeypatch.setattr(files, "_ROOM", 1 << 62)
    array = gaussian(33, 5)
    rows = np.random.default_rng(3).permutation(33)[:30]
    out = np.zeros((30, 6), dtype=np.float32)
    files.load_rows(files.array_file(array, tmp_path), out, rows, room)
    assert np.array_equal(out[:, :5], array[rows])
    assert not out[:, 5].any()
