"""`vbench.load`: names, paths, folders, arrays, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest
from vectors import gaussian, gaussian_pair

import vbench
from vbench.data import catalog
from vbench.data.check import check_k
from vbench.data.ground_truth import compute_ground_truth
from vbench.data.load import reopen
from vbench.errors import DataError, UnknownNameError, VbenchError, VbenchWarning

BASE, QUERIES = gaussian_pair(60, 7, 5, seed=11)


@pytest.fixture
def folder(tmp_path):
    """A dataset in vbench's own layout, with everything it may hold."""
    path = tmp_path / "mine"
    path.mkdir()
    np.save(path / "base.npy", BASE)
    np.save(path / "queries.npy", QUERIES)
    (path / "dataset.toml").write_text(
        'title = "Mine"\nmetric = "l2"\n[segments]\nkind = "a or b"\n'
    )
    pl.DataFrame({"kind": list("aabbabb")}).write_parquet(path / "queries.parquet")
    pl.DataFrame({"name": [str(i) for i in range(60)]}).write_parquet(path / "items.parquet")
    pl.DataFrame({"query": [0, 6], "item": [59, 0]}).write_parquet(path / "relevance.parquet")
    truth = compute_ground_truth(vbench.Dataset("x", BASE, QUERIES, "l2"), 3, cache=False)
    np.savez(path / "truth.npz", ids=truth.ids, distances=truth.distances)
    return path


def test_embedded_books():
    """The dataset that comes along opens by its name, memory-mapped, with segments."""
    data = vbench.load("books")
    assert data.name == "books"
    assert data.n >= 50_000
    assert data.m >= 5_000
    assert isinstance(data.base, np.memmap)
    assert data.segments.height == data.m
    assert data.relevance.height > 0
    assert data.card["citation"]


def test_folder_of_our_own(folder):
    """All parts of a folder are found, and its name is the dataset's."""
    data = vbench.load(folder)
    assert (data.name, data.n, data.m, data.d, data.metric) == ("mine", 60, 7, 5, "l2")
    assert data.segments["kind"].to_list() == list("aabbabb")
    assert data.items.height == 60
    assert data.relevance.columns == ["query", "item"]
    assert data.given_ground_truth.depth == 3
    assert data.card["title"] == "Mine"
    assert vbench.load(str(folder)).fingerprint == data.fingerprint


def test_other_queries_leave_behind_what_describes_the_old_ones(folder):
    """With other queries, segments, truth and relevance of the folder are not used."""
    data = vbench.load(folder, queries=gaussian(3, 5))
    assert data.m == 3
    assert data.segments is None
    assert data.relevance is None
    assert data.given_ground_truth is None
    assert data.items.height == 60


def test_truth_can_be_ignored(folder):
    """`ground_truth=False`, or its alias, leaves out the ground truth that lies there."""
    assert vbench.load(folder, ground_truth=False).given_ground_truth is None
    assert vbench.load(folder, truth=False).given_ground_truth is None
    with pytest.raises(VbenchError, match="two names of one argument"):
        vbench.load(folder, truth=False, ground_truth=False)


def test_arrays():
    """Arrays are taken as they are; float64 becomes float32."""
    data = vbench.load(
        BASE.astype(np.float64),
        queries=QUERIES,
        metric="ip",
        name="mine",
        segments=pl.DataFrame({"a": range(7)}),
    )
    assert data.base.dtype == np.float32
    np.testing.assert_array_equal(data.base, BASE)
    assert data.name == "mine"
    assert data.segments.columns == ["a"]


def test_hdf5_says_everything(tmp_path):
    """One file of ann-benchmarks needs nothing else, and its truth is checked."""
    truth = compute_ground_truth(vbench.Dataset("x", BASE, QUERIES, "cosine"), 4, cache=False)
    with h5py.File(tmp_path / "set-5-angular.hdf5", "w") as file:
        file.attrs["distance"] = "angular"
        file["train"], file["test"], file["neighbors"] = BASE, QUERIES, truth.ids
    data = vbench.load(tmp_path / "set-5-angular.hdf5")
    assert data.metric == "cosine"
    assert data.given_ground_truth.depth == 4
    with h5py.File(tmp_path / "set-5-angular.hdf5", "r+") as file:
        file["neighbors"][...] = np.roll(truth.ids, 1, axis=0)
    with pytest.raises(DataError, match="its ground truth: query 0"):
        vbench.load(tmp_path / "set-5-angular.hdf5")


