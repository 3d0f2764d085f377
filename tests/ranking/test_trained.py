"""Rankers that learn: features, training, what is kept, and what is refused."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from ranked_run import judged_dataset, ranked_run

from vbench.analysis.rank import rank
from vbench.analysis.ranking import read_ranking
from vbench.data.dataset import Dataset
from vbench.errors import DataError, VbenchError
from vbench.metric import distance
from vbench.ranking.features import Features, Past
from vbench.ranking.protocol import Material
from vbench.ranking.source import identity, source_of
from vbench.towers.interactions import Interactions, prepare
from vbench.towers.reading import read_interactions
from vbench.towers.recipe import KEPT, Recipe, Source

N, M = 300, 90


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training of a second; skipped where the optional packages are not installed."""
    if not all(importlib.util.find_spec(name) for name in ("jax", "optax")):
        pytest.skip("the towers extra is not installed")
    from vbench.towers.pipeline import start_jax

    # What is compiled here runs for a second only: not worth three seconds of optimizing it.
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
    start_jax()
    from vbench.ranking import training

    monkeypatch.setattr(training, "STEPS", (40, 40))
    monkeypatch.setattr(training, "BATCH", 64)
    monkeypatch.setattr(training, "_ROWS", 32)
    monkeypatch.setattr(training, "_WIDTH", 32)


def taste(queries: np.ndarray, base: np.ndarray) -> list[np.ndarray]:
    """What each user likes, the nearest first: near items of the user's own parity."""
    near = np.argsort(distance(queries[:, np.newaxis], base, "ip"), axis=1)[:, :60]
    return [row[row % 2 == user % 2] for user, row in enumerate(near)]


@pytest.fixture
def interactions(tmp_path: Path, dataset: Dataset) -> Path:
    """What 90 users took of what they like."""
    rng = np.random.default_rng(3)
    taken = [
        (f"u{user}", f"i{item}")
        for user, liked in enumerate(taste(dataset.queries, dataset.base))
        for item in liked[rng.random(len(liked)) < 0.6]
    ]
    path = tmp_path / "taken.csv"
    pl.DataFrame(taken, schema=["user", "item"], orient="row").write_csv(path)
    return path


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """The judged dataset, with the ids of its users and items; relevant is what a user likes."""
    plain = judged_dataset(tmp_path / "plain")
    pairs = [
        (user, item)
        for user, liked in enumerate(taste(plain.queries, plain.base))
        for item in liked[:6][np.arange(6) % 3 == user % 3]
    ]
    made = judged_dataset(
        tmp_path / "shop",
        queries=pl.DataFrame({"id": [f"u{row}" for row in range(M)], "kind": "user"}),
        items=pl.DataFrame(
            {"id": [f"i{row}" for row in range(N)], "popularity": np.arange(N) % 7 + 1}
        ),
        relevance=pl.DataFrame(pairs, schema=["query", "item"], orient="row"),
    )
    (tmp_path / "shop" / "recipe.toml").write_text("validation = 0.2\n")
    return made


@pytest.fixture
def known(dataset: Dataset, interactions: Path) -> Interactions:
    """Those interactions, read and divided."""
    return source_of(dataset, interactions).read()


def test_nobody_learns_from_what_is_judged(dataset: Dataset, known: Interactions) -> None:
    """No judged pair is in the past or among the pairs to learn from, and these two are apart."""
    past = Past.of(dataset, known)
    judged = set(zip(dataset.relevance["query"], dataset.relevance["item"], strict=True))
    before = set(zip(past.query.tolist(), past.item.tolist(), strict=True))
    later = set(zip(past.next_query.tolist(), past.next_item.tolist(), strict=True))
    assert before
    assert later
    assert not judged & (before | later)
    assert not before & later


def test_the_past_is_kept_whole(dataset: Dataset, known: Interactions, tmp_path: Path) -> None:
    """What is read back is what was kept, tokens included."""
    past = Past.of(dataset, known)
    past = dataclasses.replace(past, tokens={"maker": np.arange(N)[:, np.newaxis] % 3})
    past.save(tmp_path / "past.npz")
    again = Past.load(tmp_path / "past.npz")
    for name, values in vars(past).items():
        if name != "tokens":
            np.testing.assert_array_equal(values, vars(again)[name])
    np.testing.assert_array_equal(past.tokens["maker"], again.tokens["maker"])


def test_features_say_what_they_are_named_for(dataset: Dataset, known: Interactions) -> None:
    """Similarity, popularity, what was taken before, and how often its maker was."""
    maker = (np.arange(N)[:, np.newaxis] % 2) + 1
    maker[::10] = 0
    past = dataclasses.replace(Past.of(dataset, known), tokens={"maker": maker})
    exposed = np.tile(np.arange(20), (M, 1))
    features = Features(dataset, past, exposed)
    queries, items = past.query[:50], past.item[:50]
    rows = features.of(queries, items)
    assert features.groups["item.maker"] == [7, 8, 9]
    np.testing.assert_allclose(
        rows[:, 1], -distance(dataset.queries[queries], dataset.base[items], "ip"), rtol=1e-5
    )
    np.testing.assert_allclose(rows[:, 2], np.log1p(past.popularity[items]), rtol=1e-6)
    assert rows[:, 5].all()
    assert not features.of(np.array([0]), np.array([past.next_item[0]]))[0, 5]
    for row, (query, item) in enumerate(zip(queries, items, strict=True)):
        own = maker[past.item[past.query == query], 0]
        expected = (own == maker[item, 0]).sum() if maker[item, 0] else 0
        assert rows[row, 7] == pytest.approx(np.log1p(expected), rel=1e-5)
        assert rows[row, 9] == (maker[item, 0] == 0)


