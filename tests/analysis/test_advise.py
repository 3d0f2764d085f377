"""What is tried for a graph, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

import vbench
from vbench.analysis.advise import WORDS
from vbench.analysis.internals import internals_of
from vbench.cli import main
from vbench.data.load import load
from vbench.runs.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A graph on inner products of vectors whose lengths differ much, and an inverted file."""
    rng = np.random.default_rng(6)
    folder = tmp_path_factory.mktemp("advise")
    base = rng.normal(size=(2_000, 8)) * rng.lognormal(sigma=0.6, size=(2_000, 1))
    np.save(folder / "base.npy", base.astype(np.float32))
    np.save(folder / "queries.npy", rng.normal(size=(300, 8)).astype(np.float32))
    dataset = load(folder / "base.npy", queries=folder / "queries.npy", metric="ip")
    return vbench.run(
        dataset, ["hnsw", "ivf-flat"], builds=2, repeats=1, out=folder / "run",
        settings={"M": [6], "ef_construction": [30], "ef": [12], "nprobe": [2]},
    )  # fmt: skip


def call(run: Run, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["tail", str(run.path), *arguments], terminal_width=220)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_applies_is_tried_and_what_gained_is_shown(run: Run) -> None:
    """Every change at equal work on queries that are held out; the other space helps."""
    shown = call(run, "--advise", "-n", "0")
    graph, lists = run.settings()
    found = internals_of(graph, 0.9)
    assert found is not None
    assert found.advice is not None
    by_name = {each.change: each for each in found.advice}
    assert [*by_name] == list(WORDS)
    for each in found.advice:
        assert each.queries == 150
        assert each.work <= 1.05 * each.work_before or not each.gained
        assert each.gained == (each.what in shown)
    assert by_name["other space"].gained
    assert (by_name["other space"].reached.low or 0) > 0
    assert internals_of(lists, 0.9).advice is None
    # It is kept: the next call says it again, and builds nothing.
    assert by_name["other space"].what in call(run, "-n", "0")
    from vbench.render.page.page import html

    assert "helped at equal work" in html(Run(run.path))
