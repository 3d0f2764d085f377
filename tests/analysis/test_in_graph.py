"""What tells whom a graph fails: in a build, in every build, in which build."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from run_folder import answered

import vbench
from vbench.analysis.in_graph import graph_hardness, tell_graph, with_graph
from vbench.analysis.tail import explain
from vbench.runs import tables
from vbench.runs.run import Run
from vbench.stats.association import tail_auc

M, BUILDS = 300, 3


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run in which the graph of each build says what it fails, beside noise."""
    rng = np.random.default_rng(0)
    hits = rng.integers(0, 11, size=(BUILDS, M))
    run = answered(tmp_path / "run", {"graph": {16: hits}, "lists": {4: hits}})
    for trial, own in zip(run.settings()[0].trials, hits, strict=True):
        columns = {"escape_hardness": 1 - own / 10, "in_degree": rng.random(M)}
        tables.write_graph_hardness(run.path, trial.key, columns)
    return run


def test_it_is_told_in_its_own_build_and_in_which(run: Run) -> None:
    """What follows each build tells all; what all builds share does not tell one from another."""
    setting = run.settings()[0]
    under = setting.hits < 9
    fixed = pl.DataFrame({"lid": setting.hits.mean(axis=0) * -1.0})
    told = {each.measure: each for each in tell_graph(fixed, setting, under)}
    assert [*told] == ["escape_hardness", "lid", "in_degree"]
    own = told["escape_hardness"]
    assert (own.own_build.value, own.which_build.value) == (1.0, 1.0)
    means = graph_hardness(setting)["escape_hardness"].mean(axis=0)
    assert own.persistent.value == tail_auc(means, under.all(axis=0)).value[0]
    assert told["lid"].which_build.value == 0.5
    assert 0.4 < told["in_degree"].own_build.value < 0.6
    each = [tail_auc(fixed["lid"].to_numpy(), row).value[0] for row in under]
    assert told["lid"].own_build.value == pytest.approx(np.mean(each))


def test_which_build_counts_pairs_of_builds(run: Run) -> None:
    """Against every pair of a build that fails a query and one that serves it."""
    setting = run.settings()[0]
    under = setting.hits < 9
    noise = graph_hardness(setting)["in_degree"]
    shares = []
    for query in range(M):
        pairs = [
            noise[a, query] > noise[b, query]
            for a in range(BUILDS)
            for b in range(BUILDS)
            if under[a, query] and not under[b, query]
        ]
        if pairs:
            shares.append(np.mean(pairs))
    (found,) = (x for x in tell_graph(None, setting, under) if x.measure == "in_degree")
    assert found.which_build.value == pytest.approx(np.mean(shares))


def test_a_tail_shows_it_beside_the_hardness_of_queries(run: Run) -> None:
    """Only for the index whose graphs were read; the others are as before."""
    report = explain(run)
    assert [len(row.telling) for row in report.indexes] == [2, 0]
    setting = run.settings()[0]
    both = with_graph(pl.DataFrame({"lid": np.arange(float(M))}), setting)
    assert both.columns == ["lid", "escape_hardness", "in_degree"]
    assert with_graph(None, setting) is None
    (run.path / "graphs" / f"{setting.trials[0].key}.parquet").unlink()
    assert graph_hardness(setting) is None


def test_it_is_read_from_the_graphs_of_a_run(tmp_path: Path) -> None:
    """Of a graph with few links it tells more than the dimension around a query does."""
    rng = np.random.default_rng(4)
    base, queries = rng.normal(size=(2_000, 12)), rng.normal(size=(200, 12))
    dataset = vbench.load(base, queries=queries, metric="l2", name="cloud")
    run = vbench.run(
        dataset, ["hnsw"], k=10, builds=2, repeats=1, out=tmp_path / "run",
        settings={"M": [4], "ef_construction": [20], "ef": [24]},
    )  # fmt: skip
    from vbench.analysis.rebuild import explain_internals

    setting = run.settings()[0]
    explain_internals(setting, dataset, 0.9, lambda number: None)
    (row,) = run.tail(dataset=dataset).indexes
    told = {each.measure: each for each in row.telling}
    assert told["escape_hardness"].own_build.value > told["lid"].own_build.value
    assert told["escape_hardness"].own_build.value > 0.6
    assert told["escape_hardness"].which_build.value > 0.55
    assert {"escape_hardness", "in_degree"} <= {each.measure for each in row.hardness}
    # The page and the figure draw it, and the next command does not build again.
    from vbench.render.page.page import html

    assert "escape hardness" in html(Run(run.path))
