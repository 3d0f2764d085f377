"""Tables that are joined to vectors: by key, else by order; ids that are kept."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from vectors import gaussian, gaussian_pair

import vbench
from vbench.data.ground_truth import compute_ground_truth
from vbench.errors import DataError, VbenchError

N, M = 80, 12
BASE, QUERIES = gaussian_pair(N, M, 6, seed=8)
ITEM_IDS = [f"i-{row:03d}" for row in np.random.default_rng(8).permutation(N)]
USER_IDS = (np.random.default_rng(9).permutation(M) * 7 + 3).tolist()


def permutation(size):
    return np.random.default_rng(10).permutation(size)


def lists(array):
    return pl.Series("emb", array.tolist(), dtype=pl.List(pl.Float32))


@pytest.fixture
def exported(tmp_path: Path, monkeypatch) -> Path:
    """Items and users as a warehouse exports them: vectors, ids, and a column more."""
    items = pl.DataFrame({"item_id": ITEM_IDS, "emb": lists(BASE), "price": gaussian(N)})
    items.write_parquet(tmp_path / "items.parquet")
    users = pl.DataFrame({"user_id": USER_IDS, "emb": lists(QUERIES), "kind": list("aab") * 4})
    users.write_parquet(tmp_path / "users.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(**options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return vbench.load("items.parquet", queries="users.parquet", metric="l2", **options)


def test_columns_beside_the_vectors_are_kept(exported):
    """Ids, segments and attributes of a Parquet file come along, row by row."""
    data = load()
    assert data.query_ids.to_list() == USER_IDS
    assert (data.query_ids.name, data.item_ids.name) == ("user_id", "item_id")
    assert data.item_ids.to_list() == ITEM_IDS
    assert data.columns == {"user_id": "id", "kind": "segment"}
    assert data.items.columns == ["item_id", "price"]
    assert data.segments["kind"].to_list() == list("aab") * 4


def test_documents_are_no_attributes(tmp_path):
    """Long texts beside the vectors are left out."""
    texts = ["word " * 100] * N
    pl.DataFrame({"emb": lists(BASE), "text": texts}).write_parquet(tmp_path / "x.parquet")
    assert vbench.load(tmp_path / "x.parquet", queries=QUERIES, metric="l2").items is None


@pytest.mark.parametrize("form", ["csv", "parquet", "frame"])
def test_segments_in_another_order(exported, form):
    """They are joined by the key that both have, which appears once."""
    order = permutation(M)
    table = pl.DataFrame({"place": np.arange(M)[order], "user_id": np.array(USER_IDS)[order]})
    segments = table if form == "frame" else f"segments.{form}"
    if form == "csv":
        table.write_csv(segments)
    elif form == "parquet":
        table.write_parquet(segments)
    data = load(segments=segments)
    assert data.segments["place"].to_list() == list(range(M))
    assert data.query_ids.to_list() == USER_IDS
    assert set(data.segments.columns) == {"user_id", "kind", "place"}


def test_items_in_another_order(exported):
    """Attributes of the base vectors are joined in the same way; the given ones win."""
    order = permutation(N)
    pl.DataFrame({"item_id": np.array(ITEM_IDS)[order], "price": np.arange(N)[order]}).write_csv(
        "prices.csv"
    )
    assert load(items="prices.csv").items["price"].to_list() == list(range(N))


def test_text_ids_of_a_csv_keep_their_zeros(exported):
    """`0042` beside the vectors is `0042` in the CSV file too."""
    ids = [f"{row:04d}" for row in range(M)]
    pl.DataFrame({"user_id": ids, "emb": lists(QUERIES)}).write_parquet("users.parquet")
    pl.DataFrame({"user_id": ids[::-1], "place": range(M)[::-1]}).write_csv("s.csv")
    assert load(segments="s.csv").segments["place"].to_list() == list(range(M))
    pl.DataFrame({"uid": ids[::-1], "place": range(M)[::-1]}).write_csv("s.csv")
    found = load(segments="s.csv", on="user_id=uid").segments
    assert found["place"].to_list() == list(range(M))
    table = {"query-id": ids[::2], "corpus-id": ITEM_IDS[: M // 2], "grade": 1}
    pl.DataFrame(table).write_csv("qrels.csv")
    rows = load(relevance="qrels.csv").relevance.rows()
    assert rows == [(2 * row, row, 1) for row in range(M // 2)]


def test_order_counts_where_nothing_else_can_and_is_said(exported):
    """Files without a common column are taken row by row, with one warning."""
    pl.DataFrame({"place": range(M)}).write_csv("s.csv")
    with pytest.warns(UserWarning, match=r"s\.csv: no column that the queries of users") as told:
        data = vbench.load("items.parquet", queries="users.parquet", metric="l2", segments="s.csv")
    assert len(told) == 1
    assert data.segments["place"].to_list() == list(range(M))
    pl.DataFrame({"uid": USER_IDS[::-1], "place": range(M)[::-1]}).write_csv("s.csv")
    with pytest.warns(UserWarning, match="on='user_id=uid' would join them"):
        vbench.load("items.parquet", queries="users.parquet", metric="l2", segments="s.csv")
    joined = load(segments="s.csv", on="user_id=uid")
    assert joined.segments["place"].to_list() == list(range(M))


def test_other_users_are_refused(exported):
    """Whose keys are others is not measured as if they were the same."""
    pl.DataFrame({"user_id": [i + 1 for i in USER_IDS], "kind": ["x"] * M}).write_csv("s.csv")
    with pytest.raises(DataError, match="no row has user_id"):
        load(segments="s.csv")


def test_a_column_that_joins_nothing_is_refused(exported):
    """A misspelled `on` is not passed over."""
    pl.DataFrame({"user_id": USER_IDS, "x": range(M)}).write_csv("s.csv")
    with pytest.raises(VbenchError, match="on='userid': of two tables"):
        load(segments="s.csv", on="userid")


@pytest.mark.parametrize("kind", ["text", "whole"])
def test_ground_truth_in_ids(exported, kind):
    """True neighbors named by the items' ids, for queries in another order."""
    truth = compute_ground_truth(vbench.Dataset("x", BASE, QUERIES, "l2"), 5, cache=False).ids
    ids = np.array(ITEM_IDS)
    if kind == "whole":
        ids = np.roll(np.arange(N), 1)  # each is a row number too, but of another row
        pl.DataFrame({"item_id": ids, "emb": lists(BASE)}).write_parquet("items.parquet")
    order = permutation(M)
    table = pl.DataFrame(
        {"user_id": np.array(USER_IDS)[order], "neighbors": ids[truth][order].tolist()}
    )
    table.write_parquet("truth.parquet")
    np.testing.assert_array_equal(load(ground_truth="truth.parquet").given_ground_truth.ids, truth)
    if kind == "whole":
        np.testing.assert_array_equal(load(ground_truth=ids[truth]).given_ground_truth.ids, truth)
        with pytest.raises(DataError, match="taken for ids where the base has these as item_id"):
            load(ground_truth=truth)


