"""A query is served where it is answered well and in time, every time that it was timed."""

from __future__ import annotations

import numpy as np
import pytest
from answers_factory import from_hits
from hypothesis import given
from hypothesis import strategies as st

from vbench.errors import VbenchError
from vbench.measures.grammar import parse
from vbench.measures.recall import Robustness
from vbench.measures.sample import Sample
from vbench.measures.served import Served
from vbench.measures.targets import parse_targets

queries = st.lists(
    st.tuples(st.integers(0, 10), st.integers(1, 3000), st.integers(1, 3000)),
    min_size=1,
    max_size=40,
)


@given(queries, st.integers(0, 10), st.integers(1, 3000))
def test_it_counts_what_is_good_and_in_time(
    made: list[tuple[int, int, int]], needed: int, limit: int
) -> None:
    """Query by query: hits enough, and no call beyond the limit, which itself is in time."""
    hits, times = [each[0] for each in made], np.array([each[1:] for each in made])
    answers = from_hits(hits, 10, latency_ns=times * 1000)
    measure = Served(needed / 10, f"{limit}us") @ 10
    served = [h >= needed and max(a, b) <= limit for h, a, b in made]
    assert measure.value(answers) == pytest.approx(np.mean(served))
    assert measure.per_query(answers).tolist() == served


@given(queries)
def test_with_time_enough_it_is_robustness(made: list[tuple[int, int, int]]) -> None:
    """Value and interval, of one build and of several."""
    hits = np.array([each[0] for each in made])
    for builds in ([hits], [hits, hits[::-1].copy()]):
        sample = Sample([from_hits(each, 10) for each in builds])
        served = (Served(0.9, 1.0) @ 10).estimate(sample)
        robust = (Robustness(0.9) @ 10).estimate(sample)
        assert served.value == pytest.approx(robust.value)
        assert (served.low, served.high) == pytest.approx((robust.low, robust.high), abs=1e-6)


def test_disturbed_passes_are_left_out() -> None:
    """As far as there are others, as of any latency."""
    times = np.array([[1000, 9000], [1000, 1000]])
    measure = parse("Served(delta=0.9,within=2us)@10")
    assert measure.value(from_hits([10, 10], 10, latency_ns=times)) == 0.5
    quiet = from_hits([10, 10], 10, latency_ns=times, disturbed=(False, True))
    assert measure.value(quiet) == 1.0
    assert measure.value(from_hits([10, 10], 10, latency_ns=times, disturbed=(True, True))) == 0.5


def test_without_times_nothing_is_known() -> None:
    """No value and no bound; of single queries that is an error."""
    answers = from_hits([10, 5], 10, latency_ns=np.empty((2, 0), dtype=np.int64))
    measure = parse("Served(delta=0.9,within=2us)@10")
    assert measure.value(answers) is None
    assert measure.estimate(Sample([answers])) == (None, None, None, None)
    assert measure.lower_bound(answers, 0.9, 0.95, [answers]) is None
    with pytest.raises(VbenchError, match="no times were recorded"):
        measure.per_query(answers)


def test_it_may_be_a_target() -> None:
    """A share, with the exact bound of one."""
    (target,) = parse_targets("Served(delta=0.9,within=10ms)@10 >= 95%")
    assert str(target) == "Served(delta=0.9,within=10ms)@10>=0.95"
    answers = from_hits([10] * 299 + [0], 10)
    served = target.measure.lower_bound(answers, 0.95, 0.95, [answers])
    robust = (Robustness(0.9) @ 10).lower_bound(answers, 0.95, 0.95, [answers])
    assert served is not None
    assert served == robust


def test_a_wider_search_makes_it_worse_where_lateness_weighs_more() -> None:
    """Then tuning looks among narrower ones."""
    measure = parse("Served(delta=0.9,within=2us)@10")
    late, early = np.array([[1000], [9000], [9000]]), np.array([[1000], [1000], [9000]])
    assert measure.is_overdone(from_hits([10, 10, 5], 10, latency_ns=late))
    assert not measure.is_overdone(from_hits([10, 5, 5], 10, latency_ns=early))
    assert not parse("Recall@10").is_overdone(from_hits([0], 10))


def test_in_python_a_time_is_a_text_or_seconds() -> None:
    """Both spell the same measure."""
    one, other = Served(0.9, "10ms"), Served(delta=0.9, within=0.01)
    assert one @ 10 == other @ 10 == parse("Served(0.9,10ms)@10")
    assert repr(one @ 10) == "Served(delta=0.9,within=10ms)@10"
