"""Certificates hold on queries that had no part in them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

from vbench.measures.targets import parse_targets
from vbench.tuning.search import Outcome

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark's simulation of tuning on stored hits, with fewer splits."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("simulation", BENCHMARKS / "tune.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules.pop("_print", None)
    monkeypatch.setattr(module, "SPLITS", 60)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["Robustness(delta=0.9)@10>=0.9", "Recall@10>=0.95", "CVaR(alpha=0.05)@10>=0.5"]
)
def test_a_certificate_holds_on_a_third_untouched_set(simulation: ModuleType, text: str) -> None:
    """In 95 % of splits or more, in at most a dozen trials, and it is nearly always given."""
    (target,) = parse_targets(text)
    tried, certified, held, over = simulation.simulated(graph_like(simulation.GRID), target)
    assert max(tried) <= 12
    assert np.mean(certified) >= 0.9
    assert np.mean(held) >= 0.95
    assert np.median(over) < 2


def graph_like(grid: list[int], m: int = 4500, builds: int = 3) -> dict[int, np.ndarray]:
    """Hits of a made-up graph index: hard queries, harder ones, and luck of the build."""
    rng = np.random.default_rng(0)
    hardness = rng.normal(0, 1.3, m) + 2.0 * (rng.random(m) < 0.05)
    luck = rng.normal(0, 0.5, (builds, m))
    draw = rng.random((builds, m))
    found = {}
    for ef in grid:
        chance = 1 / (1 + np.exp(2.2 + hardness + luck - 1.4 * np.log(ef)))
        found[ef] = stats.binom.ppf(draw, 10, chance).astype(np.int32)
    return found


def test_of_settings_that_served_all_alike_the_widest_is_tested_first(
    simulation: ModuleType,
) -> None:
    """However they were tried: a narrow one that fails on the held-out half hides no wider one."""
    passing = np.full((1, 800), 10, dtype=np.int32)
    narrow = passing.copy()
    narrow[:, 400:600] = 0
    stored = {16: narrow, 64: passing}
    (target,) = parse_targets("Robustness(delta=0.9)@10>=0.9")
    judge = simulation.StoredAnswers(stored, target, np.split(np.arange(800), 2))
    group = simulation.Group((), {}, 10, simulation.Range("ef", 1, 64, whole=True), 16.0)
    tried = [judge.measure(group, value) for value in (16, 64)]
    claim = simulation.certify_cheapest(judge, Outcome(group, tried, tried[0]))
    assert claim.is_certified
    assert claim.tried.value == 64
