"""Bounds of targets: exact, of the worst build, and how many more queries they would take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from answers_factory import from_hits

from vbench.measures.answers import Answers, Cost
from vbench.measures.targets import parse_targets
from vbench.metric import FloatArray
from vbench.stats.betting import mean_lower
from vbench.stats.intervals import exact_lower, queries_needed
from vbench.tuning.evidence import Evidence, weigh

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


def timed(seconds: Any, disturbed: tuple[bool, ...] = ()) -> Answers:
    """Answers that take so long, (m, passes)."""
    ns = (np.asarray(seconds) * 1e9).round().astype(np.int64)
    return from_hits([K] * len(ns), K, latency_ns=ns, disturbed=disturbed)


def slow(calls: int, m: int = 1000, passes: int = 3, ms: float = 9.0) -> FloatArray:
    """1 ms for each call, but for `calls` ones: those of the first pass first."""
    seconds = np.full((m, passes), 1e-3)
    seconds.T.flat[:calls] = ms * 1e-3
    return seconds


def test_latency_is_a_share_of_queries_too() -> None:
    """The bound is a latency that 99 % of the queries surely stay under."""
    seconds = np.full((1000, 2), 1e-3)
    seconds[:2] = 9e-3
    found = weighed("Latency(p=99)<=2ms", [timed(seconds)])
    assert found.bound == pytest.approx(0.001)
    assert found.is_certified
    seconds[:12] = 9e-3
    found = weighed("Latency(p=99)<=2ms", [timed(seconds)])
    assert found.bound == pytest.approx(0.009)
    assert not found.is_certified


def test_a_certificate_of_latency_is_about_single_calls() -> None:
    """Calls that are late now and then count, though each query has a fast one."""
    late = np.full((1000, 3), 1e-3)
    rows = np.random.default_rng(0).permutation(1000)[:60]
    late[rows, rows % 3] = 5e-3
    found = weighed("Latency(p=99)<=2ms", [timed(late)])
    assert found.value == pytest.approx(0.005)
    assert found.bound == pytest.approx(0.005)
    assert (found.is_met, found.is_certified, found.is_judged) == (False, False, True)
    best = weighed("BestLatency(p=99)<=2ms", [timed(late)])
    assert best.bound == pytest.approx(0.001)
    assert best.is_certified


def test_one_call_of_each_query_is_drawn_and_all_calls_must_agree() -> None:
    """The bound is that of as many queries as fail among the drawn calls, or by all calls."""
    drawn = np.full((1000, 3), 1e-3)
    rows = np.arange(12)
    drawn[rows, rows % 3] = 5e-3
    found = weighed("Latency(p=99)<=2ms", [timed(drawn)])
    assert found.plain_slack == pytest.approx(math.log(0.01) - math.log(0.012))
    others = np.full((1000, 3), 1e-3)
    others[rows, (rows + 1) % 3] = 5e-3
    found = weighed("Latency(p=99)<=2ms", [timed(others)])
    assert found.plain_slack == pytest.approx(math.log(0.01) - math.log(0.004))
    assert found.is_certified == (exact_lower(996, 1000) >= 0.99)
    many = weighed("Latency(p=99)<=2ms", [timed(slow(90))])
    assert not many.is_certified
    assert many.bound == pytest.approx(0.009)


@pytest.mark.parametrize("calls", range(0, 60, 3))
def test_the_bound_of_latency_meets_the_target_where_it_is_certified(calls: int) -> None:
    """And only there."""
    found = weighed("Latency(p=98)<=2ms", [timed(slow(calls, m=400))])
    assert found.bound is not None
    assert found.is_certified == (found.bound <= 0.002)
    assert found.is_met or not found.is_certified


def test_passes_that_were_disturbed_have_no_say_where_others_were_not() -> None:
    """The certificate is of the calls that nothing disturbed."""
    seconds = np.full((400, 2), 1e-3)
    seconds[:, 0] = 9e-3
    assert weighed("Latency(p=99)<=2ms", [timed(seconds, (True, False))]).is_certified
    assert not weighed("Latency(p=99)<=2ms", [timed(seconds)]).is_certified


@pytest.mark.parametrize("measure", ["Latency(p=99)<=2ms", "BestLatency(p=99)<=2ms", "QPS>=500"])
def test_what_only_disturbed_passes_miss_is_not_judged(measure: str) -> None:
    """What they reach all the same is reached, and what others miss is missed."""
    fast, late, both = np.full((400, 2), 1e-3), np.full((400, 2), 5e-3), (True, True)
    missed = weighed(measure, [timed(fast), timed(late, both)])
    assert (missed.is_certified, missed.is_judged) == (False, False)
    reached = weighed(measure, [timed(fast, both), timed(fast, both)])
    assert (reached.is_certified, reached.is_judged) == (True, True)
    by_others = weighed(measure, [timed(late), timed(late, both)])
    assert (by_others.is_certified, by_others.is_judged) == (False, True)


def test_too_few_queries_are_too_few_on_any_machine() -> None:
    """Where all of them keep a latency, more of them are needed and no other machine."""
    found = weighed("Latency(p=99)<=2ms", [timed(np.full((50, 2), 1e-3), (True, True))])
    assert (found.is_certified, found.is_judged, found.more) == (False, True, 249)


def test_cpu_time_and_quality_are_judged_on_busy_machines() -> None:
    """Disturbed passes do not decide them."""
    answers = from_hits([3] * 400, K, disturbed=(True, True), cost=Cost(cpu_seconds=2e-3))
    assert weighed("Recall@10>=0.9", [answers]).is_judged
    found = weighed("CpuTime<=1ms", [answers])
    assert (found.value, found.is_met, found.is_judged) == (0.002, False, True)
    assert weighed("CpuTime<=3ms", [answers]).is_certified


@pytest.mark.slow
@pytest.mark.parametrize("alike", [0.05, 1.0, 1000.0])
@pytest.mark.parametrize("passes", [1, 3])
def test_a_certificate_of_latency_holds(alike: float, passes: int) -> None:
    """However much the calls of one query have in common: wrong in at most 5 % of cases.

    The share of late calls is just above what the target allows, so that each one is wrong. Of a
    query the share of late calls is drawn from a Beta distribution: for a small `alike` some
    queries are late always and others never, for a large one all are late as often.
    """
    rng = np.random.default_rng(11)
    share, m, certified = 0.0501, 600, []
    (target,) = parse_targets("Latency(p=95)<=2ms")
    for _ in range(1000):
        late = rng.beta(share * alike, (1 - share) * alike, m)
        calls = rng.random((m, passes)) < late[:, np.newaxis]
        certified.append(weigh(target, [timed(np.where(calls, 5e-3, 1e-3))], 0.95).is_certified)
    assert np.mean(certified) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


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
        ("BestLatency(p=99.9)<=1ms", 0.999),
    ],
)
def test_too_few_queries_are_known_beforehand(text: str, share: float) -> None:
    """One query fewer than it takes without any failure cannot certify."""
    (target,) = parse_targets(text)
    enough = queries_needed(share)
    assert target.is_attainable(enough, 0.95)
    assert not target.is_attainable(enough - 1, 0.95)
