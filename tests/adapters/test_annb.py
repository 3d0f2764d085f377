"""Wrappers of ann-benchmarks work as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vbench.adapters.answers import whole
from vbench.adapters.conformance.checks import CHECKS, perform
from vbench.adapters.conformance.subject import Subject
from vbench.adapters.parameters import check
from vbench.adapters.registry import resolve
from vbench.errors import UnknownNameError, VbenchError

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
RNG = np.random.default_rng(14)
BASE = RNG.standard_normal((100, 4)).astype(np.float32)
QUERIES = RNG.standard_normal((6, 4)).astype(np.float32)


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
    ids = whole(index.search(QUERIES, 6), len(QUERIES), 6)
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
