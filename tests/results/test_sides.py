"""The sides of a comparison: variants of a run, told apart by what differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from answered_run import answered

from vbench.results.run import Run
from vbench.results.sides import variants

M = 60


def constant(hits: int, builds: int = 2) -> np.ndarray:
    return np.full((builds, M), hits)


@pytest.fixture
def two(tmp_path: Path) -> Run:
    """An hnsw at recall 0.5, 0.8 and 0.9; ivf at 0.3, 0.9 and 1.0."""
    return answered(
        tmp_path / "two",
        {
            "hnsw": {16: constant(5), 32: constant(8), 64: constant(9)},
            "ivf": {1: constant(3), 2: constant(9), 4: constant(10)},
        },
    )


def test_variants_of_one_index_are_told_apart_by_what_differs(two: Run) -> None:
    """A build parameter is named only where an index was built with several values of it."""
    assert [str(variant) for variant in variants(two)] == ["hnsw", "ivf"]
