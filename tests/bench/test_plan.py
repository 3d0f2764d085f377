"""What is refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from vectors import gaussian_pair

import vbench
from vbench.errors import VbenchError


@pytest.mark.parametrize(
    ("index", "d", "metric", "says"),
    [
        ("odd_indexes:EightsSaid", 6, "l2", "6 dimensions and EightsSaid takes 8, 16, … 64;"),
        ("odd_indexes:OneDimension", 2, "l2", "2 dimensions and OneDimension takes 1;"),
        ("odd_indexes:EightsByL2", 8, "ip", "8 dimensions, 9 after mips-l2, and EightsByL2 takes"),
        ("faiss:PQ4np", 6, "l2", "6 dimensions and FaissFactory takes 4, 8, … 65536;"),
    ],
)
def test_dimensions_that_an_index_cannot_do_are_refused(
    index: str, d: int, metric: str, says: str, tmp_path: Path
) -> None:
    """In one message that names the index and what it takes; nothing is written."""
    base, queries = gaussian_pair(50, 5, d)
    dataset = vbench.load(base, queries=queries, metric=metric)
    with pytest.raises(VbenchError, match=f"index '{index}': the vectors have {says}"):
        vbench.run(dataset, index, k=3, builds=1, repeats=1, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
