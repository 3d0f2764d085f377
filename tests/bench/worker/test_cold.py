"""Cold searches: the pages of an index's files leave memory before each query."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from vectors import gaussian_pair

import vbench
from vbench.bench.worker.cold import ColdFiles, open_cold
from vbench.cli import main
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.indexes.answers import AnswerError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file whose pages can be forgotten; on some file systems none can."""
    path = tmp_path / "file"
    path.write_bytes(np.random.default_rng(0).bytes(64 * mmap.PAGESIZE))
    try:
        with open_cold([path]):
            return path
    except AnswerError as error:
        pytest.skip(f"{tmp_path}: {error}")


def test_pages_are_forgotten_where_they_are_mapped_too(file: Path) -> None:
    """Read again they are there again."""
    held = np.memmap(file, dtype=np.uint8, mode="r")
    whole = file.read_bytes()
    with open_cold([file]) as cold:
        assert isinstance(cold, ColdFiles)
        for _ in range(2):
            assert cold.resident() == 0.0
            assert held.tobytes() == whole
            assert cold.resident() == 1.0
            cold.evict()


def test_a_cold_run_is_a_load_beside_the_usual_one(file: Path, tmp_path: Path) -> None:
    """The same answers, and times that hold reading; where an index does not allow it, a reason."""
    dataset = Dataset("tiny", *gaussian_pair(800, 20, 32), "l2")
    run = vbench.run(
        dataset,
        ["on_disk:Mapped", "on_disk:Read", "on_disk:Lost", "on_disk:Nowhere"],
        k=3,
        builds=1,
        repeats=1,
        cache="cold",
        out=tmp_path / "run",
    )
    rows = {(row.index, row.load is not None): row for row in run.summary().settings}
    for index in ("on_disk:Mapped", "on_disk:Read"):
        cold = rows[index, True]
        assert cold.load is not None
        assert cold.load.cache == "cold"
        assert cold.measures["Recall@3"].value == rows[index, False].measures["Recall@3"].value == 1
    reasons = {each.index: each.reason for each in run.summary().failed}
    assert "other.npy: No such file" in reasons["on_disk:Lost"]
    assert "names none that a search reads" in reasons["on_disk:Nowhere"]
    assert ("on_disk:Lost", True) not in rows
    assert ("on_disk:Lost", False) in rows


def test_an_index_in_memory_is_refused(tmp_path: Path) -> None:
    """One line, exit code 2; nor is there another word for it."""
    np.savez(tmp_path / "tiny.npz", base=np.eye(20), queries=np.eye(20)[:5])
    call = ["run", "--index", "flat", "--dataset", str(tmp_path / "tiny.npz"), "--metric", "l2"]
    done = CliRunner().invoke(main, [*call, "--cache", "cold", "--out", str(tmp_path / "run")])
    assert done.exit_code == 2
    assert "--cache" in done.output
    assert "does not apply to index 'flat': it lies in memory" in done.output
    dataset = Dataset("tiny", *gaussian_pair(50, 5, 4), "l2")
    with pytest.raises(VbenchError, match=r"'icy' \(known: cold, warm\)"):
        vbench.run(dataset, "flat", cache="icy", out=tmp_path / "run")
