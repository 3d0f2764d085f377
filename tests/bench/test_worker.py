"""What an index is given by the process that runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import vbench

RNG = np.random.default_rng(16)
BASE = RNG.standard_normal((200, 6)).astype(np.float32)
QUERIES = RNG.standard_normal((20, 6)).astype(np.float32)


def test_an_index_that_writes_gets_copies_of_its_own(tmp_path: Path) -> None:
    """In each pass the queries are as they were, and so they are in the batch."""
    dataset = vbench.load(BASE, queries=QUERIES, metric="cosine")
    run = vbench.run(
        dataset, "misbehaving:WritesToItsInput", k=5, builds=1, repeats=2, out=tmp_path / "run"
    )
    assert run.manifest.failures == []
    assert run.measure("Recall@5")["value"].to_list() == [1.0]
    assert "batch differs" not in {each.about for each in run.manifest.warnings}
