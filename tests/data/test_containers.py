"""Files of several arrays: each is found by its usual names, and damage is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from vectors import gaussian_pair

from vbench.data.containers import Contents, npz_member, npz_name, read_hdf5, read_npz
from vbench.data.formats import read_contents
from vbench.errors import DataError

BASE, QUERIES = gaussian_pair(20, 3, 4)
TRUE = np.arange(6, dtype=np.int32).reshape(3, 2)


def npz(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"


def hdf5(folder: Path, attributes: dict[str, Any], **arrays: Any) -> Path:
    with h5py.File(folder / "a.hdf5", "w") as file:
        file.attrs.update(attributes)
        for name, array in arrays.items():
            file[name] = array
    return folder / "a.hdf5"


def assert_whole(found: Contents) -> None:
    assert found.queries is not None
    assert found.ground_truth is not None
    assert np.array_equal(found.base, BASE)
    assert np.array_equal(found.queries, QUERIES)
    assert np.array_equal(found.ground_truth, TRUE)


@pytest.mark.parametrize("word", ["l2", np.array("l2"), np.array(["l2"]), np.array(b"l2")])
def test_an_archive_has_base_queries_truth_and_metric(tmp_path: Path, word: Any) -> None:
    """The metric as one string in whatever wrapping; arrays are mapped."""
    found = read_npz(npz(tmp_path, base=BASE, queries=QUERIES, neighbors=TRUE, metric=word))
    assert_whole(found)
    assert found.metric == "l2"
    assert isinstance(found.base, np.memmap)


def test_the_only_array_is_the_base_whatever_its_name(tmp_path: Path) -> None:
    """Of several one has to be named."""
    found = read_npz(npz(tmp_path, whatever=BASE))
    assert (found.base.shape, found.queries, found.metric) == ((20, 4), None, None)
    path = npz(tmp_path, one=BASE, two=QUERIES)
    with pytest.raises(DataError, match="holds one, two; the base vectors must be named"):
        read_npz(path)
    assert npz_name(path, ("two", "one"), "base vectors") == "two"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        (np.array(["l2", "ip"]), "metric: one string is needed"),
        (np.array({}, dtype=object), "metric: one string is needed.*give metric"),
        (np.array(["x" * 5000]), "this is a large array"),
    ],
)
def test_a_metric_that_is_no_word_is_refused(tmp_path: Path, word: Any, says: str) -> None:
    """With the way out; a number is no metric, and none is given."""
    with pytest.raises(DataError, match=says):
        read_npz(npz(tmp_path, base=BASE, metric=word))
    assert read_npz(npz(tmp_path, base=BASE, metric=np.array(3))).metric is None


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    """Where it ends too early, and where a member is changed."""
    path = npz(tmp_path, base=BASE)
    content = path.read_bytes()
    path.write_bytes(content[:200])
    with pytest.raises(DataError, match=r"a\.npz: not a whole \.npz file"):
        read_npz(path)
    place = content.index(BASE.tobytes()[:16])
    path.write_bytes(content[:place] + b"\xff" * 16 + content[place + 16 :])
    with pytest.raises(DataError, match=r"a\.npz: base: damaged"):
        npz_member(path, "base")


def test_hdf5_of_ann_benchmarks_is_read(tmp_path: Path) -> None:
    """Train, test and neighbors; the word of its metric."""
    path = hdf5(tmp_path, {"distance": "angular"}, train=BASE, test=QUERIES, neighbors=TRUE)
    found = read_hdf5(path)
    assert_whole(found)
    assert found.metric == "cosine"


def test_hdf5_without_vectors_or_not_whole_is_told(tmp_path: Path) -> None:
    """With what it holds."""
    with pytest.raises(DataError, match="holds"):
        read_hdf5(hdf5(tmp_path, {}, other=TRUE, more=TRUE))
    (tmp_path / "b.hdf5").write_bytes(b"\x89HDF")
    with pytest.raises(DataError, match=r"b\.hdf5.*not a whole HDF5 file"):
        read_hdf5(tmp_path / "b.hdf5")


OTHER = np.full((300, 8), 42, "f4")


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "other.hdf5"
    with h5py.File(path, "w") as file:
        file["train"] = OTHER
        file["group/train"] = OTHER
    return path


def _external_storage(file, other, name):
    outside = [(str(other), 0, h5py.h5f.UNLIMITED)]
    file.create_dataset(name, (300, 8), "u1", external=outside)


def _virtual(file, other, name):
    layout = h5py.VirtualLayout((300, 8), "f4")
    layout[:] = h5py.VirtualSource(str(other), "train", (300, 8))
    file.create_virtual_dataset(name, layout)


def _virtual_of_nothing(file, other, name):
    file.create_virtual_dataset(name, h5py.VirtualLayout((300, 8), "f4"), fillvalue=1)


def _external_link(file, other, name):
    file[name] = h5py.ExternalLink(str(other), "train")


def _external_link_to_nothing(file, other, name):
    file[name] = h5py.ExternalLink(str(other.parent / "gone.hdf5"), "train")


def _soft_link_through_an_external_group(file, other, name):
    file["far"] = h5py.ExternalLink(str(other), "group")
    file[name] = h5py.SoftLink("/far/train")


def _circle(file, other, name):
    file[name] = h5py.SoftLink("/again")
    file["again"] = h5py.SoftLink(f"/{name}")


@pytest.mark.parametrize("role", ["train", "test", "neighbors"])
@pytest.mark.parametrize(
    "make",
    [
        _external_storage,
        _virtual,
        _virtual_of_nothing,
        _external_link,
        _external_link_to_nothing,
        _soft_link_through_an_external_group,
        _circle,
    ],
)
def test_numbers_outside_are_refused(tmp_path, home, other, make, role):
    """Whichever way they are outside, the file and the array are named, and nothing is kept."""
    path = tmp_path / "given.hdf5"
    with h5py.File(path, "w") as file:
        for name in {"train", "test"} - {role}:
            file[name] = np.ones((300, 8), "f4")
        make(file, other, role)
    with pytest.raises(DataError, match=rf"given.hdf5: ({role}|far|again): "):
        read_contents(path)
    assert not list(home.rglob("*.npy"))


def test_links_within_the_file_are_followed(tmp_path):
    """A soft or a hard link to an array of the same file is that array."""
    path = tmp_path / "given.hdf5"
    with h5py.File(path, "w") as file:
        file["deep/vectors"] = OTHER
        file["deep/way"] = h5py.SoftLink("vectors")
        file["train"] = h5py.SoftLink("/deep/way")
        file["test"] = file["deep/vectors"]
        file["loose"] = h5py.SoftLink("/nowhere")
    contents = read_contents(path)
    np.testing.assert_array_equal(contents.base, OTHER)
    np.testing.assert_array_equal(contents.queries, OTHER)
