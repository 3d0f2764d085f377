"""The condition of a stored view, found again in the dataset."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

import vbench
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.runs import files
from vbench.runs.schema import Workload
from vbench.workloads.conditions import find_condition

N, M = 120, 20
RUNBOOK = """
[[step]]
op = "insert"
rows = [0, 80]
order = "-value"
[[step]]
op = "search"
[[step]]
op = "delete"
share = 0.1
[[step]]
op = "search"
"""


@pytest.fixture
def dataset() -> Dataset:
    rng = np.random.default_rng(3)
    items = pl.DataFrame({"value": rng.permutation(N)})
    return Dataset("tiny", *gaussian_pair(N, M, 4, seed=5), "l2", items=items)


def test_every_view_is_found_again(dataset: Dataset, tmp_path: Path) -> None:
    """Filters, masks and ages, also of a file that is gone: what passes has the same neighbors."""
    path = tmp_path / "book.toml"
    path.write_text(RUNBOOK)
    run = vbench.run(
        dataset, "ivf-flat", k=5, builds=1, repeats=1, out=tmp_path / "run", workload=str(path),
        filters=["value < 100", "random:0.5"], masks=2, settings={"nlist": [2], "nprobe": [2]},
    )  # fmt: skip
    path.unlink()
    assert find_condition(run, dataset) is None
    views = [view for view in run.manifest.views if view.workload]
    assert len(views) == 2 * 4
    for view in views:
        seen = run.in_view(view)
        allowed = find_condition(seen, dataset)
        assert allowed is not None
        assert allowed.counts().tolist() == seen.ground_truth.allowed.tolist()  # type: ignore[union-attr]
        ids = seen.ground_truth.ids
        assert (allowed.admits(np.arange(M), ids) | (ids < 0)).all()


def test_steps_that_are_no_longer_known_are_told(dataset: Dataset, tmp_path: Path) -> None:
    """Those of a file that run.json has forgotten; built-in ones are read again."""
    path = tmp_path / "book.toml"
    path.write_text(RUNBOOK)
    options = {"k": 5, "builds": 1, "repeats": 1, "out": tmp_path / "run",
               "settings": {"nlist": [2], "nprobe": [2]}}  # fmt: skip
    vbench.run(dataset, "ivf-flat", workload="growth:0.5", **options)
    run = vbench.run(dataset, "ivf-flat", workload=str(path), **options)
    first, second = run.manifest.views[1], run.manifest.views[-1]
    assert (first.workload, second.workload) == ("growth:0.5", "book")
    assert find_condition(run.in_view(first), dataset) is not None
    forgotten = msgspec.structs.replace(run.manifest, workload=Workload())
    files.write_manifest(run.path, forgotten)
    again = vbench.open(run.path)
    with pytest.raises(VbenchError, match="does not say what the steps of workload 'book' were"):
        find_condition(again.in_view(second), dataset)
