"""`vbench tail`, as a user types it."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from vectors import save_pair

import vbench
from vbench import _paths
from vbench.cli import main
from vbench.runs import files


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph and an inverted file on vectors in files, with a column of the queries."""
    folder = tmp_path_factory.mktemp("tail")
    save_pair(folder, 700, 60, 8, seed=11)
    pl.DataFrame({"device": ["phone", "desk"] * 30}).write_csv(folder / "columns.csv")
    with pytest.warns(UserWarning, match="in the order in which they stand"):
        dataset = vbench.load(
            folder / "base.npy",
            queries=folder / "queries.npy",
            metric="l2",
            segments=folder / "columns.csv",
        )
    vbench.run(
        dataset,
        ["hnsw", "ivf-flat"],
        k=5,
        builds=2,
        repeats=1,
        settings={"M": [4], "ef": [5, 10], "nprobe": [1, 2]},
        out=folder / "run",
    )
    return folder


@pytest.fixture
def folder(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run to work in."""
    shutil.copytree(measured / "run", tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return measured


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tail", "run", *arguments])


def test_the_tables_answer_who_how_hard_and_would_another_help(folder: Path) -> None:
    """Each part of the explanation has its table."""
    result = call("-n", "3")
    assert result.exit_code == 0, result.output
    for part in (
        "The worst queries", "returned instead", "device", "phone", "lift", "Spearman's ρ", "AUC",
        "Smallest sufficient setting", "times cheaper", "Would another index have served them?",
        "of the base are in the exact top 5", "Gini of exposure", "Lost items by segment",
        "--graph",
    ):  # fmt: skip
        assert part in result.output, part


def test_json_is_one_document(folder: Path) -> None:
    """The envelope, one entry for each index, at most n worst queries each."""
    document = json.loads(call("--json", "-n", "4", "--delta", "1").stdout)
    assert document["schema"] == "vbench.tail/2"
    assert [each["index"] for each in document["indexes"]] == ["hnsw", "ivf-flat"]
    for each in document["indexes"]:
        assert len(each["worst"]) <= 4
        assert {row["segment"] for row in each["segments"]} == {"phone", "desk"}
    assert len(list((_paths.home() / "hardness").iterdir())) == 1


def test_markdown_has_the_tables_of_the_terminal(folder: Path) -> None:
    """Headings, tables with as many cells in each row, captions, warnings; not JSON as well."""
    result = call("-n", "2", "--markdown")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("### vbench tail: ")
    for part in ("#### hnsw ef=", "**Lost items by segment**", "**Tail by segment**", "| item |"):
        assert any(line.startswith(part) for line in lines), part
    widths = [line.count("|") if line.startswith("|") else 0 for line in lines]
    assert all(0 in (one, other) or one == other for one, other in itertools.pairwise(widths))
    both = call("--markdown", "--json")
    assert both.exit_code == 2
    assert "not both" in both.output


def test_graph_looks_inside_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph of one, the lists of the other; the next call shows them without building."""
    result = call("--graph", "-n", "0", "--json")
    assert result.exit_code == 0, result.output
    graph, lists = (each["internals"] for each in json.loads(result.stdout)["indexes"])
    assert graph["graph"]["reachable"]["value"] > 0.5
    assert graph["lists"] is None
    assert lists["lists"]["mean"]["value"] >= 1
    monkeypatch.setattr("vbench.analysis.rebuild.explain_internals", None)
    again = call("--graph", "-n", "0")
    assert again.exit_code == 0, again.output
    assert "unreachable from the entry points" in again.output
    assert "in how many lists the true neighbors lie" in again.output
    told = again.output[again.output.index("What tells whom the graph fails (AUC)") :]
    for words in ("in its own build", "in every build", "in which build"):
        assert words in told
    assert re.search(r"^ escape_hardness +[01]\.\d+", told, re.MULTILINE)
    assert re.search(r"^ in_degree +[01]\.\d+", told, re.MULTILINE)


def test_a_graph_that_is_none_is_told_and_the_others_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that shows what is no graph is a warning and exit code 1; no other is lost."""
    monkeypatch.chdir(tmp_path)
    ladder = np.zeros((30, 2), np.float32)
    ladder[:, 0] = np.arange(30)
    dataset = vbench.Dataset("ladder", ladder, ladder[:5] + np.float32(0.1), "l2")
    indexes = ["structured:Astray", "structured:Ladder"]
    vbench.run(dataset, indexes, k=3, builds=1, repeats=1, out="run")
    np.save("base.npy", dataset.base)
    np.save("queries.npy", dataset.queries)
    where = ("--dataset", "base.npy", "--queries", "queries.npy", "--metric", "l2")
    result = call("--graph", "-n", "0", "--json", *where)
    document = json.loads(result.stdout)
    (fault,) = (each for each in document["warnings"] if each["about"] == "internals not read")
    assert result.exit_code == 1
    assert "neighbors lead to vector 35" in fault["message"]
    astray, sound = (each["internals"] for each in document["indexes"])
    assert astray is None
    assert sound["graph"]["reachable"]["value"] > 0


def test_a_fresh_run_forgets_what_was_explained(folder: Path) -> None:
    """What was computed from an earlier run does not outlive it."""
    call("-n", "0", "--graph")
    assert Path("run/internals.json").is_file()
    dataset = vbench.load(folder / "base.npy", queries=folder / "queries.npy", metric="l2")
    vbench.run(dataset, ["flat"], k=5, builds=1, repeats=1, out="run", fresh=True)
    assert not Path("run/internals.json").exists()


def test_vectors_that_moved_are_asked_for(folder: Path, tmp_path: Path) -> None:
    """Without them the tail is shown with a warning; given anew they are used."""
    manifest = files.read_manifest(Path("run"))
    gone = {**manifest.dataset.source, "name_or_path": str(tmp_path / "gone")}
    moved = msgspec.structs.replace(manifest.dataset, source=gone)
    files.write_manifest(Path("run"), msgspec.structs.replace(manifest, dataset=moved))
    result = call("-n", "1")
    assert result.exit_code == 0
    assert "no vectors" in result.output
    assert "AUC" not in result.output
    given = call(
        "-n", "1", "-d", str(folder / "base.npy"), "--queries", str(folder / "queries.npy")
    )
    assert "AUC" in given.output


def test_the_call_is_checked(folder: Path) -> None:
    """Wrong calls end with 2 and one line."""
    np.save("other.npy", np.ones((50, 8), dtype=np.float32) * np.arange(50)[:, np.newaxis])
    for arguments, words in (
        (("--index", "nhsw"), "did you mean 'hnsw'"),
        (("-k", "50"), "has no K=50"),
        (("--delta", "0"), "0"),
        (("--queries", "other.npy"), "belong to --dataset"),
        (("-d", "other.npy", "--queries", "other.npy"), "are not those of"),
    ):
        result = call(*arguments)
        assert result.exit_code == 2, result.output
        assert words in result.output
        assert "Traceback" not in result.output


def test_code_that_a_run_folder_names_is_not_imported(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening a stranger's run runs nothing of it, until that is allowed; then it works."""
    monkeypatch.chdir(tmp_path)
    manifest = files.read_manifest(tmp_path / "run")
    builds = [
        msgspec.structs.replace(build, adapter="payload:Index", index="payload:Index")
        if build.index == "hnsw"
        else build
        for build in manifest.builds
    ]
    files.write_manifest(tmp_path / "run", msgspec.structs.replace(manifest, builds=builds))
    Path("payload.py").write_text(
        'open("RAN", "w").close()\nfrom vbench.indexes.hnsw import Hnsw as Index\n'
    )
    for command in (["report", "run"], ["compare", "run"], ["tail", "run"]):
        CliRunner().invoke(main, command)
    result = call("--graph", "--json")
    assert result.exit_code == 1
    told = [each for each in json.loads(result.stdout)["warnings"] if "payload" in each["message"]]
    assert len(told) == 1
    assert "names 'payload:Index', code that would be imported" in told[0]["message"]
    assert "--trust" in told[0]["message"]
    assert not Path("RAN").exists()
    shutil.copytree("run", "other")
    assert call("--graph", "--index", "payload:Index").exit_code == 0
    Path("RAN").unlink()
    assert CliRunner().invoke(main, ["tail", "other", "--graph", "--trust"]).exit_code == 0
    assert Path("RAN").exists()


def test_modules_beside_a_stranger_s_run_do_not_take_the_place_of_installed_ones(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker of a registered index does not look for modules in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("hnswlib", "numpy", "msgspec"):
        Path(f"{name}.py").write_text('open("RAN", "w").close()\n')
    program = "from vbench.cli import main; main()"
    command = [sys.executable, "-P", "-c", program, "tail", "run", "--graph", "--index", "hnsw"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not Path("RAN").exists()


def test_going_on_with_a_stranger_s_run_imports_none_of_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what the call names is measured, and asked for what its parameters mean."""
    monkeypatch.chdir(tmp_path)
    save_pair(Path(), 80, 10, 4, queries="asked")
    data = ["--dataset", "base.npy", "--queries", "asked.npy", "--metric", "l2", "--builds", "1"]
    given = ["run", *data, "--repeats", "1", "--out", "run", "-k", "3"]
    assert CliRunner().invoke(main, [*given, "--index", "flat"]).exit_code == 0
    manifest = files.read_manifest(tmp_path / "run")
    builds = [msgspec.structs.replace(each, adapter="payload2:Index") for each in manifest.builds]
    files.write_manifest(tmp_path / "run", msgspec.structs.replace(manifest, builds=builds))
    Path("payload2.py").write_text('open("RAN", "w").close()\n')
    result = CliRunner().invoke(main, [*given, "--index", "hnsw", "--set", "ef=8"])
    assert result.exit_code == 0, result.output
    assert not Path("RAN").exists()
