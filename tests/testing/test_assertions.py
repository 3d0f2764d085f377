"""Assertions on measures over builds: what `build` may return, and what becomes of it."""

from __future__ import annotations

import doctest
import subprocess
import sys
import unittest

import numpy as np
import pytest

import vbench.testing.assertions
from vbench.errors import VbenchError
from vbench.measures.recall import Recall
from vbench.neighbors.exact import nearest
from vbench.testing import DecisionError, assert_measure, measure_reference, recall_at_least, score

RNG = np.random.default_rng(7)
BASE = RNG.normal(size=(400, 8)).astype(np.float32)
QUERIES = RNG.normal(size=(50, 8)).astype(np.float32)
DATA = {"base": BASE, "queries": QUERIES}
SEEDS: list[int] = []


def build(seed: int, share: float = 0.8, queries: np.ndarray = QUERIES, k: int = 10) -> np.ndarray:
    """Exact search in a share of the base: its recall is that share, about."""
    kept = np.random.default_rng(seed).permutation(len(BASE))[: round(share * len(BASE))]
    return kept[nearest(queries, BASE[kept], "l2", k)[0]]


def test_ids_a_function_and_values_are_the_same_test() -> None:
    """`build` may return ids, what finds them, or the value: one decision."""
    ids = recall_at_least(0.8, build, loss=0.1, **DATA)
    found = recall_at_least(
        0.8, lambda seed: lambda queries, k: build(seed, queries=queries, k=k), loss=0.1, **DATA
    )
    values = recall_at_least(
        0.8, lambda seed: np.array(score(Recall @ 10, build(seed), BASE, QUERIES)), loss=0.1
    )
    assert ids == found
    assert values.builds == ids.builds
    assert ids.outcome == "kept"
    assert ids.measure == "Recall@10"


def test_a_loss_is_an_assertion_that_fails() -> None:
    """What lost more than matters raises an AssertionError that holds what was seen."""
    with pytest.raises(AssertionError, match="Recall@10 is lost: 4 builds") as raised:
        recall_at_least(0.8, lambda seed: build(seed, 0.5), loss=0.1, **DATA)
    assert isinstance(raised.value, DecisionError)
    assert raised.value.decision.outcome == "lost"


def test_every_measure_of_answers_can_be_asserted() -> None:
    """Of a measure of which less is better, more is a loss."""
    assert assert_measure("R0.5@10", 0.98, build, loss=0.1, **DATA).outcome == "kept"
    assert assert_measure("Failure@10", 0.0, build, loss=0.1, **DATA).outcome == "kept"
    with pytest.raises(AssertionError, match="above the reference 0"):
        assert_measure("Failure@10", 0.0, lambda seed: build(seed, 0.1), loss=0.1, **DATA)
    assert assert_measure("nDCG@10", 0.8, build, loss=0.15, **DATA).outcome == "kept"
    assert assert_measure("CVaR(alpha=0.1)@10", 0.5, build, loss=0.4, **DATA).outcome == "kept"


def test_undecided_fails_or_is_skipped() -> None:
    """The user chooses; pytest and unittest know the error that skips."""
    arguments = (0.8, lambda seed: 0.75 + 0.1 * (seed % 2))
    with pytest.raises(DecisionError, match="cannot be told"):
        recall_at_least(*arguments, loss=0.01)
    with pytest.raises(unittest.SkipTest, match="cannot be told"):
        recall_at_least(*arguments, loss=0.01, undecided="skip")


def test_equal_shares_of_few_queries_are_not_taken_as_certain() -> None:
    """Ten queries that all pass in four builds do not show a loss of less than a query."""
    few = {"base": BASE, "queries": BASE[:10]}
    found = assert_measure(
        "R0.1@1", 1.0, lambda seed: np.arange(10)[:, np.newaxis], loss=0.2, **few
    )
    assert found.low < 1.0
    assert found.high - found.low > 0.1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"measure": "QPS"}, "QPS is no measure of answers"),
        ({"measure": "Recal@10"}, "did you mean"),
        ({"reference": 79.0}, "Recall@10 is between 0 and 1: reference=79"),
        ({"loss": 0.9}, r"so -0.1 is what matters"),
        ({"measure": "Failure@10", "loss": 0.5}, r"so 1.3 is what matters"),
        ({"queries": None}, "both base and queries"),
        ({"base": BASE[:5]}, "needs 10 neighbors; base has 5 vectors"),
        ({"metric": "l3"}, "l3"),
        ({"undecided": "pass"}, "fail, skip"),
        ({"build": "hnsw"}, "build='hnsw' is no function"),
        ({"build": lambda seed: 79}, "build returned 79, which no Recall@10 is; give 0 to 1"),
        ({"build": lambda seed: None}, "search returned NoneType"),
        ({"build": lambda seed: (QUERIES, QUERIES)}, "return the ids alone"),
        ({"build": lambda seed: np.full((50, 10), 400)}, "got id 400 from a base of 400"),
        ({"build": lambda seed: np.zeros((49, 10), int)}, "for 50 queries"),
        ({"base": None, "queries": None}, "give base and queries to have it scored"),
    ],
)
def test_what_cannot_be_asserted_is_said(given: dict[str, object], said: str) -> None:
    """One line for each wrong argument or answer."""
    usual = {"measure": "Recall@10", "reference": 0.8, "build": build, "loss": 0.1, **DATA}
    with pytest.raises(VbenchError, match=said):
        assert_measure(**(usual | given))


def test_a_score_is_that_of_a_run() -> None:
    """Ids that are all right score 1, ties count, and short rows miss."""
    exact = nearest(QUERIES, BASE, "ip", 10)[0]
    assert score("Recall@10", exact, BASE, QUERIES, "dot") == 1.0
    assert score("Recall@10", exact[:, :5], BASE, QUERIES, "ip") == 0.5
    twice = np.concatenate([BASE, BASE])
    copies = (nearest(QUERIES, twice, "l2", 9)[0] + 400) % 800
    assert score("Recall@9", copies, twice, QUERIES) == 1.0


def test_the_reference_is_measured_with_the_losses_it_tells() -> None:
    """Twenty builds have the mean of the measure; more builds tell smaller losses."""
    found = measure_reference("Recall@10", build, **DATA)
    assert found.mean == pytest.approx(0.8, abs=0.02)
    assert len(found.builds) == 20
    assert found.loss_told(12) < found.loss_told(6)
    kept = recall_at_least(round(found.mean, 3), build, loss=found.loss_told(8), **DATA)
    assert len(kept.builds) <= 14
    assert str(found).startswith("Recall@10 0.")
    with pytest.raises(VbenchError, match="builds=1 say nothing"):
        measure_reference("Recall@10", build, builds=1, **DATA)


def test_the_example_runs_as_it_stands() -> None:
    """The docstring's lines give what they say."""
    result = doctest.testmod(vbench.testing.assertions)
    assert result.attempted
    assert not result.failed


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    """Every start of pytest loads it."""
    code = (
        "import sys, vbench.testing.plugin; print({'numpy', 'polars', 'faiss'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
