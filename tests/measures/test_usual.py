"""What is usual: the one tolerance of recall."""

from __future__ import annotations

from vbench.measures import usual


def test_one_tolerance_says_what_is_at_a_level_and_what_is_matched() -> None:
    """Within 0.005 of a level; two settings that are so are matched."""
    assert usual.is_at(0.905, 0.9)
    assert not usual.is_at(0.9051, 0.9)
    assert usual.is_matched(0.895, 0.905)
    assert not usual.is_matched(0.89, 0.9051)
