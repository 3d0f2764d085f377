"""What one trial answered: which ids are right, which repeat, which calls were quiet."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from answers_factory import from_hits, from_ids

from vbench.errors import VbenchError
from vbench.measures.answers import Cost, repeated


def test_hits_against_fewer_neighbors_are_counted_anew() -> None:
    """Of the exact top 2, ties at its border included, but no more than 2."""
    truth = [[0, 1, 2, 3]]
    answers = from_ids([[2, 1, 9, 8]], truth)
    assert answers.hits_against(2).tolist() == [1]
    tied = from_ids([[2, 1, 0, 8]], truth, truth_distances=np.array([[1.0, 2.0, 2.0, 3.0]]))
    assert tied.hits_against(2).tolist() == [2]
    assert answers.hits_against(None) is answers.hits_against(4) is answers.hits


def test_hits_of_several_depths_are_those_of_each() -> None:
    """With ties, pads and repeats; by stored places, and by those that are looked up."""
    rng = np.random.default_rng(0)
    truth = np.tile(np.arange(12), (40, 1))
    distances = np.sort(rng.integers(0, 6, (40, 12)), axis=1).astype(float)
    ids = np.argsort(rng.random((40, 14)), axis=1)[:, :8]
    ids[rng.random(ids.shape) < 0.1] = -1
    looked_up = from_ids(ids, truth, truth_distances=distances)
    stored = dataclasses.replace(looked_up, place=looked_up.places)
    for answers in (looked_up, stored):
        several = answers.hits_against_each([1, 3, 5])
        for top, hits in several.items():
            np.testing.assert_array_equal(hits, answers.hits_against(top))
        listed = answers.places_of_each([1, 3, 5])
        for top, hits in answers.hits_against_each([1, 3, 5], listed).items():
            np.testing.assert_array_equal(hits, several[top])
    assert looked_up.hits_against_each([]) == {}
    for row, counted in enumerate(looked_up.hits_against(3)):
        near = {item for item in range(12) if distances[row, item] <= distances[row, 2]}
        assert counted == min(3, len(near & set(ids[row].tolist())))


def test_more_neighbors_than_were_retrieved_are_refused() -> None:
    """With both numbers."""
    with pytest.raises(VbenchError, match="truth=5 asks for more neighbors than the 4"):
        from_hits([1], 4).hits_against(5)


def test_a_repeated_id_is_right_once_and_a_pad_never() -> None:
    """The first place counts; −1 is neither right nor repeated."""
    answers = from_ids([[1, 1, -1, -1, 0]], [[0, 1, 2, 3, 4]])
    assert answers.relevance().tolist() == [[True, False, False, False, True]]
    assert repeated(answers.ids).tolist() == [[False, True, False, False, False]]


def test_no_repeats_are_looked_for_where_there_are_none() -> None:
    """What is known to hold each id once is left as it is; else the second one is replaced."""
    answers = from_ids([[1, 1, -1, -1, 0]], [[0, 1, 2, 3, 4]])
    assert answers.without_repeats(answers.ids, -1).tolist() == [[1, -1, -1, -1, 0]]
    once = dataclasses.replace(answers, may_repeat=False)
    assert once.without_repeats(once.ids, -1) is once.ids


def test_quiet_calls_are_those_of_undisturbed_repeats() -> None:
    """All of them where none, or every one, was disturbed."""
    times = np.array([[3, 1], [4, 2]])
    half = from_hits([1, 1], 2, latency_ns=times, disturbed=(True, False))
    assert half.quiet_ns.tolist() == [[1], [2]]
    assert not half.is_disturbed
    for disturbed in ((), (False, False), (True, True)):
        answers = from_hits([1, 1], 2, latency_ns=times, disturbed=disturbed)
        assert answers.quiet_ns is answers.latency_ns
        assert answers.is_disturbed == (disturbed == (True, True))


def test_some_queries_have_their_rows_alone() -> None:
    """The time of a batch in proportion; what is one number for all stays."""
    whole = from_hits([0, 10, 5, 10], 10, cost=Cost(batch_seconds=1.0, index_bytes=7))
    part = whole.of_queries(np.array([2, 0]))
    assert part.hits.tolist() == [5, 0]
    assert part.hits_against(5).tolist() == [5, 0]
    assert (part.cost.batch_seconds, part.cost.index_bytes) == (0.5, 7)
