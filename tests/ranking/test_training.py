"""Training: what each network learns, what is learned beside labels, and going on after a kill."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ranked_run import M, N, judged_dataset

from vbench.data.dataset import Dataset
from vbench.errors import DataError, UnknownNameError
from vbench.ranking.encoder import HAD_AT_MOST, Encoder
from vbench.ranking.features import Past

NETWORKS = ("cross", "mixer", "zenith", "unimixer", "hyformer", "msn")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training of a second; skipped where the optional packages are not installed."""
    if not all(importlib.util.find_spec(name) for name in ("jax", "optax")):
        pytest.skip("the towers extra is not installed")
    from vbench.towers.pipeline import start_jax

    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
    start_jax()
    from vbench.ranking import training

    monkeypatch.setattr(training, "STEPS", (30, 30))
    monkeypatch.setattr(training, "RATE", 0.02)
    monkeypatch.setattr(training, "BATCH", 64)
    monkeypatch.setattr(training, "_ROWS", 64)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """300 items and 90 users, whose vectors say nothing of what they take."""
    return judged_dataset(tmp_path_factory.mktemp("made") / "shop")


@pytest.fixture(scope="module")
def past() -> Past:
    """Each user takes what one of three makers makes; whose, the vectors do not tell."""
    rng = np.random.default_rng(4)
    maker = np.arange(N) % 3
    own = [rng.permutation(np.flatnonzero(maker == user % 3))[:24] for user in range(M)]
    had, taken = (np.concatenate([np.sort(each[part]) for each in own]) for part in PARTS)
    return Past(
        np.repeat(np.arange(M), 16),
        had,
        (had % 5 + 1).astype(np.float32),
        np.repeat(np.arange(M), 8),
        taken,
        np.bincount(had, minlength=N).astype(float),
        {"maker": maker[:, np.newaxis] + 1},
    )


PARTS = (slice(16), slice(16, 24))


@pytest.fixture(scope="module")
def exposed(data: Dataset) -> np.ndarray:
    """The 40 exact candidates of each."""
    return np.argsort(-(data.queries @ data.base.T), axis=1)[:, :40]


def learner(data: Dataset, past: Past, exposed: np.ndarray, name: str, seed: int = 0) -> Any:
    """A small network over them."""
    from vbench.ranking import training
    from vbench.ranking.networks.base import Size
    from vbench.ranking.networks.catalog import NETWORKS

    sample = training.sample_pairs(past, exposed, N, seed)
    encoder = Encoder.of(data, past, exposed, sample)
    network = NETWORKS[name](encoder.shape, Size(8, 1))
    return training.Learner(network, encoder, exposed, N, seed)


def auc(score: np.ndarray, wanted: np.ndarray) -> float:
    """Share of the pairs of one row that are in the right order."""
    right = [
        (row[is_wanted][:, np.newaxis] > row[~is_wanted]).mean()
        for row, is_wanted in zip(score, wanted, strict=True)
    ]
    return float(np.mean(right))


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_learns_what_the_towers_cannot_tell(
    name: str, data: Dataset, past: Past, exposed: np.ndarray
) -> None:
    """Who takes what is planted in an item's maker and the user's past, not in the vectors."""
    from vbench.ranking import training

    made = learner(data, past, exposed, name)
    weights = training.fit(made)
    users = np.arange(M)
    rng = np.random.default_rng(0)
    items = np.stack([rng.permutation(N)[:60] for _ in users])
    wanted = items % 3 == users[:, np.newaxis] % 3
    similarity = np.take_along_axis(data.queries @ data.base.T, items, axis=1)
    assert auc(similarity, wanted) < 0.6
    assert auc(made.scorer(weights)(users, items), wanted) > 0.8


