"""Variants of a dataset: the same base, other queries."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
from vectors import gaussian, save_pair

import vbench
from vbench.data import catalog, select
from vbench.data.copies import copies
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth
from vbench.data.load import reopen
from vbench.data.select import select_queries
from vbench.errors import DataError, UnknownNameError
from vbench.neighbors.exact import nearest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset of 20 items and 6 queries, with two variants."""
    made = tmp_path / "mine"
    made.mkdir()
    save_pair(made, 20, 6, 4)
    np.save(made / "late.npy", gaussian(6, 4, seed=1))
    pl.DataFrame({"kind": list("uuiiui")}).write_parquet(made / "queries.parquet")
    judged = pl.DataFrame({"query": [0, 1, 4, 4, 5], "item": [1, 2, 3, 4, 5]})
    judged.write_parquet(made / "relevance.parquet")
    (made / "dataset.toml").write_text(
        'metric = "ip"\nm = 6\n'
        '[variants.late]\nqueries = "late.npy"\n'
        '[variants.users]\nwhere = { kind = "u" }\n'
        '[variants.nobody]\nwhere = { kind = "x" }\n'
        '[variants.gone]\nqueries = "gone.npy"\n'
    )
    return made


def test_other_queries_keep_segments_and_relevance(folder: Path) -> None:
    """A variant with a file of its own differs in the queries alone."""
    own, late = vbench.load(folder), vbench.load(f"{folder}:late")
    assert late.name == "mine:late"
    np.testing.assert_array_equal(late.queries, np.load(folder / "late.npy"))
    np.testing.assert_array_equal(late.base, own.base)
    assert late.segments is not None
    assert late.relevance is not None
    assert late.fingerprint != own.fingerprint


def test_chosen_queries_take_their_judgments_along(folder: Path) -> None:
    """Queries 0, 1 and 4 are kept; their judgments follow under new row numbers."""
    users = vbench.load(f"{folder}:users")
    np.testing.assert_array_equal(users.queries, np.load(folder / "queries.npy")[[0, 1, 4]])
    assert users.relevance is not None
    assert users.relevance.rows() == [(0, 1), (1, 2), (2, 3), (2, 4)]
    assert users.segments is not None
    assert users.segments["kind"].to_list() == ["u"] * 3


def test_variants_that_cannot_be_are_explained(folder: Path) -> None:
    """No such variant, no such query, no such file, no such column."""
    with pytest.raises(UnknownNameError, match="did you mean 'late'"):
        vbench.load(f"{folder}:lat")
    with pytest.raises(DataError, match="no query has kind = x"):
        vbench.load(f"{folder}:nobody")
    with pytest.raises(DataError, match=r"gone\.npy"):
        vbench.load(f"{folder}:gone")
    points = np.eye(3, dtype=np.float32)
    with pytest.raises(DataError, match="no column age"):
        select_queries(Dataset("bare", points, points, "ip"), {"age": "7"})


def test_books_has_its_variants_in_the_catalog() -> None:
    """`books:skew`, `books:noise` and `books:items` are names like any other."""
    assert {"books:skew", "books:noise", "books:items"} <= set(catalog.names())
    items = vbench.load("books:items")
    assert items.m == 1000
    assert items.relevance is None
    assert vbench.load("books:skew").m == vbench.load("books").m


BASE = gaussian(100, 4, seed=15)


def test_base_vectors_become_queries(tmp_path):
    """Drawn where there are none; always the same; none of them is in the base any more."""
    np.save(tmp_path / "base.npy", np.vstack([BASE, BASE[:10]]))
    held = vbench.load(tmp_path / "base.npy", metric="l2", hold_out=20)
    assert (held.m, held.hold_out) == (20, 20)
    assert copies(held).queries_in_base == 0
    # Copies of a query went with it.
    rows = np.r_[0:100, 0:10]
    kept = held.item_ids.to_numpy()
    assert (BASE[rows[kept]] == held.base).all()
    assert (BASE[rows[held.query_ids.to_numpy()]] == held.queries).all()
    assert not set(rows[kept]) & set(rows[held.query_ids.to_numpy()])
    again = reopen(held.source)
    assert again.fingerprint == held.fingerprint


