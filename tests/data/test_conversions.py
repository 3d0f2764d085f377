"""Converted files: made once, of this very file, and only of what is likely and fits."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import h5py
import numpy as np
import polars as pl
import pytest

from vbench import _invocation
from vbench.data import conversions, files
from vbench.data.formats import read_array, read_contents
from vbench.errors import DataError, VbenchError

ROWS = 400_000
"""Of 8 float32: 12.8 MB, over what is harmless."""


def _hdf5_of_empty_chunks(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("train", (ROWS, 8), "f4", chunks=(ROWS, 8))


def _hdf5_gzip(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("train", data=np.ones((ROWS, 8), "f4"), compression="gzip")


def _hdf5_never_written(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("train", (ROWS, 8), "f4")


def _npz(path):
    np.savez_compressed(path, base=np.ones((ROWS, 8), "f4"))


def _parquet(path):
    rows = pl.Series([[0.0] * 8], dtype=pl.List(pl.Float32)).new_from_index(0, ROWS)
    pl.DataFrame({"id": np.arange(ROWS)[::-1], "emb": rows}).write_parquet(path)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("x.hdf5", _hdf5_of_empty_chunks),
        ("x.hdf5", _hdf5_gzip),
        ("x.hdf5", _hdf5_never_written),
        ("x.npz", _npz),
        ("x.parquet", _parquet),
    ],
)
def test_small_files_that_declare_large_arrays(tmp_path, home, monkeypatch, name, make):
    """They are refused before anything is written, and read when they are trusted."""
    monkeypatch.setattr(files, "_LARGEST_RATIO", 3)
    make(tmp_path / name)
    with pytest.raises(DataError, match=r"declare 12,8.* bytes .*trust=True"):
        read_contents(tmp_path / name)
    assert not list(home.rglob("*.*"))
    with _invocation.trusting():
        assert read_contents(tmp_path / name).base.shape == (ROWS, 8)
    assert read_contents(tmp_path / name).base.shape == (ROWS, 8)


def test_few_rows_in_a_large_chunk(tmp_path):
    """A chunk is unpacked as a whole: its size counts, not that of the rows."""
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        chunk = (ROWS, 8)
        stored = file.create_dataset(
            "train", (1000, 8), "f4", chunks=chunk, maxshape=(None, 8), compression="gzip"
        )
        stored[:] = 1
    with pytest.raises(DataError, match=r"declare 12,8.* bytes .*trust=True"):
        read_contents(tmp_path / "x.hdf5")
    with _invocation.trusting():
        assert read_contents(tmp_path / "x.hdf5").base.sum() == 8000


def test_a_few_megabytes_are_no_question(tmp_path):
    """Small arrays are unpacked however well they are compressed."""
    np.savez_compressed(tmp_path / "x.npz", base=np.zeros((10_000, 8), "f4"))
    assert read_contents(tmp_path / "x.npz").base.shape == (10_000, 8)


def test_what_does_not_fit_is_not_begun(tmp_path, home, monkeypatch):
    """Both numbers are told: what is wanted, and what is free."""
    np.save(tmp_path / "x.npy", np.ones((1000, 8)))
    free = os.statvfs(tmp_path)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda place: type("", (), {"free": 31_000})())
    with pytest.raises(
        VbenchError, match=r"32.0 kB are to be written .* 31.. kB are free"
    ) as raised:
        read_array(tmp_path / "x.npy")
    assert "VBENCH_HOME" in str(raised.value)
    assert free.f_bavail
    assert not list(home.rglob("*.npy"))


def test_another_file_of_the_same_size_and_time_is_read_anew(tmp_path):
    """As after `rsync -t`, or in images whose times are fixed: the inode tells them apart."""
    for value in (1.0, 2.0):
        np.save(tmp_path / "next.npy", np.full((50, 8), value))
        os.utime(tmp_path / "next.npy", (1_700_000_000, 1_700_000_000))
        (tmp_path / "next.npy").replace(tmp_path / "base.npy")
        assert read_array(tmp_path / "base.npy")[0, 0] == value


def test_the_same_file_written_over_in_place_is_read_anew(tmp_path):
    """The same inode, size and time of change: the time of change of the inode is another."""
    path = tmp_path / "base.npy"
    for value in (1.0, 2.0):
        if value == 2.0:
            stored = np.load(path, mmap_mode="r+")
            stored[:] = value
            stored.flush()
        else:
            np.save(path, np.full((50, 8), value))
        os.utime(path, (1_700_000_000, 1_700_000_000))
        assert read_array(path)[0, 0] == value


def test_a_converted_file_says_what_it_was_made_of(tmp_path, home):
    """Beside it lies its origin, which knows whether it is still current."""
    np.save(tmp_path / "x.npy", np.ones((50, 8)))
    read_array(tmp_path / "x.npy")
    (note,) = home.glob("converted/*.json")
    origin = conversions.read_note(note.with_suffix(".npy")).origin
    assert note.stem == origin.digest
    assert (origin.files[0].path, origin.is_current()) == (str(tmp_path / "x.npy"), True)
    np.save(tmp_path / "x.npy", np.ones((60, 8)))
    assert not origin.is_current()
    (tmp_path / "x.npy").unlink()
    assert not origin.is_current()


def test_a_file_that_changes_while_it_is_read(tmp_path, home):
    """What was made of two states of a file is not kept."""
    path = tmp_path / "x.npy"
    np.save(path, np.ones((50, 8)))

    from vbench.data.arrays import map_converted

    def block(start, stop):
        np.save(path, np.ones((60, 8)))
        return np.ones((stop - start, 8))

    with pytest.raises(DataError, match="changed while it was read"):
        map_converted(path, "", (50, 8), np.dtype("f4"), block)
    assert not list(home.glob("converted/*"))


def _read(path):
    return float(read_contents(path).base.sum())


def test_several_at_once(tmp_path, home):
    """Processes that want one file converted all get it, and nothing else is left."""
    np.savez(tmp_path / "x.npz", base=np.ones((20_000, 8)), queries=np.ones((20, 8)))
    with get_context("spawn").Pool(3) as pool:
        assert pool.map(_read, [tmp_path / "x.npz"] * 3) == [160_000.0] * 3
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(_read, [tmp_path / "x.npz"] * 3)) == [160_000.0] * 3
    assert {path.suffix for path in home.rglob("*") if path.is_file()} == {".npy", ".json"}
    assert not list(home.glob("converted/.*"))


@pytest.mark.parametrize("suffix", [".npy", ".json"])
def test_a_damaged_converted_file_is_made_anew(tmp_path, home, monkeypatch, suffix):
    """One bit of it, or of its note, is enough; so is a note that is no note."""
    path = tmp_path / "x.npy"
    original = np.random.default_rng(0).normal(size=(50, 8))
    np.save(path, original)
    read_array(path)
    (kept_path,) = home.glob(f"converted/*{suffix}")
    content = kept_path.read_bytes()
    places = np.random.default_rng(1).integers(0, 8 * len(content), 10).tolist()
    damaged = [bytearray(content) for _ in places]
    for place, each in zip(places, damaged, strict=True):
        each[place // 8] ^= 1 << place % 8
    for each in (*damaged, b"", b"[" * 9000, b"null"):
        kept_path.write_bytes(each)
        monkeypatch.setattr(conversions, "_seen_whole", set())
        np.testing.assert_array_equal(read_array(path), original.astype(np.float32))
    assert len(list(home.glob("converted/*"))) == 2


def test_a_change_of_any_part_is_seen(tmp_path):
    """A table of several files is converted anew when one of them changes."""
    for number in range(3):
        np.save(tmp_path / f"emb_{number}.npy", np.full((10, 4), float(number)))
    assert read_contents(tmp_path).base.sum() == 4 * 10 * (0 + 1 + 2)
    np.save(tmp_path / "emb_2.npy", np.full((10, 4), 5.0))
    assert read_contents(tmp_path).base.sum() == 4 * 10 * (0 + 1 + 5)
