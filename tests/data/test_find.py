"""Where the parts of a dataset lie: found by name or path, and none of them opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from vectors import save_pair

from vbench.data.find import Parts, as_array, as_file, find
from vbench.errors import DataError, UnknownNameError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Base and queries, in vbench's own layout."""
    made = tmp_path / "mine"
    made.mkdir()
    save_pair(made, 20, 3, 4)
    return made


def parts(source: str | Path) -> Parts:
    found = find(source)
    assert isinstance(found, Parts)
    return found


def test_a_folder_has_the_parts_that_lie_in_it(folder: Path) -> None:
    """By their usual names; what is not there is not."""
    found = parts(folder)
    assert (found.name, found.base) == ("mine", folder / "base.npy")
    assert (found.queries, found.ground_truth) == (folder / "queries.npy", None)
    assert (found.segments, found.items, found.metric) == (None, None, None)
    for name in ("queries.parquet", "items.parquet", "truth.npz"):
        (folder / name).touch()
    (folder / "dataset.toml").write_text('metric = "cosine"\n')
    for path in (folder, folder / "dataset.toml", str(folder)):
        found = parts(path)
        assert (found.name, found.metric) == ("mine", "cosine")
        assert found.segments == folder / "queries.parquet"
        assert found.items == folder / "items.parquet"
        assert found.ground_truth == folder / "truth.npz"


def test_the_ground_truth_of_other_queries_is_not_that_of_a_variant(folder: Path) -> None:
    """A variant with queries of its own has none; it is named by a colon."""
    (folder / "truth.npz").touch()
    np.save(folder / "late.npy", np.ones((2, 4), np.float32))
    (folder / "dataset.toml").write_text(
        'metric = "l2"\n[variants.late]\nqueries = "late.npy"\n[variants.plain]\n'
    )
    found = parts(f"{folder}:late")
    assert (found.queries, found.ground_truth) == (folder / "late.npy", None)
    assert parts(f"{folder}:plain").ground_truth == folder / "truth.npz"
    with pytest.raises(UnknownNameError, match=r"lat.*late"):
        find(f"{folder}:lat")


def test_a_file_is_named_by_its_stem(tmp_path: Path) -> None:
    """A pattern by what is fixed of it."""
    (tmp_path / "items.parquet").touch()
    assert parts(tmp_path / "items.parquet").name == "items"
    found = parts(tmp_path / "part-*.parquet")
    assert (found.name, found.base) == ("part", tmp_path / "part-*.parquet")
    assert parts(tmp_path / "*.parquet").name == tmp_path.name


@pytest.mark.parametrize("name", ["nothing.npy", "folder/nothing", Path("nothing")])
def test_a_path_that_leads_nowhere_is_told(name: str | Path) -> None:
    """A plain word may be a misspelled name of the catalog."""
    with pytest.raises(DataError, match=r"nothing.*: no such file or folder"):
        find(name)
    with pytest.raises(UnknownNameError, match="did you mean 'books'"):
        find("boks")


def test_a_folder_without_vectors_is_told_what_it_needs(tmp_path: Path) -> None:
    """The usual names are given."""
    with pytest.raises(DataError, match=r"holds no base\.npy, nor other files of vectors"):
        find(tmp_path)


def test_an_array_is_taken_as_it_is(folder: Path) -> None:
    """A map stays a map, a table a table; lists become arrays."""
    mapped = np.load(folder / "base.npy", mmap_mode="r")
    assert as_array(mapped) is mapped
    frame = pl.DataFrame({"emb": [[1.0, 2.0]]})
    assert as_array(frame) is frame
    found = find(np.ones((2, 3)))
    assert isinstance(found, Parts)
    assert found.name == "unnamed"
    assert as_array([[1, 2], [3, 4]]).shape == (2, 2)
    assert as_file(mapped) is None
    assert as_file("~/x") == Path("~/x").expanduser()
