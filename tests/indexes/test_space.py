"""Spaces keep the order exact, in place; dimensions are said in words, checked and chosen from."""

from __future__ import annotations

import tracemalloc
from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import vbench
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.space import Space, check_dimension, in_words, nearest, plan_space
from vbench.metric import METRICS, Metric, distance

ALL = frozenset(METRICS)


def moved(space: Space, base: Any, queries: Any) -> tuple[Any, Any]:
    n, d = base.shape
    out = np.full((n, space.width(d)), np.nan, dtype=np.float32)
    out[:, :d] = base
    space.finish_base(out, d)
    return out, space.queries(queries)


@pytest.mark.parametrize(
    ("transform", "metric", "does", "name", "given_to_fit"),
    [
        ("auto", "l2", ALL, "none", "l2"),
        ("auto", "ip", ALL, "none", "ip"),
        ("none", "cosine", ALL, "none", "cosine"),
        ("auto", "cosine", {"l2", "ip"}, "normalize", "ip"),
        ("auto", "cosine", {"l2"}, "normalize", "l2"),
        ("auto", "ip", {"l2"}, "mips-l2", "l2"),
        ("auto", "ip", {"l2", "cosine"}, "mips-l2", "l2"),
        ("mips-l2", "ip", ALL, "mips-l2", "l2"),
        ("normalize", "cosine", ALL, "normalize", "ip"),
    ],
)
def test_the_space_follows_from_what_the_index_does(
    transform: str, metric: Metric, does: Any, name: str, given_to_fit: str
) -> None:
    """`auto` changes the space only where the metric is lacking; the others do as they say."""
    assert plan_space(transform, metric, does) == Space(name, given_to_fit)  # type: ignore[arg-type]  # from a table


@pytest.mark.parametrize(
    ("transform", "metric", "does", "says"),
    [
        ("auto", "l2", {"ip"}, "does not do metric 'l2'"),
        ("none", "cosine", {"l2"}, "ask for transform 'auto'"),
        ("mips-l2", "l2", ALL, "does not keep the order of metric 'l2'"),
        ("mips-l2", "cosine", ALL, "does not keep the order of metric 'cosine'"),
        ("normalize", "ip", ALL, "allowed there: 'auto', 'none', 'mips-l2'"),
        ("mips-l2", "ip", {"ip"}, "needs an index that does one of: l2"),
    ],
)
def test_a_space_that_would_change_the_order_is_refused(
    transform: str, metric: Metric, does: Any, says: str
) -> None:
    """The message says what is allowed."""
    with pytest.raises(VbenchError, match=says):
        plan_space(transform, metric, does)


def test_an_unknown_transform_is_refused_with_the_nearest() -> None:
    """`mips` is near `mips-l2`."""
    with pytest.raises(UnknownNameError, match="did you mean 'mips-l2'"):
        plan_space("mips", "ip", ALL)


@given(
    base=arrays(np.int8, st.tuples(st.integers(1, 20), st.just(3)), elements=st.integers(-8, 8)),
    queries=arrays(np.int8, (4, 3), elements=st.integers(-8, 8)),
)
def test_mips_l2_orders_as_the_inner_product(base: Any, queries: Any) -> None:
    """‖q − x‖² = ‖q‖² + M² − 2 q·x in the wider space, to float32."""
    space = Space("mips-l2", "l2")
    wide, asked = moved(space, base, queries)
    assert wide.dtype == asked.dtype == np.float32
    largest = float((base.astype(float) ** 2).sum(axis=1).max())
    expected = (
        (queries.astype(float) ** 2).sum(axis=1)[:, None]
        + largest
        + 2 * distance(queries[:, None], base[None], "ip")
    )
    np.testing.assert_allclose(
        distance(asked[:, None], wide[None], "l2") ** 2, expected, rtol=1e-5, atol=1e-3
    )


@given(base=arrays(np.float32, (7, 4), elements=st.floats(-4, 4, width=32)))
def test_normalized_vectors_have_length_one_or_are_zero(base: Any) -> None:
    """A zero vector stays zero, without a warning of a division."""
    out, _ = moved(Space("normalize", "ip"), base, base)
    norms = np.linalg.norm(out.astype(np.float64), axis=1)
    zero = ~base.any(axis=1)
    np.testing.assert_allclose(norms[~zero], 1.0, atol=1e-6)
    assert not out[zero].any()


def test_queries_are_a_copy() -> None:
    """What was given is not changed, whatever the space."""
    queries = np.ones((3, 2), dtype=np.float32)
    for name in ("none", "normalize", "mips-l2"):
        got = Space(name, "l2").queries(queries)  # type: ignore[arg-type]  # from a list
        assert not np.shares_memory(got, queries)
    assert (queries == 1.0).all()


def test_an_empty_base_has_a_space_too() -> None:
    """No vector, no largest norm, no error."""
    out, _ = moved(Space("mips-l2", "l2"), np.empty((0, 3)), np.ones((1, 3)))
    assert out.shape == (0, 4)


@pytest.mark.parametrize("name", ["normalize", "mips-l2"])
def test_the_base_is_transformed_in_blocks(name: Any) -> None:
    """Memory beside the base stays well under the base itself."""
    out = np.ones((200_000, 65), dtype=np.float32)
    tracemalloc.start()
    Space(name, "l2").finish_base(out, 64)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < out.nbytes / 2


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
