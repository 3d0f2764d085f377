"""Ground truth on disk: kept, resumed, checked."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from vectors import gaussian_pair

import vbench
from vbench.data import ground_truth as module
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.ground_truth import compute_ground_truth, depth_beside
from vbench.errors import DataError, VbenchError
from vbench.neighbors import gpu
from vbench.neighbors.exact import merge, nearest


@pytest.fixture
def dataset():
    return Dataset("tiny", *gaussian_pair(2000, 40, 12, seed=3), "l2")


@pytest.fixture
def searches(monkeypatch):
    """Counts the shards that are really searched."""
    calls = []

    def counted(*arguments, **options):
        calls.append(options.get("start", 0))
        return nearest(*arguments, **options)

    monkeypatch.setattr(module, "nearest", counted)
    return calls


def test_truth_is_kept_and_a_deeper_one_serves(dataset, searches):
    """The second request is read from disk, and a shallower one is cut from the deeper."""
    deep = compute_ground_truth(dataset, 50)
    again = compute_ground_truth(dataset, 50)
    shallow = compute_ground_truth(dataset, 7)
    assert len(searches) == 1
    np.testing.assert_array_equal(deep.ids, again.ids)
    np.testing.assert_array_equal(deep.ids[:, :7], shallow.ids)
    np.testing.assert_array_equal(deep.distances[:, :7], shallow.distances)
    assert shallow.depth == 7
    assert compute_ground_truth(dataset, 51).depth == 51
    assert len(searches) == 2


def test_depth_is_cut_to_n(dataset):
    """More neighbors than there are base vectors means all of them."""
    assert compute_ground_truth(dataset, 5000).depth == 2000
    with pytest.raises(DataError, match="at least 1"):
        compute_ground_truth(dataset, 0)


def test_cache_can_be_left_alone(dataset, home):
    """Without the cache nothing is written."""
    compute_ground_truth(dataset, 5, cache=False)
    assert not any(home.iterdir())


@pytest.mark.parametrize("damage", ["cut", "empty", "swapped", "other"])
def test_damaged_cache_is_computed_again(dataset, searches, home, damage):
    """A file that is cut short, or whose order or distances are wrong, is passed over."""
    good = compute_ground_truth(dataset, 10)
    (path,) = home.glob("truth/*/depth-10.npz")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-500])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "swapped":
        np.savez(path, ids=good.ids[:, ::-1], distances=good.distances[:, ::-1])
    else:
        np.savez(path, ids=good.ids, distances=good.distances * 1.5)
    np.testing.assert_array_equal(compute_ground_truth(dataset, 10).ids, good.ids)
    assert len(searches) == 2


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_ties_across_the_border_of_a_shard_go_to_the_smaller_ids(metric):
    """As they do within one, whichever shard they lie in and however many are kept."""
    rows = np.eye(4, dtype=np.float32)[[0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 2]]
    data = Dataset("tied", rows, np.array([[0.1, 1, 0, 0]], dtype=np.float32), metric)
    for shard_rows in (2, 3, 4, 6, 12):
        truth = compute_ground_truth(data, 6, cache=False, shard_rows=shard_rows)
        assert truth.ids.tolist() == [[1, 2, 3, 5, 6, 8]]


def test_shards_give_the_same_truth(dataset):
    """The size of a shard changes nothing."""
    whole = compute_ground_truth(dataset, 30, cache=False)
    parts = compute_ground_truth(dataset, 30, cache=False, shard_rows=333)
    np.testing.assert_array_equal(whole.ids, parts.ids)
    np.testing.assert_array_equal(whole.distances, parts.distances)


def test_goes_on_after_kill(dataset, searches, home, tmp_path):
    """A process killed in its third shard leaves two, and the next one does the other three."""
    np.save(tmp_path / "base.npy", dataset.base)
    np.save(tmp_path / "queries.npy", dataset.queries)
    code = """
        import os, signal, sys, vbench
        from vbench.data.ground_truth import compute_ground_truth
        data = vbench.load(sys.argv[1] + "/base.npy", metric="l2")
        def progress(done, total):
            if done > 2 * total / 5:
                os.kill(os.getpid(), signal.SIGKILL)
        compute_ground_truth(data, 20, shard_rows=400, progress=progress)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], check=False)
    assert done.returncode == -9
    (left,) = home.glob("truth/*/unfinished-20.npz")
    seen = []
    truth = compute_ground_truth(dataset, 20, shard_rows=400, progress=lambda *at: seen.append(at))
    assert searches == [800, 1200, 1600]
    np.testing.assert_array_equal(truth.ids, compute_ground_truth(dataset, 20, cache=False).ids)
    assert not left.exists()
    assert seen[-1] == (2000 * 40, 2000 * 40)


