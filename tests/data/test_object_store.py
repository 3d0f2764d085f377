"""Datasets at addresses: on a real server of S3 here, copied by blocks, kept, taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from buckets import bucket
from vectors import gaussian_pair

import vbench
from vbench.data import object_store
from vbench.data.load import reopen
from vbench.errors import DataError

pytest.importorskip("s3fs")
BASE, QUERIES = gaussian_pair(500, 12, 8, seed=4)


@pytest.fixture(scope="module")
def sea() -> Iterator[str]:
    """The address of a bucket."""
    with bucket("sea") as address:
        yield address


@pytest.fixture
def store(sea: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[object]:
    """Its file system, with vectors in it; and a home of this test alone."""
    import s3fs

    monkeypatch.setenv("VBENCH_HOME", str(tmp_path / "home"))
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    for name, vectors in (("base", BASE), ("queries", QUERIES)):
        path = tmp_path / f"{name}.npy"
        np.save(path, vectors)
        files.put(str(path), f"sea/sets/{name}.npy")
    yield files
    s3fs.S3FileSystem.clear_instance_cache()


def load() -> vbench.Dataset:
    return vbench.load("s3://sea/sets/base.npy", queries="s3://sea/sets/queries.npy", metric="l2")


def test_a_dataset_at_an_address_is_that_of_its_files(
    store: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fetched in blocks, once; a run opens the copy again, and of a stranger's address nothing."""
    monkeypatch.setattr(object_store, "BLOCK", 1000)
    dataset = load()
    np.testing.assert_array_equal(dataset.base, BASE)
    np.testing.assert_array_equal(dataset.queries, QUERIES)
    assert dataset.name == "base"
    assert dataset.source["name_or_path"] == "s3://sea/sets/base.npy"
    same = vbench.load(tmp_path / "base.npy", queries=tmp_path / "queries.npy", metric="l2")
    assert dataset.fingerprint == same.fingerprint
    monkeypatch.setattr(object_store, "_fetch_file", lambda *_: pytest.fail("fetched again"))
    assert load().fingerprint == same.fingerprint
    monkeypatch.setattr(object_store, "_look", lambda address: pytest.fail("asked again"))
    again = reopen(dataset.source)
    assert again.fingerprint == same.fingerprint
    assert again.source == dataset.source
    with pytest.raises(DataError, match="no copy of them here; give dataset='s3://sea/other"):
        reopen({"name_or_path": "s3://sea/other.npy"})


def test_a_copy_that_was_cut_off_goes_on(store: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that are here are not asked for again, and a damaged end is."""
    monkeypatch.setattr(object_store, "BLOCK", 1000)
    real, asked = object_store._look, []

    def counting(address: str) -> object_store._Remote:
        remote = real(address)
        files = remote.listing.files

        class Files:
            def cat_file(self, name: str, start: int, end: int) -> bytes:
                asked.append(start)
                if start >= 9000 and len(asked) < 13:
                    raise OSError("the line is cut")
                found: bytes = files.cat_file(name, start=start, end=end)
                return found

        return remote._replace(listing=remote.listing._replace(files=Files()))

    monkeypatch.setattr(object_store, "_look", counting)
    with pytest.raises(DataError, match="cannot be read: OSError: the line is cut"):
        object_store.local_copy("s3://sea/sets/base.npy")
    part = next(object_store._place("s3://sea/sets/base.npy").glob("*.partial/base.npy"))
    assert part.stat().st_size == 8000
    with part.open("ab") as file:
        file.write(b"half a block")
    asked[:] = [0] * 20
    path = object_store.local_copy("s3://sea/sets/base.npy")
    assert min(asked[20:]) == 8000
    np.testing.assert_array_equal(np.load(path), BASE)


def test_another_version_takes_the_place_of_the_copy(store: object, tmp_path: Path) -> None:
    """The store says that it is another one."""
    address = "s3://sea/sets/base.npy"
    first = object_store.local_copy(address)
    np.save(tmp_path / "other.npy", BASE[::-1])
    store.put(str(tmp_path / "other.npy"), "sea/sets/base.npy")
    second = object_store.local_copy(address)
    np.testing.assert_array_equal(np.load(second), BASE[::-1])
    assert not first.exists()
    assert object_store.kept_copy(address) == second


def test_a_file_that_was_removed_is_fetched_again(store: object) -> None:
    """As by `vbench data prune`; without it there is no copy."""
    address = "s3://sea/sets/base.npy"
    object_store.local_copy(address).unlink()
    with pytest.raises(DataError, match="no copy of them here"):
        object_store.kept_copy(address)
    assert object_store.local_copy(address).is_file()


def test_a_folder_of_parts_is_one_base(store: object, tmp_path: Path) -> None:
    """All files below the address, which keep their names."""
    for number, part in enumerate((BASE[:200], BASE[200:])):
        np.save(tmp_path / "part.npy", part)
        store.put(str(tmp_path / "part.npy"), f"sea/parts/base_{number}.npy")
    dataset = vbench.load(
        "s3://sea/parts/base_*.npy", queries="s3://sea/sets/queries.npy", metric="l2"
    )
    np.testing.assert_array_equal(dataset.base, BASE)


def test_what_is_not_there_is_named(store: object) -> None:
    """The address stands in the line."""
    with pytest.raises(DataError, match=r"s3://sea/none\.npy: no such file"):
        vbench.load("s3://sea/none.npy")
