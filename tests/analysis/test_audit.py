"""What makes indexes fail is found where it was put, and nowhere else."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from vectors import gaussian, gaussian_pair

import vbench
from vbench.analysis.audit import nearest_is_own
from vbench.cli import main


def look(base, queries, metric="l2", **options):
    found = vbench.audit(vbench.load(base, queries=queries, metric=metric), **options)
    return {each.key: each for each in found.findings}


def test_plain_vectors_are_fine():
    """Of a cloud of few dimensions and queries like it nothing is said, and nothing left out."""
    base, queries = gaussian_pair(1500, 300, 6)
    found = vbench.audit(vbench.load(base, queries=queries, metric="l2"))
    assert {each.verdict for each in found.findings} == {"good"}
    assert {each.advice for each in found.findings} == {""}
    assert {each.key for each in found.findings} == {
        *("anti_hubs", "concentration", "copies", "dimension", "far_queries")
    }


def test_lengths_matter_by_inner_product_alone():
    """Vectors of unlike lengths: most are not their own nearest; by distance nothing is wrong."""
    base, queries = gaussian_pair(1500, 300, 8)
    base *= np.exp(np.random.default_rng(1).normal(size=(len(base), 1))).astype(np.float32)
    by_product = look(base, queries, "ip")
    assert by_product["norm_spread"].verdict == "bad"
    assert by_product["not_own_nearest"].verdict == "bad"
    assert "hnsw-mips" in by_product["norm_spread"].advice
    by_distance = look(base, queries)
    assert "norm_spread" not in by_distance
    assert by_distance["copies"].advice == ""


def test_vectors_that_are_not_their_own_nearest_are_counted():
    """Oracle: all inner products; of 1,000 vectors every one is looked at."""
    base = gaussian(1000, 5, seed=3) * np.linspace(0.5, 2.0, 1000, dtype=np.float32)[:, None]
    products = base.astype(np.float64) @ base.T.astype(np.float64)
    wanted = (products.argmax(axis=1) != np.arange(1000)).mean()
    assert look(base, base[:50], "ip")["not_own_nearest"].value == pytest.approx(wanted, abs=2e-3)


@given(st.integers(1, 6), st.integers(0, 5))
def test_a_copy_that_is_as_near_counts_as_the_vector_itself(copies, place):
    """Whichever of equal distances stands first."""
    place = min(place, copies - 1)
    ids = np.arange(copies)[np.newaxis] + 7
    distances = np.zeros((1, copies))
    assert nearest_is_own(ids, distances, np.array([7 + place])).all()
    distances[:, place] = 1.0
    if copies > 1 and place:
        assert not nearest_is_own(ids, distances, np.array([7 + place])).any()


def test_queries_from_elsewhere_are_seen():
    """Moved away from the base, they are far; drawn like it, they are not."""
    base, queries = gaussian_pair(1500, 300, 6)
    assert look(base, queries)["far_queries"].value < 0.05
    assert look(base, queries + 6)["far_queries"].value == 1.0


@pytest.mark.parametrize(("size", "verdict"), [(4, "good"), (40, "watch"), (400, "bad")])
def test_the_largest_group_of_copies_decides(size, verdict):
    """Not how many copies there are: a graph can leave a small group."""
    base, queries = gaussian_pair(1500, 300, 6)
    base[:size] = base[0]
    found = look(base, queries)["copies"]
    assert (found.value, found.verdict) == (size, verdict)


def test_hubs_come_with_dimensions():
    """Of many dimensions, more vectors are in no list, and lists share more items."""
    few, many = (look(*gaussian_pair(2000, 500, d)) for d in (4, 100))
    for key in ("anti_hubs", "concentration", "dimension"):
        assert many[key].value > 2 * few[key].value


def test_concentration_is_1_where_items_are_shown_alike():
    """Whether many queries are asked or few: pairs of places are counted."""
    base = gaussian(200, 3, seed=5)
    for repeats in (1, 4):
        queries = np.repeat(base, repeats, axis=0)
        assert look(base, queries)["concentration"].value < 1.6


@pytest.mark.parametrize("size", [1, 2, 5])
def test_few_vectors_are_no_trouble(size):
    """What cannot be told is left out."""
    found = look(gaussian(size, 3), gaussian(2, 3, seed=1))
    assert "copies" in found


def test_the_same_seed_says_the_same():
    """And findings are sorted by verdict, the worst first."""
    base, queries = gaussian_pair(6000, 3000, 40)
    data = vbench.load(base, queries=queries + 4, metric="cosine")
    one, two = vbench.audit(data, seed=1), vbench.audit(data, seed=1)
    assert one.to_json() == two.to_json()
    order = [("bad", "watch", "good").index(each.verdict) for each in one.findings]
    assert order == sorted(order)


def test_the_command_prints_why_and_what_to_try(place):
    """As a table, as JSON, and with a line for bad input."""
    (place / "bad.npy").write_bytes(b"")
    np.save(place / "base.npy", np.repeat(gaussian(2, 6), 150, axis=0))
    arguments = ["data", "audit", "base.npy", "--queries", "queries.npy", "--metric", "l2"]
    text = CliRunner().invoke(main, arguments)
    assert text.exit_code == 0, text.output
    assert "largest group of equal base vectors" in text.output
    assert "try: index one of each" in text.output
    asked = [*arguments, "--json", "--page", "audit.html"]
    document = json.loads(CliRunner().invoke(main, asked).stdout)
    assert "try: index one of each" in (place / "audit.html").read_text()
    assert document["schema"] == "vbench.data-audit/1"
    wrong = CliRunner().invoke(main, ["data", "audit", "bad.npy", "--metric", "l2"])
    assert wrong.exit_code == 2
    assert "bad.npy" in wrong.output
