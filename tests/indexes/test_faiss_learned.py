"""An inverted file that learns spends its cells where queries need vectors."""

from __future__ import annotations

import numpy as np
import pytest
from vectors import Vectors, gaussian

from vbench.indexes.faiss_ivf import IvfFlat
from vbench.indexes.faiss_learned import LearnedIvf, count_needed
from vbench.indexes.protocol import Ids

BASE = gaussian(4000, 8, seed=1)
WANTED = np.array([3.0, 0, 0, 0, 0, 0, 0, 0], np.float32)


def near(count: int, seed: int) -> Vectors:
    """Queries about one place at the edge of the base."""
    return WANTED + 0.5 * gaussian(count, 8, seed=seed)


def fitted(learn: Vectors | None, *, seed: int = 3, **build: float) -> LearnedIvf:
    index = LearnedIvf(nlist=64, **build)
    index.fit(BASE, "l2", seed=seed, threads=1, learn=learn)
    return index


def lists_of(index: IvfFlat) -> Ids:
    found = index.lists()
    assert found is not None
    return found


def test_what_queries_need_is_counted_as_by_brute_force() -> None:
    """The five nearest of each."""
    queries = near(40, seed=2)
    distances = ((queries[:, None] - BASE[None]) ** 2).sum(axis=2)
    nearest = np.argsort(distances, axis=1)[:, :5]
    expected = np.bincount(nearest.ravel(), minlength=len(BASE))
    np.testing.assert_array_equal(count_needed(BASE, queries, 5), expected)
    assert count_needed(BASE[:3], queries, 5).tolist() == [40, 40, 40]


def test_cells_are_small_where_queries_need_vectors() -> None:
    """So that other queries of the kind compare fewer vectors for the same recall."""
    others = near(300, seed=5)
    exact = np.argsort(((others[:, None] - BASE[None]) ** 2).sum(axis=2), axis=1)[:, :10]
    found = {}
    for name, learn in (("plain", None), ("learned", near(200, seed=4))):
        index = fitted(learn)
        curve = []
        for nprobe in range(1, 13):
            index.set(nprobe=nprobe)
            index.work()
            ids = index.search(others, 10)
            work = index.work()
            assert work is not None
            hits = [len({*a} & {*b}) for a, b in zip(ids.tolist(), exact.tolist(), strict=True)]
            curve.append((work / len(others), np.mean(hits) / 10))
        works, recalls = zip(*curve, strict=True)
        found[name] = np.interp(0.9, recalls, works)
        sizes = np.bincount(lists_of(index), minlength=64)
        found[f"{name}, size"] = sizes[lists_of(index)[exact]].mean()
    assert found["learned, size"] < 0.7 * found["plain, size"]
    assert found["learned"] < 0.8 * found["plain"]


@pytest.mark.parametrize(("learn", "power"), [(None, 0.5), (near(50, seed=4), 0.0)])
def test_without_learning_it_is_the_inverted_file_of_faiss(
    learn: Vectors | None, power: float
) -> None:
    """List by list, so that the two are compared in nothing but what was learned."""
    plain = IvfFlat(nlist=64)
    plain.fit(BASE, "l2", seed=3, threads=1)
    np.testing.assert_array_equal(lists_of(fitted(learn, power=power)), lists_of(plain))


def test_it_is_drawn_by_its_seed() -> None:
    """And learns anew in each fit."""
    learn = near(50, seed=4)
    first, again, other = (fitted(learn, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(lists_of(first), lists_of(again))
    assert (lists_of(first) != lists_of(other)).any()
    first.fit(BASE, "l2", seed=3, threads=1)
    np.testing.assert_array_equal(lists_of(first), lists_of(fitted(None)))


@pytest.mark.parametrize("rows", [0, 1, 5, 64])
def test_few_vectors_will_do(rows: int) -> None:
    """Each is found, with as many cells as can be."""
    index = LearnedIvf()
    index.fit(BASE[:rows], "l2", seed=1, threads=1, learn=BASE[:7])
    ids = index.search(BASE[: max(rows, 1)], 1)
    assert ids.ravel().tolist() == (list(range(rows)) or [-1])