def test_queries_that_are_base_vectors_are_taken_out_of_it():
    """Queries that are none stay, with what is known of them; judgments follow the new rows."""
    queries = np.vstack([BASE[[7, 3]], BASE[:1] + 1])
    relevance = pl.DataFrame({"query": [0, 1, 1, 2], "item": [8, 3, 50, 99]})
    dataset = vbench.load(
        BASE,
        queries=queries,
        metric="l2",
        name="mine",
        segments=pl.DataFrame({"kind": ["a", "b", "c"]}),
        items=pl.DataFrame({"id": [f"i{row}" for row in range(100)]}),
        relevance=relevance,
        hold_out=2,
    )
    assert (dataset.n, dataset.m, dataset.hold_out) == (98, 3, 2)
    assert dataset.segments["kind"].to_list() == ["a", "b", "c"]
    ids = dataset.item_ids.to_list()
    assert "i7" not in ids
    assert "i3" not in ids
    judged = [(q, ids[item]) for q, item in dataset.relevance.select("query", "item").iter_rows()]
    assert judged == [(0, "i8"), (1, "i50"), (2, "i99")]


def test_some_of_them_are_enough():
    """Of more queries in the base than are wanted, some are drawn, and the others go."""
    dataset = vbench.load(BASE, queries=BASE[:30], metric="l2", name="mine", hold_out=10)
    assert (dataset.n, dataset.m, copies(dataset).queries_in_base) == (90, 10, 0)


def test_a_large_base_is_written_once(monkeypatch, home):
    """What does not fit into memory lies in a file, the same rows in the same order."""
    plain = vbench.load(BASE, metric="l2", name="mine", hold_out=10)
    monkeypatch.setattr(select, "_IN_MEMORY_BYTES", 10)
    monkeypatch.setattr("vbench.neighbors.blocks.BLOCK_BYTES", 64)
    for _ in range(2):
        large = vbench.load(BASE, metric="l2", name="mine", hold_out=10)
        assert isinstance(large.base, np.memmap)
        assert large.fingerprint == plain.fingerprint
    assert len(list((home / "held-out").glob("*.npy"))) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"hold_out": 100}, "100 of 100 base vectors cannot be held out; give 1 to 99"),
        ({"hold_out": 5, "queries": BASE + 1}, "none of the 100 queries is a base vector"),
    ],
)
def test_what_cannot_be_held_out(given, says):
    """Too many, or nothing."""
    with pytest.raises(DataError, match=says):
        vbench.load(BASE, metric="l2", name="mine", **given)


def test_a_part_of_the_queries_is_drawn_by_seed():
    """So many at most, in their order, with what belongs to them; another seed draws another."""
    base, queries = BASE, BASE[:40] + 0.01
    names = pl.DataFrame({"user": [f"u{row}" for row in range(40)]})
    truth = vbench.load(base, queries=queries, metric="l2", name="all")
    options = {"queries": queries, "metric": "l2", "segments": names, "queries_at_most": 15}
    one, again, other = (
        vbench.load(base, **options, queries_seed=seed, name="some") for seed in (0, 0, 1)
    )
    assert one.m == 15
    assert one.queries_at_most == {"count": 15, "of": 40, "seed": 0}
    assert one.fingerprint == again.fingerprint != other.fingerprint
    rows = [int(name[1:]) for name in one.query_ids]
    assert rows == sorted(rows)
    np.testing.assert_array_equal(one.queries, truth.queries[rows])


