"""What describes queries and items: in the run folder, and brought up to date."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from vectors import gaussian_pair

import vbench
from vbench.analysis.tail import explain
from vbench.cli import main
from vbench.errors import VbenchWarning

N, M = 400, 30
BASE, QUERIES = gaussian_pair(N, M, 6, seed=4)
USERS = [f"u-{row:03d}" for row in np.random.default_rng(4).permutation(M)]
OPTIONS = {"k": 5, "builds": 1, "repeats": 1, "settings": {"nlist": [16], "nprobe": [1]}}


def described(kind: list[str]) -> vbench.Dataset:
    items = pl.DataFrame({"sku": [f"i-{row:03d}" for row in range(N)], "price": range(N)})
    segments = pl.DataFrame({"user_id": USERS, "kind": kind, "session_id": np.arange(M) // 2})
    return vbench.load(
        BASE, queries=QUERIES, metric="l2", name="shop", segments=segments, items=items
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("described") / "run"
    vbench.run(described(["a", "b"] * (M // 2)), ["ivf-flat"], out=made, **OPTIONS)
    return made


def test_ids_and_columns_lie_apart(folder: Path) -> None:
    """Queries have their ids, and other columns; the manifest says which are which."""
    run = vbench.open(folder)
    assert run.query_ids.to_list() == USERS
    assert run.columns.columns == ["kind", "session_id"]
    facts = run.manifest.dataset
    assert facts.columns == {"user_id": "id", "kind": "segment", "session_id": "cluster"}
    assert run.clusters("user_id").tolist() == list(range(M))
    assert (facts.query_id, facts.item_id, facts.attributes) == ("user_id", "sku", ["price"])


def test_items_that_nobody_met_are_not_kept(folder: Path) -> None:
    """Of the items there are those of exact lists and answers, under their row numbers."""
    run = vbench.open(folder)
    met = set(run.ground_truth.ids.ravel()) | set(run.rows(run.done[0]).ids.ravel()) - {-1}
    assert set(run.items.numbers.tolist()) == met
    assert len(met) < N
    assert run.items.ids.to_list() == [f"i-{row:03d}" for row in sorted(met)]
    assert run.items.columns["price"].to_list() == sorted(met)


def test_every_door_names_queries_and_items(folder: Path) -> None:
    """Table, JSON, page and frames say the ids of the files."""
    run = vbench.open(folder)
    worst = explain(run).indexes[0].worst[0]
    assert str(worst.id) == USERS[worst.query]
    missed = worst.missed[0]
    assert missed.id == f"i-{missed.item:03d}"
    shown = CliRunner().invoke(main, ["tail", str(folder)]).output
    assert str(worst.id) in shown
    assert missed.id in shown
    assert str(worst.id) in (run.report(folder / "page.html")).read_text()
    frame = run.measure("Recall@5", per="query")
    assert frame["id"].to_list() == USERS


def test_the_same_vectors_described_otherwise_are_not_measured_again(folder: Path) -> None:
    """Segments that were mended come into the folder; the answers stay."""
    before = vbench.open(folder)
    mended = described(["x"] * 10 + ["y"] * 20)
    with pytest.warns(VbenchWarning, match="nothing was measured"):
        again = vbench.run(mended, ["ivf-flat"], out=folder, **OPTIONS)
    assert again.columns["kind"].to_list() == ["x"] * 10 + ["y"] * 20
    assert again.manifest.dataset.fingerprint == before.manifest.dataset.fingerprint
    assert [trial.key for trial in again.done] == [trial.key for trial in before.done]
    bare = vbench.load(BASE, queries=QUERIES, metric="l2", name="shop")
    with pytest.warns(VbenchWarning, match="nothing was measured"):
        plain = vbench.run(bare, ["ivf-flat"], out=folder, **OPTIONS)
    assert (plain.query_ids, plain.items, plain.columns.columns) == (None, None, [])