def test_a_user_without_a_past_and_an_item_without_features_have_numbers(
    dataset: Dataset, known: Interactions
) -> None:
    """Nothing is NaN for them."""
    past = Past.of(dataset, known)
    kept = past.query != 5
    past = dataclasses.replace(
        past,
        query=past.query[kept],
        item=past.item[kept],
        tokens={"maker": np.zeros((N, 1), dtype=np.int64)},
    )
    features = Features(dataset, past, np.tile(np.arange(20), (M, 1)))
    assert np.isfinite(features.of(np.array([5, 5]), np.array([0, 299]))).all()


def test_interactions_of_others_are_refused(
    dataset: Dataset, known: Interactions, tmp_path: Path
) -> None:
    """No ids, no common id, too few pairs, no file: each says so."""
    bare = dataclasses.replace(dataset, segments=pl.DataFrame({"activity": ["x"] * M}))
    with pytest.raises(DataError, match="the queries of shop have no column 'id'"):
        Past.of(bare, known)
    strangers = dataclasses.replace(
        dataset, items=pl.DataFrame({"id": [f"x{row}" for row in range(N)]})
    )
    with pytest.raises(DataError, match=r"no id of the items of shop .* \(such as 'x0' against"):
        Past.of(strangers, known)
    few = dataclasses.replace(dataset, segments=dataset.segments.with_columns(
        kind=pl.Series(["user", *["item"] * (M - 1)])
    ))  # fmt: skip
    with pytest.raises(DataError, match="a trained ranker needs 50"):
        Past.of(few, known)
    with pytest.raises(DataError, match="no such file of interactions"):
        source_of(dataset, tmp_path / "none.csv")
    with pytest.raises(VbenchError, match="give --interactions FILE"):
        source_of(dataset).read()


def test_a_trained_dataset_says_what_it_was_made_from(
    dataset: Dataset, interactions: Path, tmp_path: Path
) -> None:
    """Files, columns, recipe and seed are read from its folder, for its variants too."""
    odd = tmp_path / "odd.csv"
    pl.read_csv(interactions).rename({"user": "who", "item": "what"}).write_csv(odd)
    source = Source(
        name="shop",
        recipe=Recipe(validation=0.2),
        seed=7,
        interactions=str(odd),
        columns={"user": "who", "item": "what"},
    )
    (tmp_path / "shop" / KEPT).write_bytes(msgspec.json.encode(source))
    known = source_of(dataset).read()
    wanted = prepare(read_interactions(interactions, {}), None, None, source.recipe, seed=7)
    np.testing.assert_array_equal(known.validation.item, wanted.validation.item)
    place = {"name_or_path": f"{tmp_path / 'shop'}:skew"}
    variant = dataclasses.replace(dataset, name="shop:skew", source=place)
    assert source_of(variant) == source
    before = identity(source)
    odd.write_text(odd.read_text() + "u1,i2\n")
    assert identity(source) != before
    (tmp_path / "shop" / KEPT).write_text("{")
    with pytest.raises(VbenchError, match=r"training.json cannot be read .* train"):
        source_of(dataset)


def test_trained_rankers_learn_and_keep_what_they_learned(
    dataset: Dataset, interactions: Path, tmp_path: Path, home: Path, small_steps: None
) -> None:
    """They beat popularity where taste is to be learned; the second call reads the first's."""
    run = ranked_run(tmp_path / "run", dataset, builds=1)
    name = "cross(width=8)"
    made = rank([run], [name], dataset=dataset, interactions=interactions)
    (ranker,) = made.rankers
    assert ranker.beats_popularity is True
    assert ranker.facts["parameters"] > 100
    assert [each.over for each in ranker.gains] == ["popularity"]
    kept = sorted(file.name for file in (home / "rankers").iterdir())
    assert [file.partition("-")[0] for file in kept] == ["cross", "past"]
    interactions.touch()
    stamp = (home / "rankers" / kept[0]).stat().st_mtime_ns
    again = rank([run], [name], dataset=dataset, interactions=interactions)
    assert len(list((home / "rankers").iterdir())) == 4
    assert (home / "rankers" / kept[0]).stat().st_mtime_ns == stamp
    assert again.rankers == made.rankers


def test_a_list_wise_stage_has_losses_of_its_own(
    dataset: Dataset,
    interactions: Path,
    tmp_path: Path,
    small_steps: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Behind each ranker, beside those without it; they are kept, and read again."""
    from vbench.ranking import glorank

    monkeypatch.setattr(glorank, "SUPERVISED", 5)
    monkeypatch.setattr(glorank, "REINFORCED", 2)
    run = ranked_run(tmp_path / "run", dataset, {"hnsw": {16: 0.4}}, builds=1)
    made = rank([run], ["tower"], dataset=dataset, interactions=interactions, rerank=True)
    (ranker,), (setting,) = made.rankers, made.settings
    behind, lost = ranker.reranked, setting.reranked
    assert behind is not None
    assert lost is not None
    assert behind.exact.value + behind.model_loss.value == pytest.approx(1)
    assert ranker.rerank_gain.value == pytest.approx(
        behind.exact.value - ranker.leading.exact.value
    )
    assert behind.exact.value - lost.value.value == pytest.approx(lost.index_loss.value)
    assert read_ranking(run.path) == made


def test_material_names_what_was_learned_from(dataset: Dataset, known: Interactions) -> None:
    """Another source or seed is another model; the same is the same."""
    from vbench.ranking.learned import name_material

    def digest(source: str, seed: int) -> str:
        exposed = np.zeros((M, 5), dtype=np.int64)
        return name_material(Material(dataset, exposed, lambda: known, source, seed), seed)

    assert digest("a", 0) == digest("a", 0)
    assert len({digest("a", 0), digest("b", 0), digest("a", 1)}) == 3