def test_full_disk_is_one_message(dataset, monkeypatch):
    """When nothing can be written, the message says what to do."""

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(VbenchError, match="No space left on device; make room"):
        compute_ground_truth(dataset, 5)


def test_truth_of_the_public_name():
    """`vbench.load` and ground truth work together from arrays."""
    points = np.random.default_rng(4).standard_normal((100, 4))
    data = vbench.load(points, queries=points[:3], metric="cosine")
    found = compute_ground_truth(data, 2)
    assert isinstance(found, GroundTruth)
    assert found.ids[:, 0].tolist() == [0, 1, 2]
    assert found.ids.dtype == np.int32


def test_two_at_once_compute_it_once(dataset, searches):
    """Who comes second waits, and takes what the first has found."""
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: compute_ground_truth(dataset, 20), range(3)))
    assert len(searches) == 1
    for each in found:
        np.testing.assert_array_equal(each.ids, found[0].ids)


@pytest.mark.parametrize("name", ["depth-20.npz", "unfinished-20.npz"])
def test_flipped_bits_of_what_is_kept_change_nothing(dataset, home, name):
    """Wherever the bit is: the file is passed over, or says the same."""
    good = compute_ground_truth(dataset, 20, shard_rows=700)
    (path,) = home.glob("truth/*/depth-20.npz")
    if name.startswith("unfinished"):
        half = nearest(dataset.queries, dataset.base, "l2", 20, stop=700)
        path.unlink()
        path = path.with_name(name)
        with path.open("wb") as stream:
            np.savez(stream, ids=half[0], distances=half[1], stop=np.int64(700))
    content = path.read_bytes()
    places = np.random.default_rng(0).integers(0, 8 * len(content), 60).tolist()
    for place in [*range(0, 400, 7), *places]:
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        for old in path.parent.iterdir():
            old.unlink()
        path.write_bytes(damaged)
        again = compute_ground_truth(dataset, 20, shard_rows=700)
        np.testing.assert_array_equal(again.ids, good.ids)
        np.testing.assert_array_equal(again.distances, good.distances)
        assert {found.name for found in path.parent.iterdir()} == {"depth-20.npz"}


def test_other_files_beside_the_truth_are_let_be(dataset, home):
    """A file that somebody put there is neither read nor a fault."""
    compute_ground_truth(dataset, 20)
    (path,) = home.glob("truth/*/depth-20.npz")
    (path.parent / "depth-old.npz").write_bytes(b"")
    assert compute_ground_truth(dataset, 30).depth == 30


def test_shards_are_merged_by_distance_then_id():
    """Also where the first lacks some, and the second has none for a query."""
    one = np.array([[4, 1, -1], [2, 0, 3]]), np.array([[1.0, 2.0, np.inf], [0.5, 0.5, 0.7]])
    other = np.array([[7, 9, -1], [-1, -1, -1]]), np.array([[1.0, 1.5, np.inf], [np.inf] * 3])
    ids, distances = merge(one, other)
    assert ids.tolist() == [[4, 7, 9], [2, 0, 3]]
    assert distances.tolist() == [[1.0, 1.0, 1.5], [0.5, 0.5, 0.7]]


@pytest.mark.parametrize(("k", "depth"), [(1, 2), (10, 20), (100, 200), (1000, 1100)])
def test_what_is_kept_beside_the_answers_is_bounded(k, depth):
    """Twice as many neighbors, or a hundred more."""
    assert depth_beside(k) == depth


@pytest.mark.parametrize("ask", ["truth", "run"])
def test_a_device_searches_every_shard(dataset, monkeypatch, tmp_path, ask):
    """Whether neighbors are asked for alone or by a run; the CPU is asked for nothing."""
    asked = []

    def search(device, *given, **more):
        asked.append(device)
        return nearest(*given, **more)

    monkeypatch.setattr(gpu, "open_gpu", lambda name: name)
    monkeypatch.setattr(gpu, "nearest_on", search)
    monkeypatch.setattr(module, "nearest", None)
    if ask == "truth":
        compute_ground_truth(dataset, 20, shard_rows=900, device="cuda:1")
        assert asked == ["cuda:1"] * 3
    else:
        run = vbench.run(dataset, "flat", builds=1, repeats=1, device="cuda", out=tmp_path / "run")
        assert asked == ["cuda"]
        assert run.settings()[0].recall == 1.0
