"""Adapters of libraries that are extras: where one is missing, and where it is there."""

from __future__ import annotations

import signal
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from strays import Command
from vectors import gaussian

from vbench.cli import main
from vbench.errors import MissingExtraError, VbenchError, VbenchWarning
from vbench.indexes import library
from vbench.indexes.conformance.kit import check_index
from vbench.indexes.library import (
    ExtraIndex,
    LibraryIndex,
    check_installed,
    cut_zeros,
    extra_of,
    is_installed,
    mask_zeros,
    reach,
    tell_license,
)
from vbench.indexes.protocol import Ids, Vectors
from vbench.indexes.registry import adapters, resolve
from vbench.indexes.service import check_reachable
from vbench.metric import Metric

NAMES = [name for name in adapters() if issubclass(resolve(name), ExtraIndex)]
# Those that are reached by what Python has need no library.
INSTALLED = [name for name in NAMES if resolve(name).requires]
FAR = "nothing that near"


class Missing(LibraryIndex):
    """Of a library that nobody has."""

    requires = ("vbench-no-such-library",)
    module = "vbench_no_such_library"


class Fake(LibraryIndex):
    """Finds the first vectors, and refuses to find more than five."""

    fewest = 4

    def build(self, base: Vectors, metric: Metric, *, seed: int, threads: int) -> Vectors:
        return base

    def ask_one(self, query: Vectors, k: int) -> Ids:
        if k > 5:
            raise RuntimeError(FAR)
        return np.arange(k)


@pytest.mark.parametrize("name", INSTALLED)
def test_an_adapter_is_known_without_its_library(name: str) -> None:
    """It says which distributions, whose license, which module; its extra is in pyproject.toml."""
    kind = resolve(name)
    assert issubclass(kind, ExtraIndex)
    assert kind.requires
    assert kind.license
    assert kind.module
    assert kind.tune_parameter is None or kind.tune_parameter in kind.sweep
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'\n{extra_of(kind)} = ["{kind.requires[0]}' in project


class Licensed(LibraryIndex):
    """Of a library with terms of its own."""

    requires = ("some-library",)
    module = "some_library"
    license = "proprietary"