def test_a_killed_training_goes_on_to_the_same_bytes(
    data: Dataset, past: Past, exposed: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it learned until then is read, and nothing of it is left; another seed is another."""
    import jax

    from vbench.ranking import training

    monkeypatch.setattr(training, "SECONDS_BETWEEN", 0.0)
    made = learner(data, past, exposed, "cross")
    drawn: list[int] = []

    def draw(self: Any, step: int, own: Any = training.Learner.draw) -> Any:
        drawn.append(step)
        if len(drawn) == 12:
            raise KeyboardInterrupt
        return own(self, step)

    whole = jax.tree.leaves(training.fit(made))
    unfinished = tmp_path / "cross.part"
    with monkeypatch.context() as patch:
        patch.setattr(training.Learner, "draw", draw)
        with pytest.raises(KeyboardInterrupt):
            training.fit(made, unfinished=unfinished)
        assert unfinished.is_file()
        again = jax.tree.leaves(training.fit(made, unfinished=unfinished))
    assert drawn == [*range(12), *range(11, 30)]
    assert not unfinished.exists()
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_array_equal(one, other)
    other = jax.tree.leaves(training.fit(learner(data, past, exposed, "cross", seed=1)))
    assert any(not np.array_equal(*each) for each in zip(whole, other, strict=True))


def test_a_training_takes_so_many_steps_at_most(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much was taken: so a ranker takes no longer on more data."""
    from vbench.ranking import training

    monkeypatch.setattr(training, "STEPS", (100, 400))
    monkeypatch.setattr(training, "BATCH", 256)
    taken = [np.broadcast_to(np.int64(0), pairs) for pairs in (50, 6_400, 10**8)]
    steps = [training.count_steps(dataclasses.replace(past, next_query=each)) for each in taken]
    assert steps == [100, 25 * training.EPOCHS, 400]


def test_a_damaged_unfinished_training_begins_again(tmp_path: Path) -> None:
    """Whatever is in the file."""
    from vbench.ranking import training

    path = tmp_path / "x.part"
    path.write_bytes(b"PK\x03\x04 nothing")
    assert training._restore(path, {"w": np.zeros(3)})[0] == 0
    training._keep(path, 7, {"w": np.zeros(4)})
    assert training._restore(path, {"w": np.zeros(3)})[0] == 0
    assert training._restore(path, {"w": np.zeros(4)})[0] == 7


def test_a_student_comes_nearer_to_its_teacher(
    data: Dataset, past: Past, exposed: np.ndarray
) -> None:
    """The same student with a teacher has scores that are nearer to the teacher's."""
    from vbench.ranking import training
    from vbench.ranking.distillation import Teacher, shares

    teacher = learner(data, past, exposed, "mixer")
    weights = training.fit(teacher)
    student = learner(data, past, exposed, "cross")
    aim = Teacher(teacher, weights)
    drawn = student.draw(0)
    inputs = student.encoder.inputs(drawn.queries, drawn.items, reads_past=False)
    wanted = aim.prepare(drawn, inputs, 0)
    np.testing.assert_allclose(wanted.sum(axis=1), 1.0, rtol=1e-5)

    def apart(learned: Any) -> float:
        own = np.asarray(student.network.score(learned, inputs))
        said = shares(own, drawn, 0.0)
        return float(-(wanted * np.log(said)).sum(axis=1).mean())

    assert apart(training.fit(student, [aim])) < apart(training.fit(student))


def test_a_teacher_gives_exposed_items_the_share_that_is_taken(
    data: Dataset, past: Past, exposed: np.ndarray
) -> None:
    """Whatever its scores are."""
    from vbench.ranking.distillation import _BATCHES, Teacher, shares

    made = learner(data, past, exposed, "cross")
    weights = made.network.draw(0)
    weights["out"] = weights["out"] + 0.3
    bias = Teacher(made, weights).bias
    given, taken = [], []
    for step in range(_BATCHES):
        drawn = made.draw(step)
        inputs = made.encoder.inputs(drawn.queries, drawn.items, reads_past=False)
        own = np.asarray(made.network.score(weights, inputs))
        given.append((shares(own, drawn, bias) * drawn.exposed).sum(axis=1).mean())
        taken.append(drawn.exposed[:, 0].mean())
    assert np.mean(given) == pytest.approx(np.mean(taken), abs=1e-3)


def test_percentiles_count_what_is_below() -> None:
    """Ties count half; a comparison without a rating is what the model says of it."""
    from vbench.ranking.percentiles import percentiles

    nan = float("nan")
    rating = np.array([[5, 3, 5, 7, 1], [5, nan, 1, nan, 9], [nan, 1, 2, 3, 4]], dtype=np.float32)
    said = np.full((3, 4), 0.25, dtype=np.float32)
    np.testing.assert_allclose(percentiles(rating, said), [0.625, 0.375, 0.25])


def test_percentiles_are_of_one_users_own_items(
    data: Dataset, past: Past, exposed: np.ndarray
) -> None:
    """No item is compared with itself, and what is compared was had by the same user."""
    from vbench.ranking.percentiles import Percentiles

    made = learner(data, past, exposed, "cross")
    aim = Percentiles(made, 1.0)
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    class Watched(type(made.encoder)):  # type: ignore[misc]
        def inputs(self, queries: np.ndarray, items: np.ndarray, **how: Any) -> Any:
            seen.append((queries, items))
            return super().inputs(queries, items, **how)

    watched = made._replace(encoder=Watched(**vars(made.encoder)))
    aim._learner = watched
    rating = aim.prepare(made.draw(0), None, 0).rating
    ((users, items),) = seen
    had = set(zip(past.query.tolist(), past.item.tolist(), strict=True))
    assert all((user, item) in had for user, row in zip(users, items, strict=True) for item in row)
    assert (items[:, 1:] != items[:, :1]).all()
    np.testing.assert_array_equal(rating, items % 5 + 1)


def test_percentiles_order_a_users_own_items_by_rating(
    data: Dataset, past: Past, exposed: np.ndarray
) -> None:
    """A ranker that learns them puts what a user rated higher before the rest."""
    from vbench.ranking import training
    from vbench.ranking.percentiles import Percentiles

    high = past.rating >= 4
    told = {"maker": past.tokens["maker"], "liked": (np.arange(N) % 5 >= 3)[:, np.newaxis] + 1}
    plain = Past(**{**vars(past), "tokens": told})
    users = np.arange(M)
    had = past.item.reshape(M, -1)
    found = []
    for weight in (None, 5.0):
        made = learner(data, plain, exposed, "cross")
        weights = training.fit(made, [] if weight is None else [Percentiles(made, weight)])
        found.append(auc(made.scorer(weights)(users, had), high.reshape(M, -1)))
    assert found[1] > found[0] + 0.1


@pytest.mark.parametrize("low", [-2.0, 0.0, 1.0])
def test_ratings_of_any_scale_weigh(
    data: Dataset, past: Past, exposed: np.ndarray, low: float
) -> None:
    """Also one from −2 to 2; what is infinite counts as unknown."""
    from vbench.ranking.percentiles import Percentiles

    rating = past.item % 5 + np.float32(low)
    rating[::7] = np.inf
    made = learner(data, Past(**{**vars(past), "rating": rating}), exposed, "cross")
    aim = Percentiles(made, 1.0)
    drawn = aim.prepare(made.draw(0), None, 0)
    assert not np.isinf(drawn.rating).any()
    loss = float(aim.loss(made.network, made.network.draw(0), None, drawn))
    assert 0 < loss < 10


def test_what_users_had_is_read_from_popular_to_rare(data: Dataset, past: Past) -> None:
    """At most so many, evenly spaced; fewer are padded."""
    rows = np.arange(200)
    many = Past(**{**vars(past), "query": np.zeros(200, dtype=np.int64), "item": rows})
    popular = Past(**{**vars(many), "popularity": np.arange(N, 0.0, -1)})
    from vbench.ranking.encoder import _had

    had = _had(popular, M)
    assert had.shape == (M, HAD_AT_MOST)
    np.testing.assert_array_equal(had[0], np.arange(0, 200, 4))
    assert (had[1:] == -1).all()


def test_what_cannot_be_learned_from_is_refused(
    data: Dataset, past: Past, exposed: np.ndarray
) -> None:
    """One class only, numbers that are none, no ratings, a segment column that is not there."""
    from vbench.ranking import training
    from vbench.ranking.percentiles import Percentiles

    alone = Past(**{**vars(past), "next_item": np.zeros_like(past.next_item)})
    with pytest.raises(DataError, match="there is one class only"):
        training.sample_pairs(alone, np.zeros((M, 1), dtype=np.int64), 1, 0)
    sample = training.sample_pairs(past, exposed, N, 0)
    odd = Past(**{**vars(past), "popularity": np.full(N, np.nan)})
    with pytest.raises(DataError, match=r"the feature 'item' of shop is NaN or infinite"):
        Encoder.of(data, odd, exposed, sample)
    with pytest.raises(UnknownNameError, match=r"nobody.*activity"):
        Encoder.of(data, past, exposed, sample, "nobody")
    unrated = Past(**{**vars(past), "rating": np.full(len(past.item), np.nan)})
    with pytest.raises(DataError, match=r"pearl needs ratings, and only 0 of the 1,440"):
        Percentiles(learner(data, unrated, exposed, "cross"), 1.0)
    same = Past(**{**vars(past), "rating": np.zeros(len(past.item))})
    with pytest.raises(DataError, match=r"all 1,440 are 0: there is one class only"):
        Percentiles(learner(data, same, exposed, "cross"), 1.0)
