"""Two indexes as one index: what it answers, who is sent on, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vbench
from vbench.errors import MissingExtraError, VbenchError
from vbench.indexes import Routed
from vbench.indexes.recipe import Recipe
from vbench.metric import METRICS, Metric
from vbench.neighbors.exact import nearest
from vbench.neighbors.space import neighbor_distances


def vectors(seed: int, rows: int, d: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, d)).astype(np.float32)


@pytest.mark.parametrize("metric", METRICS)
def test_all_sent_on_is_the_union(metric: Metric) -> None:
    """With share=1, the nearest of what either returns, each once, nearest first."""
    base, queries = vectors(0, 900), vectors(1, 40)
    index = Routed("hnsw", "ivf-flat")
    index.fit(base, metric, seed=3, threads=1)
    index.set(width=8, second_width=2)
    found = index.search(queries, 6)
    parts = [part.search(queries, 6) for part in index.parts]
    for row, ids in enumerate(found):
        both = np.unique(np.concatenate([each[row] for each in parts]))
        both = both[both >= 0]
        far = neighbor_distances(queries[[row]], base, both[np.newaxis], metric)[0]
        assert ids.tolist() == both[np.argsort(far, kind="stable")][:6].tolist()
    assert [index.search_one(each, 6).tolist() for each in queries] == found.tolist()


def test_a_share_of_nothing_is_the_first_alone() -> None:
    """With share=0, the second one is not asked."""
    base, queries = vectors(0, 500), vectors(1, 20)
    index = Routed("ivf-flat", "flat")
    index.fit(base, "l2", seed=0, threads=1)
    index.set(width=1, share=0.0)
    assert np.array_equal(index.search(queries, 5), index.parts[0].search(queries, 5))


def test_who_is_sent_on_is_learned() -> None:
    """About the share that was asked is sent on, and finds more than as many drawn queries."""
    base = vectors(0, 4_000)
    # Half of the queries lie far out, where one list holds few of the neighbors.
    queries, learn = (
        vectors(seed, 600) * np.where(np.arange(600) % 2, 0.4, 1.6)[:, np.newaxis].astype("f4")
        for seed in (1, 2)
    )
    index = Routed("ivf-flat", "flat")
    index.fit(base, "l2", seed=0, threads=1, learn=learn)
    true, _ = nearest(queries, base, "l2", 10)
    hits = {}
    for share in (0.0, 0.3):
        index.set(width=6, share=share)
        found = index.search(queries, 10)
        hits[share] = (found[:, :, np.newaxis] == true[:, np.newaxis]).any(axis=2).sum(axis=1)
    gained = hits[0.3] - hits[0.0]
    first = index.parts[0].search(queries, 10)
    (learned,) = index._learned.values()
    bad = learned.are_bad(queries, index._distances(queries, first), 0.3)
    assert 0.2 < bad.mean() < 0.4
    assert gained.sum() > 1.2 * 0.3 * (10 - hits[0.0]).sum()
    # One query has the answer of all together.
    index.set(width=6, share=0.3)
    assert np.array_equal(index.search_one(queries[0], 10), index.search(queries, 10)[0])


def test_learning_is_no_work_of_a_query() -> None:
    """The work is that of both searches, and of merging, where both count theirs."""
    base, queries = vectors(0, 500), vectors(1, 20)
    index = Routed("ivf-flat", "ivf-mips")
    index.fit(base, "ip", seed=0, threads=1, learn=vectors(2, 50))
    index.set(width=2, second_width=2, share=0.5)
    index.search(queries, 5)
    index.work()
    index.search(queries, 5)
    again = index.work()
    assert again is not None
    index.set(width=4, second_width=2, share=0.5)
    index.search(queries, 5)
    first = index.work()
    index.search(queries, 5)
    assert first == index.work()
    alone = Routed("hnsw", "flat")
    alone.fit(base, "l2", seed=0, threads=1)
    alone.search(queries, 5)
    assert alone.work() is None


def test_it_is_measured_like_any_index(tmp_path: Path) -> None:
    """A run of it beside its parts: no query has fewer hits than with the first one alone."""
    dataset = vbench.load(vectors(0, 1_500), queries=vectors(1, 150), metric="ip", learn=50)
    run = vbench.run(
        dataset,
        [
            Recipe(adapter="hnswlib", search={"ef": 10}, build={"M": 4}, name="hnsw"),
            Recipe(
                adapter="routed",
                build={"first": "hnsw", "second": "hnsw-mips"},
                search={"width": 10, "share": [0.2, 1.0]},
            ),
        ],
        builds=1,
        repeats=1,
        out=tmp_path / "run",
    )
    part, all_ = (each for each in run.settings() if each.index == "routed")
    assert (all_.hits >= part.hits).all()
    assert part.recall < all_.recall
    assert run.facts(part.trials[0]).build.params["second"] == "hnsw-mips"


@pytest.mark.parametrize("name", ["routed", "no-such", "pgvector-hnsw"])
def test_parts_that_cannot_be_are_refused(name: str) -> None:
    """Itself, what nobody registered, and what is built in a server."""
    with pytest.raises(VbenchError):
        Routed("hnsw", name)


def test_a_part_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is built."""
    monkeypatch.setattr("vbench.indexes.library.installed_version", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"vbench-ann\[scann\]"):
        Routed("hnsw", "scann")


def test_a_score_needs_queries_to_learn_from() -> None:
    """A share between nothing and all says how to give some."""
    index = Routed("ivf-flat", "flat")
    index.fit(vectors(0, 300), "l2", seed=0, threads=1)
    with pytest.raises(VbenchError, match="--learn"):
        index.set(share=0.1)
    with pytest.raises(VbenchError, match="no width"):
        index.set(second_width=3)
