"""The sides of a comparison: variants of a run, told apart by what differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from run_folder import answered

from vbench.runs.selection import select


def test_variants_of_one_index_are_told_apart_by_what_differs(tmp_path: Path) -> None:
    """A build parameter is named only where an index was built with several values of it."""
    hits = np.full((2, 20), 5)
    run = answered(tmp_path / "run", {"hnsw": {16: hits}, "ivf": {1: hits}})
    assert [str(each.variant) for each in select(run)] == ["hnsw", "ivf"]
