"""Copies in the base, and queries that it holds, are told with their share of the damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from run_folder import RunFolder
from vectors import gaussian_pair

import vbench
from vbench.bench.findings.copies import WrongCopies, wrong_copies
from vbench.data.copies import Copies
from vbench.data.dataset import GroundTruth
from vbench.runs.run import Run
from vbench.runs.schema import Warn

BASE, QUERIES = gaussian_pair(600, 30, 16, seed=14)


def measured(base: np.ndarray, queries: np.ndarray, out: Path, index: str = "hnsw") -> Run:
    dataset = vbench.load(base, queries=queries, metric="l2", name="mine")
    settings = {"ef": [16]} if index == "hnsw" else None
    return vbench.run(dataset, index, k=10, builds=1, repeats=1, settings=settings, out=out)


def coded(run: Run, code: str) -> list[Warn]:
    return [each for each in run.manifest.warnings if each.code == code]


def test_copies_are_named_with_the_largest_group(tmp_path: Path) -> None:
    """Share, largest group, and how many of the wrong answers are copies."""
    base = np.vstack([BASE, np.repeat(BASE[:1], 700, axis=0)])
    run = measured(base, QUERIES, tmp_path / "run")
    (warn,) = coded(run, "copies")
    assert "701 of 1,300 base vectors (53.9%) equal another one" in warn.message
    assert "the largest group holds 701" in warn.message
    assert "are copies" in warn.message
    facts = run.manifest.dataset
    assert facts.copies is not None
    assert (round(facts.copies.share, 3), facts.copies.largest) == (0.539, 701)


def test_a_base_without_copies_is_not_suspected(tmp_path: Path) -> None:
    """Nor one with a single pair."""
    assert not coded(measured(BASE, QUERIES, tmp_path / "a"), "copies")
    pair = np.vstack([BASE, BASE[:1]])
    assert not coded(measured(pair, QUERIES, tmp_path / "b", "flat"), "copies")


def test_queries_that_are_base_vectors_are_counted(tmp_path: Path) -> None:
    """Of another type too; the remedy holds them out."""
    queries = np.vstack([BASE[5:25].astype(np.float64), QUERIES])
    run = measured(BASE, queries, tmp_path / "run", "flat")
    (warn,) = coded(run, "queries-in-base")
    assert warn.message == "20 of 50 queries are base vectors"
    assert warn.remedy.startswith("hold_out=20 ")
    assert run.manifest.dataset.queries_in_base == 20
    assert not coded(measured(BASE, QUERIES, tmp_path / "other", "flat"), "queries-in-base")


def test_a_neighbor_whose_copy_was_returned_is_not_among_the_missed(tmp_path: Path) -> None:
    """Nor is the copy among the wrong; of what is left, the share that are copies."""
    truth = GroundTruth(np.int32([[0, 1, 2]]), np.float64([[1, 2, 3]]))
    made = RunFolder(tmp_path / "run", truth)
    answer, place = (np.int32([[0, 9, 8]]), np.int32([2])), np.uint16([[1, 2, 0]])
    made.answer(made.trial(made.build("a"), 1, 3), *answer, place=place)
    run = made.close()
    copies = Copies(rows=np.array([1, 9]), groups=np.array([1, 1]), asked=np.array([-1]))
    assert wrong_copies(run, *run.settings(), copies) == WrongCopies(returned=0.0, missed=0.0)
