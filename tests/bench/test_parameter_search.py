"""Search over one parameter: few tries, the right end, and an end at all."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench.bench.parameter_search import ParameterSearch, Range, falls, is_whole
from vbench.indexes.faiss_ivf import IvfFlat
from vbench.indexes.faiss_lsh import FaissLsh
from vbench.indexes.protocol import Index

EF = Range("ef", 1, 4096, whole=True)


def drive(search: ParameterSearch, score: Callable[[float], float], most: int = 60) -> int:
    """Tell scores until the search proposes nothing; how many values it asked for."""
    for tries in range(most):
        value = search.propose()
        if value is None:
            return tries
        assert value not in search.scores
        assert search.range.low <= value <= search.range.high
        search.tell(value, score(value))
    raise AssertionError("the search did not end")


def like_a_graph(scale: float) -> Callable[[float], float]:
    """−ln(1 − recall) of an index whose misses fall as a power of the effort."""
    return lambda value: 0.9 * math.log(1.0 + value / scale)


@given(
    scale=st.floats(0.5, 400), target=st.floats(0.05, 5), start=st.sampled_from([1, 45, 512, 4096])
)
def test_whole_numbers_end_at_two_neighbors_around_the_target(
    scale: float, target: float, start: float
) -> None:
    """Below misses the target, above reaches it, and no whole number lies between."""
    score = like_a_graph(scale)
    search = ParameterSearch(EF, target, start)
    tries = drive(search, score)
    assert tries <= 18
    if score(EF.low) >= target:
        assert (search.below, search.above) == (None, EF.low)
    elif score(EF.high) < target:
        assert (search.below, search.above) == (EF.high, None)
    else:
        assert search.above is not None
        assert search.below == search.above - 1
        assert score(search.below) < target <= score(search.above)


@given(scores=st.lists(st.floats(0, 1), min_size=64, max_size=64), target=st.floats(0, 1))
def test_any_scores_come_to_an_end_at_a_crossing(scores: list[float], target: float) -> None:
    """Where the score does not rise with the parameter, one of the crossings is found."""
    search = ParameterSearch(Range("x", 1, 64, whole=True), target, 8)
    drive(search, lambda value: scores[int(value) - 1])
    if search.above is not None and search.below is not None:
        assert search.above - search.below == 1


@given(target=st.floats(0.0, 1.0), low=st.floats(0.01, 0.5))
def test_fractions_are_found_to_the_resolution(target: float, low: float) -> None:
    """A parameter that takes fractions is enclosed within a hundredth."""
    search = ParameterSearch(Range("keep", low, 1.0, whole=False), target, 0.7)
    drive(search, lambda value: value * value)
    if search.above is not None and search.below is not None:
        assert search.above - search.below <= 0.011 * search.above


def test_a_parameter_that_may_be_zero_is_searched_on_a_plain_scale() -> None:
    """There the logarithm has no place for the low end."""
    search = ParameterSearch(Range("slack", 0.0, 10.0, whole=False), 0.5, 5.0)
    drive(search, lambda value: value / 10)
    assert search.above == pytest.approx(5.0, rel=0.011)


def test_a_step_is_enclosed_by_halving() -> None:
    """Where interpolation is blind, at most as many tries as halving needs, and a few."""
    search = ParameterSearch(EF, 0.5, 45)
    assert drive(search, lambda value: float(value >= 1717)) <= 20
    assert (search.below, search.above) == (1716, 1717)


def test_whole_numbers_are_known_from_the_type_or_the_samples() -> None:
    """The signature decides; where it says nothing, the values of the sweep do."""

    class Untyped(Index):
        def set(self, a=1, **others):  # type: ignore[no-untyped-def, override] # as authors write
            pass

    assert is_whole(IvfFlat, "nprobe", [1.5])
    assert not is_whole(FaissLsh, "k_factor", [1, 2])
    assert is_whole(Untyped, "other", [1, 2])
    assert not is_whole(Untyped, "other", [1, 2.5])


def test_the_first_fall_is_named() -> None:
    """Values are compared in their order, not in that of the tries."""
    assert falls([(4, 0.5), (1, 0.2), (2, 0.6)]) == ((2, 0.6), (4, 0.5))
    assert falls([(4, 0.7), (1, 0.2), (2, 0.6)]) == ()
