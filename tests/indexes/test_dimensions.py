"""Dimensions in words, checked in the space that they are searched in, and chosen from."""

from __future__ import annotations

from collections.abc import Collection

import pytest

import vbench
from vbench.errors import VbenchError
from vbench.indexes.dimensions import check_dimension, in_words, nearest
from vbench.indexes.space import Space


def kind(dimensions: Collection[int] | None) -> type[vbench.Index]:
    return type("Picky", (vbench.Index,), {"dimensions": dimensions})


def test_what_fits_passes() -> None:
    """Any number where the class says nothing; and the space's own dimension counts."""
    check_dimension(kind(None), Space("none", "l2"), 7)
    check_dimension(kind(range(64, 4097, 64)), Space("none", "l2"), 128)
    check_dimension(kind({8}), Space("mips-l2", "l2"), 7)


def test_what_does_not_fit_is_refused_with_what_does() -> None:
    """Also where it is the space that makes it so."""
    with pytest.raises(VbenchError, match="have 100 dimensions and Picky takes 64, 128, … 4096;"):
        check_dimension(kind(range(64, 4097, 64)), Space("none", "l2"), 100)
    with pytest.raises(VbenchError, match="64 dimensions, 65 after mips-l2, and Picky takes 64;"):
        check_dimension(kind({64}), Space("mips-l2", "l2"), 64)


@pytest.mark.parametrize(
    ("dimensions", "words"),
    [
        (None, "any"),
        (range(2, 2001), "2 to 2000"),
        (range(64, 1 << 40, 64), f"64, 128, … {(1 << 40) - 64}"),
        ({128, 96}, "96, 128"),
    ],
)
def test_dimensions_in_words(dimensions: Collection[int] | None, words: str) -> None:
    """As messages and tables show them."""
    assert in_words(dimensions) == words


@pytest.mark.parametrize(
    ("dimensions", "wanted", "got"),
    [
        (None, 16, 16),
        (range(2, 2001), 16, 16),
        (range(64, 4097, 64), 16, 64),
        (range(64, 4097, 64), 250, 256),
        (range(1, 9), 16, 8),
        ({96, 128}, 16, 96),
        ((12, 20), 16, 12),
    ],
)
def test_the_nearest_dimension(dimensions: Collection[int] | None, wanted: int, got: int) -> None:
    """The smaller of two."""
    assert nearest(dimensions, wanted) == got
