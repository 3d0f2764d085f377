"""Writing datasets in other formats, and reading them back."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

import vbench
from vbench.data import arrays
from vbench.data.convert import convert, write_ground_truth
from vbench.data.formats import read_array
from vbench.data.ground_truth import compute_ground_truth
from vbench.errors import VbenchError


def make(dtype=np.float32, metric="ip"):
    base, queries = ((each * 40).astype(np.int8).astype(dtype) for each in gaussian_pair(50, 5, 6))
    return vbench.load(
        base,
        queries=queries,
        metric=metric,
        name="mine",
        segments=pl.DataFrame({"kind": list("ababa")}),
        items=pl.DataFrame({"name": range(50)}),
        relevance=pl.DataFrame({"query": [0], "item": [49], "grade": [1.5]}),
    )


@pytest.mark.parametrize(
    ("target", "dtype"),
    [
        ("out.hdf5", np.float32),
        ("out.hdf5", np.float16),
        ("out.fbin", np.float32),
        ("out.fbin", np.float16),
        ("out.i8bin", np.int8),
        ("out.u8bin", np.uint8),
        ("out.fvecs", np.float32),
        ("out.fvecs", np.int8),
        ("out.bvecs", np.uint8),
        ("out.parquet", np.float32),
        ("out.parquet", np.uint8),
        ("out", np.float32),
        ("out", np.int8),
    ],
)
@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_what_is_written_is_read_back(tmp_path, monkeypatch, target, dtype, metric):
    """Vectors and truth survive every format, written block by block."""
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 64)
    monkeypatch.setattr("vbench.neighbors.blocks.BLOCK_BYTES", 64)
    data = make(dtype, metric)
    truth = compute_ground_truth(data, 4)
    files = convert(data, tmp_path / target, ground_truth=truth)
    again = vbench.load(files[0], metric=metric)
    np.testing.assert_array_equal(again.base, data.base)
    np.testing.assert_array_equal(again.queries, data.queries)
    np.testing.assert_array_equal(again.given_ground_truth.ids, truth.ids)
    assert not list(tmp_path.glob(".*"))


def test_folder_keeps_everything(tmp_path):
    """The folder layout carries tables, card and metric too."""
    data = make()
    object.__setattr__(data, "card", {"title": 'A "quoted" title\nπ', "segments": {"kind": "a/b"}})
    convert(data, tmp_path / "out")
    again = vbench.load(tmp_path / "out")
    assert again.metric == "ip"
    assert again.card["title"] == 'A "quoted" title\nπ'
    assert again.card["segments"] == {"kind": "a/b"}
    assert again.segments.equals(data.segments)
    assert again.items.equals(data.items)
    assert again.relevance.equals(data.relevance)
    assert again.fingerprint == data.fingerprint


def test_hdf5_says_its_metric(tmp_path):
    """The metric is in the file, so that it needs no option."""
    for metric in ("l2", "ip", "cosine"):
        (path,) = convert(make(metric=metric), tmp_path / f"{metric}.hdf5")
        assert vbench.load(path).metric == metric


def test_existing_files_are_left_alone(tmp_path):
    """Nothing is written over without being asked, and no folder of anybody else's ever."""
    data = make()
    for target in ("out.hdf5", "out.fbin", "out.parquet", "out"):
        convert(data, tmp_path / target)
        with pytest.raises(VbenchError, match="exists; choose another name, or force=True"):
            convert(data, tmp_path / target)
        convert(data, tmp_path / target, force=True)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_bytes(b"x")
    with pytest.raises(VbenchError, match=r"holds no dataset\.toml"):
        convert(data, tmp_path / "photos", force=True)
    assert (tmp_path / "photos" / "me.jpg").is_file()


@pytest.mark.parametrize(
    ("target", "dtype", "words"),
    [
        ("out.csv", np.float32, "cannot write '.csv'; can write a folder, .hdf5"),
        ("out.ivecs", np.float32, r"\.ivecs holds ids; choose \.fvecs"),
        ("out.u8bin", np.float32, r"\.u8bin cannot hold float32; choose \.fbin"),
        ("out.bvecs", np.int8, r"\.bvecs cannot hold int8; choose \.fvecs"),
    ],
)
def test_formats_that_cannot_hold_it(tmp_path, target, dtype, words):
    """An unknown format, or one that would lose digits, is refused before anything is written."""
    with pytest.raises(VbenchError, match=words):
        convert(make(dtype), tmp_path / target)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["gt.npz", "gt.ibin", "gt.ivecs"])
def test_truth_as_a_file(tmp_path, name):
    """Ground truth alone can be written and read again."""
    truth = compute_ground_truth(make(), 4)
    write_ground_truth(truth, tmp_path / name)
    np.testing.assert_array_equal(read_array(tmp_path / name, ids=True), truth.ids)
    with pytest.raises(VbenchError, match="truth is written as"):
        write_ground_truth(truth, tmp_path / "gt.csv")


