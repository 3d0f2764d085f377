"""What is kept and no longer needed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

import vbench
from vbench._locks import hold_lock
from vbench.data import prune
from vbench.data.formats import read_array, read_contents
from vbench.data.ground_truth import compute_ground_truth


def _found(home: Path, **options) -> dict[str, str]:
    return {str(item.path.relative_to(home)): item.reason for item in prune.prunable(**options)}


def test_conversions_of_what_is_gone_or_changed(tmp_path, home):
    """They go, with those that were made of them; the others stay."""
    random = np.random.default_rng(0)
    for name in ("kept", "changed", "gone"):
        np.save(tmp_path / f"{name}.npy", random.normal(size=(50, 8)))
        read_array(tmp_path / f"{name}.npy")
    np.savez(tmp_path / "gone.npz", base=random.normal(size=(50, 8)))
    read_contents(tmp_path / "gone.npz")  # unpacked, and from there narrowed to float32
    assert _found(home) == {}
    np.save(tmp_path / "changed.npy", random.normal(size=(50, 8)))
    (tmp_path / "gone.npy").unlink()
    (tmp_path / "gone.npz").unlink()
    (home / "converted" / "0123.npy").write_bytes(b"of an earlier version")
    items = prune.prunable()
    assert sorted(item.reason.rpartition("/")[2] for item in items) == sorted(
        [
            "changed.npy has changed",
            "gone.npy is gone",
            "gone.npz is gone",
            f"{next(i.path.name for i in items if 'npz is gone' in i.reason)} is gone",
            "nobody knows what it was made of",
        ]
    )
    freed = prune.remove(items)
    assert freed == sum(item.bytes for item in items)
    assert len(list((home / "converted").iterdir())) == 2
    read_array(tmp_path / "kept.npy")
    assert _found(home) == {}


def test_ground_truth_that_a_deeper_one_replaces(home):
    """And what was left of a computation that was stopped; not one that goes on."""
    points = np.random.default_rng(0).normal(size=(300, 4))
    data = vbench.load(points, queries=points[:9], metric="l2")
    compute_ground_truth(data, 5)
    compute_ground_truth(data, 20)
    folder = Path("truth") / data.fingerprint
    (home / folder / "unfinished-50.npz").write_bytes(b"half")
    (home / folder / "depth-x.npz").write_bytes(b"somebody's")
    assert _found(home) == {
        str(folder / "depth-5.npz"): "that of depth 20 serves too",
        str(folder / "unfinished-50.npz"): "its computation was stopped",
    }
    with hold_lock(home / folder / "depth-50.npz", "computing"):
        assert str(folder / "unfinished-50.npz") not in _found(home)


def test_half_downloads_and_datasets(home):
    """A half download goes if nobody fetches it; a dataset only if that is asked for."""
    folder = home / "datasets" / "mine"
    folder.mkdir(parents=True)
    for name in ("x.hdf5", "y.hdf5.part", "y.hdf5.part.json"):
        (folder / name).write_bytes(b"12")
    (item,) = prune.prunable()
    assert (item.kind, item.path, item.bytes) == ("download", folder / "y.hdf5.part", 4)
    (whole,) = prune.prunable(datasets=True)
    assert (whole.kind, whole.path, whole.bytes) == ("dataset", folder, 6)
    with hold_lock(folder, "fetching"):
        assert not prune.prunable(datasets=True)
    prune.remove([item])
    assert [path.name for path in folder.iterdir()] == ["x.hdf5"]


def test_what_was_not_used_for_long(tmp_path, home):
    """By the time it was last read, or written where reading is not noted."""
    for name in ("new", "old"):
        np.save(tmp_path / f"{name}.npy", np.ones((50, 8)) * len(name))
        read_array(tmp_path / f"{name}.npy")
    old = next(
        path for path in home.glob("converted/*.json") if "old.npy" in path.read_text()
    ).with_suffix(".npy")
    (home / "hardness").mkdir()
    (home / "hardness" / "abc-10.parquet").write_bytes(b"1")
    for path in (old, home / "hardness" / "abc-10.parquet"):
        os.utime(path, (time.time() - 40 * 86400,) * 2)
    assert {item.path for item in prune.prunable(unused_days=30)} == {
        old,
        home / "hardness" / "abc-10.parquet",
    }
    assert not prune.prunable(unused_days=50)
    assert len(prune.prunable(unused_days=0)) == 3


def test_kept_indexes(home):
    """Those that were not used for so long, or all; none that is being loaded."""
    for name, days in (("new", 0), ("old", 40)):
        folder = home / "indexes" / name
        folder.mkdir(parents=True)
        for file in ("index", prune.FACTS_OF_INDEX):
            (folder / file).write_bytes(b"123")
        os.utime(folder / prune.FACTS_OF_INDEX, (time.time() - days * 86400,) * 2)
    assert _found(home) == {}
    assert _found(home, unused_days=30) == {"indexes/old": "not used for 30 days"}
    items = prune.prunable(indexes=True)
    assert [(item.kind, item.path.name, item.bytes) for item in items] == [
        ("index", "new", 6),
        ("index", "old", 6),
    ]
    with hold_lock(home / "indexes" / "new", "loading"):
        assert _found(home, indexes=True).keys() == {"indexes/old"}
    assert prune.remove(items) == 12


def test_left_overs_are_swept_everywhere(home):
    """Below every folder of the home folder; of version 0.1.0 they are shown."""
    names = (
        "converted/.a.npy.1-01234567.part",
        "truth/x/.b.npz.1-01234567.part",
        ".z.vbench-lock",
        "datasets/d/raw/.c.1-01234567.part",
        "converted/.abc.npy.k3j2l1.part",
    )
    for name in names:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(b"")
    assert _found(home) == {names[-1]: "an earlier version left it"}
    assert len(prune.sweep_home()) == 4


def test_an_empty_home(home):
    """Nothing is there to go."""
    assert prune.prunable(unused_days=0, datasets=True) == []
    assert prune.sweep_home() == []
