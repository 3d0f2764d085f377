"""What every adapter of faiss and hnswlib promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vectors import gaussian

from vbench.indexes.library import ExtraIndex
from vbench.indexes.protocol import Index, can_keep
from vbench.indexes.recipe import Recipe, load_recipe, recipe_files
from vbench.indexes.registry import adapters, resolve
from vbench.indexes.space import plan_space
from vbench.metric import METRICS, Metric, distance

NAMES = [
    name
    for name, entry in adapters().items()
    if entry.origin == "vbench-ann" and not issubclass(resolve(name), ExtraIndex)
]
FACTORIES = ["faiss:HNSW8,Flat", "faiss:IVF8,PQ4x4fs,RFlat", "faiss:PCA4,IVF8,Flat"]
BASE = gaussian(600, 8, seed=11) * np.linspace(0.5, 2.0, 600, dtype=np.float32)[:, np.newaxis]
BASE.flags.writeable = False
QUERIES = gaussian(40, 8, seed=12)


def widest(recipe: Recipe) -> dict[str, Any]:
    return {
        name: value[-1] if isinstance(value, list) else value
        for name, value in recipe.search.items()
    }


def built(
    spec: str, metric: Metric, base: Any = BASE, *, seed: int = 5, threads: int = 1
) -> tuple[Index, Any]:
    """An index over `base` in its space, at its widest setting, and the queries in that space."""
    recipe = load_recipe(spec)
    kind = resolve(recipe.adapter)
    space = plan_space(recipe.transform, metric, kind.metrics)
    rows = np.empty((len(base), space.width(base.shape[1])), dtype=np.float32)
    rows[:, : base.shape[1]] = base
    space.finish_base(rows, base.shape[1])
    index = kind(**recipe.build)
    index.fit(rows, space.metric, seed=seed, threads=threads)
    index.set(**widest(recipe))
    return index, space.queries(QUERIES)


def recall(ids: Any, metric: Metric, base: Any = BASE) -> float:
    exact = np.argsort(distance(QUERIES[:, None], base[None], metric), axis=1)[:, : ids.shape[1]]
    hits = [len(set(a) & set(b)) for a, b in zip(ids.tolist(), exact.tolist(), strict=True)]
    return sum(hits) / exact.size


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("spec", [*NAMES, FACTORIES[0]])
def test_every_metric_is_answered_by_its_own_neighbors(spec: str, metric: Metric) -> None:
    """At the widest setting recall is near 1, natively or in the space that `auto` chooses."""
    index, queries = built(spec, metric)
    least = 1.0 if spec == "flat" else 0.9
    assert recall(index.search(queries, 10), metric) >= least


@pytest.mark.parametrize("spec", [*NAMES, *FACTORIES])
def test_one_query_gets_what_the_batch_gets(spec: str) -> None:
    """search_one returns fresh integers (k,), equal to the row of the batch, for changing k."""
    index, queries = built(spec, "l2")
    for k in (10, 3, 10):
        batch = index.search(queries, k)
        assert batch.dtype == np.int64
        singles = [index.search_one(query, k) for query in queries]
        assert all(one.dtype == np.int64 and one.shape == (k,) for one in singles)
        np.testing.assert_array_equal(np.stack(singles), batch)


@pytest.mark.parametrize("spec", NAMES)
@pytest.mark.parametrize("n", [0, 1, 3])
def test_few_vectors_are_all_found_and_the_rest_is_padded(spec: str, n: int) -> None:
    """With n < k every vector is returned once, then −1, one by one as in a batch."""
    for metric in METRICS:
        index, queries = built(spec, metric, BASE[:n])
        for ids in (index.search(queries, 6), [index.search_one(each, 6) for each in queries]):
            expected = np.tile([*[-1] * (6 - n), *range(n)], (len(queries), 1))
            np.testing.assert_array_equal(np.sort(ids, axis=1), expected)


@pytest.mark.parametrize("spec", [*NAMES, *FACTORIES])
def test_the_same_seed_gives_the_same_index(spec: str) -> None:
    """Two builds with one seed and one thread answer every query alike."""
    builds = [built(spec, "l2"), built(spec, "l2")]
    answers = [index.search(queries, 10) for index, queries in builds]
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("spec", ["hnswlib", "faiss-hnsw", "ivf-flat", "ivf-pq-fastscan"])
def test_another_seed_gives_another_index(spec: str) -> None:
    """The seed reaches the library: at the narrowest setting some answers differ."""
    answers = []
    for seed in (1, 2):
        index, queries = built(spec, "l2", seed=seed)
        index.set(**dict.fromkeys(load_recipe(spec).search, 1))
        answers.append(index.search(queries, 10))
    assert (answers[0] != answers[1]).any()


@pytest.mark.parametrize("spec", [name for name in NAMES if can_keep(resolve(name))])
def test_a_saved_index_answers_alike_after_loading(spec: str, tmp_path: Path) -> None:
    """A new object that loads the file gives the same ids; the size is that of the file."""
    index, queries = built(spec, "l2")
    before = index.search(queries, 10)
    index.save(tmp_path / "index")
    recipe = load_recipe(spec)
    other = resolve(recipe.adapter)(**recipe.build)
    other.load(tmp_path / "index", threads=1)
    other.set(**widest(recipe))
    np.testing.assert_array_equal(other.search(queries, 10), before)
    assert index.size_bytes() == (tmp_path / "index").stat().st_size


@pytest.mark.parametrize("spec", NAMES)
def test_more_threads_search_as_one(spec: str) -> None:
    """An index that is searched with two threads finds as much."""
    index, queries = built(spec, "l2", threads=2)
    assert recall(index.search(queries, 10), "l2") >= 0.9


@pytest.mark.parametrize("name", sorted(recipe_files()))
def test_every_recipe_of_the_catalog_can_be_run(name: str) -> None:
    """Its adapter takes what it says, it is described, and its sweep is short."""
    from vbench.indexes.parameters import check

    recipe = load_recipe(name)
    kind = resolve(recipe.adapter)
    for place in (0, -1):
        search = {
            key: value[place] if isinstance(value, list) else value
            for key, value in recipe.search.items()
        }
        check(kind, recipe.build, search)
    assert recipe.about
    assert recipe.name == name
    assert all(len(v) <= 4 for v in recipe.search.values() if isinstance(v, list))
    if recipe.tune_parameter:
        values = recipe.search[recipe.tune_parameter.name]
        assert recipe.tune_parameter.low <= min(values) <= max(values) <= recipe.tune_parameter.high
