"""Settings that change nothing, and values beyond what a parameter means."""

from __future__ import annotations

from pathlib import Path

import pytest
from vectors import gaussian_pair

import vbench
from vbench.data.dataset import Dataset
from vbench.runs.run import Run
from vbench.runs.schema import Warn
from vbench.runs.settings import join_values, merge_same


@pytest.fixture
def dataset() -> Dataset:
    return Dataset("tiny", *gaussian_pair(900, 40, 12, seed=13), "l2")


def measured(dataset: Dataset, out: Path, index: str, **changes: object) -> Run:
    options: dict = {"k": 5, "builds": 2, "repeats": 1, "out": out / "run"} | changes
    return vbench.run(dataset, index, **options)


def coded(run: Run, code: str) -> list[Warn]:
    return [each for each in run.manifest.warnings if each.code == code]


def test_settings_with_the_same_ids_are_one(dataset: Dataset, tmp_path: Path) -> None:
    """Hnswlib raises ef to K: three of four settings are one, and what to give is said."""
    settings = {"M": [4], "ef": [16, 32, 64, 200]}
    run = measured(dataset, tmp_path, "hnsw", k=100, settings=settings)
    assert [str(each) for each in merge_same(run.settings())] == [
        "hnsw ef=16, 32, 64",
        "hnsw ef=200",
    ]
    (warn,) = coded(run, "same-answers")
    assert "ef=16, 32, 64 at K=100" in warn.message
    assert "settings={'ef': [200, 400, 800]}" in warn.remedy


def test_a_parameter_that_reaches_nothing_is_for_the_kit(dataset: Dataset, tmp_path: Path) -> None:
    """Where K is not the reason, the adapter may be."""
    (warn,) = coded(measured(dataset, tmp_path, "misbehaving:Deaf"), "same-answers")
    assert warn.remedy.startswith("vbench index check misbehaving:Deaf says")


def test_settings_that_differ_in_one_build_are_two(dataset: Dataset, tmp_path: Path) -> None:
    """Equal in every build is asked for; exact answers are one setting without a warning."""
    run = measured(dataset, tmp_path, "misbehaving:Swept")
    assert len(merge_same(run.settings())) == 3
    run = measured(dataset, tmp_path / "exact", "ivf-flat", settings={"nprobe": [1, 23, 64]})
    assert [each.label for each in merge_same(run.settings())] == ["nprobe=1", "nprobe=23, 64"]
    assert not coded(run, "same-answers")


def test_values_beyond_their_meaning_are_told(dataset: Dataset, tmp_path: Path) -> None:
    """More lists than there are, wider searches than the base; the remedy takes values within."""
    run = measured(dataset, tmp_path, "ivf-flat", builds=1, settings={"nprobe": [4, 100_000]})
    (warn,) = coded(run, "beyond")
    assert "nprobe=100000, of which 23 is the most" in warn.message
    assert warn.remedy == "settings={'ivf-flat.nprobe': [5, 11, 23]}"
    run = measured(dataset, tmp_path / "graph", "hnsw", builds=1, settings={"ef": [16, 1000]})
    assert "ef=1000" in coded(run, "beyond")[0].message
    run = measured(
        dataset, tmp_path / "factory", "faiss:IVF8,Flat", builds=1, settings={"nprobe": [4, 9]}
    )
    assert "nprobe=9, of which 8" in coded(run, "beyond")[0].message


def test_an_adapter_says_what_its_parameters_mean_at_most(dataset: Dataset, tmp_path: Path) -> None:
    """``limits`` of a class of one's own is heard."""
    (warn,) = coded(measured(dataset, tmp_path, "misbehaving:Saturated"), "beyond")
    assert "keep=1.0" in warn.message


def test_several_settings_are_written_as_one() -> None:
    """What they share once, what differs as a list."""
    assert join_values([{"a": 1, "b": 2}, {"a": 1, "b": 3}]) == {"a": 1, "b": "2, 3"}
    assert join_values([{"a": 1}]) == {"a": 1}


def test_usual_names_say_what_they_mean_at_most(dataset: Dataset, tmp_path: Path) -> None:
    """An adapter that tells nothing is known by `nlist` and `nprobe`."""
    run = measured(
        dataset, tmp_path, "misbehaving:Lists4", settings={"nlist": [4], "nprobe": [2, 50]}
    )
    (warn,) = coded(run, "beyond")
    assert "nprobe=50, of which 4 is the most" in warn.message
