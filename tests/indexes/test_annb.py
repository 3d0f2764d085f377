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
from vbench.indexes.parameters import check
from vbench.indexes.registry import resolve

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
