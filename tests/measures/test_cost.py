"""Speed and other costs: which of the repeats they are taken from."""

from __future__ import annotations

import numpy as np
import pytest
from answers_factory import from_hits

from vbench.measures.answers import Cost
from vbench.measures.grammar import parse

NANOSECONDS = np.array([[3000, 1000, 2000], [9000, 8000, 7000]])


def value(measure: str, seconds: float = 0.5) -> float | None:
    cost = Cost(build_seconds=2.0, index_bytes=30, peak_bytes=40, batch_seconds=seconds, work=5.0)
    answers = from_hits([1, 1], 1, latency_ns=NANOSECONDS, cost=cost)
    return parse(measure).value(answers)


def test_speed_and_latency_come_from_the_same_repeats() -> None:
    """Of each query the fastest repeat; QPS is the number of queries over the sum of just those."""
    assert value("QPS") == pytest.approx(2 / 8e-6)
    assert value("Latency(p=0)") == pytest.approx(1e-6)
    assert value("Latency(p=100)") == pytest.approx(7e-6)


def test_batch_throughput_is_another_number() -> None:
    """All queries over the seconds of the one call; the latencies have no part in it."""
    assert value("BatchQPS") == 2 / 0.5
    assert value("BatchQPS", 0.0) is None


def test_the_rest_is_as_the_trial_recorded_it() -> None:
    """Build time, size, peak memory, work."""
    measures = ("BuildTime", "IndexSize", "PeakMemory", "Work")
    assert [value(measure) for measure in measures] == [2.0, 30, 40, 5.0]
