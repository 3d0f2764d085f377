"""Queries to learn from: taken out of those that are asked, or given; never both."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from vectors import gaussian, gaussian_pair, save_pair

import vbench
from vbench.data.convert import convert, describe_losses
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth
from vbench.data.load import reopen
from vbench.errors import DataError, VbenchError, VbenchWarning

BASE, QUERIES = gaussian_pair(60, 20, 4, seed=3)


def rows(vectors: np.ndarray) -> set[bytes]:
    return {each.tobytes() for each in np.asarray(vectors, np.float32)}


def load(base: Any = BASE, queries: Any = QUERIES, metric: str = "ip", **options: Any) -> Dataset:
    return vbench.load(base, queries=queries, metric=metric, **options)


def learned(dataset: Dataset) -> np.ndarray:
    assert dataset.learn is not None
    return dataset.learn.vectors


def test_a_number_of_queries_is_taken_out_of_those_that_are_asked() -> None:
    """Each query is on one side, and those that are asked keep their numbers as ids."""
    dataset = load(learn=8)
    assert (dataset.m, len(learned(dataset))) == (12, 8)
    assert not rows(dataset.queries) & rows(learned(dataset))
    assert rows(dataset.queries) | rows(learned(dataset)) == rows(QUERIES)
    assert dataset.query_ids is not None
    np.testing.assert_array_equal(dataset.queries, QUERIES[dataset.query_ids.to_numpy()])


def test_the_draw_is_always_the_same_and_a_smaller_one_is_part_of_it() -> None:
    """So runs that learn from 4 and from 8 ask 12 queries in common."""
    few, many = load(learn=4), load(learn=8)
    np.testing.assert_array_equal(learned(many), learned(load(learn=8)))
    assert rows(learned(few)) < rows(learned(many))
    assert few.learn is not None
    assert many.learn is not None
    assert few.learn.digest != many.learn.digest


def test_copies_of_a_query_to_learn_from_are_not_asked() -> None:
    """Of a query that is there five times either none is asked, or none is learned from."""
    queries = np.repeat(QUERIES[:6], 5, axis=0)
    dataset = load(queries=queries, learn=2)
    assert (dataset.m, len(learned(dataset))) == (20, 2)
    assert not rows(dataset.queries) & rows(learned(dataset))


def test_what_belongs_to_the_asked_queries_stays_with_them() -> None:
    """Segments, judgments and the ground truth that came along."""
    whole = load()
    truth = compute_ground_truth(whole, 3, cache=False)
    judged = pl.DataFrame({"query": np.arange(20), "item": np.arange(20)})
    segments = pl.DataFrame({"half": ["a"] * 10 + ["b"] * 10})
    dataset = load(segments=segments, relevance=judged, ground_truth=truth.ids, learn=8)
    ids = dataset.query_ids
    assert ids is not None
    assert dataset.segments is not None
    assert dataset.segments["half"].to_list() == ["a" if row < 10 else "b" for row in ids]
    assert dataset.relevance is not None
    assert dataset.relevance["query"].to_list() == list(range(12))
    assert dataset.relevance["item"].to_list() == ids.to_list()
    assert dataset.given_ground_truth is not None
    np.testing.assert_array_equal(dataset.given_ground_truth.ids, truth.ids[ids.to_numpy()])


@pytest.mark.parametrize("count", [0, -1, 20, 21])
def test_a_number_that_leaves_nothing_on_one_side_is_refused(count: int) -> None:
    """With the numbers that do."""
    with pytest.raises(DataError, match=rf"{count} of 20 queries cannot be .*; give 1 to 19"):
        load(learn=count)


def test_of_copies_only_different_ones_can_be_told_apart() -> None:
    """They are counted, and one query alone cannot be on both sides."""
    with pytest.raises(DataError, match=r"of 20 queries, of which 4 are different, .*give 1 to 3"):
        load(queries=np.repeat(QUERIES[:4], 5, axis=0), learn=4)
    with pytest.raises(DataError, match=r"1 of 1 queries cannot be .*; bring more queries"):
        load(queries=QUERIES[:1], learn=1)


@pytest.mark.parametrize("wrong", [True, "nowhere.npy", np.zeros((3, 5)), np.full((2, 4), np.nan)])
def test_what_cannot_be_learned_from_is_refused(wrong: Any) -> None:
    """By what is wrong with it."""
    with pytest.raises(VbenchError, match=r"learn=True|no such file|5 dimensions|finite"):
        load(learn=wrong)


def test_queries_that_are_given_are_those_but_for_what_is_asked() -> None:
    """The asked ones are as they are without, so that two runs can be compared."""
    given = np.concatenate([gaussian(5, 4, seed=9), QUERIES[:2]])
    with pytest.warns(VbenchWarning, match="2 of 7 queries to learn from equal one that is asked"):
        dataset = load(learn=given)
    np.testing.assert_array_equal(learned(dataset), given[:5])
    assert dataset.fingerprint == load().fingerprint
    with pytest.raises(DataError, match="every query to learn from is asked too"):
        load(learn=QUERIES[:3])


def test_zero_queries_are_not_learned_from_under_cosine() -> None:
    """They have no direction."""
    given = np.concatenate([gaussian(3, 4, seed=9), np.zeros((1, 4), np.float32)])
    with pytest.warns(VbenchWarning, match="1 of 4 queries is a zero vector"):
        assert len(learned(load(metric="cosine", learn=given))) == 3


def test_nobody_can_change_them() -> None:
    """Their digest stays that of the vectors."""
    given = gaussian(5, 4, seed=9)
    dataset = load(learn=given)
    given[:] = 0
    assert learned(dataset).any()
    assert not learned(dataset).flags.writeable


def test_files_bring_them(tmp_path: Path) -> None:
    """`learn.npy` in a folder, `learn` in HDF5 and .npz, as VIBE has it; False ignores them."""
    more = gaussian(7, 4, seed=9)
    folder = tmp_path / "mine"
    folder.mkdir()
    save_pair(folder, 60, 20, 4, seed=3)
    np.save(folder / "learn.npy", more)
    (folder / "dataset.toml").write_text('metric = "ip"\n')
    np.savez(tmp_path / "a.npz", train=BASE, test=QUERIES, learn=more, metric="ip")
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file.attrs["distance"] = "ip"
        file.update({"train": BASE, "test": QUERIES, "learn": more})
    for path in (folder, tmp_path / "a.npz", tmp_path / "a.hdf5"):
        found = vbench.load(path)
        np.testing.assert_array_equal(learned(found), more)
        assert found.learn is not None
        assert not found.learn.was_asked_for
        assert vbench.load(path, learn=False).learn is None
        assert len(learned(vbench.load(path, learn=5))) == 5
        # What a file brings goes with its own queries.
        assert vbench.load(path, queries=gaussian(3, 4, seed=8)).learn is None
        given = load(learn=path / "learn.npy" if path.is_dir() else path)
        np.testing.assert_array_equal(learned(given), more)
        assert given.learn is not None
        assert given.learn.was_asked_for


@pytest.mark.parametrize("name", ["made", "made.hdf5"])
def test_they_are_written_with_the_rest(name: str, tmp_path: Path) -> None:
    """Where a format has a place for them; else it is said that they are lost."""
    dataset = load(learn=8)
    (written,) = convert(dataset, tmp_path / name)
    np.testing.assert_array_equal(learned(vbench.load(written)), learned(dataset))
    assert describe_losses(dataset, tmp_path / "made.fbin").endswith("queries to learn from")
    assert "learn" not in describe_losses(dataset, tmp_path / name)


def test_a_dataset_is_opened_again_with_them(tmp_path: Path) -> None:
    """By number or by path, so that what is asked is the same."""
    save_pair(tmp_path, 60, 20, 4, seed=3)
    np.save(tmp_path / "more.npy", gaussian(7, 4, seed=9))
    base, queries = tmp_path / "base.npy", tmp_path / "queries.npy"
    for learn in (8, np.int64(8), tmp_path / "more.npy", False):
        dataset = vbench.load(base, queries=queries, metric="ip", learn=learn)
        again = reopen(dataset.source)
        assert again.fingerprint == dataset.fingerprint
        assert (again.learn and again.learn.digest) == (dataset.learn and dataset.learn.digest)
    with pytest.raises(DataError, match="says of its dataset learn"):
        reopen({**dataset.source, "learn": [3]})


def test_held_out_base_vectors_may_be_learned_from() -> None:
    """Base vectors that became queries are on one of three sides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = vbench.load(BASE, metric="ip", hold_out=20, learn=15)
    sides = [rows(each) for each in (dataset.base, dataset.queries, learned(dataset))]
    assert [len(each) for each in sides] == [40, 5, 15]
    assert len(set.union(*sides)) == 60
