"""Exports become a dataset with a name: joined by keys, counted, whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from exports import M, N, save_exports

import vbench
from vbench.data import catalog
from vbench.data.importing.imported import import_dataset
from vbench.errors import DataError, VbenchError


@pytest.fixture
def exports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return save_exports(tmp_path)


def bring(name="shop", **given):
    options = {"items": "items.parquet", "users": "users.parquet", "metric": "ip", **given}
    return import_dataset(name, **options)


def pairs(frame, dataset):
    """Pairs of ids that a table of row numbers stands for."""
    users, items = dataset.query_ids, dataset.item_ids
    return {(str(users[q]), str(items[i])) for q, i in frame.select("query", "item").rows()}


def test_the_vectors_and_ids_are_those_of_the_files(exports):
    """Rows stay in the order of the file, ids and other columns beside them."""
    found = bring()
    data = vbench.load("shop")
    assert np.array_equal(data.base, exports.vectors[0])
    assert np.array_equal(data.queries, exports.vectors[1])
    assert data.item_ids.to_list() == exports.items["item_id"].to_list()
    assert data.query_ids.to_list() == exports.users["user_id"].to_list()
    assert data.items["price"].to_list() == exports.items["price"].to_list()
    assert data.fingerprint == found.fingerprint
    assert (found.items.rows, found.users.rows, found.items.id) == (N, M, "item_id")


def test_it_is_found_by_its_name(exports):
    """The list of datasets has it, as imported, and a run by name finds it."""
    bring()
    assert catalog.entry("shop").status == "imported"
    assert "shop" in catalog.names()
    run = vbench.run("shop", "flat", builds=1, k=5)
    assert run.measure("Recall@5")["value"].to_list() == [1.0]


def test_clicks_become_relevance(exports):
    """Each pair once, by ids; clicks of others are left out and counted."""
    strange = pl.DataFrame({"user_id": [-1], "item_id": ["nope"], "ts": [1]})
    pl.concat([exports.clicks, strange]).write_parquet("clicks.parquet")
    counts = bring(interactions="clicks.parquet").interactions
    data = vbench.load("shop")
    wanted = {(str(u), i) for u, i, _ in exports.clicks.rows()}
    assert pairs(data.relevance, data) == wanted
    assert data.interactions is None
    assert counts.others == 1
    assert counts.relevance == len(wanted)
    assert counts.rows == counts.others + counts.repeats + counts.relevance


@pytest.mark.parametrize("form", ["number", "date", "text", "zone"])
def test_since_parts_what_users_had_from_what_is_judged(exports, form):
    """Oracle: pairs by time in plain Python; what was had before is not judged."""
    at = "2025-10-14"
    moment = 1_760_400_000  # of that day in UTC
    clicks = exports.clicks
    times = pl.from_epoch("ts")
    forms = {
        "number": pl.col("ts"),
        "date": times,
        "text": times.dt.to_string("%Y-%m-%d %H:%M:%S"),
        "zone": times.dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"),
    }
    clicks.with_columns(forms[form].alias("ts")).write_parquet("clicks.parquet")
    counts = bring(interactions="clicks.parquet", since=at).interactions
    data = vbench.load("shop")
    seen = {(str(u), i) for u, i, when in clicks.rows() if when < moment}
    later = {(str(u), i) for u, i, when in clicks.rows() if when >= moment}
    assert pairs(data.interactions, data) == seen
    assert pairs(data.relevance, data) == later - seen
    assert counts.had_before == len(later & seen)
    assert counts.repeats == len(clicks) - len(seen) - len(later)


def test_a_grade_is_the_largest_of_a_pair(exports):
    """Of a pair that occurs with several grades, the best counts."""
    user, item = exports.users["user_id"][0], exports.items["item_id"][0]
    pl.DataFrame({"user_id": [user] * 2, "item_id": [item] * 2, "stars": [1, 3]}).write_csv("r.csv")
    bring(interactions="r.csv", grade="stars")
    assert vbench.load("shop").relevance.rows() == [(0, 0, 3)]


def test_segments_may_lack_users_and_have_others(exports):
    """Users that the table lacks have empty columns; rows of others are left out; both counted."""
    users = exports.users["user_id"]
    known = users[: M - 5]
    pl.DataFrame(
        {"userId": [*known, 999_999_999], "country": [*["KE", "DE"] * ((M - 5) // 2), "US", "x"]}
    ).write_csv("segments.csv")
    joined = bring(segments="segments.csv").users.joined
    assert (joined.rows, joined.missing, joined.others) == (M - 4, 5, 1)
    column = vbench.load("shop").segments["country"]
    assert column[:2].to_list() == ["KE", "DE"]
    assert column[-5:].null_count() == 5


@pytest.mark.parametrize("ids", ["txt", "npy", "csv"])
def test_an_array_takes_its_ids_from_a_file(exports, ids):
    """Rows of .npy are named by a text file, an array or a table, in order."""
    np.save("items.npy", exports.vectors[0])
    names = exports.items["item_id"]
    if ids == "txt":
        Path("ids.txt").write_text("\n".join(names))
    elif ids == "npy":
        np.save("ids.npy", np.array(names.to_list()))
    else:
        exports.items.select("item_id", "price").write_csv("ids.csv")
    bring(items="items.npy", item_ids=f"ids.{ids}", interactions="clicks.parquet")
    data = vbench.load("shop")
    assert data.item_ids.to_list() == names.to_list()
    assert ("price" in data.items.columns) == (ids == "csv")


def test_another_import_of_a_name_is_asked_for(exports):
    """The old one stays as it is, unless force says otherwise."""
    bring()
    with pytest.raises(VbenchError, match=r"imported already.*force=True"):
        bring(metric="l2")
    assert vbench.load("shop").metric == "ip"
    bring(metric="l2", force=True)
    assert vbench.load("shop").metric == "l2"


def test_a_failed_import_leaves_nothing(exports, home):
    """Neither a dataset nor temporary files."""
    with pytest.raises(DataError):
        bring(segments="clicks.parquet")
    assert list(home.glob("imported/*")) == []
    assert "shop" not in catalog.names()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "a/b"}, "is no name"),
        ({"name": "books"}, "catalog has a dataset of that name"),
        ({"items": "none.parquet"}, "none.parquet: no such file"),
        ({"metric": None}, "give metric"),
        ({"item_id": "sku"}, "no column 'sku'.*item_id, price"),
        ({"item_id": "price"}, "holds Float64.*ids are text or whole"),
        ({"user_ids": "items.parquet"}, "120 rows for 30 vectors"),
        ({"segments": "clicks.parquet"}, "occurs twice"),
        ({"interactions": "clicks.parquet", "since": "soon"}, "is no date"),
        ({"interactions": "clicks.parquet", "since": "1990-01-01"}, "every interaction is since"),
        ({"interactions": "clicks.parquet", "since": "2025-10-14", "time": "x"}, "no column 'x'"),
        ({"interactions": "clicks.parquet", "grade": "stars"}, "no column 'stars'"),
        ({"interactions": "clicks.parquet", "time": "ts"}, "belongs to since"),
        ({"since": "2025-10-14"}, "belong to interactions"),
        ({"on": "a=b"}, "on='a=b'"),
    ],
)
def test_bad_input_is_named(exports, given, message):
    """One message: what was given, what there is, what to do."""
    with pytest.raises(VbenchError, match=message) as caught:
        bring(**given)
    assert "\n" not in str(caught.value)


def test_ids_that_repeat_are_named(exports):
    """An id names one item."""
    pl.concat([exports.items, exports.items[:1]]).write_parquet("items.parquet")
    with pytest.raises(DataError, match=r"item_id \d+ occurs twice"):
        bring(item_id="item_id")


def test_segments_of_nobody_are_refused(exports):
    """A table none of whose ids is known was joined by the wrong column."""
    pl.DataFrame({"user_id": ["a", "b"], "x": [1, 2]}).write_csv("s.csv")
    with pytest.raises(DataError, match="no user_id is among the user_id of the users"):
        bring(segments="s.csv")