def write_fvecs(path, array):
    rows = np.empty(len(array), [("d", "<i4"), ("x", array.dtype, array.shape[1])])
    rows["d"], rows["x"] = array.shape[1], array
    path.write_bytes(rows.tobytes())


def write_bin(path, array):
    path.write_bytes(np.array(array.shape, "<u4").tobytes() + array.tobytes())


def test_siblings_by_their_usual_names(tmp_path):
    """Queries and truth that lie beside the base are found."""
    truth = compute_ground_truth(vbench.Dataset("x", BASE, QUERIES, "l2"), 4, cache=False)
    write_fvecs(tmp_path / "sift_base.fvecs", BASE)
    write_fvecs(tmp_path / "sift_query.fvecs", QUERIES)
    write_fvecs(tmp_path / "sift_groundtruth.ivecs", truth.ids)
    write_bin(tmp_path / "base.10M.fbin", BASE)
    write_bin(tmp_path / "query.public.10K.fbin", QUERIES)
    write_bin(tmp_path / "groundtruth.ibin", truth.ids)
    np.save(tmp_path / "base.npy", BASE)
    np.save(tmp_path / "queries.npy", QUERIES)
    for name in ("sift_base.fvecs", "base.10M.fbin", "base.npy"):
        data = vbench.load(tmp_path / name, metric="l2")
        np.testing.assert_array_equal(data.queries, QUERIES)
        assert (data.given_ground_truth is None) == (name == "base.npy")


def test_vectordbbench_folder(tmp_path):
    """Shuffled rows keep their ids, by which the true neighbors of each query are found."""
    truth = compute_ground_truth(vbench.Dataset("x", BASE, QUERIES, "cosine"), 4, cache=False)
    rng = np.random.default_rng(11)
    order, asked = rng.permutation(60), rng.permutation(7)
    files = {
        "train": {"id": order, "emb": BASE[order].tolist()},
        "test": {"id": asked, "emb": QUERIES[asked].tolist()},
        "neighbors": {"id": range(7), "neighbors_id": truth.ids.tolist()},
    }
    for name, columns in files.items():
        pl.DataFrame(columns).write_parquet(tmp_path / f"{name}.parquet")
    data = vbench.load(tmp_path, metric="cosine")
    np.testing.assert_array_equal(data.base, BASE[order])
    assert data.item_ids.to_list() == order.tolist()
    assert data.query_ids.to_list() == asked.tolist()
    np.testing.assert_array_equal(order[data.given_ground_truth.ids], truth.ids[asked])


def test_no_queries_says_what_to_do(tmp_path):
    """Without queries the message names the option and the file that would be found."""
    np.save(tmp_path / "base.npy", BASE)
    np.save(tmp_path / "vectors.npy", BASE)
    with pytest.raises(DataError, match=r"give queries=FILE, or put queries.npy"):
        vbench.load(tmp_path / "base.npy", metric="l2")
    with pytest.raises(DataError, match=r"or name them base\.npy and queries\.npy"):
        vbench.load(tmp_path / "vectors.npy", metric="l2")


def test_no_metric_says_what_to_do(tmp_path):
    """Where nothing says the metric, the three are offered."""
    np.save(tmp_path / "base.npy", BASE)
    np.save(tmp_path / "queries.npy", QUERIES)
    with pytest.raises(DataError, match=r"give metric as one of l2, ip, cosine"):
        vbench.load(tmp_path / "base.npy")
    with pytest.raises(VbenchError, match="'hamming' is not supported; l2, ip, cosine"):
        vbench.load(tmp_path / "base.npy", metric="hamming")
    for word in ("L2", "euclidean", "Squared-L2"):
        assert vbench.load(tmp_path / "base.npy", metric=word).metric == "l2"


