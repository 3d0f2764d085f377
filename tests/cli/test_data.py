"""`vbench data`, as a user types it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from vectors import save_pair

import vbench
from vbench import _paths
from vbench.cli import main
from vbench.cli.data import data as group


@pytest.fixture
def vectors(tmp_path, monkeypatch):
    """A base and its queries as .npy, in the current folder."""
    monkeypatch.chdir(tmp_path)
    save_pair(tmp_path, 200, 9, 4, seed=1)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(main, ["data", *map(str, arguments)])


def document(*arguments):
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_list():
    """Every dataset of the catalog is listed, as a table and as JSON."""
    rows = {row["name"]: row for row in document("list")["datasets"]}
    assert rows["books"]["status"] == "embedded"
    assert rows["glove-50"]["status"] == "not fetched"
    assert rows["sift-128-euclidean"]["n"] == 1_000_000
    text = call("list").output
    assert all(name in text for name in rows)


def test_show_of_a_card_that_is_not_here():
    """The card is shown with the command that brings the data."""
    result = call("show", "glove-50")
    assert result.exit_code == 0
    assert "Public Domain" in result.output
    assert "Not here yet: vbench data fetch glove-50" in result.output
    found = document("show", "glove-50")
    assert found["schema"] == "vbench.data-show/2"
    assert found["data"] is None
    assert found["card"]["files"][0]["sha256"].startswith("2d85")


def test_show_of_a_path(vectors):
    """What is in the vectors is counted: sizes, duplicates."""
    base = np.load("base.npy")
    base[7] = base[6]
    np.save("base.npy", base)
    found = document("show", "base.npy", "--metric", "l2")["data"]
    assert (found["n"], found["m"], found["d"], found["duplicates"]) == (200, 9, 4, 1)
    text = call("show", "base.npy", "--metric", "l2").output
    assert "1 base vectors repeat another one (0.50 %)" in text


def test_show_of_embedded_data():
    """Card and data of the embedded dataset are shown together."""
    found = document("show", "books")
    assert found["card"]["citation"]
    assert found["data"]["segments"]["activity"]["values"]
    assert "heavy" in call("show", "books").output


def test_fetch(tmp_path, monkeypatch):
    """A dataset is brought, checked and described; a second call finds it there."""
    source = tmp_path / "source"
    source.mkdir()
    save_pair(source, 20, 20, 3, queries="query")
    cards = tmp_path / "cards"
    cards.mkdir()
    (cards / "mine.toml").write_text(
        'title = "Mine"\nmetric = "l2"\n'
        f'[[files]]\nrole = "base"\nurls = ["{(source / "base.npy").as_uri()}"]\n'
        f'[[files]]\nrole = "queries"\nurls = ["{(source / "query.npy").as_uri()}"]\n'
    )
    monkeypatch.setattr(_paths, "resource_dir", lambda name: cards)
    for _ in range(2):
        result = call("fetch", "mine")
        assert result.exit_code == 0, result.output
        assert "mine: 20 base vectors × 3, 20 queries, l2, in " in result.output
    assert document("fetch", "mine")["datasets"][0]["n"] == 20
    assert vbench.load("mine").metric == "l2"


def test_convert_and_truth(vectors):
    """Vectors are written as HDF5 with truth, which is found again from its file."""
    found = document("convert", "base.npy", "out.hdf5", "--metric", "ip", "--depth", 7)
    assert found["files"] == ["out.hdf5"]
    assert vbench.load("out.hdf5").given_ground_truth.depth == 7
    found = document("truth", "out.hdf5", "--depth", 500, "--out", "gt.npz")
    assert (found["depth"], found["queries"]) == (200, 9)
    with np.load("gt.npz") as stored:
        assert stored["ids"].shape == (9, 200)
    assert "exact 7 nearest of 9 queries" in call("truth", "out.hdf5", "--depth", 7).output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "boks"], "unknown dataset 'boks'; did you mean 'books'"),
        (["show", "none.npy"], "none.npy: no such file or folder"),
        (["fetch", "glove50"], "did you mean 'glove-50'"),
        (["truth", "base.npy"], "base.npy: does not say its metric; give --metric"),
        (["convert", "base.npy", "x.csv", "--metric", "l2"], "cannot write '.csv'"),
        (["truth", "base.npy", "--metric", "l2", "--out", "x.csv"], "truth is written as .npz"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(vectors, arguments, words):
    """A wrong call ends with exit code 2, one line, and nothing written."""
    before = sorted(vectors.iterdir())
    result = call(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(vectors.iterdir()) == before


@pytest.mark.parametrize("name", [None, *group.commands])
def test_help_has_a_sentence_for_everything(name):
    """Each command and option explains itself."""
    result = call(*([] if name is None else [name]), "--help")
    assert result.exit_code == 0
    assert len(re.sub(r"\s+", " ", result.output)) > 150


def test_prune(vectors, home):
    """What nobody needs is shown with its size, and removed only with --yes."""
    np.save("base.npy", np.load("base.npy").astype(np.float64))
    call("show", "base.npy", "--metric", "l2")
    (vectors / "base.npy").unlink()
    for options in ((), ("--dry-run",), ("--dry-run", "--yes")):
        result = call("prune", *options)
        assert result.exit_code == 0, result.output
        assert "base.npy is gone" in result.output
        assert " kB" in result.output
        assert len(list(home.glob("converted/*.npy"))) == 1
    shown = document("prune")
    assert (shown["removed"], shown["freed"], len(shown["items"])) == (False, 0, 1)
    done = document("prune", "--yes")
    assert done["removed"]
    assert done["freed"] == done["bytes"] == shown["bytes"] > 3200
    assert not list(home.glob("converted/*"))
    assert "nothing that is not needed" in call("prune", "--yes").output


def test_prune_of_a_run(tmp_path, home):
    """Replaced trials of a run go; a folder that holds no run is refused."""
    points = np.random.default_rng(0).normal(size=(60, 4))
    data = vbench.load(points, queries=points[:5], metric="l2")
    run = vbench.run(data, ["flat"], k=3, builds=1, out=tmp_path / "run")
    (run.path / "old").mkdir()
    (run.path / "old" / "x.parquet").write_bytes(b"123")
    before = len(list((run.path / "trials").iterdir()))
    shown = document("prune", run.path, "--yes")
    assert [(item["kind"], item["bytes"]) for item in shown["items"]] == [("old trials", 3)]
    assert not (run.path / "old").exists()
    assert len(list((run.path / "trials").iterdir())) == before
    assert document("prune", run.path)["items"] == []
    refused = call("prune", tmp_path, "--yes")
    assert refused.exit_code == 2
    assert "holds no run" in refused.output


def test_a_card_by_its_path(vectors, home):
    """It is shown, fetched and loaded by its path; what is said to do next can be done."""
    url = (vectors / "base.npy").as_uri()
    (vectors / "mine.toml").write_text(
        f'metric = "l2"\n[[files]]\nurls = ["{url}"]\nrole = "base"\n'
        f'[[files]]\nurls = ["{url}"]\nrole = "queries"\nname = "q.npy"\n'
    )
    shown = call("show", "mine.toml")
    assert shown.exit_code == 0
    assert "Not here yet: vbench data fetch ./mine.toml" in shown.output
    fetched = call("fetch", "./mine.toml")
    assert fetched.exit_code == 0, fetched.output
    assert "vbench run --index hnsw --dataset ./mine.toml" in fetched.output
    assert document("show", "./mine.toml")["data"]["n"] == 200


def test_trust(vectors, monkeypatch):
    """What is far larger than its file is refused, and unpacked where that is trusted."""
    monkeypatch.setattr("vbench.data.files._HARMLESS_BYTES", 1000)
    monkeypatch.setattr("vbench.data.files._LARGEST_RATIO", 2)
    np.savez_compressed("x.npz", base=np.ones((5000, 4)), queries=np.ones((3, 4)))
    refused = call("show", "x.npz", "--metric", "l2")
    assert refused.exit_code == 2
    assert "--trust" in refused.output
    assert call("show", "x.npz", "--metric", "l2", "--trust").exit_code == 0


def test_generate_and_sample(tmp_path, monkeypatch):
    """A made dataset is loaded by its folder; a part of it has ground truth of its own."""
    monkeypatch.chdir(tmp_path)
    made = document("generate", "made", "--rows", 300, "--count", 20, "--dim", 4)
    assert made == {"schema": "vbench.data-generate/1", "folder": "made", "n": 300, "m": 20, "d": 4}
    files = document("sample", "made", "part", "--rows", 50, "--count", 8, "--depth", 5)["files"]
    assert files == ["part"]
    part, whole = vbench.load("part"), vbench.load("made")
    assert (part.n, part.m, part.base.dtype) == (50, 8, whole.base.dtype)
    assert part.given_ground_truth.ids.shape == (8, 5)
    np.testing.assert_array_equal(part.base, whole.base[part.items["row"].to_numpy()])


def test_samples_that_cannot_be(vectors):
    """Nothing to leave out, and a target that is no folder, are one line each."""
    given = ("--queries", "queries.npy", "--metric", "l2")
    result = call("sample", "base.npy", "part", *given)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "give --rows N, --count N or both" in result.stderr
    result = call("sample", "base.npy", "part.fbin", *given, "--rows", 5)
    assert result.exit_code == 2
    assert "a sample is written into a folder" in result.stderr