_CONVERTS = """
import sys
from pathlib import Path
import subprocess
import sys

import numpy as np
import vbench
from vbench.data.convert import convert
from vbench.errors import VbenchError
data = vbench.load(np.full((30_000, 16), float(sys.argv[2])), queries=np.ones((5, 16)), metric="l2")
try:
    convert(data, Path(sys.argv[1]), force=sys.argv[3] == "force")
except VbenchError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("target", ["out", "out.hdf5", "out.parquet"])
@pytest.mark.parametrize("force", [False, True])
def test_two_at_once_one_wins(tmp_path, target, force):
    """The others are told that it is there; with force the last one is. It is always whole."""
    calls = [
        subprocess.Popen(
            [sys.executable, "-c", _CONVERTS, str(tmp_path / target), value, "force" * force],
            stderr=subprocess.PIPE,
            text=True,
        )
        for value in "12"
    ]
    said = [call.communicate()[1] for call in calls]
    codes = [call.returncode for call in calls]
    assert sorted(codes) == ([0, 0] if force else [0, 1]), said
    assert all(": exists" in text for text, code in zip(said, codes, strict=True) if code)
    names = sorted(path.name for path in tmp_path.iterdir())
    first = tmp_path / next(name for name in names if "test" not in name and "query" not in name)
    assert not any(path.name.startswith(".") for path in tmp_path.iterdir())
    data = vbench.load(first, metric="l2")
    assert data.base.shape == (30_000, 16)
    assert np.unique(data.base).size == 1
    assert (codes[int(data.base[0, 0]) - 1]) == 0


def test_a_folder_that_is_written_over_is_read_until_then(tmp_path):
    """A dataset can be converted into the very folder that it is mapped from."""
    original = make()
    convert(original, tmp_path / "out")
    data = vbench.load(tmp_path / "out")
    convert(data, tmp_path / "out", force=True)
    np.testing.assert_array_equal(vbench.load(tmp_path / "out").base, original.base)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("target", ["out", "out.parquet"])
@pytest.mark.parametrize("kind", ["text", "whole", "other rows", "customer"])
def test_ids_and_what_hangs_on_them_survive(tmp_path, target, kind):
    """Ids, columns, judgments and ground truth are the same when they are read back.

    Also where ids would do as row numbers of other rows, or the column's name is not usual.
    """
    whole = {"whole": np.arange(50) * 3 + 11, "other rows": np.roll(np.arange(50), 7)}
    ids = whole.get(kind, [f"i{row}" for row in range(50)])
    name = "customer" if kind == "customer" else "user_id"
    users = pl.DataFrame({"user_id": np.roll(np.arange(5), 2), name: np.roll(np.arange(5), 3)})
    plain = make()
    pairs = pl.DataFrame({"query": [0, 4], "item": [49, 2]})
    data = vbench.Dataset(
        "mine",
        plain.base,
        plain.queries,
        "ip",
        users.with_columns(kind=pl.Series(list("ababa"))),
        pl.DataFrame({"item_id": ids, "price": range(50)}),
        pairs.with_columns(grade=pl.Series([1.5, 1])),
        interactions=pairs[::-1],
        query_id=name,
    )
    truth = compute_ground_truth(data, 4)
    files = convert(data, tmp_path / target, ground_truth=truth)
    again = vbench.load(files[0], metric="ip")
    assert again.item_ids.equals(data.item_ids)
    assert again.items.equals(data.items)
    assert again.segments.equals(data.segments)
    np.testing.assert_array_equal(again.given_ground_truth.ids, truth.ids)
    if target == "out":
        assert again.query_ids.equals(data.query_ids)
        assert again.relevance.equals(data.relevance)
        assert again.interactions.equals(data.interactions)


def test_truth_as_a_file_has_the_ids_of_the_items(tmp_path):
    """Such a file goes with the items' own, and refuses ids that it cannot hold."""
    data = make()
    truth = compute_ground_truth(data, 4)
    ids = pl.Series("id", np.arange(50)[::-1].copy())
    write_ground_truth(truth, tmp_path / "t.ivecs", ids)
    np.testing.assert_array_equal(read_array(tmp_path / "t.ivecs", ids=True), 49 - truth.ids)
    items = pl.DataFrame({"id": ids})
    again = vbench.load(
        data.base, queries=data.queries, metric="ip", items=items, truth=tmp_path / "t.ivecs"
    )
    np.testing.assert_array_equal(again.given_ground_truth.ids, truth.ids)
    with pytest.raises(VbenchError, match=r"t\.ibin: \.ibin cannot hold the id .*choose \.npz"):
        write_ground_truth(truth, tmp_path / "t.ibin", ids + 2**40)