def test_all_queries_are_no_part():
    """Where there are no more, nothing is drawn and nothing is noted."""
    all_of_them = vbench.load(BASE, queries=BASE[:9] + 0.01, metric="l2", name="mine")
    same = vbench.load(BASE, queries=BASE[:9] + 0.01, metric="l2", name="mine", queries_at_most=9)
    assert same.fingerprint == all_of_them.fingerprint
    assert same.queries_at_most is None
    with pytest.raises(DataError, match="give a number from 1 on"):
        vbench.load(BASE, queries=BASE[:9], metric="l2", name="mine", queries_at_most=0)


def test_a_drawn_part_is_opened_again(tmp_path):
    """Its source says how it was drawn; ground truth that came with the file stays beside it."""
    queries = BASE[:30] + 0.01
    with h5py.File(tmp_path / "d.hdf5", "w") as file:
        file["train"], file["test"] = BASE, queries
        truth = vbench.load(BASE, queries=queries, metric="l2", name="mine")
        file["neighbors"] = nearest(truth.queries, truth.base, "l2", 5)[0]
        file.attrs["distance"] = "euclidean"
    drawn = vbench.load(tmp_path / "d.hdf5", queries_at_most=12, queries_seed=4)
    assert drawn.given_ground_truth is not None
    assert len(drawn.given_ground_truth.ids) == 12
    assert reopen(drawn.source).fingerprint == drawn.fingerprint


def test_a_part_of_the_base(tmp_path: Path) -> None:
    """A random part, by its seed, in its order, with ids and neighbors of its own."""
    base, queries = gaussian(60, 4), gaussian(5, 4, seed=1)
    items = pl.DataFrame({"id": [f"i{number}" for number in range(60)]})
    judged = pl.DataFrame({"query": [0, 1], "item": ["i3", "i59"]})
    options = {"queries": queries, "metric": "l2", "items": items, "relevance": judged}
    part = vbench.load(base, **options, name="mine", base_at_most=20)
    assert part.base_at_most == {"count": 20, "of": 60, "seed": 0}
    assert part.item_ids is not None
    rows = [int(each[1:]) for each in part.item_ids]
    assert rows == sorted(rows)
    assert len(rows) == 20
    np.testing.assert_array_equal(part.base, base[rows])
    left = [] if part.relevance is None else part.relevance["item"].to_list()
    assert [rows[each] for each in left] == [each for each in (3, 59) if each in rows]
    truth = compute_ground_truth(part, 3, cache=False)
    wanted = nearest(queries, base[rows], "l2", 3)[0]
    np.testing.assert_array_equal(truth.ids, wanted)


def test_parts_of_the_base_lie_in_each_other() -> None:
    """Of one seed the smaller is in the larger; another seed draws another part."""
    base = np.arange(100, dtype=np.float32)[:, np.newaxis]
    drawn = {
        (count, seed): set(
            vbench.load(
                base,
                queries=base[:2] + 0.1,
                metric="l2",
                name="x",
                base_at_most=count,
                base_seed=seed,
            ).base[:, 0]
        )
        for count, seed in ((10, 0), (40, 0), (10, 1))
    }
    assert drawn[10, 0] < drawn[40, 0]
    assert drawn[10, 0] != drawn[10, 1]
    whole = vbench.load(base, queries=base[:2] + 0.1, metric="l2", name="x", base_at_most=100)
    assert whole.base_at_most is None
    with pytest.raises(DataError, match="give a number from 1 on"):
        vbench.load(base, queries=base[:2], metric="l2", name="x", base_at_most=0)


def test_a_part_of_the_base_opens_again(tmp_path: Path) -> None:
    """The source of a dataset says which part of its base was drawn."""
    save_pair(tmp_path, 30, 4, 3)
    drawn = vbench.load(
        tmp_path / "base.npy",
        queries=tmp_path / "queries.npy",
        metric="l2",
        base_at_most=12,
        base_seed=4,
    )
    assert reopen(drawn.source).fingerprint == drawn.fingerprint
