"""Datasets: what nobody can change behind their fingerprint."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from vectors import gaussian

import vbench
from vbench.data.dataset import Dataset, GroundTruth


def made():
    base = gaussian(30, 4, seed=4)
    return base, base[:5] + np.float32(0.1)


@pytest.mark.parametrize("door", [vbench.load, None])
def test_arrays_of_the_caller_are_copied(door):
    """What becomes of them later is not seen, whether they come by `load` or directly."""
    base, queries = made()
    kept = base.copy(), queries.copy()
    data = (
        door(base, queries=queries, metric="l2")
        if door
        else vbench.Dataset("mine", base, queries, "l2")
    )
    before = data.fingerprint
    base *= 2
    queries[0] = 7
    np.testing.assert_array_equal(data.base, kept[0])
    np.testing.assert_array_equal(data.queries, kept[1])
    assert vbench.load(*kept[:1], queries=kept[1], metric="l2").fingerprint == before


def test_arrays_of_a_dataset_cannot_be_written():
    """Neither directly nor after asking numpy for it; ground truth likewise."""
    base, queries = made()
    truth = GroundTruth(np.zeros((5, 1), np.int32), np.ones((5, 1)))
    data = vbench.Dataset("mine", base, queries, "l2", given_ground_truth=truth)
    truth.ids[:] = 3
    for array in (
        data.base,
        data.queries,
        data.given_ground_truth.ids,
        data.given_ground_truth.distances,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 5
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            array.flags.writeable = True
    assert not data.given_ground_truth.ids.any()


def test_read_only_views_of_writeable_arrays_are_copied():
    """A flag on the view does not bind its owner."""
    base, queries = made()
    view = base[:]
    view.flags.writeable = False
    data = vbench.load(view, queries=queries, metric="l2")
    base[0] = 9
    assert not (data.base[0] == 9).any()


def test_maps_stay_maps(tmp_path):
    """A file that is mapped for reading is not copied; one that is mapped for writing is."""
    base, queries = made()
    np.save(tmp_path / "b.npy", base)
    reading = np.load(tmp_path / "b.npy", mmap_mode="r")
    assert vbench.load(reading, queries=queries, metric="l2").base is reading
    private = np.load(tmp_path / "b.npy", mmap_mode="c")
    data = vbench.load(private, queries=queries, metric="l2")
    private[0] = 9
    np.testing.assert_array_equal(data.base, base)


def test_nothing_is_copied_twice():
    """A dataset made of another one shares its arrays."""
    base, queries = made()
    data = vbench.load(base, queries=queries, metric="l2")
    assert vbench.Dataset("again", data.base, data.queries, "ip").base is data.base


def test_frames_are_those_of_the_moment():
    """A frame that is changed later changes nothing here."""
    base, queries = made()
    segments = pl.DataFrame({"kind": list("aabba")})
    data = vbench.load(base, queries=queries, metric="l2", segments=segments)
    segments[0, "kind"] = "x"
    segments.insert_column(1, pl.Series("more", range(5)))
    assert data.segments.to_dict(as_series=False) == {"kind": list("aabba")}


def test_the_order_of_insertion_is_drawn_from_the_vectors_whatever_the_metric():
    """Other vectors have another digest, another metric the same."""
    base = np.arange(12, dtype=np.float32).reshape(4, 3) + 1
    metrics = [Dataset("x", base, base[:1], metric) for metric in ("l2", "ip", "cosine")]
    assert len({each.order_digest for each in metrics}) == 1
    assert len({each.fingerprint for each in metrics}) == 3
    assert Dataset("x", base[::-1], base[:1], "l2").order_digest != metrics[0].order_digest
