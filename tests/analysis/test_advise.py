"""What is tried for a graph, and what is said of it."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

import vbench
from vbench._document import Interval
from vbench.analysis.advise import WORDS, _advice, _Judged
from vbench.analysis.internals import internals_of, store_internals
from vbench.cli import main
from vbench.data.load import load
from vbench.render.page.page import html
from vbench.runs.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A graph on inner products of vectors whose lengths differ much, and an inverted file."""
    rng = np.random.default_rng(6)
    folder = tmp_path_factory.mktemp("advise")
    base = rng.normal(size=(1_000, 8)) * rng.lognormal(sigma=0.6, size=(1_000, 1))
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
    """Every change at equal work on queries that are held out."""
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
    # Where few vectors are far longer than all others, the other space harms: trying tells.
    assert (by_name["other space"].reached.high or 0) < 0
    assert internals_of(lists, 0.9).advice is None
    assert ("nothing of what was tried helps" in shown) != any(x.gained for x in found.advice)


def test_what_gained_is_printed_and_on_the_page(run: Run) -> None:
    """It is kept: later calls and the page say it again, and build nothing."""
    call(run, "--advise", "-n", "0")
    graph = run.settings()[0]
    found = internals_of(graph, 0.9)
    first, *others = found.advice
    better = msgspec.structs.replace(
        first, gained=True, reached=Interval(0.1, 0.05, 0.15), zero=Interval(-0.01, -0.02, 0.0)
    )
    others = [msgspec.structs.replace(each, gained=False) for each in others]
    store_internals(graph, 0.9, msgspec.structs.replace(found, advice=(better, *others)))
    shown = call(run, "--advise", "-n", "0")
    assert "what helped at equal work" in shown
    assert better.what in shown
    assert not any(each.what in shown for each in others)
    page = html(Run(run.path))
    assert all(each.what in page for each in (better, *others))


def test_a_gain_must_be_sure_and_paid_for() -> None:
    """A sure gain at equal work is one; an unsure one, or one at twice the work, is none."""
    rng = np.random.default_rng(0)
    before = rng.integers(0, 11, size=400)
    setting = SimpleNamespace(k=10)

    def gained(after: np.ndarray, work: float) -> bool:
        pair = (_Judged(before, 100.0, 20), _Judged(after, work, 20))
        return _advice("reinsert", [pair], 9, setting).gained

    much = np.minimum(before + 3, 10)
    assert gained(much, 100.0)
    assert not gained(much, 200.0)
    assert not gained(before, 100.0)
    assert not gained(np.maximum(before - 3, 0), 100.0)
    little = before.copy()
    little[np.flatnonzero(before == 8)[:1]] = 10
    assert not gained(little, 100.0)