def test_the_license_of_an_extra_is_told_at_its_first_use() -> None:
    """Once on a machine, and again where its terms are others; of what is built in, never."""
    with pytest.warns(VbenchWarning, match="some-library comes under its own license: proprietary"):
        tell_license(Licensed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tell_license(Licensed)
        tell_license(resolve("hnswlib"))
    Licensed.license = "MIT"
    with pytest.warns(VbenchWarning, match="MIT"):
        tell_license(Licensed)


def test_a_missing_library_is_one_line_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything runs: exit code 2; the list says it too."""
    assert not is_installed(Missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'vbench-ann\[vbench-no-such"):
        check_installed(Missing)
    monkeypatch.setattr(library, "installed_version", lambda name: None)
    for command in (["run", "--index", "usearch"], ["index", "check", "usearch"]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 2
        assert "pip install 'vbench-ann[usearch]'" in result.stderr
        assert result.stderr.count("\n") == 1
    shown = CliRunner().invoke(main, ["index", "list"]).stdout
    assert "not installed" in shown
    assert "Apache-2.0" in shown
    assert (
        "pip install 'vbench-ann[usearch]'"
        in CliRunner().invoke(main, ["index", "show", "usearch"]).stdout
    )


def test_two_packages_with_one_module_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the way out."""
    monkeypatch.setattr(library, "installed_version", lambda name: "1")
    monkeypatch.setattr(
        library, "packages_distributions", lambda: {Missing.module: ["here", "there", "here"]}
    )
    with pytest.raises(VbenchError, match=r"here and there both bring .* an environment of its"):
        check_installed(Missing)


def test_no_more_are_asked_for_than_there_are() -> None:
    """Few vectors are compared one by one; before fit there is nothing to search in."""
    index, queries = Fake(), gaussian(3, 4, seed=1)
    with pytest.raises(VbenchError, match="before fit"):
        index.search(queries, 2)
    for n, expected in ((0, 0), (3, 3), (4, 4), (5, 5)):
        index.fit(gaussian(n, 4, seed=2), "l2", seed=1, threads=1)
        assert index.search(queries, 9).shape == (3, expected)
        assert sorted(index.search_one(queries[0], 9)) == list(range(expected))
    assert index.search(queries[:0], 2).shape == (0, 2)


def test_a_refusal_is_answered_by_what_is_found() -> None:
    """The largest number that the library does find; other errors are the caller's to see."""
    asked = Fake().ask_one
    query = gaussian(1, 4, seed=1)[0]
    assert [len(reach(asked, query, k, FAR)) for k in (1, 5, 6, 100)] == [1, 5, 5, 5]
    with pytest.raises(RuntimeError, match=FAR):
        reach(asked, query, 6, "another")


def test_zeros_at_the_end_are_no_answers() -> None:
    """Vector 0 at distance 0 pads a row of some libraries; at its beginning it is found."""
    ids = np.array([[4, 0, 3], [4, 0, 0], [0, 5, 0], [0, 0, 0], [0, 4, 0]])
    distances = np.array([[1, 2, 3], [1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 1, 2.0]])
    expected = [[4, 0, 3], [4, -1, -1], [0, 5, -1], [0, -1, -1], [0, 4, 0]]
    assert mask_zeros(ids, distances).tolist() == expected
    for row, each, found in zip(ids, distances, expected, strict=True):
        assert cut_zeros(row, each).tolist() == [vector for vector in found if vector >= 0]


@pytest.mark.engines
@pytest.mark.parametrize(
    "name", ["pgvector-hnsw", "pgvector-ivfflat", "duckdb", "lancedb", "usearch"]
)
def test_engines_keep_the_protocol(name: str) -> None:
    """These are installed: no check fails, none is left out for want of them."""
    findings = check_index(name)
    assert [each for each in findings if each.status in ("fail", "warn")] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_adapter_keeps_the_protocol_with_the_real_library(name: str) -> None:
    """Every check of the kit passes, without a warning."""
    try:
        check_installed(resolve(name))
        check_reachable(resolve(name).service, None, name)
    except VbenchError as missing:
        pytest.skip(str(missing))
    # One of them compiles itself for half a minute.
    findings = check_index(name, timeout=900)
    # Milvus Lite builds its graph as it likes; a server of Milvus heeds what it is given.
    wrong = ("fail",) if name == "milvus" else ("fail", "warn")
    assert [each for each in findings if each.status in wrong] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("milvus", "milvus-*"),
        ("qdrant", "qdrant_edge-*"),
        ("chroma", "chromadb-*"),
        ("lancedb", "lancedb-*"),
        ("vectorlite", "vectorlite_py-*"),
        ("diskann", "*diskann-*"),
    ],
)
def test_nothing_is_left_of_a_killed_run(name: str, folder: str, tmp_path: Path) -> None:
    """Neither a server nor a worker, nor the folders that they wrote."""
    try:
        check_installed(resolve(name))
    except VbenchError as missing:
        pytest.skip(str(missing))
    np.save(tmp_path / "base.npy", gaussian(3000, 32, seed=1))
    np.save(tmp_path / "queries.npy", gaussian(50, 32, seed=2))
    with tempfile.TemporaryDirectory(dir="/tmp") as short, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", short)
        command = Command(
            *("run", "-i", name, "-d", f"{tmp_path}/base.npy"),
            *("--queries", f"{tmp_path}/queries.npy", "--metric", "l2"),
            *("--builds", "1", "--repeats", "100000", "--out", f"{tmp_path}/run"),
        )
        command.made(Path(short), folder)
        time.sleep(2.0)
        command.process.send_signal(signal.SIGKILL)
        command.ended()
        assert not command.strays()
        assert not list(Path(short).iterdir())
