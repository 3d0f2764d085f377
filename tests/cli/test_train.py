"""`vbench data train`, as a person calls it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import vbench
from vbench.cli import main
from vbench.towers.evaluate import Training


def _vbench(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["data", "train", *map(str, arguments)])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Interactions of 120 users with two tastes."""
    rng = np.random.default_rng(0)
    lines = ["who,what"]
    for user in range(120):
        items = rng.choice(np.arange(user % 2, 300, 2), int(rng.integers(5, 20)), replace=False)
        lines += [f"{user},{item}" for item in items]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def jax() -> None:
    """Skip what needs the optional packages where they are not installed."""
    if not all(importlib.util.find_spec(name) for name in ("jax", "optax")):
        pytest.skip("the towers extra is not installed")


_SMALL = [
    *("--column", "user=who", "--column", "item=what"),
    *("--set", "epochs=1", "--set", "dim=8", "--set", "batch=64", "--set", "negatives=32"),
]


@pytest.mark.usefixtures("jax")
def test_a_log_becomes_a_dataset(tmp_path: Path, log: Path) -> None:
    """One command, a document that is read back, and the folder opens; it is not written over."""
    out = tmp_path / "mine"
    done = _vbench("mine", "--interactions", log, *_SMALL, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    document = Training.from_json(done.stdout)
    assert json.loads(document.to_json()) == json.loads(done.stdout)
    assert document.schema == "vbench.train/2"
    assert {"towers", "popularity", "skew", "noise"} == set(document.quality)
    dataset = vbench.load(out)
    made = document.dataset
    assert (dataset.n, dataset.m, dataset.d) == (made.n, made.m, made.d)
    assert list((tmp_path / "home").glob("training/*")) == []

    again = _vbench("mine", "--interactions", log, *_SMALL, "--out", out)
    assert again.exit_code == 2
    assert "--fresh replaces it" in again.output
    table = _vbench("mine", "--interactions", log, *_SMALL, "--out", out, "--fresh")
    assert table.exit_code == 0, table.output
    assert "popularity" in table.output
    assert "vbench run --index hnsw --dataset" in table.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mine"], "give --interactions FILE"),
        (["mine", "--users", "u.csv"], "need --interactions FILE"),
        (["books", "--set", "epoch=3"], "did you mean 'epochs'"),
        (["books", "--set", "epochs"], "is not KEY=VALUE"),
        (["books", "--raw", "nowhere"], "holds no BX-Book-Ratings.csv"),
        (["mine", "--interactions", "none.csv"], "none.csv: no such file"),
    ],
)
@pytest.mark.usefixtures("jax")
def test_a_wrong_call_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    """Exit code 2, one line, nothing written."""
    monkeypatch.chdir(tmp_path)
    done = _vbench(*arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written where other things lie."""
    (tmp_path / "letter.txt").write_text("dear")
    done = _vbench("books", "--out", tmp_path)
    assert done.exit_code == 2
    assert "something else" in done.output


def test_a_missing_extra_is_one_line(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without jax the message says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "jax", None)
    done = _vbench("mine", "--interactions", log, "--out", tmp_path / "mine")
    assert done.exit_code == 2
    assert "pip install 'vbench-ann[towers]'" in done.output


@pytest.mark.usefixtures("jax")
def test_a_missing_baseline_is_said_before_the_training(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--als` without implicit ends at once, not after the last epoch."""
    monkeypatch.setitem(__import__("sys").modules, "implicit", None)
    done = _vbench("mine", "--interactions", log, *_SMALL, "--als", "--out", tmp_path / "mine")
    assert done.exit_code == 2
    assert "pip install 'vbench-ann[als]'" in done.output
    assert "epoch" not in done.output