@pytest.mark.parametrize("given", [None, 3, {1, 2}])
def test_what_is_no_dataset_is_refused_in_words(given):
    """Neither a name, a path, an array nor a table: the message says what to give."""
    with pytest.raises(DataError, match=r"is no dataset; give a name .*, a path, an array"):
        vbench.load(given, metric="l2")


def test_unknown_name_has_near_ones():
    """A name that is almost right is corrected; a path is called a path."""
    with pytest.raises(UnknownNameError, match="unknown dataset 'boks'; did you mean 'books'"):
        vbench.load("boks")
    for path in ("none.npy", "no/such", Path("books2")):
        with pytest.raises(DataError, match="no such file or folder"):
            vbench.load(path)


def test_dataset_that_was_not_fetched():
    """A card whose data is not here names the command that brings it."""
    with pytest.raises(DataError, match=r"not here yet: vbench data fetch glove-50 \(84 MB\)"):
        vbench.load("glove-50")


def bad(base=BASE, queries=QUERIES, **options):
    options = {"metric": "l2", "queries": queries, **options}
    with pytest.raises(VbenchError) as caught:
        vbench.load(base, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(array, row, column, value):
    array = array.copy()
    array[row, column] = value
    return array


def test_numbers_that_are_not_finite_are_named(tmp_path):
    """NaN and Inf are refused with file, row and column, in base and queries of any float."""
    np.save(tmp_path / "b.npy", changed(BASE, 31, 2, np.nan))
    text = bad(tmp_path / "b.npy")
    assert text.startswith(f"{tmp_path / 'b.npy'}: row 31, column 2 is nan")
    np.save(tmp_path / "q.npy", changed(QUERIES, 3, 4, -np.inf))
    text = bad(queries=tmp_path / "q.npy")
    assert text.startswith(f"{tmp_path / 'q.npy'}: row 3, column 4 is -inf")
    assert "row 31, column 2" in bad(changed(BASE, 31, 2, np.inf).astype(np.float16))
    assert "row 31, column 2 is 1e+300: float32" in bad(changed(BASE.astype("f8"), 31, 2, 1e300))


def test_large_finite_numbers_are_fine():
    """A row whose squares overflow is not called infinite."""
    with pytest.warns(VbenchWarning, match="row 3, whose largest number is 3e"):
        data = vbench.load(changed(BASE, 3, 3, 3e38), queries=QUERIES, metric="l2")
    assert data.n == 60


@pytest.mark.parametrize("kind", [np.float32, np.int8])
def test_zero_vectors_only_matter_under_cosine(kind):
    """They have no direction: counted and said; under other metrics they are points as others."""
    zero = (BASE * 20).astype(kind)
    zero[[17, 40]] = 0
    with pytest.warns(VbenchWarning, match=r"2 of 60 base vectors are zero .* row 17\).*nobody's"):
        found = vbench.load(zero, queries=QUERIES, metric="cosine")
    assert (found.n, found.zero_rows, found.zero_row_ids.tolist()) == (60, 2, [17, 40])
    assert not np.isin(compute_ground_truth(found, 58).ids, [17, 40]).any()
    assert np.isin(compute_ground_truth(found, 60).ids[:, 58:], [17, 40]).all()
    assert vbench.load(zero, queries=QUERIES, metric="ip").zero_rows == 0
    with pytest.raises(VbenchError, match=r"K=59 is more than the 58 base .* not zero \(2 are\)"):
        check_k(found, 59)
    assert "all base vectors are zero" in bad(np.zeros((9, 5), kind), metric="cosine")


def test_zero_queries_are_left_out_under_cosine(tmp_path):
    """What belongs to the others stays with them: segments, judgments, ground truth."""
    queries = QUERIES.copy()
    ids = compute_ground_truth(vbench.load(BASE, queries=QUERIES, metric="cosine"), 5).ids.copy()
    queries[[0, 4]], ids[[0, 4]] = 0, 0
    options = {
        "segments": pl.DataFrame({"user_id": list("abcdefg"), "kind": list("xyxyxyx")}),
        "relevance": pl.DataFrame({"query": [0, 1, 6], "item": [1, 2, 3]}),
        "ground_truth": ids,
        "metric": "cosine",
    }
    with pytest.warns(VbenchWarning, match=r"queries: 2 of 7 queries are zero .* left out"):
        found = vbench.load(BASE, queries=queries, **options)
    assert found.m == 5
    assert found.segments["user_id"].to_list() == list("bcdfg")
    assert found.relevance.rows() == [(0, 2), (4, 3)]
    np.testing.assert_array_equal(found.given_ground_truth.ids, ids[[1, 2, 3, 5, 6]])
    assert "all queries are zero" in bad(queries=np.zeros((1, 5), np.uint8), metric="cosine")
    assert vbench.load(BASE, queries=queries, metric="l2").m == 7
    with pytest.warns(VbenchWarning, match="left out"):
        plain = vbench.load(BASE, queries=queries, metric="cosine")
    assert plain.query_ids.to_list() == [1, 2, 3, 5, 6]


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
@pytest.mark.parametrize("factor", [1e-25, 1e-40, 1e25])
def test_vectors_whose_squares_float32_cannot_hold(metric, factor):
    """Nothing can be measured on them; of a few it is warned where indexes go wrong."""
    base = (BASE.astype(np.float64) * factor).astype(np.float32)
    if metric == "ip":
        with pytest.warns(VbenchWarning, match="the squared length of 60 of 60 vectors"):
            assert vbench.load(base, queries=QUERIES, metric=metric).n == 60
    else:
        text = bad(base, metric=metric)
        assert "cannot hold the squared length of any vector (such as row 0, whose" in text
        assert "multiply all vectors by one number" in text
    some = BASE.copy()
    some[17] = base[17]
    if metric == "cosine" or factor > 1:
        with pytest.warns(VbenchWarning, match=r"of 1 of 60 vectors \(the first is row 17"):
            vbench.load(some, queries=QUERIES, metric=metric)
    else:
        assert vbench.load(some, queries=QUERIES, metric=metric).n == 60


def test_dimensions_must_agree():
    """Queries of another dimension are refused with both numbers."""
    assert "queries have 4 dimensions, the base has 5" in bad(queries=gaussian(3, 4))


def test_card_must_agree_with_the_files(folder):
    """A card that states other sizes, or describes columns that are not there, is refused."""
    (folder / "dataset.toml").write_text('metric = "l2"\nn = 61\n')
    with pytest.raises(DataError, match="the card says n = 61, the files have 60"):
        vbench.load(folder)
    (folder / "dataset.toml").write_text('metric = "l2"\n[segments]\nage = "years"\n')
    with pytest.raises(DataError, match=r"queries\.parquet: the card describes the column 'age'"):
        vbench.load(folder)
    (folder / "dataset.toml").write_text('metrik = "l2"\n')
    with pytest.raises(VbenchError, match=r"dataset\.toml: unknown key 'metrik'"):
        vbench.load(folder)


@pytest.mark.parametrize(
    ("option", "frame", "words"),
    [
        ("segments", {"a": [1, 2]}, "segments: 2 rows for 7 queries"),
        ("segments", {"a": [[1]] * 7}, "segments: column 'a' holds List(Int64)"),
        ("items", {"a": [1, 2]}, "items: 2 rows for 60 base vectors"),
        ("relevance", {"query": [0], "item": [60]}, "row 0: item 60 is not one of 0 … 59"),
        ("relevance", {"query": [0, -1], "item": [1, 1]}, "row 1: query -1 is not one of 0 … 6"),
        ("relevance", {"query": [0], "item": [1], "x": [1]}, "unknown column 'x'"),
        ("relevance", {"query": [0], "doc": [1]}, "unknown column 'doc'"),
        ("relevance", {"query": [0]}, "no column 'item'"),
        ("relevance", {"query": ["a"], "item": [1]}, "column query holds String"),
        ("relevance", {"query": [None, 1], "item": [1, 1]}, "row 0: query None"),
        ("relevance", {"query": [0], "item": [1], "grade": ["a"]}, "grade must hold numbers"),
    ],
)
def test_tables_that_do_not_fit(option, frame, words):
    """Tables with the wrong number of rows, unknown columns or unknown rows are refused."""
    assert words in bad(**{option: pl.DataFrame(frame)})


def test_tables_as_files(tmp_path):
    """Tables are read from Parquet and CSV; others and missing ones are refused."""
    frame = pl.DataFrame({"kind": list("aabbabb")})
    frame.write_csv(tmp_path / "s.csv")
    frame.write_parquet(tmp_path / "s.parquet")
    for name in ("s.csv", "s.parquet"):
        data = vbench.load(BASE, queries=QUERIES, metric="l2", segments=tmp_path / name)
        assert data.segments["kind"].to_list() == list("aabbabb")
    assert "no such file" in bad(segments=tmp_path / "none.csv")
    (tmp_path / "s.txt").write_text("kind")
    assert "read from .parquet or .csv" in bad(segments=tmp_path / "s.txt")
    (tmp_path / "t.parquet").write_bytes(b"nothing")
    assert re.search(r"t\.parquet: cannot be read", bad(segments=tmp_path / "t.parquet"))


def test_empty_folder_and_empty_queries(tmp_path):
    """A folder without vectors, and no queries at all, are refused."""
    with pytest.raises(DataError, match=r"holds no base\.npy"):
        vbench.load(tmp_path)
    assert "two dimensions, none of them empty" in bad(queries=np.zeros((0, 5), np.float32))


class Point:
    """Stands for an entry point of an installed plug-in."""

    def __init__(self, name, target):
        self.name, self.target = name, target

    def load(self):
        if isinstance(self.target, Exception):
            raise self.target
        return self.target


def make_dataset():
    """Vectors of a plug-in."""
    return vbench.Dataset("whatever", BASE, QUERIES, "ip")


def test_plugins(monkeypatch, folder, tmp_path):
    """A plug-in gives a dataset, a card's path, or a function that returns either."""
    card = tmp_path / "other.toml"
    card.write_text('title = "Other"\nmetric = "l2"\nfolder = "mine"\n')
    points = {
        "plug": make_dataset,
        "card": str(card),
        "late": lambda: card,
        "odd": lambda: 7,
        "raises": lambda: 1 // 0,
        "broken": ImportError("no module named torch"),
    }
    monkeypatch.setattr(
        catalog, "entry_points", lambda group: [Point(n, t) for n, t in points.items()]
    )
    assert vbench.load("plug").metric == "ip"
    assert vbench.load("card").card["title"] == "Other"
    assert vbench.load("late").segments is not None
    with pytest.raises(VbenchError, match="'odd': its plug-in returned int"):
        vbench.load("odd")
    with pytest.raises(VbenchError, match=r"'raises': its plug-in fails .ZeroDivisionError"):
        vbench.load("raises")
    with pytest.raises(VbenchError, match=r"'broken': its plug-in fails .ImportError"):
        vbench.load("broken")
    with pytest.warns(UserWarning, match="'broken': its plug-in fails") as caught:
        known = {entry.name: entry.status for entry in catalog.entries()}
    assert len(caught) == 1
    assert known["plug"] == "plug-in"
    assert "broken" not in known
    assert "books" in known


@pytest.mark.parametrize(
    "source",
    [{"name_or_path": "books", "trust": True}, {"name_or_path": ["books"]}, {"path": "books"}],
)
def test_a_run_cannot_say_more_of_its_dataset_than_files(source):
    """What a stranger's run says opens files, and nothing is trusted for its sake."""
    with pytest.raises(DataError, match="opens nothing; give the dataset again with dataset"):
        reopen(source)


def test_the_metric_of_a_dataset_in_another_word():
    """What another tool calls it is understood wherever a dataset is made; others are refused."""
    assert vbench.Dataset("mine", BASE, QUERIES, "euclidean").metric == "l2"
    with pytest.raises(VbenchError, match="mine: distance 'hamming' is not supported"):
        vbench.Dataset("mine", BASE, QUERIES, "hamming")
