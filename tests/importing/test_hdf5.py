"""Result files in HDF5: which tool's they are, and what each says."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from imported import M, answers_on, write_annb, write_bigann, write_dataset, write_vibe

from vbench.importing.hdf5 import read_hdf5
from vbench.importing.results import ResultError


def test_a_file_of_ann_benchmarks_is_one_setting(tmp_path: Path) -> None:
    """Ids, distances, times in seconds; the size of kilobytes in bytes; arguments by name."""
    ids, distances = answers_on(write_dataset(tmp_path))
    (found,) = read_hdf5(write_annb(tmp_path / "a.hdf5", ids, distances, ef=40))
    assert found.tool == "ann-benchmarks"
    assert found.algorithm == "hnswlib"
    assert found.parameters == {"M": 16, "efConstruction": 200, "efQuery": 40}
    assert (found.k, found.passes, found.build_seconds) == (10, 2, 1.25)
    assert found.index_bytes == 40 * 1024
    arrays = found.read()
    np.testing.assert_array_equal(arrays.ids, ids)
    assert arrays.seconds is not None
    assert arrays.seconds[0] == pytest.approx(1e-5)
    assert found.batch_seconds is None


def test_times_of_a_batch_are_no_times_of_queries(tmp_path: Path) -> None:
    """ann-benchmarks divides the time of the one call among its queries."""
    ids, distances = answers_on(write_dataset(tmp_path))
    path = write_annb(tmp_path / "a.hdf5", ids, distances)
    with h5py.File(path, "r+") as file:
        file.attrs["batch_mode"] = True
    (found,) = read_hdf5(path)
    assert found.algorithm == "hnswlib-batch"
    assert found.read().seconds is None
    assert found.batch_seconds == pytest.approx(M * 2e-5)


def test_a_file_of_vibe_is_one_build(tmp_path: Path) -> None:
    """A group is a setting; its attributes are text."""
    answers = answers_on(write_dataset(tmp_path))
    path = write_vibe(tmp_path / "v.hdf5", {"10": answers, "40": answers})
    first, second = read_hdf5(path)
    assert (first.tool, first.part, second.part) == ("VIBE", "10", "40")
    assert first.build == second.build
    assert first.parameters["efQuery"] == 10
    assert first.index_bytes == 40 * 1024


def test_a_file_of_big_ann_has_no_times_of_queries(tmp_path: Path) -> None:
    """The time is that of one call with all queries; work is a query's and a pass's."""
    ids, _ = answers_on(write_dataset(tmp_path))
    (found,) = read_hdf5(write_bigann(tmp_path / "b.hdf5", ids, 5))
    assert found.tool == "big-ann-benchmarks"
    assert found.batch_seconds == 0.01
    assert found.work == 2
    arrays = found.read()
    assert arrays.seconds is None
    assert arrays.distances is None


def test_a_dataset_holds_no_results(tmp_path: Path) -> None:
    """What lies beside results in a folder is passed over."""
    assert list(read_hdf5(write_dataset(tmp_path))) == []


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("neighbors", "lims"), "range search"),
        (("neighbors_step3",), "streaming"),
        (("other",), "no answers"),
    ],
)
def test_other_tracks_are_refused_by_name(
    tmp_path: Path, names: tuple[str, ...], said: str
) -> None:
    """What cannot be scored against one list of K neighbors is said."""
    path = tmp_path / "x.hdf5"
    with h5py.File(path, "w") as file:
        for name in names:
            file[name] = np.zeros((3, 2), np.int32)
    with pytest.raises(ResultError, match=said):
        list(read_hdf5(path))


def test_a_truncated_file_is_one_line(tmp_path: Path) -> None:
    """The file is named, and that it is not whole."""
    ids, distances = answers_on(write_dataset(tmp_path))
    path = write_annb(tmp_path / "a.hdf5", ids, distances)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ResultError, match=r"a\.hdf5: not a whole HDF5 file"):
        list(read_hdf5(path))


def test_answers_of_no_algorithm_are_refused(tmp_path: Path) -> None:
    """Nobody could say what they are answers of."""
    path = tmp_path / "x.hdf5"
    with h5py.File(path, "w") as file:
        file["neighbors"], file["times"] = np.zeros((3, 2), np.int32), np.zeros(3)
    with pytest.raises(ResultError, match="no algorithm"):
        list(read_hdf5(path))