def test_judgments_and_interactions_in_ids(exported):
    """Both become row numbers; of a log, what is of others is left out and counted."""
    table = pl.DataFrame({"user_id": USER_IDS[:3], "item_id": ITEM_IDS[:3], "grade": [1, 2, 3]})
    table.write_csv("relevance.csv")
    log = pl.DataFrame({"query": [*USER_IDS[:2], 10**6], "item": [*ITEM_IDS[5:7], "i-000"]})
    log.write_parquet("clicks.parquet")
    with pytest.warns(UserWarning, match=r"clicks.parquet: 1 of 3 rows are of other queries"):
        data = vbench.load(
            "items.parquet",
            queries="users.parquet",
            metric="l2",
            relevance="relevance.csv",
            interactions="clicks.parquet",
        )
    assert data.relevance.rows() == [(0, 0, 1), (1, 1, 2), (2, 2, 3)]
    assert data.interactions.rows() == [(0, 5), (1, 6)]
    table.with_columns(item_id=pl.lit("none")).write_csv("relevance.csv")
    with pytest.raises(DataError, match="row 0: item none is not one of the ids"):
        load(relevance="relevance.csv")


def test_judgments_by_another_key(exported):
    """`on` says which of two ids of the queries a table holds, and what the column is called."""
    customers = permutation(M)
    pl.DataFrame({"user_id": USER_IDS, "customer": customers}).write_csv("customers.csv")
    table = {"customer": customers[[3, 1]], "item": ITEM_IDS[:2]}
    pl.DataFrame(table).write_csv("relevance.csv")
    options = {"segments": "customers.csv", "relevance": "relevance.csv"}
    data = load(**options, on=["user_id", "customer"])
    assert data.relevance.rows() == [(3, 0), (1, 1)]
    assert data.query_id == "user_id"
    pl.DataFrame({"query": table["customer"], "item": ITEM_IDS[:2]}).write_csv("relevance.csv")
    assert load(**options, on=["user_id", "customer=query"]).relevance.rows() == [(3, 0), (1, 1)]
    with pytest.raises(DataError, match="cannot be told apart by kind"):
        load(**options, on=["user_id", "kind=query"])


