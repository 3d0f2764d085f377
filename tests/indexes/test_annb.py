"""Wrappers of ann-benchmarks work as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from vectors import gaussian_pair

import vbench
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.answers import check_batch
from vbench.indexes.conformance.kit import CHECKS, perform
from vbench.indexes.conformance.subject import Subject
from vbench.indexes.parameters import check, is_taken
from vbench.indexes.registry import resolve
from vbench.metric import Metric

WRAPPER = """
import numpy as np
from ann_benchmarks.constants import INDEX_DIR
from ..base.module import BaseANN
from .helper import nearest


class Mine(BaseANN):
    def __init__(self, metric, dimension, options):
        self.made_with = metric, dimension, options
        self.keep = 1.0

    def fit(self, X):
        if self.made_with[0] == "angular":
            X /= np.linalg.norm(X, axis=1)[:, None]
        self.X = X

    def set_query_arguments(self, keep, *more):
        self.keep, self.more = keep, more

    def query(self, q, n):
        return nearest(self.X[: int(len(self.X) * self.keep)], q, n)

    def done(self):
        self.X = None


class Small(BaseANN):
    def __init__(self, name):
        self.name = name

    def fit(self, X):
        self.X = X

    def query(self, q, n):
        return nearest(self.X, q, n)[: n // 2].tolist()

    def get_memory_usage(self):
        return 7.0 if hasattr(self, "X") else 3.0
"""
HELPER = """
import numpy as np


def nearest(X, q, n):
    return np.argsort(((X - q) ** 2).sum(axis=1), kind="stable")[:n]
"""
BASE, QUERIES = gaussian_pair(100, 6, 4, seed=14)


@pytest.fixture
def wrapper(tmp_path: Path) -> str:
    """The path of a wrapper with a helper beside it, in a folder of its own name."""
    folder = tmp_path / f"mine_{tmp_path.name}"
    folder.mkdir()
    (folder / "module.py").write_text(WRAPPER)
    (folder / "helper.py").write_text(HELPER)
    return f"annb:{folder / 'module.py'}"


def test_a_wrapper_is_built_and_searched_unchanged(wrapper: str) -> None:
    """Constructor, query arguments, relative imports, and writing to its vectors all work."""
    kind = resolve(f"{wrapper}:Mine")
    build, search = check(kind, {"args": ["@dimension", {"a": 1}]}, {"query_args": "0.5"})
    index = kind(**build)
    assert kind.writes
    index.fit(BASE.copy(), "cosine", seed=1, threads=1)
    assert index.algorithm.made_with == ("angular", 4, {"a": 1})
    unit = BASE / np.linalg.norm(BASE, axis=1)[:, None]
    far = ((QUERIES[:, None] - unit[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(index.search(QUERIES, 5), np.argsort(far, axis=1)[:, :5])
    index.set(**search)
    assert index.search(QUERIES, 5).max() < 50
    np.testing.assert_array_equal(index.search_one(QUERIES[0], 5), index.search(QUERIES, 5)[0])
    index.set(query_args=[1.0, "more"])
    assert index.algorithm.more == ("more",)
    index.close()


@pytest.mark.parametrize("query_args", [(), []])
def test_a_wrapper_without_query_arguments_needs_no_method_for_them(
    wrapper: str, query_args: object
) -> None:
    """As 11 of the 53 of ann-benchmarks; where some are given, that is told."""
    kind = resolve(f"{wrapper}:Small")
    index = kind(metric="", args="a name")  # type: ignore[call-arg]  # parameters of the adapter
    index.fit(BASE, "l2", seed=1, threads=1)
    index.set(query_args=query_args)
    assert index.search(QUERIES, 6)[:, :3].min() >= 0
    with pytest.raises(VbenchError, match="Small has no set_query_arguments: leave out query_args"):
        index.set(query_args=[10])


def test_a_wrapper_keeps_the_protocol(wrapper: str) -> None:
    """No seed rules it, it is given arrays of its own, and answers short rows."""
    subject = Subject(resolve(f"{wrapper}:Mine"), {"args": ["@dimension", {}]}, {})
    for number, (name, _) in enumerate(CHECKS):
        if name != "threads respected":
            found = perform(number, subject)
            assert found.status in ("pass", "skip"), found


def test_short_answers_are_padded_and_growth_is_the_size(wrapper: str) -> None:
    """An empty `metric` is not passed; kilobytes become bytes; batches go through a pool."""
    kind = resolve(f"{wrapper}:Small")
    index = kind(metric="", args="a name")  # type: ignore[call-arg]  # parameters of the adapter
    index.fit(BASE, "l2", seed=1, threads=2)
    ids = check_batch(index.search(QUERIES, 6), len(QUERIES), 6)
    assert (ids[:, 3:] == -1).all()
    assert (ids[:, :3] >= 0).all()
    assert index.size_bytes() == 4096
    assert str(index.algorithm) == "a name"


def test_what_is_not_there_is_named(wrapper: str, tmp_path: Path) -> None:
    """A missing file, a missing class, and a module that cannot be imported."""
    with pytest.raises(VbenchError, match="no such file; write annb:PATH"):
        resolve("annb:nowhere/module.py:Mine")
    with pytest.raises(UnknownNameError, match="did you mean 'Mine'"):
        resolve(f"{wrapper}:Mime")
    (tmp_path / "module.py").write_text("import a_library_that_is_not_there\n")
    with pytest.raises(VbenchError, match="No module named 'a_library_that_is_not_there'"):
        resolve(f"annb:{tmp_path / 'module.py'}:Mine")


def written(folder: Path, text: str, name: str = "module.py") -> str:
    """A wrapper in a folder of a checkout of ann-benchmarks; what `--index` calls it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return f"annb:{folder / name}"


def test_modules_of_a_checkout_are_found(tmp_path: Path) -> None:
    """Siblings, and what lies beside `algorithms`, are imported from where the wrapper lies."""
    root = tmp_path / "ann_benchmarks"
    written(root, "def metric(): return 'euclidean'\n", "distance.py")
    written(root / "algorithms" / "other", "class Plain:\n    k = 3\n")
    text = """
from ..base.module import BaseANN
from ..other.module import Plain
from ...distance import metric
import ann_benchmarks.constants, ann_benchmarks.distance

class Mine(BaseANN):
    seen = Plain.k, metric(), ann_benchmarks.constants.INDEX_DIR
"""
    kind = resolve(f"{written(root / 'algorithms' / 'mine', text)}:Mine")
    assert kind.wrapped.seen == (3, "euclidean", "indices")  # type: ignore[attr-defined]


def test_wrappers_of_one_folder_name_have_their_own_helpers(tmp_path: Path) -> None:
    """Two checkouts in one process do not meet."""
    for number in (1, 2):
        folder = tmp_path / str(number) / "mine"
        written(folder, f"NUMBER = {number}\n", "helper.py")
        spec = written(folder, "from .helper import NUMBER\nclass Mine:\n    number = NUMBER\n")
        assert resolve(f"{spec}:Mine").wrapped.number == number  # type: ignore[attr-defined]


PREPARED = """
import numpy as np
from ..base.module import BaseANN

class Mine(BaseANN):
    def __init__(self, metric):
        pass
    def fit(self, X):
        self.X = X
    def prepare_query(self, q, n):
        q -= 1.0
        self.asked = q + 1.0, n
    def run_prepared_query(self):
        q, n = self.asked
        self.found = np.argsort(((self.X - q) ** 2).sum(1))[:n]
    def get_prepared_query_results(self):
        return self.found
    def prepare_batch_query(self, X, n):
        self.batch = X, n
    def run_batch_query(self):
        X, n = self.batch
        self.res = np.argsort(((self.X - X[:, None]) ** 2).sum(2))[:, :n]
"""


def test_wrappers_that_take_queries_in_their_own_form(tmp_path: Path) -> None:
    """They are handed over, asked, and their results fetched, one by one and all at once."""
    spec = f"{written(tmp_path / 'mine', PREPARED)}:Mine"
    far = ((QUERIES[:, None] - BASE[None]) ** 2).sum(axis=2)
    wanted = np.argsort(far, axis=1)[:, :5]
    for threads in (1, 2):
        index = resolve(spec)()
        index.fit(BASE.copy(), "l2", seed=1, threads=threads)
        np.testing.assert_array_equal(index.search(QUERIES.copy(), 5), wanted)
        np.testing.assert_array_equal(index.search_one(QUERIES[0].copy(), 5), wanted[0])
        index.close()


KEEPS = """
import os
import numpy as np
from ..base.module import BaseANN

class Keeps(BaseANN):
    def __init__(self, metric):
        os.makedirs("indices", exist_ok=True)
    def fit(self, X):
        if not os.path.exists("indices/it.npy"):
            np.save("indices/it.npy", X)
    def query(self, q, n):
        X = np.load("indices/it.npy")
        return np.argsort(((X - q) ** 2).sum(1))[:n]
"""


def test_each_wrapper_has_a_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that is kept there is not that of another build; nothing is left where one was."""
    monkeypatch.chdir(tmp_path)
    spec = f"{written(tmp_path / 'keeps', KEEPS)}:Keeps"
    one, other = resolve(spec)(), resolve(spec)()
    one.fit(BASE.copy(), "l2", seed=1, threads=1)
    other.fit(BASE[::-1].copy(), "l2", seed=2, threads=1)
    first = [int(one.search_one(query, 1)[0]) for query in QUERIES]
    assert [99 - int(other.search_one(query, 1)[0]) for query in QUERIES] == first
    assert one.search(QUERIES, 1)[:, 0].tolist() == first
    one.close()
    other.close()
    assert Path.cwd() == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["keeps"]


def test_nan_arrives_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ann-benchmarks' configuration of ScaNN holds nan; the whole runs as it is."""
    monkeypatch.chdir(tmp_path)
    np.save("base.npy", BASE)
    np.save("queries.npy", QUERIES)
    text = """
import math
import numpy as np
from ..base.module import BaseANN

class Scann(BaseANN):
    def __init__(self, leaves, threshold, block):
        assert math.isnan(threshold), threshold
    def fit(self, X):
        self.X = X
    def set_query_arguments(self, leaves, reorder):
        assert math.isinf(reorder), reorder
    def query(self, q, n):
        return np.argsort(((self.X - q) ** 2).sum(1))[:n]
"""
    spec = written(tmp_path / "scann", text)
    Path("scann.toml").write_text(
        f'adapter = "{spec}:Scann"\n[build]\nmetric = ""\nargs = [[2000, nan, 2]]\n'
        "[search]\nquery_args = [[30, inf]]\n"
    )
    data = vbench.load("base.npy", metric="l2")
    run = vbench.run(data, "./scann.toml", k=5, builds=1, repeats=1, out="run")
    assert run.answers(run.done[0]).hits.tolist() == [5] * len(QUERIES)


VIBE = """
import numpy as np
from ..base.module import BaseANN


class Mine(BaseANN):
    def __init__(self, metric, width):
        self.metric, self.width = metric, width

    def fit(self, X):
        self.X, self.learned = X, None

    def query(self, q, n):
        far = ((self.X - q) ** 2).sum(axis=1) if self.metric == "euclidean" else -self.X @ q
        return np.argsort(far, kind="stable")[:n]


class Learning(Mine):
    def fit_ood(self, X, learn, neighbors):
        self.X, self.learned = X, (learn.shape, neighbors)


class Only(BaseANN):
    def __init__(self, metric):
        pass

    def fit_ood(self, X, learn, neighbors):
        pass
"""


@pytest.mark.parametrize(
    ("metric", "called"), [("l2", "euclidean"), ("ip", "ip"), ("cosine", "cosine")]
)
def test_wrappers_of_vibe_get_its_names_of_metrics(
    tmp_path: Path, metric: Metric, called: str
) -> None:
    """Inner product among them; those of ann-benchmarks know it not."""
    path = written(tmp_path / "vibe" / "algorithms" / "mine", VIBE)
    kind = resolve(f"{path}:Mine")
    index = kind(args=[3])  # type: ignore[call-arg]  # parameters of the adapter
    index.fit(BASE, metric, seed=1, threads=1)
    assert (index.algorithm.metric, index.algorithm.width) == (called, 3)
    if metric == "ip":
        expected = np.argsort(-QUERIES @ BASE.T, axis=1, kind="stable")[:, :5]
        np.testing.assert_array_equal(index.search(QUERIES, 5), expected)
    index.close()


def test_wrappers_of_vibe_learn_from_queries(tmp_path: Path) -> None:
    """By fit_ood, with the exact neighbors of these queries; without some, by fit if there is."""
    path = written(tmp_path / "vibe" / "algorithms" / "mine", VIBE)
    kind = resolve(f"{path}:Learning")
    assert is_taken(kind.fit, "learn")
    assert not is_taken(resolve(f"{path}:Mine").fit, "learn")
    index = kind(args=[3])  # type: ignore[call-arg]  # parameters of the adapter
    index.fit(BASE, "l2", seed=1, threads=1, learn=QUERIES)
    shape, neighbors = index.algorithm.learned
    assert shape == QUERIES.shape
    far = ((QUERIES[:, None] - BASE[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(neighbors[:, 0], far.argmin(axis=1))
    index.fit(BASE, "l2", seed=1, threads=1)
    assert index.algorithm.learned is None
    index.close()
    alone = resolve(f"{path}:Only")()
    with pytest.raises(VbenchError, match="Only has fit_ood alone"):
        alone.fit(BASE, "l2", seed=1, threads=1)
    alone.close()


BIG_ANN = """
from __future__ import absolute_import
import os
import numpy as np
from neurips23.ood.base import BaseOODANN
from benchmark.datasets import DATASETS, download_accelerated


class Mine(BaseOODANN):
    def __init__(self, metric, index_params):
        self.metric, self.index_params = metric, index_params

    def fit(self, dataset):
        ds = DATASETS[dataset]()
        assert (ds.distance(), ds.search_type(), ds.data_type()) == (self.metric, "knn", "dense")
        blocks = np.vstack(list(ds.get_dataset_iterator(bs=7)))
        stored = np.fromfile(ds.get_dataset_fn(), dtype="<f4", offset=8).reshape(ds.nb, ds.d)
        assert (blocks == ds.get_dataset()).all() and (stored == blocks).all()
        assert (ds.get_data_in_range(3, 5) == blocks[3:5]).all()
        np.save(os.path.join("data", ds.short_name() + ".npy"), blocks)
        self.X = blocks

    def set_query_arguments(self, query_args):
        self.keep = query_args["keep"]

    def query(self, X, k):
        far = ((X[:, None] - self.X[None, : self.keep]) ** 2).sum(axis=2)
        self.res = np.argsort(far, axis=1, kind="stable")[:, :k]


class Downloads(Mine):
    def fit(self, dataset):
        download_accelerated("somewhere", "here")
"""


def test_wrappers_of_big_ann_open_a_dataset_and_ask_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vectors come by name, in blocks or as a file; answers by get_results."""
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "neurips23" / "ood" / "mine", BIG_ANN, "disk-mine.py")
    kind = resolve(f"{path}:Mine")
    build, search = check(kind, {"args": [{"R": 8}]}, {"query_args": [{"keep": 90}]})
    index = kind(**build)
    index.fit(BASE, "l2", seed=1, threads=1)
    assert index.algorithm.index_params == {"R": 8}
    index.set(**search)
    far = ((QUERIES[:, None] - BASE[None, :90]) ** 2).sum(axis=2)
    expected = np.argsort(far, axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(index.search(QUERIES, 5), expected)
    np.testing.assert_array_equal(index.search_one(QUERIES[0], 5), expected[0])
    index.close()
    assert not (tmp_path / "data").exists()
    downloads = resolve(f"{path}:Downloads")(args=[{}])  # type: ignore[call-arg]
    with pytest.raises(VbenchError, match="may download nothing"):
        downloads.fit(BASE, "l2", seed=1, threads=1)
    downloads.close()
