"""Speed and other costs: which of the repeats they are taken from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from answers_factory import from_hits

from vbench.measures.answers import Cost
from vbench.measures.grammar import parse

NANOSECONDS = np.array([[3000, 1000, 2000], [9000, 8000, 7000]])


def value(
    measure: str, seconds: float = 0.5, disturbed: tuple[bool, ...] = (), ns: Any = NANOSECONDS
) -> float | None:
    cost = Cost(2.0, 30, 40, batch_seconds=seconds, work=5.0, cpu_seconds=2.5e-6)
    answers = from_hits([1] * len(ns), 1, latency_ns=ns, cost=cost, disturbed=disturbed)
    return parse(measure).value(answers)


def test_throughput_and_best_latency_come_from_the_same_calls() -> None:
    """Of each query the fastest repeat; QPS is the number of queries over the sum of just those."""
    assert value("QPS") == pytest.approx(2 / 8e-6)
    assert value("BestLatency(p=0)") == pytest.approx(1e-6)
    assert value("BestLatency(p=100)") == pytest.approx(7e-6)


def test_latency_is_of_single_calls() -> None:
    """Of all of them, not of each query's fastest."""
    assert value("Latency(p=0)") == pytest.approx(1e-6)
    assert value("Latency(p=50)") == pytest.approx(3e-6)
    assert value("Latency(p=100)") == pytest.approx(9e-6)


def test_a_percentile_of_latency_is_the_lower_one() -> None:
    """The value at ⌊(calls − 1)·p/100⌋, which a call took, without interpolation."""
    ns = np.arange(1000, 12_000, 1000)[:, np.newaxis]
    for name in ("Latency", "BestLatency"):
        assert value(f"{name}(p=99)", ns=ns) == pytest.approx(10e-6)
        assert value(f"{name}(p=49)", ns=ns) == pytest.approx(5e-6)
        assert value(f"{name}(p=50)", ns=ns) == pytest.approx(6e-6)


@pytest.mark.parametrize(
    ("disturbed", "most"),
    [
        ((False, False, False), 9e-6),
        ((True, False, False), 8e-6),
        ((True, False, True), 8e-6),
        ((False, True, True), 9e-6),
        ((True, True, True), 9e-6),
    ],
)
def test_disturbed_passes_have_no_say_where_there_are_others(
    disturbed: tuple[bool, ...], most: float
) -> None:
    """Where all are disturbed, latency is that of all of them."""
    assert value("Latency(p=100)", disturbed=disturbed) == pytest.approx(most)
    assert value("QPS", disturbed=disturbed) == pytest.approx(2 / 8e-6)


def test_what_was_not_timed_has_no_latency() -> None:
    """Nor any other number of time."""
    nothing = np.empty((2, 0), np.int64)
    for name in ("QPS", "Latency(p=99)", "BestLatency(p=99)"):
        assert value(name, ns=nothing) is None


def test_batch_throughput_is_another_number() -> None:
    """All queries over the seconds of the one call; the latencies have no part in it."""
    assert value("BatchQPS") == 2 / 0.5
    assert value("BatchQPS", 0.0) is None


def test_the_rest_is_as_the_trial_recorded_it() -> None:
    """Build time, size, peak memory, work, CPU time of a query."""
    measures = ("BuildTime", "IndexSize", "PeakMemory", "Work", "CpuTime")
    assert [value(measure) for measure in measures] == [2.0, 30, 40, 5.0, 2.5e-6]


def test_a_price_is_of_a_core_with_the_index_beside_it() -> None:
    """By the CPU time of an answer; nothing where that, or the size of the index, is unknown."""
    hourly = 0.04 + 0.005 * 30e-9
    assert value("Price(core=0.04,GB=0.005)") == pytest.approx(hourly * 2.5e-6 / 3600 * 1e6)
    unknown = from_hits([1], 1, cost=Cost(cpu_seconds=1.0))
    assert parse("Price(core=1,GB=1)").value(unknown) is None
    assert parse("Price(core=3600)").value(unknown) == pytest.approx(1e6)
    assert parse("Price(core=1)").value(from_hits([1], 1, cost=Cost())) is None