def test_ids_of_few_bits_and_below_zero(exported):
    """Row numbers need more room than small ids; hashes may be negative."""
    ids = pl.Series("item_id", np.arange(N) - N // 2, dtype=pl.Int8)
    pl.DataFrame({"item_id": ids, "emb": lists(BASE)}).write_parquet("items.parquet")
    truth = compute_ground_truth(vbench.Dataset("x", BASE, QUERIES, "l2"), 5, cache=False).ids
    found = load(
        ground_truth=ids.to_numpy()[truth].astype(np.int64),
        relevance=pl.DataFrame({"user_id": USER_IDS[:1], "item_id": ids[-1:]}),
    )
    np.testing.assert_array_equal(found.given_ground_truth.ids, truth)
    assert found.relevance.rows() == [(0, N - 1)]


def test_true_neighbors_named_by_text_may_be_fewer(exported):
    """A shorter list is a shorter row."""
    truth = compute_ground_truth(vbench.Dataset("x", BASE, QUERIES, "l2"), 5, cache=False).ids
    ids = np.array(ITEM_IDS)[truth].tolist()
    ids[2] = ids[2][:3]
    pl.DataFrame({"user_id": USER_IDS, "neighbors": ids}).write_parquet("truth.parquet")
    found = load(ground_truth="truth.parquet").given_ground_truth.ids
    np.testing.assert_array_equal(found[[0, 1, 3]], truth[[0, 1, 3]])
    assert found[2].tolist() == [*truth[2][:3].tolist(), -1, -1]


def test_a_folder_has_ids_and_interactions(tmp_path):
    """queries.parquet, items.parquet and interactions.parquet of the folder layout."""
    np.save(tmp_path / "base.npy", BASE)
    np.save(tmp_path / "queries.npy", QUERIES)
    (tmp_path / "dataset.toml").write_text('metric = "ip"\n[variants.a]\nwhere = { kind = "a" }\n')
    pl.DataFrame({"id": USER_IDS, "kind": list("aab") * 4}).write_parquet(
        tmp_path / "queries.parquet"
    )
    pl.DataFrame({"id": ITEM_IDS}).write_parquet(tmp_path / "items.parquet")
    pairs = pl.DataFrame({"query": USER_IDS[1:4], "item": ITEM_IDS[:3]})
    pairs.write_parquet(tmp_path / "interactions.parquet")
    data = vbench.load(tmp_path)
    assert data.query_ids.to_list() == USER_IDS
    assert data.item_ids.to_list() == ITEM_IDS
    assert data.interactions.rows() == [(1, 0), (2, 1), (3, 2)]
    chosen = vbench.load(f"{tmp_path}:a")
    assert chosen.query_ids.to_list() == [
        i for i, k in zip(USER_IDS, list("aab") * 4, strict=True) if k == "a"
    ]
    assert chosen.interactions.rows() == [(1, 0), (2, 2)]
    # Segments of one's own are joined to the folder's by its ids.
    own = pl.DataFrame({"id": USER_IDS[::-1], "place": range(M)[::-1]})
    assert vbench.load(tmp_path, segments=own).segments["place"].to_list() == list(range(M))


def test_row_numbers_of_a_dataset_stay_what_they_are(monkeypatch):
    """Judgments of a plug-in's dataset are row numbers, whatever ids its items have."""
    from vbench.data import catalog

    made = vbench.Dataset(
        "plug",
        BASE,
        QUERIES,
        "l2",
        items=pl.DataFrame({"id": np.roll(np.arange(N), 1)}),
        relevance=pl.DataFrame({"query": [0, 1], "item": [5, 6]}),
    )
    entry = catalog.Entry("plug", catalog.Card(), make=lambda: made)
    monkeypatch.setattr(catalog, "names", lambda: ["plug"])
    monkeypatch.setattr(catalog, "entry", lambda name: entry)
    assert vbench.load("plug").relevance.rows() == [(0, 5), (1, 6)]


def test_other_queries_to_a_cataloged_base_have_their_own_columns(tmp_path):
    """What the card says of its own queries' columns is not asked of others."""
    books = vbench.load("books")
    vectors = pl.Series("emb", books.queries[:3].astype(np.float32).tolist())
    pl.DataFrame({"user_id": [7, 8, 9], "emb": vectors}).write_parquet(tmp_path / "q.parquet")
    data = vbench.load("books", queries=tmp_path / "q.parquet")
    assert data.query_ids.to_list() == [7, 8, 9]
    assert data.item_ids.equals(books.item_ids)
