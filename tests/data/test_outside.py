"""HDF5 files whose numbers lie in another file."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from vbench.data.formats import read_contents
from vbench.errors import DataError

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
