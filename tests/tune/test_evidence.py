"""Bounds of targets: exact, of the worst build, and how many more queries they would take."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from answers_factory import from_hits

from vbench.measures.answers import Answers, Cost
from vbench.stats.betting import mean_lower
from vbench.stats.intervals import exact_lower, queries_needed
from vbench.tune.evidence import Evidence, attainable, part_of, weigh
from vbench.tune.targets import parse_targets

K = 10


def weighed(text: str, builds: Sequence[Answers], level: float = 0.95) -> Evidence:
    (target,) = parse_targets(text)
    return weigh(target, builds, level)


def failing(misses: int, n: int, hits: int = 0) -> Answers:
    """Answers that are all right but for `misses` queries."""
    return from_hits([hits] * misses + [K] * (n - misses), K)


def test_a_share_has_the_bound_of_its_worst_build() -> None:
    """Clopper–Pearson of each build at the full level; the value is the mean."""
    found = weighed("Robustness(delta=0.9)@10>=0.98", [failing(5, 1000), failing(9, 1000)])
    assert found.value == pytest.approx(0.993)
    assert found.bound == pytest.approx(exact_lower(991, 1000))
    assert found.is_certified
    assert found.more == 0


def test_299_queries_certify_99_percent_and_298_do_not() -> None:
    """And it says how many more it takes; a failing query takes many."""
    text = "Robustness(delta=0.9)@10>=0.99"
    assert weighed(text, [failing(0, 299)]).is_certified
    short = weighed(text, [failing(0, 298)])
    assert (short.is_certified, short.more) == (False, 1)
    assert weighed(text, [failing(5, 298)]).more is None
    one = weighed(text, [failing(1, 299)])
    assert one.more is not None
    total = 299 + one.more
    assert exact_lower(total - math.ceil(total / 299), total) >= 0.99


def test_failure_is_bounded_from_above() -> None:
    """The bound is what the share of failures surely does not exceed."""
    found = weighed("Failure@10<=0.01", [failing(0, 400), failing(1, 400)])
    assert found.value == pytest.approx(1 / 800)
    assert found.bound == pytest.approx(1.0 - exact_lower(399, 400))
    assert not found.is_certified
    assert weighed("Failure@10<=0.012", [failing(0, 400), failing(1, 400)]).is_certified


def test_a_percentile_is_a_share_of_queries() -> None:
    """The 5th percentile surely is at least a value that 95 % of the queries surely reach."""
    found = weighed("Percentile(p=5)@10>=0.7", [failing(30, 1000, hits=3)])
    assert (found.value, found.bound) == (1.0, 1.0)
    found = weighed("Percentile(p=5)@10>=0.7", [failing(45, 1000, hits=3)])
    assert (found.value, found.bound) == (1.0, 0.3)
    assert not found.is_certified
    assert found.more is not None
    assert found.more > 0


def test_latency_is_a_share_of_queries_too() -> None:
    """The bound is a latency that 99 % of the queries surely stay under."""
    slow = np.full((1000, 2), 1_000_000, dtype=np.int64)
    slow[:2] = 9_000_000
    answers = from_hits([K] * 1000, K, latency_ns=slow)
    found = weighed("Latency(p=99)<=2ms", [answers])
    assert found.bound == pytest.approx(0.001)
    assert found.is_certified
    slow[:12] = 9_000_000
    found = weighed("Latency(p=99)<=2ms", [answers])
    assert found.bound == pytest.approx(0.009)
    assert not found.is_certified


def test_a_mean_is_bounded_by_betting() -> None:
    """Recall, and any measure that is a mean of values from 0 to 1."""
    answers = from_hits(np.random.default_rng(0).integers(8, 11, 500), K)
    found = weighed("Recall@10>=0.85", [answers])
    assert found.bound == pytest.approx(mean_lower(answers.hits / K))
    assert found.is_certified
    assert found.value is not None
    near = weighed(f"Recall@10>={found.value - 0.001:.6f}", [answers])
    assert not near.is_certified
    assert near.more is not None
    assert near.more > 500


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_cvar_is_bounded_below_by_its_dual(level: float) -> None:
    """The bound lies under the true CVaR of the distribution in all but few samples."""
    rng = np.random.default_rng(2)
    parts = rng.choice(K + 1, size=(200, 600), p=[0.02] * 5 + [0.06] * 5 + [0.6])
    ordered = np.repeat(np.arange(K + 1), [2] * 5 + [6] * 5 + [60])
    true = ordered[:20].mean() / K
    pivot = [from_hits(parts[-1], K)]
    (target,) = parse_targets("CVaR(alpha=0.2)@10>=0.1")
    bounds = [weigh(target, [from_hits(row, K)], level, pivot=pivot).bound for row in parts]
    above = np.mean([bound is not None and bound > true for bound in bounds])
    assert above <= 1 - level + 0.03
    assert np.mean([bound or 0.0 for bound in bounds]) > 0.6 * true


def test_what_is_no_function_of_single_queries_must_hold_in_every_build() -> None:
    """Sizes have no bound over queries: the worst build decides."""
    builds = [from_hits([K] * 20, K, cost=Cost(index_bytes=size)) for size in (900, 1100)]
    found = weighed("IndexSize<=1kB", builds)
    assert (found.value, found.bound, found.is_met, found.is_certified) == (1000, None, True, False)
    assert weighed("IndexSize<=1.1kB", builds).is_certified


def test_what_was_not_recorded_meets_nothing() -> None:
    """No value, no bound, no certificate."""
    found = weighed("Work<=100", [failing(0, 20)])
    assert (found.value, found.is_met, found.is_certified) == (None, False, False)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Robustness(delta=0.9)@10>=0.99", 0.99),
        ("Failure@10<=0.001", 0.999),
        ("Percentile(p=5)@10>=0.8", 0.95),
        ("Latency(p=99)<=1ms", 0.99),
    ],
)
def test_too_few_queries_are_known_beforehand(text: str, share: float) -> None:
    """One query fewer than it takes without any failure cannot certify."""
    (target,) = parse_targets(text)
    enough = queries_needed(share)
    assert attainable(target, enough, 0.95)
    assert not attainable(target, enough - 1, 0.95)


def test_a_part_of_the_answers_is_that_of_some_queries() -> None:
    """Measures of the part see its rows alone, batch time in proportion."""
    whole = from_hits([0, K, 5, K], K, cost=Cost(batch_seconds=1.0, index_bytes=7))
    part = part_of(whole, np.array([2, 0]))
    assert part.hits.tolist() == [5, 0]
    assert part.hits_against(5).tolist() == [5, 0]
    assert (part.cost.batch_seconds, part.cost.index_bytes) == (0.5, 7)
