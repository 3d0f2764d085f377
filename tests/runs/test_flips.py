"""Bits that turn in a run folder: noticed and named, or without an effect on any number."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import vbench
from vbench.analysis.compare import compare
from vbench.analysis.comparison import store_comparison
from vbench.analysis.tail import explain
from vbench.errors import VbenchError

FLIPS = 1000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run, with all that commands leave in its folder."""
    folder = tmp_path_factory.mktemp("flips")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VBENCH_HOME", str(folder / "home"))
        rng = np.random.default_rng(0)
        np.save(folder / "base.npy", rng.normal(size=(300, 8)).astype("float32"))
        queries = pl.DataFrame(
            {
                "user": [f"u{i}" for i in range(40)],
                "kind": ["a", "b"] * 20,
                "emb": rng.normal(size=(40, 8)).astype("float32"),
            }
        )
        queries.write_parquet(folder / "queries.parquet")
        data = vbench.load(folder / "base.npy", queries=folder / "queries.parquet", metric="l2")
        run = vbench.run(
            data,
            ["hnsw", "ivf-flat"],
            settings={"ef": [8, 16], "nprobe": [1, 2]},
            k=5,
            builds=2,
            repeats=1,
            out=folder / "run",
        )
        store_comparison(run, compare([run]))
        run.report(run.path / "report.html")
    return run.path


def numbers(folder: Path) -> str:
    """Everything that the files of a run say, as one text."""
    run = vbench.open(folder)
    names = ("Recall@5", "Robustness(delta=0.9)@5", "nDCG@5", "Ratio@5", "QPS", "Latency(p=99)")
    tables = [run.measure(name).rows() for name in (*names, "BuildTime", "IndexSize")]
    tail = explain(run, number=3)
    return repr((tables, run.measure("Recall@5", per="query").rows(), run.manifest, tail))


def flipped(path: Path, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def outcome(folder: Path, before: str) -> str:
    try:
        return "harmless" if numbers(folder) == before else "silent"
    except VbenchError:
        return "noticed"


def tried(made: Path, tmp_path: Path, count: int, seed: int) -> dict[str, int]:
    draw, seen = random.Random(seed), {"harmless": 0, "noticed": 0, "silent": 0}
    before = numbers(made)
    for _ in range(count):
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(made, copy)
        kept = [path for path in sorted(copy.rglob("*")) if path.is_file()]
        flipped(draw.choice([path for path in kept if path.name != "report.html"]), draw)
        seen[outcome(copy, before.replace(str(made), str(copy)))] += 1
    return seen


def test_no_bit_changes_a_number_without_a_word(made: Path, tmp_path: Path) -> None:
    """A few of the thousand that the slow test turns."""
    seen = tried(made, tmp_path, 25, seed=1)
    assert seen["silent"] == 0
    assert seen["noticed"] > 0


@pytest.mark.slow
def test_a_thousand_bits_change_no_number_without_a_word(made: Path, tmp_path: Path) -> None:
    """Over all files of the folder but the page."""
    seen = tried(made, tmp_path, FLIPS, seed=2)
    assert seen["silent"] == 0
    assert seen["noticed"] > FLIPS // 3
