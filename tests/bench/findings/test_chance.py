"""Answers no better than chance are told, with what they are where that can be seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from vectors import gaussian, gaussian_pair

import vbench
from vbench.bench.findings.chance import recall_by_chance
from vbench.data.dataset import Dataset
from vbench.runs.schema import Warn

N, M, K = 800, 60, 5


@pytest.fixture
def dataset() -> Dataset:
    base, queries = gaussian_pair(N, M, 8, seed=12)
    lengths = np.linspace(0.3, 3.0, N, dtype=np.float32)[:, np.newaxis]
    return Dataset("tiny", base * lengths, np.float32(0.3) * queries, "l2")


def warned(dataset: Dataset, index: str, out: Path) -> list[Warn]:
    run = vbench.run(dataset, f"misbehaving:{index}", k=K, builds=1, repeats=1, out=out / "run")
    wanted = ("random-recall", "shifted-ids")
    return [each for each in run.manifest.warnings if each.code in wanted]


@pytest.mark.parametrize(
    ("index", "says", "remedy"),
    [
        ("FromOne", "its ids begin with 1", "row numbers of the base that fit was given"),
        ("Farthest", "it returns the farthest vectors", "vbench index check"),
        ("Lengths", "the nearest vectors under ip, not under l2", "how fit takes the metric"),
        ("OwnRows", "rows of the dataset, not of the base that fit was given", "row numbers"),
        ("Empty", "every answer is empty", "vbench index check"),
    ],
)
def test_nonsense_is_called_by_its_name(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    index: str, says: str, remedy: str,
) -> None:  # fmt: skip
    """One warning for the index, with its cause and what to try."""
    np.save(tmp_path / "own.npy", dataset.base)
    monkeypatch.setenv("OWN_ROWS", str(tmp_path / "own.npy"))
    (warn,) = warned(dataset, index, tmp_path)
    assert warn.code == "random-recall"
    assert says in warn.message
    assert remedy in warn.remedy
    assert f"random rows have {K / N:.4f}" in warn.message


def test_an_honest_index_is_not_suspected(dataset: Dataset, tmp_path: Path) -> None:
    """Neither a perfect one nor one that looks at half of the base."""
    assert warned(dataset, "Swept", tmp_path) == []


def test_shifted_ids_are_seen_above_chance_too(dataset: Dataset, tmp_path: Path) -> None:
    """Where many rows are neighbors, so is the next one; the ids are wrong all the same."""
    run = vbench.run(
        dataset, "misbehaving:FromOne", k=N // 4, builds=1, repeats=1, out=tmp_path / "run"
    )
    assert {"random-recall", "shifted-ids"} & {each.code for each in run.manifest.warnings}


@pytest.mark.parametrize(("n", "k", "answers"), [(1000, 10, 200), (50, 5, 40), (20, 10, 30)])
def test_random_rows_stay_under_the_limit(n: int, k: int, answers: int) -> None:
    """Their mean recall is under it almost always, and about K/n."""
    limit = recall_by_chance(n, k, answers)
    rng = np.random.default_rng(3)
    recalls = rng.hypergeometric(k, n - k, k, size=(400, answers)).mean(axis=1) / k
    assert (recalls <= limit).mean() > 0.985
    assert limit < 3 * k / n + 0.1


def test_where_random_rows_find_all_nothing_is_suspected(tmp_path: Path) -> None:
    """K = n: any answer is right."""
    base = gaussian(6, 2)
    dataset = Dataset("six", base, base[:3] + np.float32(0.1), "l2")
    run = vbench.run(dataset, "misbehaving:Exact", k=6, builds=1, repeats=1, out=tmp_path / "run")
    assert "random-recall" not in {each.code for each in run.manifest.warnings}
